"""A journal is carried out, finished after it was interrupted, or taken back."""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from biqa_cli.culling.actions import Action, How, MakeFolder, Transfer, touched_by
from biqa_cli.culling.journal import Journal, JournalWriter, read, writing
from biqa_cli.culling.journals import later_runs_on_files
from biqa_cli.culling.performing import mark_before, perform
from biqa_cli.culling.taking_back import take_back
from biqa_cli.errors import BiqaError, OutputError

Watch = Callable[[list[tuple[int, Action]]], Iterable[tuple[int, Action]]]
"""Passes actions on, one at a time, and may show how far they are, or stop."""


@dataclass(frozen=True, slots=True)
class Undone:
    """How an undo went."""

    problems: tuple[str, ...]
    """What could not be taken back, and why."""
    taken_back: int
    """So many actions were, this time."""
    before: int
    """So many had been, by an earlier undo."""


def carry_out(journal: Journal, *, watch: Watch = iter) -> None:
    """Do all actions of a journal that are not done yet; none where it has ended.

    Args:
        journal: A new one, or one that was interrupted.
        watch: What the actions pass through.

    Raises:
        OutputError: If an action fails; the message says how to go on.
        UsageError: If another run works on the journal.
    """
    with writing(journal.path) as writer:
        # Another run may have worked on it since it was read.
        journal = read(journal.path)
        if not journal.end:
            perform_all(journal, writer, watch=watch)


def perform_all(journal: Journal, writer: JournalWriter, *, watch: Watch = iter) -> None:
    """Do all actions of a journal that are not done yet, in order.

    The first that fails ends the run, so that the files of a photo are not torn apart further.

    Args:
        journal: As it is on the disk.
        writer: From `writing`.
        watch: What the actions pass through.

    Raises:
        OutputError: If an action fails; the message says how to go on.
    """
    # The last that was begun may be half done; those before are done.
    first = max(journal.begun - 1, 0)
    for number, action in watch(list(enumerate(journal.actions))[first:]):
        mark = journal.marks.get(number)
        # Where there was no file, nothing was begun.
        again = number < journal.begun and not (isinstance(action, Transfer) and mark is None)
        mark = mark if again else mark_before(action)
        if not again:
            writer.begin(number, mark)
        try:
            perform(action, mark=mark, scratch=journal.scratch, again=again)
        except (OSError, OutputError) as error:
            if isinstance(error, OutputError) and not again:
                writer.leave(number)
            raise OutputError(_stopped(journal, number, error)) from error
    writer.end("finished")


def _stopped(journal: Journal, number: int, error: OSError | OutputError) -> str:
    return (
        f"stopped after {number} of {len(journal.actions)} steps: {_said(error)}; "
        f"`biqa cull --undo {journal.path}` takes them back, "
        f"`biqa cull --finish {journal.path}` goes on once that is mended"
    )


def undo(path: Path, *, watch: Watch = iter) -> Undone:
    """Take back what a journal says was done, the last first.

    What could not be taken back is left as it is; undone again, only that is tried again. What a
    later run has worked on is that run's: it has to be undone first.

    Raises:
        UsageError: If it is no journal, or another run works on it.
    """
    # Before `writing`, which would leave a lock beside a file that is no journal.
    read(path)
    with writing(path) as writer:
        # Another run may have ended between.
        journal = read(path)
        if journal.end == "undone":
            return Undone((), 0, journal.begun)
        writer.end("undoing")
        undoing = _Undoing(journal, writer)
        problems: list[str] = []
        for number, action in watch(journal.in_force[::-1]):
            problems += undoing.undo(number, action)
        problems += undoing.told_of_later_runs()
        writer.end("undone in part" if problems else "undone")
        return Undone(tuple(problems), undoing.taken_back, len(journal.back))


class _Undoing:
    """An undo on its way."""

    def __init__(self, journal: Journal, writer: JournalWriter) -> None:
        self.taken_back = 0
        self._journal = journal
        self._writer = writer
        self._later = later_runs_on_files(journal)
        self._left_to: Counter[Path] = Counter()
        """How many files are left to each later run."""
        self._examples: dict[Path, Path] = {}
        self._away: set[Path] = set()
        """Files that were moved and are not back: what was done to them before waits for them."""
        self._photos = {
            action.target: (action, journal.marks.get(number))
            for number, action in enumerate(journal.actions)
            if isinstance(action, Transfer) and action.photo is None
        }

    def undo(self, number: int, action: Action) -> Iterator[str]:
        """Undo one action; yield why it cannot be undone."""
        files = touched_by(action)
        if self._away.intersection(files):
            return
        later = next((self._later[file] for file in files if file in self._later), None)
        problem = "" if later is not None else self._problem_of(number, action)
        if problem is None:
            self._writer.back(number)
            self.taken_back += 1
            return
        if isinstance(action, Transfer) and action.how is How.move:
            self._away.add(action.source)
        if later is not None:
            self._left_to[later] += 1
            self._examples.setdefault(later, files[-1])
        elif not isinstance(action, MakeFolder):
            yield problem

    def _problem_of(self, number: int, action: Action) -> str | None:
        try:
            return take_back(
                action,
                mark=self._journal.marks.get(number),
                scratch=self._journal.scratch,
                is_photo_ours=partial(self._is_photo_ours, action),
            )
        except (OSError, BiqaError) as error:
            return _said(error)

    def _is_photo_ours(self, action: Action) -> bool | None:
        """Return whether the photo of a companion is the one that was transferred, back or not.

        None where there is no such photo any more, or the file is no companion.
        """
        if not isinstance(action, Transfer) or action.photo is None:
            return None
        photo, mark = self._photos.get(action.photo, (None, None))
        if photo is None or mark is None:
            return None
        if mark.is_of(photo.target) or mark.is_of(photo.source):
            return True
        return False if os.path.lexists(photo.target) else None

    def told_of_later_runs(self) -> Iterator[str]:
        """Yield what is left to later runs, a line for each of them."""
        for later, count in self._left_to.items():
            others = f" and {count - 1} more" if count > 1 else ""
            yield (
                f"{self._examples[later]}{others}: a later run has worked on it since; "
                f"undo that one first: `biqa cull --undo {later}`"
            )


def _said(error: Exception) -> str:
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}"
    return str(error)
