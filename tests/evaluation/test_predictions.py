import os
from dataclasses import replace
from pathlib import Path

import platformdirs
import pytest
from fakes import BrightnessEngine, brightness_model, grey_png

from biqa_cli.evaluation.predictions import kept_file, predict
from biqa_cli.models.loading import LoadedModel


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for value in (0, 51, 102):
        grey_png(folder / f"{value}.png", value)
    return folder


PATHS = ["0.png", "51.png", "102.png"]


def _run(photos: Path, model: LoadedModel, paths: list[str] = PATHS) -> list[float | None]:
    return [p.score for p in predict(paths, model, root=photos, dataset="greys")]


def _scored(model: LoadedModel) -> int:
    assert isinstance(model.engine, BrightnessEngine)
    return sum(model.engine.batches)


def test_a_second_run_scores_nothing_again(photos: Path) -> None:
    first, second = brightness_model(), brightness_model()
    assert _run(photos, first) == _run(photos, second) == [0.0, 20.0, 40.0]
    assert (_scored(first), _scored(second)) == (3, 0)


def test_a_run_that_was_broken_off_is_continued(photos: Path) -> None:
    model = brightness_model()
    stream = predict(PATHS, model, root=photos, dataset="greys")
    assert next(stream).score == 0.0
    stream.close()
    again = brightness_model()
    assert _run(photos, again) == [0.0, 20.0, 40.0]
    assert _scored(again) == 2


def test_a_line_without_its_end_is_scored_again(photos: Path) -> None:
    model = brightness_model()
    _run(photos, model)
    kept = kept_file(model, root=photos, dataset="greys")
    kept.write_bytes(kept.read_bytes()[:-3])
    again = brightness_model()
    assert _run(photos, again) == [0.0, 20.0, 40.0]
    assert _scored(again) == 1
    assert _run(photos, brightness_model()) == [0.0, 20.0, 40.0]


@pytest.mark.parametrize("damage", [b"\xff\xfe,1,2,3\n", b"51.png,1,2\n", b"51.png,1,2,nan\n"])
def test_damaged_predictions_are_told_and_made_anew(
    photos: Path, caplog: pytest.LogCaptureFixture, damage: bytes
) -> None:
    model = brightness_model()
    _run(photos, model)
    kept = kept_file(model, root=photos, dataset="greys")
    kept.write_bytes(kept.read_bytes() + damage)
    again, third = brightness_model(), brightness_model()
    assert _run(photos, again) == [0.0, 20.0, 40.0]
    (told,) = caplog.messages
    assert f"{kept} is damaged" in told and "scored again" in told
    assert _run(photos, third) == [0.0, 20.0, 40.0]
    assert (_scored(again), _scored(third)) == (3, 0)


def test_where_nothing_can_be_kept_photos_are_scored_all_the_same(
    photos: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("BIQA_PREDICTIONS", str(photos / "0.png" / "no folder"))
    assert _run(photos, brightness_model()) == [0.0, 20.0, 40.0]
    assert "scores are not kept for the next run" in caplog.text


def test_a_full_disk_ends_the_keeping_and_not_the_run(
    photos: Path, caplog: pytest.LogCaptureFixture
) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        assert _run(photos, brightness_model()) == [0.0, 20.0, 40.0]
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    (told,) = caplog.messages
    assert told == "scores are not kept for the next run: [Errno 27] File too large"
    assert _run(photos, brightness_model()) == [0.0, 20.0, 40.0]


def test_without_a_home_nothing_is_kept_and_photos_are_scored(
    photos: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_home(_: str) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("BIQA_PREDICTIONS", raising=False)
    monkeypatch.setattr("platformdirs.user_cache_path", no_home)
    assert _run(photos, brightness_model()) == [0.0, 20.0, 40.0]
    assert "scores are not kept for the next run" in caplog.text


def test_a_changed_photo_is_scored_again(photos: Path) -> None:
    _run(photos, brightness_model())
    grey_png(photos / "51.png", 255)
    os.utime(photos / "51.png", ns=(1, 1))
    assert _run(photos, brightness_model()) == [0.0, 100.0, 40.0]


def test_other_weights_another_graph_or_preprocessing_share_no_predictions(photos: Path) -> None:
    model = brightness_model()
    others = (
        replace(model, weights_sha256="1" * 64),
        replace(model, graph_sha256="1" * 64),
        brightness_model(height=8),
    )
    files = {kept_file(m, root=photos, dataset="greys") for m in (model, *others)}
    assert len(files) == 4


def test_a_missing_photo_has_a_reason_and_is_tried_again(photos: Path) -> None:
    paths = [*PATHS, "late.png"]
    predictions = list(predict(paths, brightness_model(), root=photos, dataset="greys"))
    assert predictions[-1].score is None and predictions[-1].error == "no such file"
    grey_png(photos / "late.png", 255)
    assert _run(photos, brightness_model(), paths)[-1] == 100.0


def test_fresh_forgets_what_was_kept(photos: Path) -> None:
    _run(photos, brightness_model())
    again = brightness_model()
    list(predict(PATHS, again, root=photos, dataset="greys", fresh=True))
    assert _scored(again) == 3


def test_predictions_are_kept_in_the_users_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BIQA_PREDICTIONS")
    expected = platformdirs.user_cache_path("biqa") / "predictions"
    assert kept_file(brightness_model(), root=Path(), dataset="greys").parent == expected
