"""Distortions at any strength: between the four levels, and beyond, until nothing is left.

Strengths 1 to 4 are the levels. Between two of them, value and opinion change in proportion, the
value on a logarithmic scale where it can. Strength 5 is a plain failure: nearly black, blown out.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biqa_cli.distortions.catalog import IN_TURN, LEVELS, find_distortion
from biqa_cli.distortions.eight_bits import from_bytes, to_bytes
from biqa_cli.distortions.opinions import OPINIONS, share_of_opinion

LEAST_STRENGTH, FAILURE = 1.0, 5.0


@dataclass(frozen=True, slots=True)
class Failure:
    """A strength that nobody would call a matter of taste."""

    value: float
    mean: float
    """What people would think of it, 5 to 1: a judgement of ours, no measurement."""


FAILURES: Mapping[str, Failure] = {
    "gaussian-blur": Failure(12, 1.02),
    "lens-blur": Failure(16, 1.10),
    "camera-shake": Failure(96, 1.02),
    "jpeg": Failure(3, 1.20),
    "white-noise-rgb": Failure(0.1, 1.20),
    "impulse-noise": Failure(0.2, 1.30),
    "high-iso": Failure(0.3, 1.10),
    "underexposure": Failure(8, 1.00),
    "overexposure": Failure(6, 1.00),
    "colour-cast": Failure(4.5, 1.15),
    "haze": Failure(5, 1.05),
    "low-contrast": Failure(0.05, 1.05),
    "garish": Failure(16, 1.30),
    "upscaling": Failure(16, 1.05),
    "oversharpening": Failure(24, 1.10),
    "few-colours": Failure(2, 1.10),
}
"""Kinds that go on beyond level 4."""

# Parameters that are whole numbers.
_WHOLE = {"count", "quality", "length"}


def strongest(kind: str) -> float:
    """Return the largest strength of a kind: 5 where it has a plain failure, 4 elsewhere."""
    return FAILURE if kind in FAILURES else float(LEVELS[-1])


def draw_strength(kind: str, rng: np.random.Generator) -> float:
    """Return a strength of a kind at random, a level where nothing lies between levels."""
    if kind in IN_TURN:
        return float(rng.choice(LEVELS))
    return float(rng.uniform(LEAST_STRENGTH, strongest(kind)))


def value_at(kind: str, strength: float) -> float:
    """Return the value of the parameter of a kind at a strength.

    Example:
        >>> round(value_at("gaussian-blur", 2.5), 3), value_at("underexposure", 5)
        (1.414, 8.0)
    """
    distortion = find_distortion(kind)
    values = [*distortion.levels, *([FAILURES[kind].value] if kind in FAILURES else [])]
    if min(values) > 0:
        value = math.exp(_between([math.log(value) for value in values], strength))
    else:
        value = _between(values, strength)
    # Whole numbers are all that some take.
    return round(value) if distortion.argument in _WHOLE else round(value, 6)


def opinion_at(kind: str, strength: float) -> float:
    """Return what people think of a kind at a strength, from 5 (as good as the photo) to 1.

    Example:
        >>> opinion_at("underexposure", 4), round(opinion_at("underexposure", 4.5), 3)
        (1.05, 1.025)
    """
    means = [*OPINIONS[kind].means, *([FAILURES[kind].mean] if kind in FAILURES else [])]
    return _between(means, strength)


def share_at(kind: str, strength: float) -> float:
    """Return what a flaw leaves of a photo's quality, 0 to 1."""
    return share_of_opinion(opinion_at(kind, strength))


def flawed(
    pixels: NDArray[np.uint8], kind: str, strength: float, *, seed: int
) -> NDArray[np.uint8]:
    """Return pixels (H, W, 3) with a flaw at a strength; the same for the same seed.

    Raises:
        UsageError: If the pixels are too few for the kind.
    """
    distortion = find_distortion(kind)
    distortion.check_size(*pixels.shape[:2])
    rng = np.random.default_rng(seed)
    return to_bytes(
        np.clip(distortion.apply(from_bytes(pixels), value_at(kind, strength), rng), 0, 1)
    )


def _between(values: list[float], strength: float) -> float:
    return float(np.interp(strength, range(1, len(values) + 1), values))
