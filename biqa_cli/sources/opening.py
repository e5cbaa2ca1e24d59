"""How archives and tables are opened: on the disk or behind an address, in any process."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from biqa_cli.errors import ImageError
from biqa_cli.sources.addresses import is_address
from biqa_cli.sources.clients import require_client
from biqa_cli.sources.entry import MOST_BYTES, too_large
from biqa_cli.sources.fetching import open_address, read_address


@dataclass(frozen=True, slots=True)
class Opener:
    """Opens a file; equal to another only if both open the same file in the same state."""

    name: str
    """Of the file; an address with its secrets."""
    state: tuple[int, int] = (0, 0)
    """Size and time of change of a file on the disk."""

    def __call__(self) -> IO[bytes]:
        """Return the file, opened for bytes.

        Raises:
            ImageError: If it cannot be opened.
        """
        if is_address(self.name):
            return open_address(self.name)
        try:
            return Path(self.name).open("rb")
        except (OSError, ValueError) as error:
            # ValueError is open()'s word for a NUL in a name.
            msg = f"cannot be read: {error.strerror if isinstance(error, OSError) else error}"
            raise ImageError(msg) from error


def reader_of(name: str) -> Callable[[], bytes]:
    """Return what reads a photo in a file or behind an address, in any process.

    Raises:
        DependencyError: If what reads the address is not installed.
    """
    if is_address(name):
        require_client(name)
        return partial(read_address, name)
    return partial(_content_of, os.path.abspath(name))  # noqa: PTH100  absolute() keeps ".."


def _content_of(name: str) -> bytes:
    """Return what a file holds.

    Raises:
        ImageError: If it cannot be read, or is too large to be held in memory.
    """
    path = Path(name)
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            # Opening a named pipe would wait for its writer forever.
            raise ImageError("is a pipe or a device, not a photo")
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        msg = f"cannot be read: {error.strerror}"
        raise ImageError(msg) from error
    except ValueError as error:
        raise ImageError("cannot be read: its name is no name of a file") from error
    if len(content) > MOST_BYTES:
        raise ImageError(too_large(path.stat().st_size))
    return content


def opener_of(name: str) -> Opener:
    """Return what opens a file in the state in which it is now."""
    if is_address(name):
        return Opener(name)
    # Another process may have another current folder.
    path = os.path.abspath(name)  # noqa: PTH100  absolute() keeps ".."
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return Opener(path)
    return Opener(path, (status.st_size, status.st_mtime_ns))
