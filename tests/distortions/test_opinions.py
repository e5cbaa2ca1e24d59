from itertools import pairwise

import pytest

from biqa_cli.distortions.catalog import DISTORTIONS, LEVELS
from biqa_cli.distortions.kadid import KADID_CELLS
from biqa_cli.distortions.opinions import LOWEST_SHARE, OPINIONS, laid, share_of_opinion

# Kinds whose values go up and down, and one of which stronger is no worse in KADID-10k.
_UNORDERED = {"mean-shift", "contrast", "color-shift"}


def test_every_kind_has_an_opinion_at_every_level() -> None:
    assert set(OPINIONS) == {d.name for d in DISTORTIONS}
    assert all(1 <= mean <= 5 for opinion in OPINIONS.values() for mean in opinion.means)


@pytest.mark.parametrize("kind", sorted(set(OPINIONS) - _UNORDERED))
def test_stronger_levels_are_worse(kind: str) -> None:
    assert all(milder >= stronger for milder, stronger in pairwise(OPINIONS[kind].means))


def test_opinions_of_kadid_are_those_of_its_cells() -> None:
    measured = {kind for kind, opinion in OPINIONS.items() if opinion.source == "KADID-10k"}
    assert all((kind, level) in KADID_CELLS for kind in measured for level in LEVELS)


def test_what_is_left_lies_between_the_photos_label_and_the_lowest() -> None:
    left = [share_of_opinion(mean) for opinion in OPINIONS.values() for mean in opinion.means]
    assert all(LOWEST_SHARE <= laid(0.8, share) <= 0.8 for share in left)
    assert laid(0.8, 0) == LOWEST_SHARE
    # A worse photo with the same flaw is worse, and a flaw makes no photo better.
    assert laid(0.4, 0.5) < laid(0.8, 0.5)
    assert laid(0.01, 0.5) == 0.01
