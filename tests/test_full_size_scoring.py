"""Large photos are judged twice, by a model that says so: as a whole and at full size."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import BrightnessEngine, photo
from flawed_model import VIEW, FlawedEngine, flawed_model, photo_with_squares
from PIL import Image

from biqa_cli.distortions.flaws import FLAWS
from biqa_cli.images.full_size import full_size_view
from biqa_cli.images.reading import read_photo
from biqa_cli.images.transforms import quarter_turns, resized
from biqa_cli.models.base import Predictions
from biqa_cli.models.spec import Calibration
from biqa_cli.results import Flaw
from biqa_cli.scoring import run_info, score_files, score_photo
from biqa_cli.store.known_scores import Store


@pytest.fixture
def photos(tmp_path: Path) -> list[str]:
    """Return a small photo, two large ones, and a damaged one between them."""
    named = {
        "small.png": Image.new("RGB", (100, 100), (153, 102, 51)),
        "hidden.png": photo_with_squares((204, 204, 51), (255, 102, 255)),
        "plain.png": photo_with_squares((51, 51, 0), (255, 255, 0)),
    }
    for name, image in named.items():
        image.save(tmp_path / name)
    (tmp_path / "bad.png").write_bytes(b"no photo")
    return [str(tmp_path / name) for name in ("small.png", "hidden.png", "bad.png", "plain.png")]


def test_a_large_photo_is_scored_by_its_whole_and_by_what_full_size_shows(
    photos: list[str],
) -> None:
    small, hidden, bad, plain = score_files(photos, flawed_model(), workers=1)
    assert (small.score, small.whole, small.full_size) == (60.0, None, None)
    image = read_photo(photos[1]).image
    view = np.asarray(image.resize((VIEW, VIEW), Image.Resampling.BICUBIC)).mean((0, 1)) / 255
    red = view[0]
    # Half of a green of 102 is the most that full size allows: 0.2.
    left = 0.2 / red
    assert hidden.whole == pytest.approx(100 * red, abs=1e-3)
    assert hidden.full_size == pytest.approx(left, abs=1e-4)
    assert hidden.score == pytest.approx(20, abs=1e-2)
    assert hidden.native_score == pytest.approx(0.2, abs=1e-4)
    assert (plain.full_size, plain.whole) == (1.0, plain.score)
    assert bad.status == "error"
    assert bad.flaws is bad.whole is bad.full_size is None


def test_flaws_are_named_the_strongest_first_from_a_threshold_on(photos: list[str]) -> None:
    small, hidden, _, plain = score_files(photos, flawed_model())
    # Blue is 0.2 in the small photo, and 0.5 at full size of the other.
    assert small.flaws == () and plain.flaws == ()
    assert hidden.flaws == (Flaw(FLAWS[0], 0.5),)
    bright = Image.new("RGB", (8, 8), (0, 0, 255))
    told = score_photo(bright, flawed_model()).flaws
    assert told == (Flaw(FLAWS[0], 1.0), Flaw(FLAWS[1], 0.5))
    # 90 / 255 is just above 0.35, 89 / 255 just below.
    assert score_photo(Image.new("RGB", (8, 8), (0, 0, 90)), flawed_model()).flaws == (
        Flaw(FLAWS[0], 0.35),
    )
    assert score_photo(Image.new("RGB", (8, 8), (0, 0, 89)), flawed_model()).flaws == ()


@pytest.mark.parametrize("batch_size", [1, 2, 7])
def test_two_views_are_two_of_a_batch(photos: list[str], batch_size: int) -> None:
    model = flawed_model()
    alone = [result for path in photos for result in score_files([path], flawed_model())]
    assert list(score_files(photos, model, batch_size=batch_size, workers=3)) == alone
    assert isinstance(model.engine, BrightnessEngine)
    assert model.engine.batches == {1: [1, 2, 2], 2: [3, 2], 7: [5]}[batch_size]


def test_the_second_view_is_the_mosaic_of_the_photo_at_full_size(photos: list[str]) -> None:
    seen: list[np.ndarray] = []

    class Watched(FlawedEngine):
        def predict(self, views: np.ndarray) -> Predictions:
            seen.extend(views)
            return super().predict(views)

    model = replace(flawed_model(), engine=Watched())
    list(score_files([photos[1]], model))
    image = read_photo(photos[1]).image
    turns = quarter_turns(resized(image, height=VIEW, width=VIEW))
    wanted = full_size_view(image, size=VIEW // 2, turns=turns)
    assert len(seen) == 2
    assert np.allclose(seen[1].transpose(1, 2, 0) * 255, wanted, atol=1e-3)


@pytest.mark.parametrize("side", [192, 1000, 96])
def test_a_jpeg_with_a_view_at_full_size_is_decoded_at_full_size(
    tmp_path: Path, side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[tuple[int, int]] = []

    def watched(image: Image.Image, **options: Any) -> Any:
        sizes.append(image.size)
        return full_size_view(image, **options)

    monkeypatch.setattr("biqa_cli.models.views.full_size_view", watched)
    photo(side, side).save(tmp_path / "a.jpg")
    (result,) = score_files([str(tmp_path / "a.jpg")], flawed_model())
    assert sizes == ([(side, side)] if side > 100 else [])
    assert (result.width, result.height) == (side, side)


def test_a_jpeg_below_the_threshold_is_still_reduced_by_its_codec(tmp_path: Path) -> None:
    photo(400, 400).save(tmp_path / "a.jpg")
    for full_above, side in ((160_000, 100), (159_999, 400), (None, 100)):
        read = read_photo(tmp_path / "a.jpg", at_least=(64, 64), full_above=full_above)
        assert read.image.size == (side, side)
        assert (read.width, read.height) == (400, 400)


def test_a_decoded_image_has_the_same_two_views_as_its_file(photos: list[str]) -> None:
    (from_file,) = score_files([photos[1]], flawed_model())
    decoded = score_photo(Image.open(photos[1]), flawed_model())
    assert replace(decoded, path=photos[1]) == from_file


def test_the_store_knows_all_of_a_judgement(photos: list[str], tmp_path: Path) -> None:
    plain = list(score_files(photos, flawed_model()))
    for scored in ([1, 2, 2], []):
        model = flawed_model()
        with Store(tmp_path / "scores.sqlite") as store:
            assert list(score_files(photos, model, store=store)) == plain
        assert isinstance(model.engine, BrightnessEngine)
        assert model.engine.batches == scored


def test_the_whole_is_told_on_the_calibrated_scale(photos: list[str]) -> None:
    model = flawed_model()
    calibration = Calibration((100, 0, 50, 10), places=(50.0,), widths=(12.5,), photos=100)
    spec = replace(model.spec, scale=replace(model.spec.scale, calibration=calibration))
    (plain,) = score_files(photos[1:2], model)
    (calibrated,) = score_files(photos[1:2], replace(model, spec=spec))
    assert plain.whole is not None and calibrated.whole is not None
    assert calibrated.whole == pytest.approx(calibration.expected(plain.whole), abs=1e-3)
    assert calibrated.score is not None and calibrated.score < calibrated.whole
    assert calibrated.full_size == plain.full_size


def test_a_flaw_that_is_no_number_is_an_error(photos: list[str]) -> None:
    class Broken(FlawedEngine):
        def predict(self, views: np.ndarray) -> Predictions:
            found = super().predict(views)
            assert found.flaws is not None
            found.flaws[-1, 3] = np.nan
            return found

    for name in photos[:2]:
        (result,) = score_files([name], replace(flawed_model(), engine=Broken()))
        assert result.score is result.flaws is None
        assert "no finite score" in result.error


def test_a_photo_on_which_the_model_fails_takes_only_its_own_views_along(
    photos: list[str],
) -> None:
    class Fails(FlawedEngine):
        def predict(self, views: np.ndarray) -> Predictions:
            found = super().predict(views)
            if found.flaws is not None and (found.flaws > 0.45).any():
                raise RuntimeError("made by a test")
            return found

    results = list(score_files(photos, replace(flawed_model(), engine=Fails()), batch_size=4))
    assert [result.status for result in results] == ["ok", "error", "error", "ok"]
    assert "made by a test" in results[1].error


def test_what_full_size_leaves_is_news_of_the_log(
    photos: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        (result,) = score_files(photos[1:2], flawed_model())
    assert result.whole is not None and result.full_size is not None
    left = f"full size leaves {100 * result.full_size:.0f} %"
    assert caplog.messages == [f"{photos[1]}: {result.whole:.1f} as a whole, {left}"]


def test_a_run_says_that_large_photos_have_two_views() -> None:
    assert run_info(flawed_model()).preprocessing.endswith(
        "; of photos above 0.01 megapixels also the 4 most detailed squares of 16 pixels at full "
        "size"
    )
