import numpy as np
import pytest

from biqa_cli.distortions.catalog import DISTORTIONS, find_distortion
from biqa_cli.distortions.distort import distort
from biqa_cli.distortions.eight_bits import from_bytes, rounded
from biqa_cli.errors import UsageError

_RNG = np.random.default_rng(7)
IMAGE = from_bytes(_RNG.integers(0, 256, (60, 70, 3), dtype=np.uint8))


def test_there_are_24_kinds_numbered_as_in_the_paper() -> None:
    assert [d.number for d in DISTORTIONS] == list(range(1, 25))
    assert len({d.name for d in DISTORTIONS}) == 24


def test_a_kind_is_listed_with_its_group_and_what_its_values_mean() -> None:
    listed = {d.name: (d.group, d.parameter) for d in DISTORTIONS}
    assert listed["gaussian-blur"] == ("blur", "sigma, pixels")
    assert listed["color-block"] == ("spatial", "count, squares for 512×384 pixels")
    assert {group for group, _ in listed.values()} == {
        *("blur", "colour", "compression", "noise", "spatial", "tone")
    }


@pytest.mark.parametrize(
    "distortion", [d for d in DISTORTIONS if d.identity is not None], ids=lambda d: d.name
)
def test_the_identity_value_changes_nothing(distortion) -> None:  # noqa: ANN001
    changed = distortion.apply(IMAGE, distortion.identity, np.random.default_rng(0))
    np.testing.assert_allclose(changed, IMAGE, atol=2e-5)
    np.testing.assert_array_equal(rounded(np.clip(changed, 0, 1)), IMAGE)


def test_kinds_without_an_identity_are_those_that_cannot_have_one() -> None:
    assert [d.name for d in DISTORTIONS if d.identity is None] == [
        "pixelate",
        "lens-blur",
        "jpeg",
        "denoise",
        "color-diffuse",
    ]


def test_what_is_marked_random_depends_on_the_seed_and_nothing_else_does() -> None:
    for distortion in DISTORTIONS:
        # A coin decides between two results of motion blur and denoise: eight seeds show both.
        results = {
            distort(IMAGE, kind=distortion.name, level=4, seed=seed).tobytes() for seed in range(8)
        }
        assert (len(results) > 1) == distortion.random, distortion.name
        again = distort(IMAGE, kind=distortion.name, level=4, seed=3)
        np.testing.assert_array_equal(
            again, distort(IMAGE, kind=distortion.name, level=4, seed=np.random.default_rng(3))
        )


def test_a_misspelt_kind_gets_the_closest_name_and_any_other_all_names() -> None:
    with pytest.raises(
        UsageError, match="no distortion 'gausian-blur': did you mean 'gaussian-blur'"
    ):
        find_distortion("gausian-blur")
    with pytest.raises(
        UsageError, match="there are resize-bicubic, .*, saturate .see `biqa distort"
    ):
        find_distortion("42")
