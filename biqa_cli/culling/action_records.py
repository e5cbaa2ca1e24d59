"""Actions as lines of a journal, and back."""

import base64
import zlib
from pathlib import Path
from typing import Any

from biqa_cli.culling.actions import Action, How, MakeFolder, Transfer, WriteSidecar


def as_record(action: Action) -> dict[str, object]:
    """Return an action as JSON has it."""
    match action:
        case MakeFolder():
            return {"do": "make folder", "path": str(action.path)}
        case WriteSidecar():
            return {
                "do": "write",
                "path": str(action.path),
                "old": _packed(action.old),
                "old_time": action.old_time,
                "new": _packed(action.new),
            }
        case Transfer():
            return {
                "do": action.how.value,
                "source": str(action.source),
                "target": str(action.target),
                "photo": None if action.photo is None else str(action.photo),
            }


def as_action(record: dict[str, Any]) -> Action:
    """Return the action that `as_record` has made JSON of.

    Raises:
        ValueError: If it is no such record, as do KeyError, TypeError and zlib.error.
    """
    match record["do"]:
        case "make folder":
            return MakeFolder(Path(record["path"]))
        case "write":
            new = _unpacked(record["new"])
            if new is None:
                raise ValueError
            return WriteSidecar(
                Path(record["path"]), new, _unpacked(record["old"]), record["old_time"]
            )
        case how:
            photo = record["photo"]
            return Transfer(
                How(how),
                Path(record["source"]),
                Path(record["target"]),
                None if photo is None else Path(photo),
            )


def _packed(data: bytes | None) -> str | None:
    # Three thousand sidecars of a shoot would make a large journal; compressed it is small.
    return None if data is None else base64.b64encode(zlib.compress(data)).decode("ascii")


def _unpacked(text: str | None) -> bytes | None:
    return None if text is None else zlib.decompress(base64.b64decode(text))
