"""Undoes an action that was begun, from wherever it was; what is not this run's doing stays."""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from biqa_cli.culling.actions import Action, How, MakeFolder, Transfer, WriteSidecar
from biqa_cli.culling.placing import Mark, is_reserved, move, put, same_bytes, tidy

FOLDER_STAYS = ""
"""What `take_back` says of a folder that others use: nothing is wrong."""

IsOurs = Callable[[], bool | None]


def take_back(
    action: Action, *, mark: Mark | None, scratch: str, is_photo_ours: IsOurs
) -> str | None:
    """Undo an action that was begun, and return what could not be undone; None where all was.

    Args:
        action: What was begun.
        mark: What the file of a transfer was when it was begun.
        scratch: The name of files that were not whole; of that run alone.
        is_photo_ours: Tells of a companion whether its photo is the one that was transferred: the
            two stay together, whatever was written into the companion. None where nothing tells.

    Raises:
        OSError: If the system refuses.
    """
    match action:
        case MakeFolder():
            with suppress(OSError):
                action.path.rmdir()
            # What others have put into it stays, and so does the folder.
            return FOLDER_STAYS if action.path.is_dir() else None
        case WriteSidecar():
            tidy(action.path.parent, scratch)
            return _unwrite(action, scratch)
        case Transfer():
            tidy(action.target.parent, scratch)
            tidy(action.source.parent, scratch)
            if mark is None:
                # There was no such file when it was begun.
                return None
            if action.how is How.move:
                return _unmove(action, mark, scratch, is_photo_ours)
            return _uncopy(action, mark)


def _unwrite(action: WriteSidecar, scratch: str) -> str | None:
    path = action.path
    present = path.read_bytes() if os.path.lexists(path) else None
    if action.old is None and present in (b"", action.new):
        path.unlink()
        return None
    if present not in (action.old, action.new):
        return f"{path} has changed since: it stays as it is"
    if action.old is not None and present != action.old:
        put(path, action.old, scratch=scratch, new=False)
    if action.old is not None and action.old_time is not None:
        os.utime(path, ns=(action.old_time, action.old_time))
    return None


def _unmove(action: Transfer, mark: Mark, scratch: str, is_photo_ours: IsOurs) -> str | None:
    source, target = action.source, action.target
    if not os.path.lexists(target):
        return _why_not_back(source, target, mark)
    has_source = os.path.lexists(source)
    if has_source and not is_reserved(source, mark):
        return _unmove_beside(source, target, mark)
    of_photo = is_photo_ours()
    if of_photo is False:
        return f"{target} stays with its photo"
    if not of_photo and not mark.is_of(target):
        return f"{target} stays: it has changed since, or is another file than was moved there"
    if has_source:
        source.unlink()
    move(target, source, scratch=scratch)
    return None


def _why_not_back(source: Path, target: Path, mark: Mark) -> str | None:
    """Return why a file that is not where it was moved is not back either; None where it is."""
    if not os.path.lexists(source):
        return f"{source} is neither there nor at {target}"
    if not mark.is_of(source):
        return (
            f"{source} stays: it has changed since, or is another file than was moved to {target}, "
            "where there is none any more"
        )
    return None


def _unmove_beside(source: Path, target: Path, mark: Mark) -> str | None:
    """Undo a move where both names are there: it was not begun, half done, or half undone."""
    if is_reserved(target, mark):
        target.unlink()
    elif same_bytes(source, target):
        # What is in it is at its old place too; the name of an empty file may be only reserved.
        if not mark.is_of(source):
            shutil.copystat(target, source)
        target.unlink()
    elif not mark.is_of(source):
        return f"{target} stays: it is not what {source} is any more"
    # Else it was not moved: what is at the target is somebody else's.
    return None


def _uncopy(action: Transfer, mark: Mark) -> str | None:
    source, target = action.source, action.target
    if not os.path.lexists(target):
        return None
    if is_reserved(target, mark):
        target.unlink()
        return None
    if not os.path.lexists(source):
        return f"{target} stays: {source}, of which it was made, is gone"
    if not same_bytes(source, target):
        return f"{target} stays: it is not what {source} is any more"
    # What is in it is at its old place too.
    target.unlink()
    return None
