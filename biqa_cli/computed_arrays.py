"""Arrays on disk that take minutes to compute: filled once, continued after an interruption."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from biqa_cli.threads import map_ahead
from biqa_cli.whole_files import write_whole, wrong_output

_Read = TypeVar("_Read")
Tell = Callable[[int, int], None]
"""Called with how many rows are done, of how many; what it raises stops the work."""


def tell_nobody(_done: int, _total: int) -> None:
    """Take no note: nothing stops."""


def computed_array(
    path: Path,
    rows: int,
    *,
    read: Callable[[range], _Read],
    compute: Callable[[_Read], NDArray[Any]],
    at_once: int,
    workers: int,
    tell: Tell = tell_nobody,
) -> NDArray[Any]:
    """Return an array (rows, …), mapped into memory; it is computed if it is not there yet.

    Args:
        path: A .npy file. It gets its name when it is whole.
        rows: How many.
        read: Returns what some rows are computed from; called in threads.
        compute: Returns those rows; called in order, in this thread.
        at_once: Rows of one call.
        workers: Threads that read ahead.
        tell: May stop the work after any call; what is done is kept for the next run.

    Raises:
        UsageError: If the folder cannot be written.
        OutputError: If the disk is full or broken.
    """
    partial, mark = path.with_suffix(".partial.npy"), path.with_suffix(".done")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Two trainings that share the folder compute an array once.
        with FileLock(path.with_suffix(".lock")):
            done = rows if path.is_file() else _rows_done(partial, mark)
            left = range(done, rows, at_once)
            batches = [range(at, min(at + at_once, rows)) for at in left]
            found = map_ahead(read, batches, workers=workers, ahead=2 * workers)
            for chosen, made in zip(batches, found, strict=True):
                _write_rows(partial, rows, chosen, compute(made))
                write_whole(mark, str(chosen.stop))
                tell(chosen.stop, rows)
            if not path.is_file():
                partial.replace(path)
                mark.unlink()
            whole: NDArray[Any] = np.load(path, mmap_mode="r")
    except OSError as error:
        raise wrong_output(path.parent, error) from error
    return whole


def _rows_done(partial: Path, mark: Path) -> int:
    """Return how many rows an earlier run has left."""
    try:
        return int(mark.read_text()) if partial.is_file() else 0
    except (OSError, ValueError):
        return 0


def _write_rows(path: Path, rows: int, chosen: range, values: NDArray[Any]) -> None:
    if chosen.start == 0:
        shape = (rows, *values.shape[1:])
        np.lib.format.open_memmap(path, mode="w+", dtype=values.dtype, shape=shape)
        if hasattr(os, "posix_fallocate"):
            # A full disk is told now. Later it would be a signal that ends the process.
            with path.open("r+b") as file:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    array = np.lib.format.open_memmap(path, mode="r+")
    array[chosen.start : chosen.stop] = values
    array.flush()
