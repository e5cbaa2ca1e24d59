"""A journal is carried out, finished after it was interrupted, or taken back."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from biqa_cli.culling.actions import Action, perform, take_back
from biqa_cli.culling.journal import Journal, read, writing
from biqa_cli.errors import BiqaError, OutputError, UsageError

Watch = Callable[[list[tuple[int, Action]]], Iterable[tuple[int, Action]]]
"""Passes actions on, one at a time, and may show how far they are, or stop."""


def carry_out(journal: Journal, *, watch: Watch = iter) -> None:
    """Do all actions of a journal that are not done yet, in order; none where it has ended.

    The first that fails ends the run, so that the files of a photo are not torn apart further.

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
        if journal.end:
            return
        # The last that was begun may be half done; those before are done.
        first = max(journal.begun - 1, 0)
        left = list(enumerate(journal.actions))[first:]
        for number, action in watch(left):
            writer.begin(number)
            try:
                perform(action, scratch=journal.scratch, again=number < journal.begun)
            except (OSError, OutputError) as error:
                msg = (
                    f"stopped after {number} of {len(journal.actions)} steps: {_said(error)}; "
                    f"`biqa cull --undo {journal.path}` takes them back, "
                    "the same command once more goes on"
                )
                raise OutputError(msg) from error
        writer.end("finished")


def undo(path: Path, *, watch: Watch = iter) -> Iterator[str]:
    """Take back what a journal says was done, the last first; yield what could not be.

    What could not be taken back is left as it is; undone again, only that is tried again.

    Raises:
        UsageError: If it is no journal, or is undone already, or another run works on it.
    """
    # Before `writing`, which would leave a lock beside a file that is no journal.
    read(path)
    with writing(path) as writer:
        # Another run may have ended between.
        journal = read(path)
        if journal.end == "undone":
            msg = f"{path} is undone already"
            raise UsageError(msg)
        writer.end("undoing")
        all_back = True
        for _, action in watch(list(enumerate(journal.actions[: journal.begun]))[::-1]):
            try:
                problem = take_back(action, scratch=journal.scratch)
            except (OSError, BiqaError) as error:
                problem = _said(error)
            if problem is not None:
                all_back = False
                yield problem
        if all_back:
            writer.end("undone")


def _said(error: Exception) -> str:
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error}"
    return str(error)
