"""Decoded photos on disk: each is decoded once, for all epochs and all later runs.

A store is a folder of parts of at most 60 MB, each a NumPy file of uint8 pixels (n, H, W, 3)
that is mapped into memory, and a list of what they are. A part gets its name when it is whole, so
that a preparation which was broken off goes on where it was, and may be copied part by part.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from biqa_cli.datasets.base import Dataset
from biqa_cli.errors import ImageError, UsageError
from biqa_cli.images.reading import read_photo

Pixels = NDArray[np.uint8]

_PART_BYTES = 60_000_000
# As a model's input contract: a JPEG may be decoded at twice the view.
_CODEC_MARGIN = 2


@dataclass(frozen=True, slots=True)
class PhotoStore:
    """Views of photos at one size."""

    home: Path
    """Their folder."""
    parts: tuple[Pixels, ...]
    """Mapped into memory: what is read often stays in RAM, and may leave it."""
    rows: dict[int, tuple[int, int]]
    """Index of an image in its data set → its part and row. Broken photos have none."""
    broken: dict[int, str]
    """Index of an image → why it cannot be read."""

    def view(self, index: int) -> Pixels:
        """Return the view (H, W, 3) of an image of the data set."""
        part, row = self.rows[index]
        view: Pixels = self.parts[part][row]
        return view


@dataclass(frozen=True, slots=True)
class _Plan:
    """One part before it is made: its place, and the photos in it."""

    path: Path
    indices: tuple[int, ...]
    files: tuple[Path, ...]
    height: int
    width: int


def prepare_photos(
    dataset: Dataset,
    indices: Sequence[int],
    folder: Path,
    *,
    size: tuple[int, int],
    workers: int,
    go_on: Callable[[int, int], bool] = lambda _done, _total: True,
) -> PhotoStore | None:
    """Return the photos of a data set at one size, decoded now or by an earlier run.

    A view is what `biqa score` makes of the photo before normalising. A photo whose file has
    another length than the one that was decoded is decoded again, with its part; a file that is
    gone is taken from the store.

    Args:
        dataset: What the indices point into.
        indices: Images to decode.
        folder: Where stores lie; each data set, list of images and size has a folder of its own.
        size: (height, width) of the views.
        workers: Threads that decode.
        go_on: Called with how many photos are there, of how many; False stops after a part.

    Returns:
        None if it was stopped before all parts were whole.

    Raises:
        UsageError: If the folder cannot be written, or no photo can be read.
    """
    plans = _plans(dataset, indices, folder, size)
    rows: dict[int, tuple[int, int]] = {}
    broken: dict[int, str] = {}
    done = 0
    try:
        plans[0].path.parent.mkdir(parents=True, exist_ok=True)
        with ThreadPoolExecutor(workers, thread_name_prefix="biqa-decode") as pool:
            for number, plan in enumerate(plans):
                found = _read_facts(plan) or _make(plan, pool)
                for row, (index, error) in enumerate(zip(plan.indices, found, strict=True)):
                    if error:
                        broken[index] = error
                    else:
                        rows[index] = (number, row)
                done += len(plan.indices)
                if not go_on(done, len(indices)) and number + 1 < len(plans):
                    return None
        parts = tuple(np.load(plan.path, mmap_mode="r") for plan in plans)
    except OSError as error:
        msg = f"cannot keep decoded photos in {folder}: {error.strerror or error}"
        raise UsageError(msg) from error
    if not rows:
        first = next(iter(broken.items()))
        msg = f"no photo can be read: {dataset.images[first[0]].path}: {first[1]}"
        raise UsageError(msg)
    return PhotoStore(plans[0].path.parent, parts, rows, broken)


def _plans(
    dataset: Dataset, indices: Sequence[int], folder: Path, size: tuple[int, int]
) -> list[_Plan]:
    height, width = size
    paths = [dataset.images[index].path for index in indices]
    key = hashlib.sha256(json.dumps([*size, _CODEC_MARGIN, paths]).encode()).hexdigest()[:12]
    name = "".join(c if c.isalnum() else "-" for c in dataset.name)
    home = folder / f"{name}-{height}x{width}-{key}"
    count = max(1, _PART_BYTES // (3 * height * width))
    plans = []
    for start in range(0, len(indices), count):
        chosen = tuple(indices[start : start + count])
        plans.append(
            _Plan(
                path=home / f"part-{start // count:04d}.npy",
                indices=chosen,
                files=tuple(dataset.file(index) for index in chosen),
                height=height,
                width=width,
            )
        )
    return plans


def _read_facts(plan: _Plan) -> list[str] | None:
    """Return the error of each photo of a part that is here and current ("" is none)."""
    facts = plan.path.with_suffix(".json")
    if not (plan.path.is_file() and facts.is_file()):
        return None
    entries = json.loads(facts.read_text(encoding="utf-8"))
    for file, (length, _) in zip(plan.files, entries, strict=True):
        now = _length(file)
        if now is not None and now != length:
            return None
    return [error for _, error in entries]


def _make(plan: _Plan, pool: ThreadPoolExecutor) -> list[str]:
    """Decode the photos of a part and return the error of each ("" is none)."""
    # Gone before its list changes: the two always belong together.
    plan.path.unlink(missing_ok=True)
    temporary = plan.path.with_suffix(".partial.npy")
    pixels = np.lib.format.open_memmap(
        temporary,
        mode="w+",
        dtype=np.uint8,
        shape=(len(plan.indices), plan.height, plan.width, 3),
    )
    lengths = [_length(file) for file in plan.files]
    errors = list(pool.map(partial(_decode, plan, pixels), range(len(plan.indices))))
    pixels.flush()
    del pixels
    facts = plan.path.with_suffix(".json")
    facts.write_text(json.dumps(list(zip(lengths, errors, strict=True))), encoding="utf-8")
    temporary.replace(plan.path)
    return errors


def _decode(plan: _Plan, pixels: Pixels, row: int) -> str:
    at_least = (_CODEC_MARGIN * plan.height, _CODEC_MARGIN * plan.width)
    try:
        image = read_photo(plan.files[row], at_least=at_least).image
    except ImageError as error:
        return str(error)
    if image.size != (plan.width, plan.height):
        image = image.resize((plan.width, plan.height), Image.Resampling.BICUBIC)
    pixels[row] = np.asarray(image)
    return ""


def _length(file: Path) -> int | None:
    """Return the length of a file in bytes, None where there is none."""
    try:
        return file.stat().st_size
    except OSError:
        return None
