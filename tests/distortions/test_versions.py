import numpy as np

from biqa_cli.distortions.catalog import SHDIQA_DISTORTIONS
from biqa_cli.distortions.distort import distort
from biqa_cli.distortions.eight_bits import from_bytes, to_bytes
from biqa_cli.distortions.versions import Versions, draw_versions


def _drawn(seed: int) -> tuple[Versions, ...]:
    return draw_versions(range(100, 1100), count=800, rng=np.random.default_rng(seed))


def test_each_photo_is_drawn_once_with_two_levels_of_a_kind_that_has_an_order() -> None:
    drawn = _drawn(1)
    assert len({one.index for one in drawn}) == 800
    assert all(100 <= one.index < 1100 for one in drawn)
    assert all(1 <= milder < stronger <= 4 for milder, stronger in (one.levels for one in drawn))
    kinds = {one.kind for one in drawn}
    assert kinds == {d.name for d in SHDIQA_DISTORTIONS} - {"mean-shift", "contrast"}
    assert drawn == _drawn(1)
    assert drawn != _drawn(2)


def test_a_view_is_degraded_as_biqa_distort_does() -> None:
    view = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    one = Versions(index=7, kind="white-noise-rgb", levels=(1, 3))
    expected = to_bytes(distort(from_bytes(view), kind="white-noise-rgb", level=3, seed=7))
    assert np.array_equal(one.view(view, 3), expected)


def test_the_facts_of_versions_have_the_values_of_their_levels() -> None:
    one = Versions(index=7, kind="gaussian-blur", levels=(2, 4))
    assert one.facts == (7, "gaussian-blur", (2, 1), (4, 5))
