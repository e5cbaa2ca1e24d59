import numpy as np
import pytest

from biqa_cli.distortions.catalog import DISTORTIONS, SHDIQA_DISTORTIONS, find_distortion
from biqa_cli.distortions.distort import distort
from biqa_cli.distortions.eight_bits import from_bytes, rounded
from biqa_cli.errors import UsageError

_RNG = np.random.default_rng(7)
IMAGE = from_bytes(_RNG.integers(0, 256, (60, 70, 3), dtype=np.uint8))


def test_there_are_51_kinds_numbered_from_1_and_each_has_its_own_name() -> None:
    assert [d.number for d in DISTORTIONS] == list(range(1, 52))
    assert len({d.name for d in DISTORTIONS}) == 51


def test_the_kinds_of_the_paper_stay_24_so_that_recipes_draw_what_they_drew() -> None:
    assert [d.number for d in SHDIQA_DISTORTIONS] == list(range(1, 25))
    assert [SHDIQA_DISTORTIONS[place].name for place in (0, 13, 23)] == [
        *("resize-bicubic", "jpeg", "saturate")
    ]


def test_a_kind_is_listed_with_its_group_and_what_its_values_mean() -> None:
    listed = {d.name: (d.group, d.parameter) for d in DISTORTIONS}
    assert listed["gaussian-blur"] == ("blur", "sigma, pixels")
    assert listed["color-block"] == ("spatial", "count, squares for 512×384 pixels")
    assert {group for group, _ in listed.values()} == {
        *("blur", "codecs", "colour", "compression", "light", "noise"),
        *("processing", "spatial", "tone"),
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
        "few-colours",
        "dithered-colours",
        "double-jpeg",
        "noisy-jpeg",
        "jpeg-errors",
        "jpeg2000",
        "webp",
        "avif",
    ]


@pytest.mark.slow
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
        UsageError, match="there are resize-bicubic, .*, brightness-blocks .see `biqa distort"
    ):
        find_distortion("42")
