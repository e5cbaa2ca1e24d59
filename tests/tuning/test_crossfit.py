"""What held-out ratings say of a correction: folds, intervals, and when it is dropped."""

import numpy as np
import pytest

from biqa_cli.metrics.correlation import srcc
from biqa_cli.tuning.crossfit import crossfit, folds_of, half_width_of
from biqa_cli.tuning.ridge import Photos


def rated(count: int, *, noise: float, seed: int = 0) -> tuple[Photos, np.ndarray]:
    """Return photos of eight features, four of which count, and ratings."""
    rng = np.random.default_rng(seed)
    features = rng.normal(0, 1, (count, 8))
    shares = rng.uniform(0.3, 0.7, count)
    labels = 0.5 * shares + 0.25 + 0.08 * features[:, :4].sum(axis=1) + rng.normal(0, noise, count)
    return Photos(shares, np.ones(count), features), labels


@pytest.mark.parametrize("count", [20, 57, 1000])
def test_each_photo_is_held_out_once_and_groups_are_undivided(count: int) -> None:
    folds = list(folds_of(count))
    assert sorted(np.concatenate(folds)) == list(range(count))
    names = [str(index % 7) for index in range(count)]
    for fold in folds_of(count, groups=names):
        inside = {names[index] for index in fold}
        assert len(fold) == sum(name in inside for name in names)


def test_the_half_width_is_the_residual_of_the_conformal_rank() -> None:
    assert half_width_of(np.arange(1.0, 20)) == 18  # ⌈0.9 · 20⌉ of 19
    assert half_width_of(np.arange(1.0, 5)) == 1  # four residuals cannot tell: the whole scale


def test_intervals_hold_nine_of_ten_new_ratings() -> None:
    new, truth = rated(400, noise=0.1, seed=99)
    held = []
    for seed in range(12):
        found = crossfit(*rated(40, noise=0.1, seed=seed))
        assert not found.fallback
        held.append(np.abs(new.corrected(found.correction) - truth) <= found.half_width)
    assert 0.87 <= np.mean(held) <= 0.94


def test_ratings_that_contradict_each_other_leave_the_order_of_the_model() -> None:
    photos, _ = rated(40, noise=0.1)
    chance = np.random.default_rng(5).uniform(0, 1, 40)
    found = crossfit(photos, chance)
    assert "they are few, or contradict them" in found.fallback
    assert srcc(photos.shares, photos.corrected(found.correction)) == pytest.approx(1)
    assert found.half_width > 0.35


def test_held_out_scores_come_from_corrections_that_have_not_seen_the_rating() -> None:
    photos, labels = rated(30, noise=0.05)
    before = crossfit(photos, labels).held_out
    changed = labels.copy()
    changed[3] += 0.2
    after = crossfit(photos, changed).held_out
    assert after[3] == pytest.approx(before[3], abs=1e-12)
    assert np.abs(after - before).max() > 1e-3
