import numpy as np
import pytest
from bursts import burst

from biqa_cli.culling.likeness import describe, likeness
from biqa_cli.images.fingerprint import SHAPE, fingerprint


def test_frames_of_a_burst_are_alike_and_others_are_not() -> None:
    first, *others = (describe(fingerprint(image)) for image in burst(1))
    assert all(likeness(first, other) > 0.9 for other in others)
    stranger = describe(fingerprint(burst(2)[0]))
    assert likeness(first, stranger) < 0.7


def test_likeness_is_symmetric_and_one_to_itself() -> None:
    one, other = (describe(fingerprint(image)) for image in (burst(1)[0], burst(1)[4]))
    assert likeness(one, other) == pytest.approx(likeness(other, one), abs=1e-6)
    assert likeness(one, one) == pytest.approx(1, abs=1e-6)


def test_descriptions_are_unit_vectors_and_zero_without_edges() -> None:
    described = describe(fingerprint(burst(3)[0]))
    assert described.windows.shape == (54, 128)
    lengths = np.linalg.norm(described.windows, axis=1)
    assert lengths == pytest.approx(np.ones(54), abs=1e-5)
    flat = describe(np.zeros(SHAPE, np.uint8))
    assert likeness(flat, flat) == 0
