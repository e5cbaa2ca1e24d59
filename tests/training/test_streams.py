import itertools

import numpy as np

from biqa_cli.training.streams import Stream, numbers, torch_seed


def test_every_place_of_every_stream_has_numbers_of_its_own_and_always_the_same() -> None:
    places = itertools.product(Stream, range(3), range(3), range(3))
    drawn = {place: numbers(*place).integers(2**62).item() for place in places}
    assert len(set(drawn.values())) == len(drawn) == len(Stream) * 27
    assert all(numbers(*place).integers(2**62) == value for place, value in drawn.items())


def test_numbers_are_the_same_in_every_version() -> None:
    # Shipped checkpoints are trained again from them.
    drawn = {
        stream.name: (numbers(stream, 1, 2, 3).integers(1 << 32), torch_seed(stream, 1, 2, 3))
        for stream in Stream
    }
    assert drawn == {
        "epoch_order": (163311114, 101756326),
        "sample": (3024350793, 497457852),
        "loss": (2448310119, 470748072),
        "triples": (2098318973, 1437847277),
        "degraded_blocks": (2300607716, 1985296700),
        "blockwise_batch": (2391012801, 4003524213),
        "examples": (1842634812, 612453449),
        "example_batch": (2438441792, 3288173032),
        "also_batch": (2592837768, 3927462546),
    }


def test_seeds_of_torch_differ_by_seed_and_step_and_fit() -> None:
    seeds = [torch_seed(Stream.loss, seed, 0, step) for seed in range(5) for step in range(5)]
    assert len(set(seeds)) == 25 and min(seeds) >= 0 and max(seeds) < 2**32
    assert seeds == [torch_seed(Stream.loss, n // 5, 0, n % 5) for n in range(25)]
    assert np.std(seeds) > 2**28
