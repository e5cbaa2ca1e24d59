"""Files that are whole or not there, whenever a program is stopped or the power fails."""

import os
from pathlib import Path

from biqa_cli.errors import UsageError


def write_whole(path: Path, content: bytes | str) -> None:
    """Write a file under another name, then rename it; its folder is made if it is missing.

    Raises:
        UsageError: If it cannot be written.
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        msg = f"cannot write {path}: {error.strerror}"
        raise UsageError(msg) from error
