from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from fakes import photo
from shoots import write_photo

from biqa_cli.culling.looking import LOOKING, Look
from biqa_cli.images.capture_time import CaptureTime
from biqa_cli.images.fingerprint import fingerprint
from biqa_cli.images.reading import reading_photo

NOON = datetime(2024, 6, 1, 12, 0, 0, 250_000)  # noqa: DTZ001  a camera's clock


@pytest.mark.parametrize(
    "taken", [None, CaptureTime(NOON), CaptureTime(NOON, timedelta(hours=-9, minutes=-30))]
)
def test_what_is_kept_is_what_was_seen(taken: CaptureTime | None) -> None:
    seen = Look(fingerprint(photo()), taken)
    again = LOOKING.unpack(LOOKING.pack(seen))
    assert np.array_equal(again.fingerprint, seen.fingerprint) and again.taken == taken


def test_a_photo_is_seen_with_its_time(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    write_photo(path, photo(), seconds=0.25)
    with reading_photo(str(path), at_least=(8, 8)) as decoded:
        seen = LOOKING.see(str(path), decoded)
    assert seen.taken == CaptureTime(NOON) and seen.fingerprint.any()
