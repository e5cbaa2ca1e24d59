"""How far a command is: bars on a terminal, and lines of a training."""

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NoReturn, TypeVar

from biqa_cli.cli import _output
from biqa_cli.reports.rows import printable
from biqa_cli.signals import stop_if_told

if TYPE_CHECKING:
    from tqdm import tqdm

_Item = TypeVar("_Item")

_SECONDS_BETWEEN_LINES = 20.0


def with_progress(
    items: Iterable[_Item],
    total: int | Callable[[], int | None] | None,
    *,
    unit: str,
    quiet: bool,
) -> Iterator[_Item]:
    """Pass items on; on a terminal show how many have passed, how fast, and the time left.

    Args:
        items: As they come.
        total: Their number; where it is not known yet, what returns it as soon as it is.
        unit: What one is called.
        quiet: Whether nothing is shown.
    """
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        yield from _until_told(items)
        return
    from tqdm import tqdm

    known = None if callable(total) else total
    with tqdm(total=known, unit=f" {unit}", file=sys.stderr, leave=False) as bar:
        for item in _until_told(items):
            if callable(total):
                bar.total = total()
            bar.update()
            yield item


def _until_told(items: Iterable[_Item]) -> Iterator[_Item]:
    for item in items:
        yield item
        stop_if_told()


def with_progress_of(items: Sequence[_Item], *, unit: str, quiet: bool) -> Iterator[_Item]:
    """Pass items on as `with_progress` does, where their number is known."""
    return with_progress(items, len(items), unit=unit, quiet=quiet)


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


class TrainingTalk:
    """Says on stderr how a training goes: a line each epoch, and now and then between."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._first: tuple[float, int] | None = None
        self._last = time.monotonic()

    def say(self, line: str) -> None:
        """Print a line, unless all is to be quiet."""
        if not self._quiet:
            _output.say(line)

    def step(self, done: int, total: int, loss: float) -> None:
        """Print the loss and the time left, if there was no such line for a while."""
        now = time.monotonic()
        if self._first is None or done <= self._first[1]:
            # Of the run or of a phase: the first step of all is slow, so that it does not count.
            self._first = (now, done)
        elif now - self._last >= _SECONDS_BETWEEN_LINES:
            self._last = now
            began, before = self._first
            left = (total - done) * (now - began) / (done - before)
            self.say(f"step {done} of {total}, loss {loss:.4f}, {duration(left)} left")


def duration(seconds: float) -> str:
    """Return a time as people say it.

    Example:
        >>> duration(42), duration(600), duration(9000)
        ('42 s', '10 min', '2.5 h')
    """
    if seconds < 100:  # noqa: PLR2004
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"  # noqa: PLR2004
