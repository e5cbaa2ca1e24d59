"""The correction of a tuned file: what it holds, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from biqa_cli.errors import WeightsError
from biqa_cli.models.base import EngineName, Parts, Predictions
from biqa_cli.models.spec import ScoreScale
from biqa_cli.models.tuned import Correction, TunedEngine, correction_of

PERCENT = ScoreScale(0, 100, higher_is_better=True, meaning="MOS")
SHARES, FEATURES = np.array([0.2, 0.7]), np.array([[1.0, 2.0, 3.0], [0.0, -1.0, 0.5]])


class Base:
    """An engine that says 20 and 70 of two photos, and their features."""

    name: EngineName = "onnx"
    device = "cpu"
    parts: Parts | None = None

    def predict(self, views: NDArray[np.float32]) -> Predictions:
        assert len(views) == 2
        ceilings = np.array([50.0, 90.0])
        return Predictions(100 * SHARES, ceilings=ceilings, features=FEATURES)


class BaseInParts:
    """The parts of `Base`, for two blocks."""

    cell = 32

    def maps(self, views: NDArray[np.float32]) -> tuple[Predictions, list[NDArray[np.float32]]]:
        return Base().predict(views), [views]

    def from_pooled(self, pooled: NDArray[np.float32]) -> Predictions:
        return Base().predict(pooled)


def test_a_tuned_model_corrects_what_the_parts_of_its_base_say() -> None:
    base, pixels = Base(), np.zeros((2, 3, 4, 4), dtype=np.float32)
    engine = TunedEngine(base, Correction(0.1, 0.5, np.ones(3)), before=PERCENT, after=PERCENT)
    assert engine.parts is None
    base.parts = BaseInParts()
    parts = engine.parts
    assert parts is not None
    told, maps = parts.maps(pixels)
    expected = engine.predict(pixels).scores
    assert expected.tolist() != (100 * SHARES).tolist()
    assert np.array_equal(told.scores, expected)
    assert np.array_equal(parts.from_pooled(pixels[:, :, 0, 0]).scores, expected)
    assert maps[0] is pixels


def test_what_is_written_is_what_is_read() -> None:
    written = Correction(0.1, 0.8, np.array([0.5, -0.25, 0.125]))
    read = correction_of(written.to_tensors(), source="t")
    assert (read.intercept, read.slope) == (0.1, 0.8)
    assert read.weights.tolist() == [0.5, -0.25, 0.125]


def test_a_correction_is_a_line_and_a_sum_over_features() -> None:
    correction = Correction(0.1, 0.5, np.array([0.25, 0.0, -0.125]))
    expected = [0.1 + 0.1 + 0.25 - 0.375, 0.1 + 0.35 - 0.0625]
    assert correction(SHARES, FEATURES) == pytest.approx(np.array(expected))


@pytest.mark.parametrize(
    "tensors",
    [
        {},
        {"others": np.zeros(5)},
        {"weights": np.zeros(5), "others": np.zeros(5)},
        {"weights": np.zeros((2, 3))},
        {"weights": np.zeros(1)},
    ],
)
def test_other_tensors_are_refused(tensors: dict[str, NDArray[np.float64]]) -> None:
    with pytest.raises(WeightsError, match="mine.safetensors is damaged: .* one tensor, 'weights'"):
        correction_of(tensors, source="mine.safetensors")


def test_a_line_without_features_is_a_correction() -> None:
    assert correction_of({"weights": np.array([0.0, 1.0])}, source="t").weights.size == 0


def test_scores_and_ceilings_are_on_the_scale_of_the_user() -> None:
    before, after = PERCENT, replace(PERCENT, lowest=1, highest=5)
    engine = TunedEngine(Base(), Correction(0.0, 1.0, np.zeros(3)), before=before, after=after)
    said = engine.predict(np.zeros((2, 3, 8, 8), np.float32))
    assert said.scores == pytest.approx(np.array([1.8, 3.8]))
    assert said.ceilings == pytest.approx(np.array([3.0, 4.6]))


def test_a_correction_of_another_base_is_refused() -> None:
    engine = TunedEngine(Base(), Correction(0.0, 1.0, np.zeros(4)), before=PERCENT, after=PERCENT)
    with pytest.raises(WeightsError, match="it corrects 4 features, the base has 3"):
        engine.predict(np.zeros((2, 3, 8, 8), np.float32))
