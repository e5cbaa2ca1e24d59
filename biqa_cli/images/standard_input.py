"""Standard input, which may be a pipe that never ends."""

import sys
from io import FileIO
from typing import Protocol

from biqa_cli.errors import UsageError

MOST_BYTES = 1 << 30


class Reader(Protocol):
    """What bytes come from, as many as are there."""

    def read(self, size: int, /) -> bytes | None:
        """Return at most `size` bytes, none at the end."""
        ...


def standard_input() -> Reader:
    """Return standard input, unbuffered.

    Raises:
        UsageError: If it is closed.
    """
    if sys.stdin is None:
        raise UsageError("standard input is closed: nothing can be read from it")
    try:
        # The buffered reader has a lock, and a thread that waits in it would keep the interpreter
        # from ending.
        return FileIO(sys.stdin.fileno(), closefd=False)
    except OSError:
        return sys.stdin.buffer


def picture_from_standard_input() -> bytes:
    """Return all of standard input.

    Raises:
        UsageError: If it is closed, or more than a gibibyte.
    """
    file, chunks, size = standard_input(), [], 0
    while chunk := file.read(1 << 20):
        chunks.append(chunk)
        size += len(chunk)
        if size > MOST_BYTES:
            raise UsageError("standard input does not end after 1 GiB: is it one picture?")
    return b"".join(chunks)
