import pytest

from biqa_cli.models.build import renormalisation

PIXEL = (0.7, 0.1, 0.4)
OURS = ((0.5, 0.4, 0.3), (0.5, 0.25, 0.2))
THEIRS = ((0.25, 0.5, 0.2), (0.25, 0.8, 0.1))


def test_scale_and_shift_lead_from_one_normalisation_to_another() -> None:
    ours, theirs = (
        [(p - m) / s for p, m, s in zip(PIXEL, *known, strict=True)] for known in (OURS, THEIRS)
    )
    scale, shift = renormalisation(OURS, THEIRS)
    found = [a * x + b for a, x, b in zip(scale, ours, shift, strict=True)]
    assert found == pytest.approx(theirs, abs=1e-12)


def test_one_normalisation_is_left_as_it_is() -> None:
    assert renormalisation(OURS, OURS) == ((1, 1, 1), (0, 0, 0))
