"""A correction learns what ratings tell, and leaves the model as it is where they tell nothing."""

import numpy as np
import pytest

from biqa_cli.metrics.correlation import srcc
from biqa_cli.models.tuned import Correction
from biqa_cli.tuning.ridge import Photos, fit_line, fit_ridge


def photos(count: int, *, features: int = 12, seed: int = 0) -> Photos:
    rng = np.random.default_rng(seed)
    scales = 10.0 ** rng.uniform(-2, 2, features)
    return Photos(
        rng.uniform(0.1, 0.9, count), np.ones(count), rng.normal(3, 1, (count, features)) * scales
    )


def test_a_taste_that_the_features_tell_is_learnt_exactly_where_there_is_no_noise() -> None:
    known = photos(200)
    wanted = Correction(0.1, 0.3, np.linspace(-1, 1, 12) * 0.05 / known.features.std(axis=0))
    labels = wanted(known.shares, known.features)
    found = fit_ridge(known, labels)
    new = photos(50, seed=0)
    assert found(new.shares, new.features) == pytest.approx(
        wanted(new.shares, new.features), abs=4e-3
    )


def test_ratings_without_any_pattern_move_the_order_little() -> None:
    known, new = photos(50, features=400), photos(300, features=400, seed=0)
    noise = np.random.default_rng(1).uniform(0, 1, 50)
    said = fit_ridge(known, 0.9 * known.shares + 0.1 * noise)(new.shares, new.features)
    assert srcc(new.shares, said) > 0.97


def test_a_line_keeps_the_order_of_the_model_whatever_the_ratings_say() -> None:
    known = photos(30)
    found = fit_line(known, 1 - known.shares)
    assert found.slope == 0.1 and not found.weights.any()
    said = found(known.shares, known.features)
    assert said.mean() == pytest.approx((1 - known.shares).mean())
    true = fit_line(known, 0.2 + 0.5 * known.shares)
    assert (true.intercept, true.slope) == pytest.approx((0.2, 0.5), abs=1e-6)


def test_what_full_size_leaves_is_no_news_to_the_features() -> None:
    whole = photos(100)
    left = np.random.default_rng(2).uniform(0.2, 1, 100)
    lowered = Photos(whole.shares, left, whole.features)
    wanted = Correction(0.1, 0.8, np.full(12, 0.01) / whole.features.std(axis=0))
    labels = wanted(whole.shares, whole.features)
    found = fit_ridge(lowered, labels * left)
    assert lowered.corrected(found) == pytest.approx(np.clip(labels * left, 0, 1), abs=5e-3)


def test_a_feature_that_no_rated_photo_has_counts_for_nothing_wild() -> None:
    known = photos(40)
    known.features[:, 0] = 0
    found = fit_ridge(known, known.shares)
    known.features[:, 0] = 1
    assert np.abs(found(known.shares, known.features) - known.shares).max() < 0.01
