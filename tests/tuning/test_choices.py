"""A correction from choices: it agrees with them, and is judged by photos that it has not seen."""

import tracemalloc

import numpy as np
import pytest

from biqa_cli.metrics.correlation import srcc
from biqa_cli.tuning import choices
from biqa_cli.tuning.choices import _folds, choose, pairs_of_decisions
from biqa_cli.tuning.ridge import Photos


def chosen(count: int, pairs: int, *, seed: int = 0) -> tuple[Photos, np.ndarray, np.ndarray]:
    """Return photos, choices by a taste of the features alone, and that taste."""
    rng = np.random.default_rng(seed)
    features = rng.normal(2, 3, (count, 6))
    taste = features @ np.array([1.0, -1, 0.5, 0, 0, 0])
    drawn = np.array([rng.choice(count, 2, replace=False) for _ in range(pairs)])
    better = taste[drawn[:, 0]] > taste[drawn[:, 1]]
    ordered = np.where(better[:, None], drawn, drawn[:, ::-1])
    return Photos(rng.uniform(0.2, 0.8, count), np.ones(count), features), ordered, taste


def test_a_taste_is_found_in_choices() -> None:
    photos, pairs, taste = chosen(120, 240)
    found = choose(photos, pairs)
    said = photos.corrected(found.correction)
    assert srcc(taste, said) > 0.95
    assert found.right.mean() > 0.85 and 0.35 < found.untuned.mean() < 0.65
    # An order has no scale: it has that of the scores before.
    before = photos.untuned()
    assert (said.mean(), said.std()) == pytest.approx((before.mean(), before.std()), abs=0.02)


def test_choices_by_chance_leave_the_order_of_the_model() -> None:
    photos, pairs, _ = chosen(60, 120)
    agreeing = photos.shares[pairs[:, 0]] > photos.shares[pairs[:, 1]]
    by_score = np.where(agreeing[:, None], pairs, pairs[:, ::-1])
    found = choose(photos, by_score)
    assert srcc(photos.untuned(), photos.corrected(found.correction)) > 0.95


@pytest.mark.parametrize("seed", range(3))
def test_choices_that_contradict_each_other_leave_the_scores_of_the_model(seed: int) -> None:
    photos, pairs, _ = chosen(30, 40, seed=seed)
    both_ways = np.concatenate([pairs, pairs[:, ::-1]])
    found = choose(photos, both_ways)
    assert "they are few, or contradict them" in found.fallback
    assert photos.corrected(found.correction) == pytest.approx(photos.untuned())
    assert (found.right == found.untuned).all()


def test_features_that_foretell_choices_worse_than_the_score_do_not_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    photos, pairs, _ = chosen(40, 80)
    monkeypatch.setattr(
        photos.__class__, "untuned", lambda self: self.features @ [1, -1, 0.5, 0, 0, 0]
    )
    found = choose(photos, pairs)
    assert found.untuned.all()
    assert "worse than the score alone" in found.fallback


def test_a_group_of_thousands_of_photos_takes_no_memory_by_the_pair() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(0, 1, (600, 300))
    pairs = pairs_of_decisions(["1"] * 600, rng.integers(0, 3, 600).tolist())
    tracemalloc.start()
    choices._fitted(features, pairs, 1.0)  # noqa: SLF001  what takes the memory
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < pairs.shape[0] * 300 * 8 / 5


def test_choices_are_foretold_without_any_choice_of_either_photo() -> None:
    _, pairs, _ = chosen(40, 80)
    foretold = []
    for inside, outside in _folds(40, pairs, seed=0):
        assert not np.isin(pairs[inside], pairs[outside]).any()
        foretold += outside.tolist()
    assert sorted(foretold) == list(range(80))


def test_decisions_compare_the_photos_of_a_group_alone() -> None:
    pairs = pairs_of_decisions(["1", "1", "1", "2", "2"], [2, 0, 0, 1, 2])
    assert pairs.tolist() == [[0, 1], [0, 2], [4, 3]]
    assert pairs_of_decisions(["1", "2"], [2, 0]).shape == (0, 2)
