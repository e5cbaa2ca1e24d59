"""How archives and tables are opened: on the disk or behind an address, in any process."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from biqa_cli.errors import ImageError
from biqa_cli.sources.addresses import is_address
from biqa_cli.sources.fetching import open_address


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
