"""Labels and predictions for the properties of metrics."""

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

Pair = tuple[NDArray[np.float64], NDArray[np.float64]]


def _pair_of(elements: st.SearchStrategy[float], least: int) -> st.SearchStrategy[Pair]:
    def of_length(n: int) -> st.SearchStrategy[Pair]:
        values = st.lists(elements, min_size=n, max_size=n).map(lambda v: np.array(v, float))
        return st.tuples(values, values)

    return st.integers(least, 40).flatmap(of_length)


# Small integers: ties are common, and what monotone maps do to them is exact.
tied_pairs = _pair_of(st.integers(-9, 9), 3)
# Anything that an array of floats can hold.
any_pairs = _pair_of(st.floats(), 0)
finite_pairs = _pair_of(st.floats(-100, 100), 1)
