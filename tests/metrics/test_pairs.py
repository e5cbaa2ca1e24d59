import math

import numpy as np
import pytest

from biqa_cli.errors import UsageError
from biqa_cli.metrics.pairs import pair


def test_pairs_with_a_nan_or_an_infinity_on_either_side_are_left_out_and_counted() -> None:
    mos = [1, math.nan, 3, 4, math.inf, 6]
    pairs = pair(mos, [1, 2, math.nan, -math.inf, 5, 7])
    assert pairs.mos.tolist() == [1, 6] and pairs.predicted.tolist() == [1, 7]
    assert (len(pairs), pairs.dropped) == (2, 4)
    assert pairs.kept.tolist() == [True, False, False, False, False, True]


def test_integers_and_float32_become_float64() -> None:
    pairs = pair(np.array([1, 2], np.int8), np.array([0.5, 1.5], np.float32))
    assert pairs.mos.dtype == pairs.predicted.dtype == np.float64


@pytest.mark.parametrize(("mos", "predicted"), [([1, 2], [1]), ([[1, 2]], [[1, 2]]), (1.0, 2.0)])
def test_other_shapes_are_refused(mos: object, predicted: object) -> None:
    with pytest.raises(UsageError, match="1-d and equally long, one prediction for each label"):
        pair(mos, predicted)  # type: ignore[arg-type]
