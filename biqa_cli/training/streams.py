"""Random numbers that depend on the seed and on where they are used, not on what was drawn before.

So a training that resumes, and one with other threads, draws the same.
"""

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """What random numbers are for; no two share any."""

    epoch_order = 1
    sample = 2
    loss = 3
    triples = 4
    degraded_blocks = 5
    blockwise_batch = 6
    examples = 7
    example_batch = 8
    also_batch = 9


def numbers(stream: Stream, *place: int) -> np.random.Generator:
    """Return the random numbers of a place, such as (seed, epoch, step)."""
    seed, *rest = place
    return np.random.default_rng((seed, int(stream), *rest))


def numbers_of_choice(seed: int) -> np.random.Generator:
    """Return the random numbers that choose which photos are degraded, and how.

    They depend on the seed alone, unlike a stream: shipped checkpoints were trained on what these
    numbers chose.
    """
    return np.random.default_rng(seed)


def torch_seed(stream: Stream, *place: int) -> int:
    """Return a seed for a generator of torch."""
    seed, *rest = place
    return int(np.random.SeedSequence((seed, int(stream), *rest)).generate_state(1)[0])
