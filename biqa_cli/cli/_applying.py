"""What `biqa cull --apply`, `--finish` and `--undo` do, and what they say about it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import typer

from biqa_cli.cli import _output, _progress
from biqa_cli.cli._boundary import SOME_FAILED
from biqa_cli.cli._page_of_cull import PageOfCull, note_of, write_noted_page
from biqa_cli.culling.actions import Action, Transfer, WriteSidecar
from biqa_cli.culling.carrying_out import carry_out, perform_all, undo
from biqa_cli.culling.journal import create, read, writing
from biqa_cli.culling.journals import (
    alone,
    new_journal_path,
    note_elsewhere,
    refuse_beside_others,
)
from biqa_cli.culling.plan import Plan, Wishes, plan
from biqa_cli.culling.records import CullRow, Shot
from biqa_cli.errors import UsageError

_BESIDE_JOURNAL = ("quiet", "verbose")


def follow_journal(
    context: typer.Context, *, undo: Path | None, finish: Path | None, quiet: bool
) -> bool:
    """Do what --undo or --finish says; return whether one was given.

    Raises:
        UsageError: If anything is given beside it that it would ignore.
    """
    if undo is not None:
        _refuse_beside(context, "undo")
        _take_back(undo, quiet=quiet)
    elif finish is not None:
        _refuse_beside(context, "finish")
        _finish(finish, quiet=quiet)
    return undo is not None or finish is not None


def refuse_interrupted(named: Sequence[str], journal: Path | None) -> None:
    """Check that nothing is in the way of another run over the photos that are named.

    Raises:
        UsageError: If a run over them or its undo was interrupted or is at work, or the journal is
            there.
    """
    refuse_beside_others(_roots_of(named))
    if journal is not None and journal.exists():
        msg = f"{journal} is there already, and a journal is never overwritten: name a new file"
        raise UsageError(msg)


def plan_and_apply(
    rows: Sequence[CullRow],
    wishes: Wishes,
    *,
    named: Sequence[str],
    journal: Path | None,
    page: PageOfCull | None,
    quiet: bool,
) -> Plan:
    """Plan what is to be done with photos, say what cannot be, and do the rest.

    Args:
        rows: From `decide`.
        wishes: What the user wants.
        named: The photos and folders of the command line.
        journal: The file that the user has named for it.
        page: What is written in the end; None for no page.
        quiet: Whether to say only what must be known.
    """
    path = journal or new_journal_path()
    with _naming_journal(path), ExitStack() as at_work:
        # Of two runs the second must see what the first is about to move, and that it is at work.
        with alone():
            refuse_interrupted(named, journal)
            planned = plan(rows, wishes)
            tell_plan(planned, wishes, quiet=quiet, apply=True)
            if not planned.actions:
                if not quiet:
                    _output.say("there is nothing to do")
                return planned
            if journal is not None:
                note_elsewhere(journal)
            note = None if page is None else note_of(page, moved=planned.moved)
            written = create(path, planned.actions, page=note)
            writer = at_work.enter_context(writing(path))
        perform_all(written, writer, watch=partial(_watched, quiet=quiet))
    _tell_done(path)
    return planned


def _finish(journal: Path, *, quiet: bool) -> None:
    """Finish what a run was interrupted in.

    Decisions are not made anew: photos that are moved already would be missing from their groups.

    Raises:
        UsageError: If the journal has nothing to finish.
    """
    interrupted = read(journal)
    if interrupted.end == "undoing":
        msg = (
            f"{journal} is being undone, or its undo was interrupted: it cannot be finished; "
            f"`biqa cull --undo {journal}` takes back the rest"
        )
        raise UsageError(msg)
    if not interrupted.is_unfinished:
        msg = f"{journal} is the journal of a run that has ended: there is nothing to finish"
        raise UsageError(msg)
    with _naming_journal(journal):
        carry_out(interrupted, watch=partial(_watched, quiet=quiet))
    _tell_done(journal)
    if interrupted.page is not None:
        write_noted_page(interrupted.page, quiet=quiet)


@contextmanager
def _naming_journal(path: Path) -> Iterator[None]:
    """Say where the journal is if the user stops the run."""
    try:
        yield
    except KeyboardInterrupt:
        if path.exists():
            _output.problem(
                f"interrupted: `biqa cull --undo {path}` takes back what was done, "
                f"`biqa cull --finish {path}` goes on"
            )
        raise


def _tell_done(journal: Path) -> None:
    # Whatever is to be quiet: nothing else leads back.
    _output.say(f"done; `biqa cull --undo {journal}` takes it back")


def _take_back(journal: Path, *, quiet: bool) -> None:
    """Take back what a journal says was done, and say what was taken back before."""
    try:
        undone = undo(journal, watch=partial(_watched, quiet=quiet))
    except KeyboardInterrupt:
        _output.problem(f"interrupted: `biqa cull --undo {journal}` takes back the rest")
        raise
    for problem in undone.problems:
        _output.problem(problem)
    before = f"{_output.counted(undone.before, 'step')} taken back before" if undone.before else ""
    if undone.problems:
        if before and not quiet:
            _output.say(before)
        raise typer.Exit(SOME_FAILED)
    if not quiet:
        _output.say("all is as it was" + (f"; {before}" if before else ""))


def _roots_of(named: Sequence[str]) -> list[Path]:
    return [(path if path.is_dir() else path.parent).resolve() for path in map(Path, named)]


def _watched(actions: list[tuple[int, Action]], *, quiet: bool) -> Iterable[tuple[int, Action]]:
    return _progress.with_progress(actions, len(actions), unit="step", quiet=quiet)


def _refuse_beside(context: typer.Context, option: str) -> None:
    given = [
        max(param.opts, key=len) if param.param_type_name == "option" else "the photos"
        for param in context.command.params
        if param.name is not None
        and param.name not in (*_BESIDE_JOURNAL, option)
        and _is_given(context, param.name)
    ]
    if given:
        msg = f"--{option} does what its journal says: leave out {', '.join(given)}"
        raise UsageError(msg)


def _is_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    # Variables of the environment hold for every command.
    return source is not None and source.name == "COMMANDLINE"


def tell_decisions(rows: Sequence[CullRow], shots: Sequence[Shot]) -> None:
    """Say how many photos there are, of how many moments, and what is decided."""
    counts = Counter(row.decision.value for row in rows if row.path == row.shot.result.path)
    decided = ", ".join(f"{counts[name]} {name}" for name in ("pick", "keep", "reject"))
    of = _output.counted(len({shot.group for shot in shots}), "moment")
    _output.say(f"{_output.counted(len(shots), 'photo')} of {of}: {decided}")


def tell_plan(planned: Plan, wishes: Wishes, *, quiet: bool, apply: bool = False) -> None:
    """Say what cannot be done, what stays, and what --apply would do."""
    for problem in planned.problems:
        _output.problem(problem)
    if quiet:
        return
    if planned.kept_ratings:
        sidecars = _output.counted(planned.kept_ratings, "sidecar")
        _output.say(f"what a person rated is kept in {sidecars}")
    if not apply and planned.actions:
        written, files = planned.count(WriteSidecar), planned.count(Transfer)
        parts = [f"write {_output.counted(written, 'sidecar')}"] if written else []
        if wishes.how is not None and files:
            parts.append(f"{wishes.how.value} {_output.counted(files, 'file')}")
        _output.say(f"nothing is touched; --apply would {' and '.join(parts)}")
