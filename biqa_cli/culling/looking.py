"""From photos to what culling needs of them beside a score; decoded once, small."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from biqa_cli.culling.grouping import Glimpse
from biqa_cli.images.capture_time import CaptureTime, capture_time
from biqa_cli.images.fingerprint import DECODE_SIZE, Fingerprint, fingerprint
from biqa_cli.images.limits import DEFAULT_LIMITS, Limits
from biqa_cli.images.reading import Photo, reading_photo
from biqa_cli.scoring import Source, reason_of
from biqa_cli.threads import default_workers, map_ahead


@dataclass(frozen=True, slots=True)
class Look:
    """What is seen of a photo while it is decoded."""

    fingerprint: Fingerprint
    taken: CaptureTime | None


def look(source: Source, photo: Photo) -> Look:
    """Return what is seen of a photo; what `score_and_look` calls."""
    taken = capture_time(source) if isinstance(source, str | bytes) else None
    return Look(fingerprint(photo.image), taken)


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
            return glimpse_of(path, look(path, photo)), ""
    except Exception as error:  # noqa: BLE001  a fault of ours in one photo costs that photo alone
        return Glimpse(path), reason_of(path, error)
