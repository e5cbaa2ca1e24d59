"""What `biqa cull --apply` and `--undo` do, and what they say about it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

import typer

from biqa_cli.cli import _output, _progress
from biqa_cli.cli._boundary import SOME_FAILED
from biqa_cli.culling.actions import Action, How, Transfer, WriteSidecar
from biqa_cli.culling.carrying_out import carry_out, undo
from biqa_cli.culling.journal import Journal, create, new_journal_path, read, unfinished_below
from biqa_cli.culling.plan import Plan, Wishes
from biqa_cli.culling.records import CullRow, Shot
from biqa_cli.errors import UsageError

_BESIDE_UNDO = ("undo", "quiet", "verbose")


def finish_interrupted(named: Sequence[str], journal: Path | None, *, quiet: bool) -> bool:
    """Finish what an earlier run over the same photos was killed in; return whether one was.

    Decisions are not made anew: photos that are moved already would be missing from their groups.

    Raises:
        UsageError: If the journal that is named has nothing to finish: it is never overwritten.
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
        msg = f"{found} is the journal of an earlier run, which has ended: name a new file"
        raise UsageError(msg)
    _carry_out(interrupted, quiet=quiet)
    if not quiet:
        _output.say(f"finished what was interrupted, by its journal {found}")
        same = "the same command" + (" with a new --journal" if journal is not None else "")
        _output.say(f"{same} once more decides on what has come since")
    return True


def apply_plan(planned: Plan, journal: Path | None, *, quiet: bool) -> None:
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


def _watched(actions: list[tuple[int, Action]], *, quiet: bool) -> Iterable[tuple[int, Action]]:
    return _progress.with_progress(actions, len(actions), unit="step", quiet=quiet)


def choose_how(*, copy: bool, move: bool, link: bool) -> How | None:
    """Return how files get into folders, by --copy, --move and --link; None is not at all."""
    asked = [
        how for how, wanted in ((How.copy, copy), (How.move, move), (How.link, link)) if wanted
    ]
    if len(asked) > 1:
        raise UsageError("--copy, --move and --link exclude each other: choose one")
    return asked[0] if asked else None


def refuse_beside_undo(context: typer.Context) -> None:
    """Raise UsageError if anything is given that --undo would ignore."""
    given = [
        max(param.opts, key=len) if param.param_type_name == "option" else "the photos"
        for param in context.command.params
        if param.name is not None
        and param.name not in _BESIDE_UNDO
        and _is_given(context, param.name)
    ]
    if given:
        msg = f"--undo takes back what its journal says: leave out {', '.join(given)}"
        raise UsageError(msg)


def _is_given(context: typer.Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    # Variables of the environment hold for every command.
    return source is not None and source.name == "COMMANDLINE"


def check_wishes(
    wishes: Wishes,
    *,
    apply: bool,
    journal: Path | None,
    report: Path | None,
    report_heatmaps: bool,
) -> None:
    """Raise UsageError if wishes cannot go together, or one would be ignored."""
    has_folder = wishes.picks is not None or wishes.rejects is not None
    if has_folder and wishes.how is None:
        raise UsageError("say how photos get into --picks or --rejects: --copy, --move or --link")
    if wishes.how is not None and not has_folder:
        msg = f"--{wishes.how.value} where to? name a folder with --picks or --rejects"
        raise UsageError(msg)
    if wishes.mark_rejects and not wishes.xmp:
        raise UsageError("--mark-rejects is about sidecars: add --xmp")
    if apply and not has_folder and not wishes.xmp:
        raise UsageError("nothing to apply: add --xmp, or --picks or --rejects and how")
    if journal is not None and not apply:
        raise UsageError("--journal is about what is applied: add --apply")
    if report_heatmaps and report is None:
        raise UsageError("--report-heatmaps are part of a page: add --report FILE.html")
    for folder in filter(None, (wishes.picks, wishes.rejects)):
        there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        if not there.is_dir():
            msg = f"{there} is not a folder: name one for photos"
            raise UsageError(msg)


def tell_decisions(rows: Sequence[CullRow], shots: Sequence[Shot]) -> None:
    """Say how many photos there are, of how many moments, and what is decided."""
    counts = Counter(row.decision.value for row in rows if row.path == row.shot.result.path)
    decided = ", ".join(f"{counts[name]} {name}" for name in ("pick", "keep", "reject"))
    of = _output.counted(len({shot.group for shot in shots}), "moment")
    _output.say(f"{_output.counted(len(shots), 'photo')} of {of}: {decided}")


def tell_plan(planned: Plan, wishes: Wishes, *, quiet: bool, apply: bool) -> None:
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
