"""The only module that prints: data to stdout, talk to stderr."""

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any, TextIO

from biqa_cli.errors import OutputError, UsageError
from biqa_cli.images.native_stderr import silence_decoders
from biqa_cli.reports.layout import columns_that_fit, text_table, width_of
from biqa_cli.reports.rows import printable
from biqa_cli.whole_files import (
    open_appended,
    open_output,
    replace_appended,
    write_whole,
    wrong_output,
)

STDOUT = Path("-")
"""Where -o - writes to."""


_CLIENTS = ("aiobotocore", "aiohttp", "asyncio", "boto3", "botocore", "fsspec", "gcsfs", "s3fs")
"""What talks to servers, by the names of their logs."""


def prepare_streams() -> None:
    """Make stdout and stderr take all that biqa says, whatever the locale and the caller did.

    What C libraries print there on their own is dropped.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            # A photo must not be opened as what the C libraries take for stderr.
            os.open(os.devnull, os.O_RDWR)
    if sys.stderr is not None:
        silence_decoders()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            _take_every_character(stream)


def _take_every_character(stream: TextIOWrapper) -> None:
    if stream.isatty():
        # A terminal shows what its encoding has.
        stream.reconfigure(errors="backslashreplace")
    else:
        # File names are bytes; those that are not UTF-8 leave as they came.
        stream.reconfigure(encoding="utf-8", errors="surrogateescape")


def say(message: str) -> None:
    """Print a line of talk."""
    _talk(printable(message))


def counted(number: int, noun: str) -> str:
    """Return a number of things in words.

    Example:
        >>> counted(1, "photo"), counted(2, "photo")
        ('1 photo', '2 photos')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def problem(message: str) -> None:
    """Print why something failed; of a text of several lines each line."""
    first, *others = message.splitlines() or [""]
    _talk("\n".join(map(printable, [f"biqa: {first}", *others])))


def _talk(text: str) -> None:
    # Python has no stderr where it is closed; talk that nobody can hear stops nothing.
    if sys.stderr is not None:
        with suppress(OSError):
            print(text, file=sys.stderr)


def print_line(line: str) -> None:
    """Print a line of data."""
    _print(printable(line))


def print_json(value: object) -> None:
    """Print data as JSON."""
    _print(json.dumps(value, indent=2))


def _print(text: str) -> None:
    with _stdout() as stream:
        print(text, file=stream)


def flush() -> None:
    """Write out all that has been printed.

    Raises:
        OutputError: If it cannot be written.
    """
    if sys.stdout is not None:
        with _stdout() as stream:
            stream.flush()


def is_terminal() -> bool:
    """Return whether stdout is one."""
    return sys.stdout is not None and sys.stdout.isatty()


def give_up_stdout() -> None:
    """Let what is still in the buffer of stdout go nowhere."""
    _to_nowhere(sys.stdout)


def end_talk() -> None:
    """Let talk that could not be written go nowhere: Python would change the exit code for it."""
    try:
        if sys.stderr is not None:
            sys.stderr.flush()
    except (OSError, ValueError):
        _to_nowhere(sys.stderr)


def _to_nowhere(stream: IO[str]) -> None:
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def write_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; STDOUT, which must be no terminal, gets the bytes.

    Raises:
        UsageError: If its name does not do, or a terminal would show the bytes.
        OutputError: If the disk is full, or stdout closed.
    """
    if path != STDOUT:
        write_whole(path, content)
        return
    if is_terminal():
        raise UsageError("this is no text for a terminal: name a file in place of -, or use a pipe")
    with _stdout() as stream:
        stream.flush()
        stream.buffer.write(content)
        stream.buffer.flush()


@contextmanager
def _stdout() -> Iterator[TextIO]:
    """Yield stdout; failures to write name it."""
    if sys.stdout is None:
        raise OutputError("cannot write to standard output: it is closed: use -o FILE")
    try:
        yield sys.stdout
    except BrokenPipeError:
        raise
    except OSError as error:
        msg = f"cannot write to standard output: {error.strerror}"
        raise OutputError(msg) from error


def print_table(
    columns: Sequence[str], rows: Sequence[Sequence[Any]], *, may_go: Sequence[str] = ()
) -> None:
    """Print a list as a table of plain text, numbers to the right, one line a row.

    Where it does not fit the terminal, columns are left out and named on stderr; then text is cut,
    but for the first column: names that people type. Of two columns, a field and its value,
    neither is.

    Args:
        columns: The header.
        rows: The cells.
        may_go: Columns that may be left out, the least important first.
    """
    cells = [[printable(str(cell)) for cell in row] for row in rows]
    with _stdout() as stream:
        width = width_of(stream)
    shown = columns_that_fit(columns, cells, may_go=may_go, width=width)
    numbers = [bool(rows) and all(isinstance(row[i], (int, float)) for row in rows) for i in shown]
    lines = text_table(
        [columns[index] for index in shown],
        [[row[index] for index in shown] for row in cells],
        numbers=numbers,
        width=width,
        whole=2 if len(columns) == 2 else 1,  # noqa: PLR2004
    )
    _print("\n".join(lines))
    # Before anything is said of it: a full disk is then all that is told.
    flush()
    if gone := [name for index, name in enumerate(columns) if index not in shown]:
        say(f"the terminal is too narrow for {', '.join(gone)}: -f json has all")


def set_up_logging(verbosity: int) -> None:
    """Send the library's log to stderr: warnings, with -v also news, with -vv all."""
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbosity, 2)]
    logging.basicConfig(stream=sys.stderr, level=level, format="biqa: %(message)s", force=True)
    logging.captureWarnings(capture=True)
    logging.getLogger("py.warnings").setLevel(level if verbosity else logging.ERROR)
    # Pillow logs what is odd in a file: news about one photo, not a problem of the user's.
    logging.getLogger("PIL").setLevel(logging.WARNING if verbosity else logging.CRITICAL)
    for client in _CLIENTS:
        # They log whole requests, signatures and all.
        logging.getLogger(client).setLevel(logging.CRITICAL)


@contextmanager
def report_stream(
    path: Path | None,
    *,
    after: int | None = None,
    length: int = 0,
    lacks_line_end: bool = False,
    settle: Callable[[bytes], bytes] | None = None,
) -> Iterator[IO[str]]:
    """Yield the stream that a report goes to.

    A file is written under a name of its own and renamed when it is whole; what is in it stays
    there after an interruption or an error. Pipes and devices are written through.

    Args:
        path: Of the file; None is stdout.
        after: Go on in the file itself, after so many bytes.
        length: How many bytes it had when it was read, to tell whether another run has added to it.
        lacks_line_end: Whether the last line that stays has no end yet.
        settle: Returns what the file shall hold in the end, from what it holds then. None changes
            nothing.

    Raises:
        UsageError: If there can be no such file, or another run adds to it.
        OutputError: If the disk is full, or stdout closed.
    """
    if path is None:
        with _stdout() as stream:
            if isinstance(stream, TextIOWrapper):
                _take_every_character(stream)
            yield stream
            stream.flush()
        return
    output = (
        open_output(path)
        if after is None
        else open_appended(path, after=after, length=length, lacks_line_end=lacks_line_end)
    )
    text = TextIOWrapper(output.file, encoding="utf-8", errors="surrogateescape", newline="")
    try:
        yield text
        text.flush()
        if settle is not None:
            replace_appended(output, settle)
        output.finish()
    except BaseException as error:
        with suppress(OSError):
            text.close()
        if output.partial is not None:
            _tell_of(output.partial)
        if isinstance(error, OSError) and not isinstance(error, BrokenPipeError):
            raise wrong_output(path, error, began=True) from error
        raise


def _tell_of(partial: Path) -> None:
    """Say where the results so far are, or delete a file without any."""
    with suppress(OSError):
        if partial.stat().st_size:
            say(f"the results so far are in {partial}")
        else:
            partial.unlink()
