from biqa_cli.distortions.catalog import DISTORTIONS
from biqa_cli.distortions.flaws import FLAW_OF, FLAWS


def test_each_flaw_is_made_by_some_kind_and_no_kind_is_unknown() -> None:
    assert set(FLAW_OF.values()) == set(FLAWS)
    unknown = set(FLAW_OF) - {distortion.name for distortion in DISTORTIONS}
    assert not unknown


def test_kinds_without_a_flaw_are_those_that_are_listed() -> None:
    named = {distortion.name for distortion in DISTORTIONS} - set(FLAW_OF)
    assert named == {"mean-shift", "contrast", "vignette", "desaturated"}
