"""Questions that teach much: spread over what the photos differ in, and none twice."""

import numpy as np
import pytest

from biqa_cli.tuning.asking import MOST, order_of_pairs, order_of_photos
from biqa_cli.tuning.ridge import Photos, fit_ridge


def photos(count: int, *, seed: int = 0) -> Photos:
    rng = np.random.default_rng(seed)
    # Nine tenths are alike: ten crowds of the same features.
    features = rng.normal(0, 1, (10, 30))[rng.integers(10, size=count)]
    return Photos(rng.uniform(0, 1, count), np.ones(count), features)


def test_each_crowd_is_asked_about_before_any_is_asked_twice_as_often() -> None:
    known = photos(200)
    chosen = order_of_photos(known, count=20)
    assert len(set(chosen)) == 20
    crowds = {tuple(known.features[index]) for index in chosen[:14]}
    assert len(crowds) == 10


def test_few_well_chosen_answers_teach_more_than_chance() -> None:
    gains = []
    for seed in range(8):
        known = photos(150, seed=seed)
        taste = np.random.default_rng(seed).normal(0, 0.1, 30)
        truth = 0.5 + 0.2 * known.shares + known.features @ taste
        errors = []
        for chosen in (
            order_of_photos(known, count=15),
            np.random.default_rng(seed + 50).permutation(150)[:15].tolist(),
        ):
            index = np.array(chosen)
            fitted = fit_ridge(known.at(index), truth[index])
            errors.append(np.abs(fitted(known.shares, known.features) - truth).mean())
        gains.append(errors[1] - errors[0])
    assert np.mean(gains) > 0


def test_pairs_are_close_in_score_and_none_comes_twice() -> None:
    known = photos(100)
    pairs = order_of_pairs(known, count=40)
    assert len({tuple(sorted(pair)) for pair in pairs}) == 40
    assert all(one != other for one, other in pairs)
    gaps = [abs(known.shares[one] - known.shares[other]) for one, other in pairs]
    assert np.mean(gaps) < 0.2  # of pairs by chance it is a third


@pytest.mark.slow
def test_many_photos_take_a_bounded_time() -> None:
    many = photos(20 * MOST)
    assert len(order_of_photos(many, count=30)) == 30
    assert len(order_of_pairs(many, count=30)) == 30
