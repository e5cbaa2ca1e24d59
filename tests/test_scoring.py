import itertools
import math
import threading
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import BrightnessEngine, brightness_model, grey_png, photo, png_bomb
from image_files import dng, saved
from PIL import Image

from biqa_cli.errors import UsageError
from biqa_cli.images.reading import Photo
from biqa_cli.images.transforms import resized
from biqa_cli.known import Looking
from biqa_cli.models.base import Predictions
from biqa_cli.models.spec import Calibration, Crops
from biqa_cli.scoring import default_batch_size, score_and_look, score_files, score_photo
from biqa_cli.sources.entry import FileOrImage
from biqa_cli.threads import Arriving


@pytest.fixture
def greys(tmp_path: Path) -> list[str]:
    return [grey_png(tmp_path / f"{value:03}.png", value) for value in range(0, 255, 12)]


def test_scores_come_in_the_order_of_the_paths(greys: list[str]) -> None:
    results = list(score_files(greys, brightness_model(), batch_size=4, workers=3))
    assert [result.path for result in results] == greys
    assert [result.score for result in results] == pytest.approx(
        [100 * value / 255 for value in range(0, 255, 12)], abs=1e-3
    )
    assert (results[0].width, results[0].height, results[0].status) == (8, 8, "ok")


def test_a_thin_border_of_one_colour_does_not_change_the_score(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(100, 256, (60, 80, 3), dtype=np.uint8)
    photo = Image.fromarray(pixels)
    bordered = Image.new("RGB", (86, 66), "black")
    bordered.paste(photo, (3, 3))
    bordered.save(tmp_path / "bordered.png")
    photo.crop((1, 1, 79, 59)).save(tmp_path / "photo.png")
    paths = [str(tmp_path / name) for name in ("bordered.png", "photo.png")]
    one, other = score_files(paths, brightness_model())
    assert one.score == other.score
    # What the report says of the file is what the file has.
    assert (one.width, one.height) == (86, 66)


@pytest.mark.parametrize("batch_size", [1, 3, 7, 100])
@pytest.mark.parametrize("workers", [1, 4])
def test_the_score_depends_on_neither_batch_nor_workers(
    greys: list[str], batch_size: int, workers: int
) -> None:
    alone = [r for path in greys for r in score_files([path], brightness_model(), workers=1)]
    results = score_files(greys, brightness_model(), batch_size=batch_size, workers=workers)
    assert list(results) == alone


def test_bad_files_are_rows_and_the_good_ones_are_scored(tmp_path: Path) -> None:
    good = grey_png(tmp_path / "good.png", 255)
    (tmp_path / "empty.jpg").write_bytes(b"")
    png_bomb(tmp_path / "bomb.png", 20_000)
    paths = [str(tmp_path / name) for name in ("empty.jpg", "bomb.png", "gone.png")] + [good]
    results = list(score_files(paths, brightness_model(), batch_size=4))
    assert [result.status for result in results] == ["error", "error", "error", "ok"]
    assert [result.error for result in results] == [
        "the file is empty",
        "20000×20000 is 400 megapixels, over the limit of 200: raise it with --max-megapixels",
        "no such file",
        "",
    ]
    assert results[3].score == 100
    assert results[0].score is results[0].native_score is results[0].width is None


def test_a_calibrated_model_says_what_people_would_and_how_sure_that_is(tmp_path: Path) -> None:
    model = brightness_model()
    calibration = Calibration((100, 0, 50, 10), places=(50.0,), widths=(12.5,), photos=100)
    spec = replace(model.spec, scale=replace(model.spec.scale, calibration=calibration))
    calibrated = replace(model, spec=spec)
    paths = [grey_png(tmp_path / "grey.png", 153), str(tmp_path / "gone.png")]
    grey, gone = score_files(paths, calibrated)
    assert grey.native_score == pytest.approx(0.6)
    assert grey.score == pytest.approx(100 / (1 + math.exp(-1)), abs=1e-3)
    assert grey.score is not None
    assert (grey.low, grey.high) == pytest.approx((grey.score - 12.5, grey.score + 12.5), abs=0.01)
    assert gone.low is gone.high is None
    (plain,) = score_files(paths[:1], model)
    assert (plain.score, plain.low, plain.high) == (pytest.approx(60), None, None)


def test_a_score_that_is_no_number_is_an_error(tmp_path: Path) -> None:
    class Broken(BrightnessEngine):
        def predict(self, views: np.ndarray) -> Predictions:
            return Predictions(np.full(len(views), np.nan))

    model = brightness_model()
    object.__setattr__(model, "engine", Broken())
    (result,) = score_files([grey_png(tmp_path / "a.png", 1)], model)
    assert (result.status, result.score) == ("error", None)
    assert "no finite score" in result.error


def test_reading_stays_only_a_little_ahead(greys: list[str]) -> None:
    taken = itertools.count()
    last = 0

    def watched() -> object:
        nonlocal last
        for path in greys:
            last = next(taken)
            yield path

    results = score_files(watched(), brightness_model(), batch_size=2, workers=2)  # type: ignore[arg-type]
    next(results)
    assert last <= 2 + 2 + 2
    results.close()  # type: ignore[attr-defined]
    assert not [t for t in threading.enumerate() if t.name.startswith("biqa-read")]


def test_many_photos_are_never_in_memory_at_once(tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    photo(256, 256).save(path)
    view_bytes = 4 * 3 * 256 * 256
    model = brightness_model(height=256, width=256)
    results = score_files(itertools.repeat(str(path), 120), model, batch_size=4, workers=2)
    tracemalloc.start()
    assert sum(result.status == "ok" for result in results) == 120
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # Read ahead, in the batch, stacked for the model, and working copies; 120 would be 94 MB.
    assert peak < 24 * view_bytes


def test_a_decoded_image_is_scored_like_its_file(tmp_path: Path) -> None:
    image = photo()
    image.save(tmp_path / "a.png")
    (from_file,) = score_files([str(tmp_path / "a.png")], brightness_model())
    assert score_photo(image, brightness_model()).score == from_file.score
    assert score_photo(Image.new("F", (4, 4)), brightness_model()).status == "error"


def test_a_view_of_crops_scores_the_mean_of_a_fixed_grid_whatever_the_batch() -> None:
    model = brightness_model()
    contract = replace(model.spec.input, height=16, width=16, crops=Crops(size=10, stride=6))
    cropped = replace(model, spec=replace(model.spec, input=contract))
    pixels = np.zeros((16, 16, 3), np.uint8)
    pixels[:8] = 255
    # Crops start at rows 0 and 6: eight and two of their ten rows are white.
    result = score_photo(Image.fromarray(pixels), cropped)
    assert result.native_score == pytest.approx((0.8 + 0.2) / 2, abs=1e-6)
    assert isinstance(cropped.engine, BrightnessEngine)
    assert cropped.engine.batches == [4]


def test_a_photo_on_which_the_model_fails_does_not_take_its_batch_along(greys: list[str]) -> None:
    class Fails(BrightnessEngine):
        def predict(self, views: np.ndarray) -> Predictions:
            if (views == 1).any():
                raise RuntimeError("made by\na test")
            return super().predict(views)

    white = grey_png(Path(greys[0]).parent / "white.png", 255)
    model = replace(brightness_model(), engine=Fails())
    results = list(score_files([*greys[:5], white, *greys[5:]], model, batch_size=8))
    assert [r.path for r in results if r.status == "error"] == [white]
    reason = "biqa failed on it (RuntimeError: made by a test): please report it"
    assert results[5].error == reason and results[5].score is None
    alone = list(score_files(greys, brightness_model(), batch_size=1))
    assert [r for r in results if r.path != white] == alone


def test_what_has_come_is_scored_before_what_has_not(greys: list[str]) -> None:
    come, wait = iter(greys[:3]), threading.Event()

    def slow() -> Iterator[str]:
        yield from come
        assert wait.wait(10), "its reader waits for a name that has not come"
        yield greys[3]

    results = score_files(Arriving(slow()), brightness_model(), batch_size=16, workers=4)
    assert [next(results).path for _ in range(3)] == greys[:3]
    wait.set()
    assert [result.path for result in results] == [greys[3]]


def test_what_arrives_brings_its_error_along() -> None:
    def broken() -> Iterator[str]:
        yield "gone.png"
        raise UsageError("made by a test")

    arriving = Arriving(broken())
    assert arriving
    assert next(arriving) == "gone.png"
    for _ in range(2):
        with pytest.raises(UsageError, match="made by a test"):
            next(arriving)
    assert not Arriving([])


@pytest.mark.parametrize(
    "name", ["a" * 300 + ".jpg", "a/" * 2500, "a\0b.jpg", "data:image/png;base64,iVBO", ".", "loop"]
)
def test_a_name_that_no_file_has_is_one_row(tmp_path: Path, name: str) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    name = str(tmp_path / name) if name in ("loop", ".") else name
    good = grey_png(tmp_path / "good.png", 51)
    results = list(score_files([name, good], brightness_model()))
    assert [(r.path, r.score) for r in results] == [(name, None), (good, 20)]
    assert results[0].error and "\n" not in results[0].error


def test_a_cpu_takes_one_photo_at_a_time_and_a_gpu_sixteen(greys: list[str]) -> None:
    model = brightness_model()
    assert isinstance(model.engine, BrightnessEngine)
    assert default_batch_size(model) == 1
    list(score_files(greys[:3], model))
    assert model.engine.batches == [1, 1, 1]
    model.engine.device = "cuda"
    assert default_batch_size(model) == 16


def test_scores_have_four_decimals_and_their_intervals_two(tmp_path: Path) -> None:
    model = brightness_model()
    calibration = Calibration((100, 0, 50, 10), places=(50.0,), widths=(100 / 9,), photos=100)
    spec = replace(model.spec, scale=replace(model.spec.scale, calibration=calibration))
    (grey,) = score_files([grey_png(tmp_path / "grey.png", 140)], replace(model, spec=spec))
    share = 100 * 140 / 255
    expected = 100 / (1 + math.exp(-(share - 50) / 10))
    assert grey.score == round(expected, 4)
    assert (grey.low, grey.high) == (round(expected - 100 / 9, 2), round(expected + 100 / 9, 2))
    assert grey.native_score == round(140 / 255, 6)


@pytest.mark.parametrize(("side", "reduced"), [(64, 32), (60, 60), (32, 32), (128, 32)])
def test_a_jpeg_is_decoded_at_no_less_than_twice_the_view(
    tmp_path: Path, side: int, reduced: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[tuple[int, int]] = []

    def watched(image: Image.Image, **options: Any) -> Any:
        decoded.append(image.size)
        return resized(image, **options)

    monkeypatch.setattr("biqa_cli.models.views.resized", watched)
    photo(side, side).save(tmp_path / "a.jpg")
    (result,) = score_files([str(tmp_path / "a.jpg")], brightness_model(height=16, width=16))
    assert decoded == [(reduced, reduced)]
    assert (result.width, result.height) == (side, side)


def test_the_note_on_a_photo_is_in_its_result(tmp_path: Path) -> None:
    pytest.importorskip("rawpy")
    preview = saved(photo(300, 250), "JPEG", quality=95)
    (tmp_path / "camera.nef").write_bytes(dng(np.zeros((240, 360), np.uint16), preview=preview))
    grey = grey_png(tmp_path / "grey.png", 51)
    raw, plain = score_files([str(tmp_path / "camera.nef"), grey], brightness_model())
    assert (raw.status, raw.note) == ("ok", "preview 300×250 of the camera's raw file")
    assert plain.note == ""


def test_what_is_seen_comes_with_its_result_from_one_decoding(
    greys: list[str], tmp_path: Path
) -> None:
    damaged = tmp_path / "damaged.png"
    damaged.write_bytes(b"no photo")
    looked_at: list[FileOrImage] = []

    def look(source: FileOrImage, decoded: Photo) -> int:
        looked_at.append(source)
        pixel = decoded.image.getpixel((0, 0))
        assert isinstance(pixel, tuple)
        return pixel[0]

    sources = [*greys[:3], str(damaged), *greys[3:]]
    looking = Looking(look, key="", pack=lambda seen: bytes([seen]), unpack=lambda data: data[0])
    pairs = list(score_and_look(sources, brightness_model(), look=looking, batch_size=4))
    assert [seen for _, seen in pairs] == [0, 12, 24, None, *range(36, 255, 12)]
    assert [result for result, _ in pairs] == list(score_files(sources, brightness_model()))
    assert sorted(map(str, looked_at)) == sorted(greys)


def test_a_fault_of_looking_costs_its_photo_alone(greys: list[str]) -> None:
    def look(source: FileOrImage, _: Photo) -> None:
        if source == greys[1]:
            raise ZeroDivisionError

    looking = Looking(look, key="", pack=lambda _: b"", unpack=lambda _: None)
    results = [result for result, _ in score_and_look(greys[:3], brightness_model(), look=looking)]
    assert [result.status for result in results] == ["ok", "error", "ok"]
