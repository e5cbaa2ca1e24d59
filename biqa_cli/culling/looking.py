"""From photos to what culling needs of them beside a score; decoded once, small."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import numpy as np

from biqa_cli.culling.grouping import Glimpse
from biqa_cli.images.capture_time import CaptureTime, capture_time
from biqa_cli.images.fingerprint import DECODE_SIZE, SHAPE, Fingerprint, fingerprint
from biqa_cli.images.limits import DEFAULT_LIMITS, Limits
from biqa_cli.images.reading import Photo, reading_photo
from biqa_cli.known import Looking
from biqa_cli.scoring import reason_of
from biqa_cli.sources.entry import FileOrImage
from biqa_cli.threads import default_workers, map_ahead


@dataclass(frozen=True, slots=True)
class Look:
    """What is seen of a photo while it is decoded."""

    fingerprint: Fingerprint
    taken: CaptureTime | None


def _see(source: FileOrImage, photo: Photo) -> Look:
    taken = capture_time(source) if isinstance(source, str | bytes) else None
    return Look(fingerprint(photo.image), taken)


def _packed(seen: Look) -> bytes:
    if seen.taken is None:
        return seen.fingerprint.tobytes()
    offset = "" if seen.taken.offset is None else str(seen.taken.offset.total_seconds())
    return seen.fingerprint.tobytes() + f"{seen.taken.local.isoformat()} {offset}".encode("ascii")


def _unpacked(data: bytes) -> Look:
    size = math.prod(SHAPE)
    edges = np.frombuffer(data, np.uint8, size).reshape(SHAPE)
    if len(data) == size:
        return Look(edges, None)
    local, offset = data[size:].decode("ascii").split(" ")
    known = timedelta(seconds=float(offset)) if offset else None
    return Look(edges, CaptureTime(datetime.fromisoformat(local), known))


LOOKING = Looking(_see, key=f"edges {SHAPE}, time; 1", pack=_packed, unpack=_unpacked)
"""What `score_and_look` looks at for a cull. Raise the number in the key whenever fingerprints or
times come out otherwise: those that were kept before are void then."""


def glimpse_of(path: str, seen: Look | None) -> Glimpse:
    """Return what grouping needs of a photo; None stands for one that could not be read."""
    return Glimpse(path) if seen is None else Glimpse(path, seen.fingerprint, seen.taken)


def look_at_files(
    paths: Iterable[str], *, workers: int | None = None, limits: Limits = DEFAULT_LIMITS
) -> Iterator[tuple[Glimpse, str]]:
    """Yield what grouping needs of each file, and why one could not be read, in order.

    Args:
        paths: Names of files.
        workers: Threads that read. None is one for each core.
        limits: What reading may cost.
    """
    workers = workers or default_workers()
    return map_ahead(partial(_glimpse, limits=limits), paths, workers=workers, ahead=2 * workers)


def _glimpse(path: str, *, limits: Limits) -> tuple[Glimpse, str]:
    try:
        with reading_photo(path, at_least=DECODE_SIZE, limits=limits) as photo:
            return glimpse_of(path, _see(path, photo)), ""
    except Exception as error:  # noqa: BLE001  a fault of ours in one photo costs that photo alone
        return Glimpse(path), reason_of(path, error)
