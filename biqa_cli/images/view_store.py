"""Decoded photos on disk: each is decoded once, for all epochs and all later runs."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from biqa_cli.computed_arrays import Tell, computed_array, tell_nobody
from biqa_cli.errors import ImageError, UsageError
from biqa_cli.images.reading import read_photo
from biqa_cli.images.transforms import ViewSize, training_view
from biqa_cli.whole_files import write_whole

Pixels = NDArray[np.uint8]

FACTS = "photos.json"
"""Stamp and error of each file of a store."""
_AT_ONCE = 32
# As a model's input contract: a JPEG may be decoded at twice the view.
_CODEC_MARGIN = 2


Stamp = tuple[int, int]
"""Length of a file in bytes, and when it was written, in nanoseconds."""
_Facts = tuple[Stamp | None, str]


@dataclass(frozen=True, slots=True)
class _Decoded:
    """A photo after decoding."""

    view: Pixels
    """(H, W, 3); black if the photo is broken."""
    stamp: Stamp | None
    """Of the file."""
    error: str
    """Why it is broken, empty if it is not."""


@dataclass(frozen=True, slots=True)
class ViewStore:
    """Views of photos at one size."""

    home: Path
    """Their folder."""
    pixels: Pixels
    """(n, H, W, 3), mapped into memory: what is read often stays in RAM, and may leave it."""
    rows: dict[int, int]
    """Number of a photo → its row. Broken photos have none."""
    broken: dict[int, str]
    """Number of a photo → why it cannot be read."""

    def view(self, number: int) -> Pixels:
        """Return the view (H, W, 3) of a photo."""
        view: Pixels = self.pixels[self.rows[number]]
        return view


def store_views(
    files: Mapping[int, Path],
    home: Path,
    *,
    size: ViewSize,
    workers: int,
    tell: Tell = tell_nobody,
) -> ViewStore:
    """Return photos at one size, decoded now or by an earlier run.

    A view is what `training_view` makes of the photo. If a file has another length
    or time than the one that was decoded, all are decoded again; a file that is gone is taken from
    the store.

    Args:
        files: The photos, each under its number.
        home: Folder of these photos at this size, see `store_name`.
        size: Of the views.
        workers: Threads that decode.
        tell: May stop the work; what is decoded is kept for the next run.

    Raises:
        UsageError: If the folder cannot be written, or no photo can be read.
    """
    path, told = home / "photos.npy", home / FACTS
    paths = list(files.values())
    facts = _facts(told, paths)
    if not facts and home.is_dir():
        path.unlink(missing_ok=True)
        path.with_suffix(".done").unlink(missing_ok=True)

    def read(rows: range) -> list[tuple[int, _Decoded]]:
        return [(row, _decoded(paths[row], size)) for row in rows]

    def keep(photos: list[tuple[int, _Decoded]]) -> Pixels:
        facts.update({row: (photo.stamp, photo.error) for row, photo in photos})
        write_whole(told, json.dumps(facts))
        return np.stack([photo.view for _, photo in photos])

    pixels = computed_array(
        path, len(paths), read=read, compute=keep, at_once=_AT_ONCE, workers=workers, tell=tell
    )
    errors = {number: facts[row][1] for row, number in enumerate(files)}
    broken = {number: error for number, error in errors.items() if error}
    if len(broken) == len(errors):
        number, error = next(iter(broken.items()))
        msg = f"no photo can be read: {files[number]}: {error}"
        raise UsageError(msg)
    rows = {number: row for row, number in enumerate(files) if number not in broken}
    return ViewStore(home, pixels, rows, broken)


def store_name(label: str, names: Sequence[str], size: ViewSize) -> str:
    """Return a name for the folder of some photos at one size.

    Args:
        label: What people know them by.
        names: Of all photos.
        size: Of the views.
    """
    kept = ["aspect"] if size.keeps_aspect else []
    facts = [size.height, size.width, *kept, _CODEC_MARGIN, *names]
    key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:12]
    safe = "".join(c if c.isalnum() else "-" for c in label)
    return f"{safe}-{size.height}x{size.width}-{key}"


def _facts(told: Path, files: Sequence[Path]) -> dict[int, _Facts]:
    """Return stamp and error of the decoded photos; none if a file has changed since."""
    if not told.is_file():
        return {}
    try:
        known = json.loads(told.read_text(encoding="utf-8"))
        facts = {
            int(row): (_plain_stamp(stamp), str(error)) for row, (stamp, error) in known.items()
        }
    except (TypeError, ValueError):
        return {}
    for row, (stamp, _) in facts.items():
        if (now := stamp_of(files[row])) is not None and now != stamp:
            return {}
    return facts


def _plain_stamp(plain: list[int] | None) -> Stamp | None:
    return None if plain is None else (int(plain[0]), int(plain[1]))


def _decoded(file: Path, size: ViewSize) -> _Decoded:
    at_least = (_CODEC_MARGIN * size.height, _CODEC_MARGIN * size.width)
    stamp = stamp_of(file)
    try:
        image = read_photo(file, at_least=at_least).image
    except ImageError as error:
        return _Decoded(np.zeros((size.height, size.width, 3), np.uint8), stamp, str(error))
    return _Decoded(training_view(image, size), stamp, "")


def stamp_of(file: Path) -> Stamp | None:
    """Return what tells a changed file, None where there is no file."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns
