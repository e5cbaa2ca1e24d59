"""The journals of all runs: where they are, which one was interrupted, which came later."""

import json
import os
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import platformdirs
from filelock import FileLock, Timeout

from biqa_cli.culling.actions import touched_by
from biqa_cli.culling.journal import SUFFIX, Journal, half_way_below, is_at_work, read
from biqa_cli.errors import UsageError
from biqa_cli.whole_files import write_whole, wrong_output

# Notes where a journal is that the user has put elsewhere.
_POINTER_SUFFIX = ".elsewhere.json"
_PATIENCE = 120
"""Seconds to wait for another run, which reads the sidecars of its shoot meanwhile."""


def journals_folder() -> Path:
    """Return where journals are: `BIQA_JOURNALS`, or the platform's place for an app's state.

    Raises:
        UsageError: If the user has no such place.
    """
    chosen = os.environ.get("BIQA_JOURNALS")
    if chosen:
        return Path(chosen)
    try:
        return platformdirs.user_state_path("biqa") / "journals"
    except RuntimeError as error:
        msg = "there is no folder for journals: name one in BIQA_JOURNALS"
        raise UsageError(msg) from error


def new_journal_path() -> Path:
    """Return a name for a new journal, with the time in it."""
    return journals_folder() / f"{_new_stem()}{SUFFIX}"


def note_elsewhere(journal: Path) -> None:
    """Note where a journal is that will not lie in the folder of journals, for later runs.

    Raises:
        UsageError: If there is no place for the note.
        OutputError: If the disk is full.
    """
    content = json.dumps({"journal": str(journal.absolute())})
    write_whole(journals_folder() / f"{_new_stem()}{_POINTER_SUFFIX}", f"{content}\n")


def _new_stem() -> str:
    now = datetime.now(UTC).astimezone()
    return f"cull-{now:%Y-%m-%dT%H%M%S}-{secrets.token_hex(2)}"


@contextmanager
def alone() -> Iterator[None]:
    """Let no other run plan meanwhile: two that plan at once would both move the same files.

    Raises:
        UsageError: If another run does not end its planning, or there is no folder for journals.
    """
    lock = FileLock(journals_folder() / "planning.lock")
    try:
        journals_folder().mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=_PATIENCE)
    except Timeout as error:
        msg = "another run of biqa plans what to do: run this one again when it has ended"
        raise UsageError(msg) from error
    except OSError as error:
        raise wrong_output(Path(lock.lock_file), error) from error
    try:
        yield
    finally:
        lock.release()


def refuse_beside_others(roots: Sequence[Path]) -> None:
    """Check that no other run over files below some folders, nor its undo, is half-way.

    Raises:
        UsageError: If one is at work, or was interrupted; the message says what to do about it.
    """
    half_way = (half_way_below(path, roots) for path in _all_journals())
    found = next(filter(None, half_way), None)
    if found is None:
        return
    path = found.path
    if is_at_work(path):
        msg = (
            f"another run of biqa works on these photos (its journal is {path}): "
            "run this one again when it has ended"
        )
    elif found.is_unfinished:
        msg = (
            "an earlier run over these photos was interrupted: "
            f"`biqa cull --finish {path}` finishes it, `biqa cull --undo {path}` takes it back"
        )
    else:
        msg = (
            "the undo of an earlier run over these photos was interrupted: "
            f"`biqa cull --undo {path}` takes back the rest"
        )
    raise UsageError(msg)


def later_runs_on_files(journal: Journal) -> dict[Path, Path]:
    """Return which files later runs have worked on, each with the journal of the last of them."""
    found: dict[Path, Path] = {}
    for later in sorted(_others_of(journal), key=lambda other: other.began):
        for _, action in later.in_force:
            found.update(dict.fromkeys(touched_by(action), later.path))
    return found


def _others_of(journal: Journal) -> Iterator[Journal]:
    for path in _all_journals():
        try:
            other = read(path)
        except UsageError:
            continue
        if other.began > journal.began:
            yield other


def _all_journals() -> list[Path]:
    """Return all journals that are known, also those that lie elsewhere."""
    try:
        folder = journals_folder()
        names = sorted(folder.glob(f"*{SUFFIX}"))
        return names + [
            path for note in sorted(folder.glob(f"*{_POINTER_SUFFIX}")) for path in _noted_in(note)
        ]
    except (UsageError, OSError):
        return []


def _noted_in(note: Path) -> Iterator[Path]:
    try:
        path = Path(json.loads(note.read_text(encoding="utf-8"))["journal"])
        if path.exists():
            yield path
    except (OSError, ValueError, KeyError, TypeError):
        # Anybody may have put a file there.
        return
