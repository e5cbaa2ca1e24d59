"""Where the files go that a command makes of photos: one file for one photo, else a folder."""

import os
import stat
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

from biqa_cli.cli._output import STDOUT
from biqa_cli.errors import UsageError

_Input = TypeVar("_Input")

STDIN = "-"
"""The name of the picture on standard input; a file of that name is ./-"""


def refuse_inputs(output: Path | None, inputs: Iterable[_Input]) -> Iterator[_Input]:
    """Pass what is read on, as long as what is written is none of it.

    A file must not be overwritten, and a table that is a folder must not get files.

    Raises:
        UsageError: If one is the file or the folder to write, whatever it is called there.
    """
    try:
        written = None if output is None else output.stat()
    except OSError:
        written = None
    is_folder = written is not None and stat.S_ISDIR(written.st_mode)
    if written is None or not (is_folder or stat.S_ISREG(written.st_mode)):
        # There is nothing to overwrite.
        yield from inputs
        return
    from biqa_cli.sources.tables import is_table

    for name in inputs:
        if isinstance(name, str) and (not is_folder or is_table(name)):
            # A file of a table lies in its folder.
            read: list[str] = [name] if not is_folder else [name, os.path.dirname(name) or "."]  # noqa: PTH120
            if any(_is(one, written) for one in read):
                kind = "folder" if is_folder else "file"
                msg = f"{output} is a {kind} that is read: choose another name for what is written"
                raise UsageError(msg)
        yield name


def refuse_to_overwrite(outputs: Iterable[Path | None], inputs: Iterable[Path | None]) -> None:
    """Check that no file is both read and written; None stands for none.

    Raises:
        UsageError: If one is, whatever it is called.
    """
    names = [str(path) for path in inputs if path is not None]
    for output in outputs:
        deque(refuse_inputs(output, names), maxlen=0)


def stem_of(photo: str) -> str:
    """Return what the names of files that are made of a photo begin with."""
    return "stdin" if photo == STDIN else Path(photo).stem


def _is(name: str, written: os.stat_result) -> bool:
    try:
        return os.path.samestat(Path(name).stat(), written)
    except (OSError, ValueError):
        return False


def targets(photos: Sequence[str], wanted: Path, *, suffix: str, tag: str) -> list[Path]:
    """Return one file to write for each photo.

    Args:
        photos: The files that are read, or - for the picture on standard input.
        wanted: A file with the suffix, or STDOUT, for one photo; or a folder, which need not exist
            yet.
        suffix: What is written, such as ".png".
        tag: What names in a folder end with: photo.jpg becomes photo-TAG.png.

    Raises:
        UsageError: If the name does not fit, two photos would share a file, or a photo would be
            overwritten.
    """
    chosen = [wanted]
    if wanted != STDOUT and (wanted.is_dir() or not wanted.suffix):
        chosen = [wanted / f"{stem_of(photo)}-{tag}{suffix}" for photo in photos]
    elif wanted != STDOUT and wanted.suffix.lower() != suffix:
        msg = f"{wanted} is neither a folder nor a {suffix} file: choose one of them"
        raise UsageError(msg)
    elif len(photos) > 1:
        msg = f"{len(photos)} photos do not fit into one file: name a folder in place of {wanted}"
        raise UsageError(msg)
    twice = [path for path, count in Counter(chosen).items() if count > 1]
    if twice:
        msg = f"two photos would be written to {twice[0]}: choose a folder for each"
        raise UsageError(msg)
    sources = {Path(photo).resolve() for photo in photos}
    for path in chosen:
        if path.resolve() in sources:
            msg = f"{path} is a photo that is read: choose another name for what is written"
            raise UsageError(msg)
    return chosen
