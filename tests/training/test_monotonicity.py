import numpy as np
import pytest
import torch

from biqa_cli.distortions.catalog import DISTORTIONS, SHDIQA_DISTORTIONS
from biqa_cli.distortions.distort import distort
from biqa_cli.distortions.eight_bits import from_bytes, to_bytes
from biqa_cli.training.batch import Batch, Triples
from biqa_cli.training.monotonicity import (
    LEVEL_MARGIN,
    Degraded,
    degraded_view,
    draw_degraded,
    monotonicity_loss,
    ordered_levels,
    with_degraded,
)


def test_each_photo_is_drawn_once_with_two_levels_of_a_kind_that_has_an_order() -> None:
    drawn = draw_degraded(range(100, 1100), count=800, seed=1)
    assert len({one.index for one in drawn}) == 800
    assert all(100 <= one.index < 1100 for one in drawn)
    assert all(1 <= milder < stronger <= 4 for milder, stronger in (one.levels for one in drawn))
    kinds = {one.kind for one in drawn}
    assert kinds == {d.name for d in SHDIQA_DISTORTIONS} - {"mean-shift", "contrast"}
    assert drawn == draw_degraded(range(100, 1100), count=800, seed=1)
    every = draw_degraded(range(1000), count=1000, seed=1, kinds="all")
    assert {one.kind for one in every} == {d.name for d in DISTORTIONS}
    assert drawn != draw_degraded(range(100, 1100), count=800, seed=2)


def test_a_view_is_degraded_as_biqa_distort_does() -> None:
    view = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    one = Degraded(index=7, kind="white-noise-rgb", levels=(1, 3))
    expected = to_bytes(distort(from_bytes(view), kind="white-noise-rgb", level=3, seed=7))
    assert np.array_equal(degraded_view(view, one, 3), expected)


def test_the_loss_is_what_is_missing_of_the_fall_for_each_level() -> None:
    levels = torch.tensor([[1, 4], [2, 3]])
    falls = torch.tensor([[0.9, 0.9 - LEVEL_MARGIN, 0.2], [0.5, 0.6, 0.6 - LEVEL_MARGIN]])
    # Only the second photo's milder version is above it, by 0.1, and should be 2 levels below.
    expected = (0.1 + 2 * LEVEL_MARGIN) / 4
    assert torch.isclose(monotonicity_loss(falls, levels), torch.tensor(expected))


def test_the_loss_pulls_the_photo_up_and_its_versions_down() -> None:
    shares = torch.tensor([[0.5, 0.5, 0.5]], requires_grad=True)
    monotonicity_loss(shares, torch.tensor([[1, 2]])).backward()  # type: ignore[no-untyped-call]
    assert shares.grad is not None
    assert shares.grad[0, 0] < 0 < shares.grad[0, 2]


def _triples(
    levels: torch.Tensor,
    *,
    span: float,
    weight: float = 0.0,
    opinions: torch.Tensor | None = None,
    opinion_weight: float = 0.0,
) -> Triples:
    return Triples(
        torch.empty(0),
        levels,
        weight=weight,
        opinions=torch.zeros(1, 2) if opinions is None else opinions,
        opinion_weight=opinion_weight,
        worst=0.0 if span > 0 else -span,
        span=span,
    )


def test_opinions_pull_the_versions_to_what_people_think_of_them() -> None:
    opinions = torch.tensor([[0.5, 0.1]])
    labels, types = torch.zeros(1), torch.zeros(1)
    # After one rated sample: the photo, which its rating pulls, and its two versions.
    shares = torch.tensor([0.9, 0.6, 0.4])
    for span in (100.0, -100.0):
        worst = max(-span, 0.0)
        scores = torch.cat([torch.zeros(1), worst + span * shares])
        levels = torch.tensor([[1, 2]])
        triples = _triples(levels, span=span, opinions=opinions, opinion_weight=2.0)
        batch = Batch(torch.empty(0), labels, types, 0, torch.Generator(), triples=triples)
        found = with_degraded({"loss": torch.tensor(1.0)}, scores, batch)
        expected = (0.1**2 + 0.3**2) / 2
        assert set(found) == {"loss", "opinions"}
        assert found["opinions"].item() == pytest.approx(expected)
        assert found["loss"].item() == pytest.approx(1 + 2 * expected)


def test_kinds_without_an_order_miss_no_fall() -> None:
    one = Degraded(index=0, kind="mean-shift", levels=(1, 2))
    shares = torch.tensor([[0.5, 0.6, 0.7]])
    assert monotonicity_loss(shares, torch.tensor([ordered_levels(one)])).item() == 0


def test_labels_of_which_lower_is_better_reverse_the_loss() -> None:
    levels = torch.tensor([[1, 2]])
    # After one rated sample: the photo, its milder and its stronger version, on a scale to 100.
    scores = torch.tensor([50.0, 10.0, 40.0, 80.0])
    labels, types = torch.zeros(1), torch.zeros(1)
    found = {}
    for span in (100.0, -100.0):
        triples = _triples(levels, span=span, weight=4.0)
        batch = Batch(torch.empty(0), labels, types, 0, torch.Generator(), triples=triples)
        found[span] = with_degraded({"loss": torch.tensor(1.0)}, scores, batch)
    # DMOS rises with the level, as it should; a MOS that rises misses the fall at both levels.
    assert found[-100.0]["monotonicity"].item() == 0
    missed = (0.3 + 0.4) / 2 + LEVEL_MARGIN
    assert found[100.0]["monotonicity"].item() == pytest.approx(missed)
    assert found[100.0]["loss"].item() == pytest.approx(1 + 4 * missed)
