from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import EXAMPLES, BrightnessEngine, brightness_model, photo
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter

from biqa_cli import score_map as score_map_of
from biqa_cli.blocks.grid import covering_grid
from biqa_cli.errors import ImageError, UsageError
from biqa_cli.explain.block_scores import block_scores, choose_grid, native_view
from biqa_cli.explain.local_blocks import BlockChoice
from biqa_cli.explain.local_scores import local_scores, map_file, map_image, map_size
from biqa_cli.explain.records import ScoreMap
from biqa_cli.models.base import Predictions
from biqa_cli.models.loading import LoadedModel, load_model
from biqa_cli.models.spec import InputContract
from biqa_cli.scoring import score_files

LARGE_VIEW = InputContract(512, 512, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))


def _spot(width: int, height: int, box: tuple[int, int, int, int]) -> Image.Image:
    image = Image.new("RGB", (width, height))
    image.paste((255, 255, 255), box)
    return image


def _map(image: Image.Image, **choice: int) -> ScoreMap:
    return map_image(image, brightness_model(), choice=BlockChoice(**choice))


def test_the_map_lies_on_the_photo_pixel_by_pixel() -> None:
    found = _map(_spot(50, 40, (20, 10, 30, 20)), size=10, stride=10)
    expected = np.zeros((40, 50))
    expected[10:20, 20:30] = 100
    assert found.values.dtype == np.float32
    # At the middles of blocks the map has their scores.
    middles = (found.values[5::10, 5::10] + found.values[4::10, 4::10]) / 2
    assert np.allclose(middles, expected[5::10, 5::10], atol=11)
    assert [block for block in found.blocks if block.score > 99] == [found.blocks[7]]
    assert (found.blocks[7].x, found.blocks[7].y) == (20, 10)


def test_a_large_photo_has_a_reduced_map_of_the_same_mean() -> None:
    image = _spot(4096, 60, (0, 0, 1024, 60))
    found = _map(image, size=16, stride=16)
    assert (found.width, found.height) == (4096, 60)
    assert found.values.shape == (30, 2048) == found.picture.size[::-1]
    assert found.values[:, :508].min() == pytest.approx(100, abs=1e-4)
    assert found.values[:, 516:].max() == pytest.approx(0, abs=1e-4)
    assert found.mean == pytest.approx(25, abs=0.1)


@settings(max_examples=40)
@given(st.integers(1, 90), st.integers(1, 90), st.integers(8, 30), st.integers(0, 3))
def test_photos_of_any_shape_are_covered(h: int, w: int, size: int, seed: int) -> None:
    pixels = np.random.default_rng(seed).integers(0, 256, (h, w, 3), dtype=np.uint8)
    found = _map(Image.fromarray(pixels), size=size)
    assert found.values.shape == (h, w)
    assert np.isfinite(found.values).all()
    grid = covering_grid(h, w, size=size, stride=size // 2)
    assert [(b.y, b.x, b.height, b.width) for b in found.blocks] == list(grid)
    assert min(b.score for b in found.blocks) - 1e-4 <= found.values.min()


@pytest.mark.parametrize("size", [(1, 1), (1, 700), (700, 1), (3000, 20), (20, 3000)])
def test_pixels_strips_and_panoramas_have_maps(size: tuple[int, int]) -> None:
    found = _map(Image.new("RGB", size, (51, 51, 51)))
    assert found.values.min() == pytest.approx(20, abs=1e-3)
    assert found.values.max() == pytest.approx(20, abs=1e-3)
    assert found.worst == ()


@pytest.mark.parametrize("batch_size", [1, 3, 1000])
def test_the_scores_do_not_depend_on_the_batch(batch_size: int) -> None:
    alone = block_scores(photo(), brightness_model(), batch_size=1)
    together = block_scores(photo(), brightness_model(), batch_size=batch_size)
    assert np.allclose(together.natives, alone.natives, atol=1e-6)


def test_blocks_run_in_batches_of_the_size_that_is_asked_for() -> None:
    model = brightness_model()
    choice = BlockChoice(size=8, stride=8)
    assert len(block_scores(photo(56, 8), model, choice=choice, batch_size=3).blocks) == 7
    assert isinstance(model.engine, BrightnessEngine)
    assert model.engine.batches == [3, 3, 1]


def test_a_turned_file_has_the_map_of_what_people_see(tmp_path: Path) -> None:
    upright = _spot(40, 60, (0, 0, 40, 20))
    exif = Image.Exif()
    exif[0x0112] = 6
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.png", exif=exif)
    found = map_file(
        str(tmp_path / "turned.png"), brightness_model(), choice=BlockChoice(size=20, stride=20)
    )
    assert (found.width, found.height) == (40, 60)
    assert found.values[:10].min() > 99 and found.values[30:].max() < 1
    assert found.picture.getpixel((0, 0)) == (255, 255, 255)


@pytest.mark.slow
def test_the_score_is_that_of_scoring_even_where_the_codec_reduces(tmp_path: Path) -> None:
    path = str(tmp_path / "large.jpg")
    photo(900, 700).save(path)
    (whole,) = score_files([path], brightness_model())
    assert map_file(path, brightness_model()).score == whole.score


def test_a_file_and_its_pixels_have_the_same_map(tmp_path: Path) -> None:
    photo().save(tmp_path / "a.png")
    from_file = map_file(str(tmp_path / "a.png"), brightness_model())
    assert np.array_equal(from_file.values, _map(photo()).values)
    assert (from_file.path, _map(photo()).path) == (str(tmp_path / "a.png"), "")


@pytest.mark.parametrize(
    ("height", "width", "size"),
    [
        (512, 768, 256),
        (768, 512, 256),
        (400, 500, 200),
        (3000, 4000, 512),
        (8700, 11500, 512),
        (150, 200, 128),
        (90, 2000, 128),
        (1, 1, 128),
    ],
)
def test_the_default_block_is_half_the_shorter_side_within_bounds(
    height: int, width: int, size: int
) -> None:
    grid = choose_grid(height, width, contract=LARGE_VIEW)
    assert (grid.height, grid.width) == (min(size, height), min(size, width))
    assert all(later - earlier <= size // 2 for earlier, later in pairwise(grid.xs))


@given(st.integers(20, 3000), st.integers(1, 20))
def test_rows_are_counted_along_the_shorter_side(side: int, rows: int) -> None:
    grid = choose_grid(side, 2 * side, contract=LARGE_VIEW, choice=BlockChoice(rows=rows))
    if side >= (rows + 1) ** 2:
        assert len(grid.ys) == rows
    assert 1 <= len(grid.ys) <= rows


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        (BlockChoice(rows=3, size=64), "by their number (grid) or by their size, not by both"),
        (BlockChoice(size=64, stride=65), "leave pixels uncovered"),
        (BlockChoice(size=8, stride=1), "blocks are too many (at most 50,000): use a larger"),
    ],
)
def test_blocks_that_do_not_fit_together_are_refused(choice: BlockChoice, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        choose_grid(2000, 3000, contract=LARGE_VIEW, choice=choice)
    assert message in str(caught.value)


def test_a_small_block_keeps_its_pixels_and_is_mirrored() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 5, 3), dtype=np.uint8)
    contract = InputContract(6, 15, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    view = native_view(Image.fromarray(pixels), contract).transpose(1, 2, 0) * 255
    assert np.allclose(view[:3, :5], pixels, atol=1e-3)
    assert np.allclose(view[3:, :5], pixels[::-1], atol=1e-3)
    assert np.allclose(view[:3, 5:10], pixels[:, ::-1], atol=1e-3)
    assert np.allclose(view[:3, 10:], pixels, atol=1e-3)


def test_a_large_block_is_shrunk_and_keeps_its_shape() -> None:
    block = _spot(60, 20, (0, 0, 30, 20))
    contract = InputContract(30, 30, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))
    view = native_view(block, contract)
    assert view.shape == (3, 30, 30)
    # 30 × 10 pixels three times, left half white.
    assert view[:, :, :13].min() > 0.9 and view[:, :, 17:].max() < 0.1


def test_the_map_of_a_photo_ends_at_2048() -> None:
    assert map_size(2048, 1000) == (2048, 1000)
    assert map_size(20_000, 1) == (2048, 1)
    assert map_size(1, 20_000) == (1, 2048)


def test_every_block_passes_the_watch() -> None:
    seen: list[Any] = []

    def watch(blocks: Any) -> Any:
        for block in blocks:
            seen.append(block)
            yield block

    choice = BlockChoice(size=16, stride=8)
    local_scores(photo(), brightness_model(), choice=choice, watch=watch)
    assert seen == list(covering_grid(48, 64, size=16, stride=8))


def test_what_cannot_be_read_or_scored_is_an_image_error(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="no such file"):
        map_file(str(tmp_path / "gone.png"), brightness_model())

    class Broken(BrightnessEngine):
        def predict(self, views: np.ndarray) -> Predictions:
            return Predictions(np.full(len(views), np.nan))

    model = brightness_model()
    object.__setattr__(model, "engine", Broken())
    with pytest.raises(ImageError, match="no finite score"):
        map_image(photo(), model)
    with pytest.raises(ImageError, match="no finite score for a block"):
        local_scores(photo(), model)


@pytest.fixture(scope="module")
def lite() -> LoadedModel:
    return load_model("blockiqa-lite", engine="onnx")


@pytest.mark.slow
def test_the_default_model_finds_the_blurred_corner(lite: LoadedModel) -> None:
    coffee = Image.open(EXAMPLES / "coffee.jpg")
    blurred = coffee.copy()
    corner = (300, 0, 600, 200)
    blurred.paste(coffee.crop(corner).filter(ImageFilter.GaussianBlur(3)), corner)
    found = map_image(blurred, lite, choice=BlockChoice(size=200, stride=200))
    assert (found.worst[0].x, found.worst[0].y) == (400, 0)
    assert found.worst[0].score < found.mean - 15


@pytest.mark.slow
def test_the_map_of_blocks_does_not_depend_on_the_engine(lite: LoadedModel) -> None:
    clock = Image.open(EXAMPLES / "clock.jpg")
    choice = BlockChoice(rows=1)
    alone = map_image(clock, lite, choice=choice)
    assert len(alone.blocks) == 2
    torch = load_model("blockiqa-lite", engine="torch", device="cpu")
    other = map_image(clock, torch, choice=choice)
    assert np.allclose(other.values, alone.values, atol=1e-3)


def test_files_images_and_arrays_have_the_same_map(tmp_path: Path) -> None:
    photo().save(tmp_path / "a.png")
    model = brightness_model()
    subjects = (tmp_path / "a.png", str(tmp_path / "a.png"), photo(), np.asarray(photo()))
    maps = [score_map_of(subject, model=model, rows=2) for subject in subjects]
    assert all(np.array_equal(found.values, maps[0].values) for found in maps)
    assert len(maps[0].blocks) == 2 * 3
