"""The only module that prints: data to stdout, talk to stderr."""

import json
import logging
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn, TypeVar, cast

if TYPE_CHECKING:
    from io import TextIOWrapper

    from tqdm import tqdm

from biqa_cli.errors import UsageError
from biqa_cli.reports.rows import printable

_Item = TypeVar("_Item")


def say(message: str) -> None:
    """Print a line of talk."""
    print(printable(message), file=sys.stderr)


def problem(message: str) -> None:
    """Print why something failed."""
    say(f"biqa: {message}")


def print_line(line: str) -> None:
    """Print a line of data."""
    print(printable(line))


def print_json(value: object) -> None:
    """Print data as JSON."""
    print(json.dumps(value, indent=2))


def print_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print data as a table of plain text, numbers to the right."""
    cells = [[printable(str(cell)) for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(columns, *cells, strict=True)]
    numeric = [
        bool(rows) and all(isinstance(row[index], (int, float)) for row in rows)
        for index in range(len(columns))
    ]
    for row in [list(columns), *cells]:
        padded = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        )
        print("  ".join(padded).rstrip())


def set_up_logging(verbosity: int) -> None:
    """Send the library's log to stderr: warnings, with -v also news, with -vv all."""
    level = (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbosity, 2)]
    logging.basicConfig(stream=sys.stderr, level=level, format="biqa: %(message)s", force=True)
    # Pillow warns of odd metadata; that is news about one file, not a problem of the user's.
    logging.captureWarnings(capture=True)
    logging.getLogger("py.warnings").setLevel(level if verbosity else logging.ERROR)
    logging.getLogger("PIL").setLevel(logging.WARNING)


@contextmanager
def report_stream(path: Path | None) -> Iterator[IO[str]]:
    """Yield the stream that a report goes to.

    A file is written under the name `<path>.partial` and renamed when it is whole; after an
    interruption the partial file stays.

    Raises:
        UsageError: If the file cannot be written.
    """
    if path is None:
        # File names are bytes; those that are not UTF-8 leave as they came.
        cast("TextIOWrapper", sys.stdout).reconfigure(errors="surrogateescape")
        yield sys.stdout
        sys.stdout.flush()
        return
    partial = path.with_name(f"{path.name}.partial")
    try:
        file = partial.open("w", encoding="utf-8", errors="surrogateescape", newline="")
    except OSError as error:
        msg = f"cannot write {path}: {error.strerror}"
        raise UsageError(msg) from error
    with file:
        try:
            yield file
        except KeyboardInterrupt:
            say(f"the results so far are in {partial}")
            raise
    partial.replace(path)


def with_progress(
    items: Iterable[_Item], *, total: int | None, unit: str, quiet: bool
) -> Iterator[_Item]:
    """Pass items on; on a terminal show how many have passed, how fast, and the time left."""
    if quiet or not sys.stderr.isatty():
        yield from items
        return
    from tqdm import tqdm

    with tqdm(items, total=total, unit=f" {unit}", file=sys.stderr, leave=False) as bar:
        yield from bar


class Downloads:
    """A progress bar for each file that is downloaded."""

    def __init__(self) -> None:
        self._bar: tqdm[NoReturn] | None = None

    def __call__(self, name: str, have: int, expected: int) -> None:
        """Show that `have` of `expected` bytes of a file are here."""
        from tqdm import tqdm

        if self._bar is None:
            self._bar = tqdm(
                total=expected, desc=printable(name), unit="B", unit_scale=True, file=sys.stderr
            )
        self._bar.update(have - self._bar.n)
        if have == expected:
            self._bar.close()
            self._bar = None
