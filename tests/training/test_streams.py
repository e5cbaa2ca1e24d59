import itertools

import numpy as np

from biqa_cli.training.streams import Stream, numbers, torch_seed


def test_every_place_of_every_stream_has_numbers_of_its_own_and_always_the_same() -> None:
    places = itertools.product(Stream, range(3), range(3), range(3))
    drawn = {place: numbers(*place).integers(2**62).item() for place in places}
    assert len(set(drawn.values())) == len(drawn) == len(Stream) * 27
    assert all(numbers(*place).integers(2**62) == value for place, value in drawn.items())


def test_seeds_of_torch_differ_by_seed_and_step_and_fit() -> None:
    seeds = [torch_seed(Stream.loss, seed, 0, step) for seed in range(5) for step in range(5)]
    assert len(set(seeds)) == 25 and min(seeds) >= 0 and max(seeds) < 2**32
    assert seeds == [torch_seed(Stream.loss, n // 5, 0, n % 5) for n in range(25)]
    assert np.std(seeds) > 2**28
