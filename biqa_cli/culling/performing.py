"""Does an action; done again after it was killed, goes on from wherever it was."""

import os
import shutil

from biqa_cli.culling.actions import Action, How, MakeFolder, Transfer, WriteSidecar
from biqa_cli.culling.placing import (
    Mark,
    copy,
    flush_folder,
    is_reserved,
    link,
    move,
    put,
    same_bytes,
    tidy,
)
from biqa_cli.errors import OutputError


def mark_before(action: Action) -> Mark | None:
    """Return by what to recognise the file of a transfer later; None where there is nothing to."""
    return Mark.of(action.source) if isinstance(action, Transfer) else None


def perform(action: Action, *, mark: Mark | None, scratch: str, again: bool = False) -> None:
    """Do what an action says.

    Args:
        action: What to do.
        mark: From `mark_before`, of the first try.
        scratch: The name of files that are not whole yet; of this run alone.
        again: Whether it was begun before, so that it may be half done, or done.

    Raises:
        OutputError: If the files are not as they were when it was planned. Nothing is done then.
        OSError: If the system refuses.
    """
    match action:
        case MakeFolder():
            action.path.mkdir(exist_ok=True)
            flush_folder(action.path.parent)
        case WriteSidecar():
            _write(action, scratch, again=again)
        case Transfer():
            tidy(action.target.parent, scratch)
            _transfer(action, mark, scratch, again=again)


def _write(action: WriteSidecar, scratch: str, *, again: bool) -> None:
    present = action.path.read_bytes() if os.path.lexists(action.path) else None
    if present == action.new:
        return
    if again and present == b"" and action.old is None:
        action.path.unlink()
        present = None
    if present != action.old:
        msg = f"{action.path} has changed since it was read"
        raise OutputError(msg)
    put(action.path, action.new, scratch=scratch, new=action.old is None)


def _transfer(action: Transfer, mark: Mark | None, scratch: str, *, again: bool) -> None:
    source, target = action.source, action.target
    has_target = os.path.lexists(target)
    if mark is None or not os.path.lexists(source):
        is_done = again and has_target and mark is not None and not is_reserved(target, mark)
        if is_done and action.how is How.move:
            return
        msg = f"{source} is not there any more"
        raise OutputError(msg)
    if has_target:
        if again and is_reserved(target, mark):
            target.unlink()
        elif again and same_bytes(source, target):
            # An empty file looks as its reserved name does, which has neither its time nor rights.
            shutil.copystat(source, target)
            if action.how is How.move:
                source.unlink()
            return
        else:
            msg = f"{target} has come into being since: it is not overwritten"
            raise OutputError(msg)
    match action.how:
        case How.move:
            move(source, target, scratch=scratch)
        case How.copy:
            copy(source, target, scratch=scratch)
        case How.link:
            link(source, target)
