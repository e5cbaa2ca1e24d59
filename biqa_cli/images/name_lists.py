"""Lists of file names, as `find`, editors and PowerShell write them."""

import codecs
import os
import stat
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from biqa_cli.errors import UsageError
from biqa_cli.images.standard_input import Reader, standard_input

_CHUNK = 1 << 16
_UTF_16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
_FIRST_OF_MARKS = b"\xef\xff\xfe"


def read_names(source: str, *, nul_separated: bool = False) -> Iterator[str]:
    """Yield the names that a list holds, one a line, as they arrive.

    Names are bytes, as the file system has them. A list that begins with the mark of UTF-8 or
    UTF-16 is text: it loses its mark, and names in UTF-16 become UTF-8.

    Args:
        source: A text file, or "-" for standard input.
        nul_separated: Whether names end with NUL (`find -print0`) instead of a line break.

    Raises:
        UsageError: If the list cannot be read.
    """
    end = b"\0" if nul_separated else b"\n"
    if source == "-":
        yield from _split(_decoded(_chunks(standard_input())), end)
        return
    try:
        with Path(source).open("rb", buffering=0) as file:
            yield from _split(_decoded(_chunks(file)), end)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        msg = f"cannot read the list of files {source!r}: {reason}"
        raise UsageError(msg) from error


def require_readable(source: str) -> None:
    """Check that a list can be read, before anything is done.

    Raises:
        UsageError: If it cannot.
    """
    # A pipe, which would wait for its writer, is not opened twice.
    if source != "-" and not _is_pipe(source):
        next(read_names(source), None)


def is_regular(source: str) -> bool:
    """Return whether a list is a file on the disk, which can be read twice, and does not wait."""
    return source != "-" and stat.S_ISREG(_mode(source))


def _is_pipe(source: str) -> bool:
    return stat.S_ISFIFO(_mode(source)) or stat.S_ISCHR(_mode(source))


def _mode(source: str) -> int:
    try:
        return Path(source).stat().st_mode
    except (OSError, ValueError):
        return 0


def _chunks(file: Reader) -> Iterator[bytes]:
    while chunk := file.read(_CHUNK):
        yield chunk


def _decoded(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Yield a list without its mark, in UTF-8 where it is in UTF-16."""
    head = next(chunks, b"")
    while head[:1] and head[0] in _FIRST_OF_MARKS and len(head) < len(codecs.BOM_UTF8):
        more = next(chunks, b"")
        if not more:
            break
        head += more
    encoding = _UTF_16.get(head[:2])
    if encoding is None:
        yield head.removeprefix(codecs.BOM_UTF8)
        yield from chunks
        return
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    for chunk in chain([head[2:]], chunks):
        yield decoder.decode(chunk).encode()


def _split(chunks: Iterator[bytes], end: bytes) -> Iterator[str]:
    rest = b""
    for chunk in chunks:
        *names, rest = (rest + chunk).split(end)
        yield from filter(None, (_name(name, end) for name in names))
    if name := _name(rest, end):
        yield name


def _name(raw: bytes, end: bytes) -> str:
    return os.fsdecode(raw.rstrip(b"\r") if end == b"\n" else raw)
