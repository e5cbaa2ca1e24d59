from pathlib import Path

import pytest
from fakes import BrightnessEngine, brightness_model, grey_png

from biqa_cli.evaluation.predictions import predict
from biqa_cli.models.loading import LoadedModel
from biqa_cli.store.known_scores import Store


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for value in (0, 51, 102):
        grey_png(folder / f"{value}.png", value)
    return folder


PATHS = ["0.png", "51.png", "102.png"]


def _scored(model: LoadedModel) -> int:
    assert isinstance(model.engine, BrightnessEngine)
    return sum(model.engine.batches)


def test_predictions_are_called_as_the_data_set_calls_the_images(photos: Path) -> None:
    predictions = list(predict(PATHS, brightness_model(), root=photos))
    assert [p.path for p in predictions] == PATHS
    assert [p.score for p in predictions] == [0.0, 20.0, 40.0]


def test_a_missing_photo_has_a_reason(photos: Path) -> None:
    last = list(predict([*PATHS, "late.png"], brightness_model(), root=photos))[-1]
    assert (last.score, last.error) == (None, "no such file")


def test_a_run_that_was_broken_off_is_continued(photos: Path, tmp_path: Path) -> None:
    model = brightness_model()
    with Store(tmp_path / "scores.sqlite") as store:
        stream = predict(PATHS, model, root=photos, store=store)
        assert next(stream).score == 0.0
        stream.close()
    again = brightness_model()
    with Store(tmp_path / "scores.sqlite") as store:
        predictions = list(predict(PATHS, again, root=photos, store=store))
    assert [p.score for p in predictions] == [0.0, 20.0, 40.0]
    assert _scored(again) == 3 - _scored(model)
