from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from biqa_cli.distortions import examples
from biqa_cli.distortions.changes import CHANGES
from biqa_cli.distortions.examples import (
    CLEAN_SHARE,
    Clean,
    Example,
    draw_examples,
)
from biqa_cli.distortions.flaws import FLAWS
from biqa_cli.distortions.strengths import flawed, share_at
from biqa_cli.images.decoding import Photo
from biqa_cli.images.transforms import ViewSize, resized, training_view
from biqa_cli.images.view_store import Pixels
from biqa_cli.models.spec import FullSize

RATED = [(Path(f"{n}.png"), n / 100) for n in range(100)]
CLEAN = [[Clean(Path("small.png"), 1000)] * 9, [Clean(Path("large.png"), 2_000_000)]]


def draws_of(seed: int) -> Callable[[int], np.random.Generator]:
    return lambda number: np.random.default_rng((seed, number))


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def test_examples_are_the_same_for_a_seed_and_the_first_ones_for_every_count() -> None:
    drawn = draw_examples(RATED, CLEAN, count=300, rng=draws_of(3), full_size=True)
    assert drawn[:50] == draw_examples(RATED, CLEAN, count=50, rng=draws_of(3), full_size=True)
    assert drawn != draw_examples(RATED, CLEAN, count=300, rng=draws_of(4), full_size=True)


def test_flaws_are_made_on_good_photos_and_changes_on_all() -> None:
    drawn = draw_examples(RATED, (), count=600, rng=draws_of(0), full_size=True)
    assert min(one.own for one in drawn if one.kind) >= 0.45
    assert min(one.own for one in drawn if one.change) < 0.2
    assert all(bool(one.kind) != bool(one.change) for one in drawn)
    assert {one.change for one in drawn} == {"", *CHANGES}


def test_so_many_examples_are_made_from_photos_without_flaws() -> None:
    for share, shown in ((0.0, 0.0), (0.45, 0.45), (1.0, 1.0)):
        drawn = draw_examples(
            RATED, CLEAN, count=600, rng=draws_of(0), full_size=True, clean_share=share
        )
        clean = [one for one in drawn if one.file.stem in ("small", "large")]
        assert len(clean) / len(drawn) == pytest.approx(shown, abs=0.04)


def test_large_photos_without_flaws_are_seen_whole_and_at_full_size() -> None:
    drawn = draw_examples(RATED, CLEAN, count=600, rng=draws_of(0), full_size=True)
    clean = [one for one in drawn if one.file.stem in ("small", "large")]
    counts = Counter((one.file.stem, one.is_full_size) for one in clean)
    assert counts.keys() == {("small", False), ("large", False), ("large", True)}
    assert 0.4 < counts["large", True] / (counts["large", True] + counts["large", False]) < 0.6
    # Folders come equally often, however many photos they have.
    assert 0.4 < counts["small", False] / len(clean) < 0.6
    assert {one.own for one in clean} == {CLEAN_SHARE}
    # Some have nothing done to them: what is without flaws must be learnt, too.
    assert any(not one.kind and not one.change for one in clean if one.is_full_size)
    assert not any(one.change for one in clean if one.is_full_size)


def test_large_photos_without_flaws_are_reduced_where_full_size_is_not_seen() -> None:
    drawn = draw_examples(RATED, CLEAN, count=300, rng=draws_of(0), full_size=False)
    assert any(one.file.stem == "large" for one in drawn)
    assert not any(one.is_full_size for one in drawn)


def test_an_example_is_worth_what_people_think_of_its_flaw() -> None:
    one = Example(Path("a.png"), 0.8, 1, kind="gaussian-blur", strength=3)
    assert one.kept == share_at("gaussian-blur", 3)
    assert one.share == pytest.approx(0.03 + one.kept * 0.77)
    assert one.flaws[FLAWS.index("blurred")] == pytest.approx(1 - one.kept)
    assert sum(one.flaws) == max(one.flaws)
    assert Example(Path("a.png"), 0.8, 1, change="mirrored").share == pytest.approx(0.8)
    assert sum(replace(one, kind="vignette").flaws) == 0


def test_a_view_has_the_flaw_of_the_photo_not_of_the_view(photo: Path) -> None:
    one = Example(photo, 0.8, 5, kind="gaussian-blur", strength=3)
    made = Image.fromarray(flawed(np.asarray(Image.open(photo)), "gaussian-blur", 3, seed=5))
    expected = made.resize((32, 24), Image.Resampling.BICUBIC)
    assert np.array_equal(one.view(ViewSize(24, 32)), np.asarray(expected))
    keeping = ViewSize(64, 64, keeps_aspect=True)
    assert np.array_equal(one.view(keeping), training_view(made, keeping))


@pytest.mark.parametrize("change", CHANGES)
def test_changes_leave_a_photo_of_the_same_size_for_the_network(change: str, photo: Path) -> None:
    one = Example(photo, 0.5, 2, change=change)
    seen, plain = one.view(ViewSize(32, 32)), resized(Image.open(photo), height=32, width=32)
    assert seen.shape == (32, 32, 3)
    # A photo as small as this one is not reduced.
    assert np.array_equal(seen, plain) == (change == "reduced")
    if change == "mirrored":
        assert np.abs(seen[:, ::-1].astype(int) - plain).max() <= 1


def test_a_turned_photo_that_was_not_rated_good_may_have_flaws_of_its_own() -> None:
    drawn = draw_examples(RATED, CLEAN, count=600, rng=draws_of(0), full_size=True)
    for one in drawn:
        assert one.has_known_flaws == (not one.change or one.own >= 0.45)
    assert any(not one.has_known_flaws for one in drawn)


def test_examples_do_not_depend_on_the_order_of_the_table() -> None:
    again = draw_examples(RATED[::-1], CLEAN, count=50, rng=draws_of(0), full_size=True)
    assert again == draw_examples(RATED, CLEAN, count=50, rng=draws_of(0), full_size=True)


@pytest.mark.slow
def test_a_flaw_at_full_size_is_made_beyond_the_squares(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (1400, 1500, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "large.png")
    one = Example(
        tmp_path / "large.png", 0.8, 1, kind="gaussian-blur", strength=3, is_full_size=True
    )
    whole = flawed(pixels, "gaussian-blur", 3, seed=1)
    seen, plain = (
        one.view(ViewSize(448, 448)),
        replace(one, kind="", strength=0).view(ViewSize(448, 448)),
    )
    assert seen.shape == plain.shape == (448, 448, 3)
    # Wherever the first square was cut from, the flaw there is that of the whole photo.
    way, row, column = place_of(plain[:224, :224], pixels)
    there = laid(whole, way)[row : row + 224, column : column + 224]
    assert np.abs(there.astype(int) - seen[:224, :224]).max() <= 1


@pytest.mark.slow
def test_examples_of_one_photo_show_other_squares_of_it_turned_at_full_size(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (1400, 1500, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "large.png")
    views = [
        Example(tmp_path / "large.png", 0.8, seed, is_full_size=True).view(ViewSize(448, 448))
        for seed in range(4)
    ]
    places = [place_of(view[:224, :224], pixels) for view in views]
    assert len(set(places)) == 4
    assert len({way for way, *_ in places}) > 1


def laid(pixels: Pixels, way: int) -> Pixels:
    """Return pixels in one of the eight ways to lay a picture."""
    turned = np.rot90(pixels, way % 4)
    return turned[:, ::-1] if way >= 4 else turned


def place_of(square: Pixels, pixels: Pixels) -> tuple[int, int, int]:
    """Return the way, row and column in which pixels, all of them different, have a square."""
    for way in range(8):
        found = laid(pixels, way)
        rows, columns = np.nonzero((found == square[0, 0]).all(axis=2))
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
            there = found[row : row + len(square), column : column + len(square)]
            if np.array_equal(there, square):
                return way, row, column
    raise AssertionError("the square is from nowhere")


def test_large_rated_photos_are_reduced_before_a_flaw_is_made(
    photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(examples, "_LARGE", 1000)
    monkeypatch.setattr(examples, "SMALL_PIXELS", (100, 200))
    one = Example(photo, 0.8, 1, kind="impulse-noise", strength=4)
    sizes = []
    monkeypatch.setattr(Example, "_flawed", lambda _, pixels: sizes.append(pixels.shape) or pixels)
    one.view(ViewSize(32, 32))
    assert 200 <= sizes[0][0] * sizes[0][1] <= 1050


def test_reducing_and_grey_cost_a_little_and_other_changes_nothing() -> None:
    left = {change: Example(Path("p"), 0.8, 0, change=change).kept for change in CHANGES}
    assert left == {**dict.fromkeys(CHANGES, 1.0), "reduced": 0.97, "grey": 0.97}


def test_only_a_whole_photo_without_a_flaw_is_worth_its_rating() -> None:
    photo = Path("p")
    assert Example(photo, 0.8, 0).is_rated and Example(photo, 0.8, 0, change="grey").is_rated
    assert not Example(photo, 0.8, 0, kind="dark", strength=1).is_rated
    assert not Example(photo, 0.8, 0, is_full_size=True).is_rated


def test_of_a_large_photo_a_flaw_is_made_on_a_small_one(monkeypatch: pytest.MonkeyPatch) -> None:
    large, asked = FullSize().above_pixels, list[float]()

    def with_pixels(_: Image.Image, pixels: float) -> Image.Image:
        asked.append(pixels)
        return Image.new("RGB", (8, 8))

    monkeypatch.setattr(examples, "with_pixels", with_pixels)
    for width, count in ((large, 0), (large + 1, 60)):
        image = Image.new("RGB", (width, 1))
        monkeypatch.setattr(examples, "read_photo", lambda _, found=image: Photo(found, 1, 1))
        for seed in range(60):
            Example(Path("p"), 0.8, seed).view(ViewSize(8, 8))
        assert len(asked) == count
    assert 160_000 <= min(asked) < 175_000 and 760_000 < max(asked) <= large
