"""What `biqa cull --apply` and `--undo` do, and what they say about it."""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from biqa_cli.cli import _output, _progress
from biqa_cli.cli._boundary import SOME_FAILED
from biqa_cli.culling.carrying_out import carry_out, undo
from biqa_cli.culling.journal import Journal, create, new_journal_path, read, unfinished_below

if TYPE_CHECKING:
    from biqa_cli.culling.actions import Action
    from biqa_cli.culling.plan import Plan


def finish_interrupted(named: Sequence[str], journal: Path | None, *, quiet: bool) -> bool:
    """Finish what an earlier run over the same photos was killed in; return whether one was.

    Decisions are not made anew: photos that are moved already would be missing from their groups.
    """
    roots = [path if path.is_dir() else path.parent for path in map(Path, named)]
    if journal is not None:
        found = journal if journal.exists() else None
    else:
        found = unfinished_below([root.resolve() for root in roots])
    if found is None:
        return False
    interrupted = read(found)
    if not interrupted.is_unfinished:
        # `create` refuses to overwrite it.
        return False
    _carry_out(interrupted, quiet=quiet)
    if not quiet:
        _output.say(f"finished what was interrupted, by its journal {found}")
        _output.say("the same command once more decides on what has come since")
    return True


def apply_plan(planned: "Plan", journal: Path | None, *, quiet: bool) -> None:
    """Write the journal and do what is planned."""
    if not planned.actions:
        if not quiet:
            _output.say("there is nothing to do")
        return
    written = create(journal or new_journal_path(), planned.actions)
    _carry_out(written, quiet=quiet)
    if not quiet:
        _output.say(f"done; `biqa cull --undo {written.path}` takes it back")


def _carry_out(journal: Journal, *, quiet: bool) -> None:
    try:
        carry_out(journal, watch=partial(_watched, quiet=quiet))
    except KeyboardInterrupt:
        _output.problem(
            f"interrupted: `biqa cull --undo {journal.path}` takes back what was done, "
            "the same command once more goes on"
        )
        raise


def take_back(journal: Path, *, quiet: bool) -> None:
    """Take back what a journal says was done."""
    problems = 0
    for problem in undo(journal, watch=partial(_watched, quiet=quiet)):
        _output.problem(problem)
        problems += 1
    if problems:
        raise typer.Exit(SOME_FAILED)
    if not quiet:
        _output.say("all is as it was")


def _watched(actions: list[tuple[int, "Action"]], *, quiet: bool) -> Iterable[tuple[int, "Action"]]:
    return _progress.with_progress(actions, len(actions), unit="step", quiet=quiet)
