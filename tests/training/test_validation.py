import numpy as np
import pytest
from torch.nn import functional as F

from biqa_cli.errors import UsageError
from biqa_cli.models.spec import InputContract
from biqa_cli.recipes.record import InputRecipe
from biqa_cli.training.validation import scoring_blocks, validate

CONTRACT = InputContract(64, 96, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
LABELS = np.array([0.1, 0.5, 0.3, 0.9], np.float32)


def test_agreement_is_that_of_the_metrics() -> None:
    found = validate(np.array([1.0, 3.0, 2.0, 4.0]), LABELS, F.l1_loss)
    assert (found.srcc, found.krcc) == (1.0, 1.0)
    assert found.plcc == pytest.approx(np.corrcoef([1, 3, 2, 4], LABELS)[0, 1])
    assert found.loss == pytest.approx(np.abs(np.array([1, 3, 2, 4]) - LABELS).mean())


def test_predictions_that_are_all_the_same_end_the_training() -> None:
    with pytest.raises(
        UsageError, match="the network scores every validation photo 0: it has collapsed"
    ):
        validate(np.zeros(4), LABELS, F.l1_loss)


def test_predictions_that_are_not_finite_end_the_training() -> None:
    with pytest.raises(UsageError, match="1 of 4 validation scores are not finite"):
        validate(np.array([1.0, np.nan, 2.0, 3.0]), LABELS, F.l1_loss)


def view(*, crop: int, stride: int) -> InputRecipe:
    return InputRecipe(height=64, width=96, crop=crop, stride=stride)


def test_validation_looks_at_the_crops_that_scoring_averages() -> None:
    whole = scoring_blocks(CONTRACT, view(crop=0, stride=0), at_most=0)
    assert [(b.y, b.x, b.height, b.width) for b in whole] == [(0, 0, 64, 96)]
    assert scoring_blocks(CONTRACT, view(crop=32, stride=0), at_most=0) == whole
    grid = scoring_blocks(CONTRACT, view(crop=32, stride=32), at_most=0)
    assert len(grid) == 6
    some = scoring_blocks(CONTRACT, view(crop=32, stride=32), at_most=2)
    assert some == (grid[1], grid[4])


@pytest.mark.parametrize(
    ("score", "apart", "same"),
    [
        (0.0, 5e-8, True),
        (0.0, 2e-7, False),
        (0.5, 5e-8, True),
        (100.0, 5e-6, True),
        (100.0, 2e-5, False),
        (-100.0, 5e-6, True),
        (-100.0, 2e-5, False),
    ],
)
def test_scores_are_the_same_that_float32_hardly_tells_apart(
    score: float, apart: float, *, same: bool
) -> None:
    predicted = np.array([score, score + apart, score, score])
    if same:
        with pytest.raises(UsageError, match="it has collapsed"):
            validate(predicted, LABELS, F.l1_loss)
    else:
        assert validate(predicted, LABELS, F.l1_loss).srcc > 0
