import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fakes import photo
from image_files import saved
from PIL import Image, ImageFile

from biqa_cli.errors import ImageError
from biqa_cli.images.budget import PHOTOS, ByteBudget
from biqa_cli.images.limits import Clock, Limits, TimedFile, check_size
from biqa_cli.images.pixels import storage
from biqa_cli.images.reading import read_photo, reading_photo


def test_all_readers_together_stay_within_the_memory() -> None:
    budget, seen = ByteBudget(), []

    def hold(amount: int) -> None:
        with budget.reserve(amount, total=100):
            seen.append(budget.used)
            time.sleep(0.001)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(hold, [30, 60, 90, 10] * 12))
    assert len(seen) == 48 and max(seen) <= 100
    assert budget.used == 0


def test_a_large_photo_is_not_overtaken_forever() -> None:
    budget, order = ByteBudget(), []

    def hold(amount: int) -> None:
        with budget.reserve(amount, total=100):
            order.append(amount)

    with budget.reserve(50, total=100):
        large = threading.Thread(target=hold, args=(90,))
        large.start()
        while not budget._waiting:  # noqa: SLF001  nothing public says who waits
            time.sleep(0.001)
        small = threading.Thread(target=hold, args=(20,))
        small.start()
        time.sleep(0.02)
        assert order == []
    large.join()
    small.join()
    assert order == [90, 20]


def test_an_error_tells_both_amounts_of_memory() -> None:
    reserve = ByteBudget().reserve(1_235_500_000, total=1_234_500_000)
    with pytest.raises(ImageError, match="it takes 1,236 MB, over the limit of 1,234 MB"), reserve:
        pass


def test_who_need_not_wait_is_granted_no_more_time() -> None:
    with ByteBudget().reserve(100, total=100) as waited:
        assert 0 <= waited < 60


def test_a_timed_file_is_read_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(70_000))
    with (tmp_path / "file").open("rb") as file:
        assert len(TimedFile(file, Clock(60)).read()) == 70_000


def test_memory_is_given_back_after_an_error() -> None:
    budget = ByteBudget()
    with pytest.raises(KeyError), budget.reserve(100, total=100):
        raise KeyError
    assert budget.used == 0


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "GIF", "BMP", "AVIF"])
def test_a_photo_that_alone_needs_more_than_all_is_not_decoded(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = saved(Image.new("RGB", (800, 600), "green"), kind)
    with monkeypatch.context() as patched:
        patched.setattr(ImageFile.ImageFile, "load", None)
        with pytest.raises(ImageError, match="takes [0-9]+ MB, over the limit of 1 MB .*--memory"):
            read_photo(content, limits=Limits(memory=1_000_000))
    assert read_photo(content, limits=Limits(memory=30_000_000)).width == 800
    assert PHOTOS.used == 0


def test_memory_is_held_as_long_as_the_photo_is() -> None:
    with reading_photo(saved(photo(800, 600), "PNG")):
        assert PHOTOS.used > 800 * 600 * 4
    assert PHOTOS.used == 0


def test_a_reduced_jpeg_needs_less() -> None:
    content = saved(photo(1600, 1200), "JPEG")
    limits = Limits(memory=14_000_000)
    with pytest.raises(ImageError, match="--memory"):
        read_photo(content, limits=limits)
    assert read_photo(content, at_least=(300, 400), limits=limits).image.size == (400, 300)


def test_a_photo_has_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in ("PNG", "JPEG", "TIFF", "WEBP", "AVIF", "GIF"):
        with pytest.raises(
            ImageError, match="took longer than 1e-09 s to decode: .*--seconds-per-photo"
        ):
            read_photo(saved(photo(), kind), limits=Limits(seconds=1e-9))
    clock = Clock(10)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + 11)
    with pytest.raises(ImageError, match="took longer than 10 s"):
        clock.check()
    clock.extend(5)
    clock.check()


def test_shapes_of_no_photo_are_refused() -> None:
    check_size(10_000, 100, max_pixels=10**8)
    for width, height in ((3_300_000, 8), (96, 65535), (1, 199_000_000), (10_001, 100)):
        with pytest.raises(ImageError, match="a side more than 100 times the other is no photo"):
            check_size(width, height, max_pixels=10**9)
    for width, height in ((0, 5), (5, 0)):
        with pytest.raises(ImageError, match=f"its header says {width}×{height} pixels"):
            check_size(width, height, max_pixels=10)


def test_a_photo_may_be_as_large_as_the_limit_and_a_pixel_high() -> None:
    check_size(100, 1, max_pixels=100)
    check_size(1, 100, max_pixels=100)
    with pytest.raises(ImageError, match="1200×1000 is 1 megapixels, over the limit of 1.2:"):
        check_size(1200, 1000, max_pixels=1_199_999)


def test_the_limit_of_the_host_process_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    for kind in ("PNG", "JPEG", "TIFF", "BMP"):
        assert read_photo(saved(photo(), kind)).width == 64
    assert Image.MAX_IMAGE_PIXELS == 100


def test_memory_is_set_aside_for_the_copy_of_a_turned_photo() -> None:
    # 1 megapixel: 4 MB for the photo, as much for a turned copy, 10 MB whatever the photo.
    limits = Limits(memory=16_000_000)
    upright, lying = Image.Exif(), Image.Exif()
    upright[0x0112], lying[0x0112] = 1, 6
    image = Image.new("RGB", (1000, 1000), "grey")
    assert read_photo(saved(image, "JPEG", exif=upright), limits=limits).width == 1000
    with pytest.raises(ImageError, match="over the limit of 16 MB for photos"):
        read_photo(saved(image, "JPEG", exif=lying), limits=limits)


@pytest.mark.parametrize("mode", ["1", "L", "P", "I;16", "I;16B", "I;16L", "I"])
def test_what_pillow_keeps_for_a_pixel_is_known(mode: str) -> None:
    assert storage(mode) == len(Image.new(mode, (1, 1)).tobytes())
