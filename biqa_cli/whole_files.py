"""Files that are whole or not there, whenever a program is stopped or the power fails."""

import errno
import logging
import os
import secrets
import shutil
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from biqa_cli.errors import BiqaError, OutputError, UsageError

if sys.platform == "win32":
    fcntl = None
else:
    import fcntl

logger = logging.getLogger(__name__)

COARSEST_CLOCK = 2_000_000_000
"""File systems note the time of a change in steps of up to so many nanoseconds (FAT)."""

_FAULTS_OF_THE_MACHINE = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ENFILE, errno.EMFILE, errno.ENOMEM}
)


@dataclass(frozen=True, slots=True)
class OpenOutput:
    """A file that is being written."""

    file: IO[bytes]
    target: Path
    """What it is renamed to when it is whole."""
    partial: Path | None
    """Its name until then, of this process alone; None where it is written through."""

    def finish(self) -> None:
        """Close the file and give it its name."""
        if self.partial is None:
            self.file.close()
            return
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()
        self.partial.replace(self.target)


def open_output(path: Path) -> OpenOutput:
    """Open a file under a name of its own beside `path`, which `finish` gives to it.

    A pipe or a device is written through, since a file in its place would be of no use to its
    reader. Of a link the file that it points to is replaced.

    Raises:
        UsageError: If `path` is a folder, or nothing can be written there.
        OutputError: If the disk is full.
    """
    try:
        if _is_written_through(path):
            return OpenOutput(path.open("ab"), path, None)
        if path.is_dir():
            msg = f"cannot write {path}: it is a folder: name a file in it"
            raise UsageError(msg)
        target = path.resolve()
        partial = target.with_name(f"{target.name}.{secrets.token_hex(4)}.partial")
        return OpenOutput(partial.open("xb"), target, partial)
    except (OSError, RuntimeError, ValueError) as error:
        # resolve() raises RuntimeError for a link to itself, open() ValueError for a NUL.
        raise wrong_output(path, error) from error


def open_appended(
    path: Path, *, after: int, length: int, lacks_line_end: bool = False
) -> OpenOutput:
    """Open a file, which need not exist, to write on after so many bytes; it keeps its name.

    Until it is closed, it is locked: no other run adds to it.

    Args:
        path: Of the file.
        after: How many of its bytes stay.
        length: How many it had when it was read; 0 where it was not there.
        lacks_line_end: Whether to end the last line of those that stay.

    Raises:
        UsageError: If nothing can be written there, or another run has added to the file since it
            was read, or does so now.
        OutputError: If the disk is full.
    """
    try:
        file = path.open("ab")
        # Another run may have written the file anew, and then this is the one before.
        is_as_read = (
            _locked(file)
            and os.fstat(file.fileno()).st_size == length
            and os.path.samestat(os.fstat(file.fileno()), path.stat())
        )
        if is_as_read:
            file.truncate(after)
            if lacks_line_end:
                file.write(b"\n")
    except (OSError, ValueError) as error:
        raise wrong_output(path, error) from error
    if not is_as_read:
        file.close()
        msg = f"another run adds to {path}: nothing was written, run this one again after it"
        raise UsageError(msg)
    return OpenOutput(file, path, None)


def replace_appended(output: OpenOutput, settle: Callable[[bytes], bytes]) -> None:
    """Write the file of `open_appended` anew if it shall hold something else, before it is closed.

    Args:
        output: All that is to be added to it is.
        settle: Returns what the file shall hold from what it holds.

    Raises:
        OSError: If the disk is full; the file is what it was then.
    """
    output.file.flush()
    target = output.target.resolve()
    content = target.read_bytes()
    settled = settle(content)
    if settled == content:
        return
    partial = target.with_name(f"{target.name}.{secrets.token_hex(4)}.partial")
    try:
        with partial.open("xb") as file:
            file.write(settled)
            file.flush()
            os.fsync(file.fileno())
        shutil.copymode(target, partial)
        partial.replace(target)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _locked(file: IO[bytes]) -> bool:
    """Lock a file until it is closed; return whether no other process has locked it."""
    if fcntl is None:
        # On Windows the length alone tells of other runs.
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        # Some network file systems have no locks: there, too, the length alone tells.
        logger.info("the file cannot be locked: %s", error)
    return True


def _is_written_through(path: Path) -> bool:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    # /dev/stdout may be a regular file, which somebody else has opened.
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)) or path.parts[:2] == ("/", "dev")


def wrong_output(path: Path, error: Exception, *, began: bool = False) -> BiqaError:
    """Return what to raise where a file cannot be written.

    Args:
        path: The file that the user named.
        error: What the system says.
        began: Whether writing had begun, so that the name was good.
    """
    # A full or a broken disk is not the user's fault, a wrong name is.
    own = isinstance(error, OSError) and (began or error.errno in _FAULTS_OF_THE_MACHINE)
    reason = (error.strerror if isinstance(error, OSError) else None) or str(error)
    msg = f"cannot write {path}: {reason}"
    return OutputError(msg) if own else UsageError(msg)


def require_writable(path: Path) -> None:
    """Find out before long work whether a file can be written; nothing is left behind but folders.

    Raises:
        UsageError: If its name does not do.
        OutputError: If the disk is full or fails.
    """
    _make_folder_of(path)
    try:
        if _is_written_through(path):
            # To open a pipe and close it would end what reads it.
            return
    except (OSError, ValueError) as error:
        raise wrong_output(path, error) from error
    output = open_output(path)
    output.file.close()
    if output.partial is not None:
        output.partial.unlink()


def _make_folder_of(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        msg = f"cannot write {path}: {path.parent} is a file, not a folder"
        raise UsageError(msg) from error
    except OSError as error:
        raise wrong_output(path, error) from error


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a file under another name, then rename it; its folder is made if it is missing.

    Raises:
        UsageError: If its name does not do.
        OutputError: If the disk is full or fails.
    """
    _make_folder_of(path)
    output = open_output(path)
    try:
        output.file.write(content.encode() if isinstance(content, str) else content)
        output.finish()
    except BaseException as error:
        # What is not whole is of no use: it can be made again.
        with suppress(OSError):
            output.file.close()
        if output.partial is not None:
            output.partial.unlink(missing_ok=True)
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
            raise wrong_output(path, error, began=True) from error
        raise
