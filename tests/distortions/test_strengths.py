import doctest
import itertools

import numpy as np
import pytest

from biqa_cli.distortions import strengths
from biqa_cli.distortions.catalog import DISTORTIONS, LEVELS, Distortion
from biqa_cli.distortions.distort import distort
from biqa_cli.distortions.eight_bits import from_bytes, to_bytes
from biqa_cli.distortions.opinions import OPINIONS, WORST_OPINION
from biqa_cli.distortions.strengths import (
    FAILURES,
    draw_strength,
    flawed,
    opinion_at,
    share_at,
    strongest,
    value_at,
)

KINDS = [distortion.name for distortion in DISTORTIONS]
PHOTO = np.random.default_rng(0).integers(0, 256, (72, 96, 3), dtype=np.uint8)


def test_the_examples_of_the_docs_are_right() -> None:
    assert doctest.testmod(strengths).failed == 0


@pytest.mark.parametrize("distortion", DISTORTIONS, ids=lambda d: d.name)
def test_whole_strengths_are_the_levels(distortion: Distortion) -> None:
    kind = distortion.name
    for level, value, mean in zip(LEVELS, distortion.levels, OPINIONS[kind].means, strict=True):
        assert value_at(kind, level) == pytest.approx(value, rel=1e-5)
        assert opinion_at(kind, level) == pytest.approx(mean)
    expected = distort(from_bytes(PHOTO), kind=kind, level=2, seed=3)
    assert np.array_equal(flawed(PHOTO, kind, 2, seed=3), to_bytes(expected))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_takes_the_strengths_that_are_drawn(kind: str) -> None:
    rng = np.random.default_rng(1)
    drawn = [draw_strength(kind, rng) for _ in range(20)]
    assert all(1 <= strength <= strongest(kind) for strength in drawn)
    made = flawed(PHOTO, kind, drawn[0], seed=1)
    assert made.shape == PHOTO.shape
    assert np.array_equal(made, flawed(PHOTO, kind, drawn[0], seed=1))


def test_kinds_whose_levels_go_up_and_down_are_drawn_at_levels() -> None:
    rng = np.random.default_rng(0)
    assert {draw_strength("mean-shift", rng) for _ in range(60)} == {1.0, 2.0, 3.0, 4.0}


def test_failures_go_on_where_the_levels_end() -> None:
    for kind, failure in FAILURES.items():
        *_, third, fourth = next(d.levels for d in DISTORTIONS if d.name == kind)
        assert (failure.value - fourth) * (fourth - third) > 0
        assert WORST_OPINION <= failure.mean < OPINIONS[kind].means[-1]
        assert value_at(kind, 5) == pytest.approx(failure.value, rel=1e-5)


def test_between_levels_the_opinion_lies_between() -> None:
    shares = [share_at("underexposure", strength) for strength in np.arange(1, 5.1, 0.25)]
    assert all(a > b for a, b in itertools.pairwise(shares))
    assert shares[-1] == 0
