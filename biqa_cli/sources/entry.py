"""A photo that is no file of its own: a name, and a way to its bytes."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PIL import Image

from biqa_cli.errors import ImageError

MOST_BYTES = 1 << 28
"""Of one photo that is no file on the disk: it is held in memory, compressed, while it is read."""
_LONGEST_NAME = 4096


@dataclass(frozen=True, slots=True)
class Entry:
    """A photo in an archive, in a table or behind an address.

    It can be pickled, so that another process, or another machine, can read it.
    """

    name: str
    """What its row is called. It holds no secret."""
    read: Callable[[], bytes]
    """Returns what a file of the photo would hold; called in a thread. It raises ImageError."""
    is_key: bool = False
    """Whether the name is the key of a row in a table, which is no path."""


FileOrImage = str | bytes | Image.Image
"""The name of a file, what is in one, or an image that is already decoded."""
Source = FileOrImage | Entry


def name_of(source: Source) -> str:
    """Return what the row of a photo is called; empty where it has no name."""
    if isinstance(source, str):
        return source
    return source.name if isinstance(source, Entry) else ""


def content_of(source: Source) -> FileOrImage:
    """Return what the reader of photos takes; an entry is read.

    Raises:
        ImageError: If the entry cannot be read.
    """
    return source.read() if isinstance(source, Entry) else source


def size_held(source: Source) -> int:
    """Return how many bytes of a photo are in this process already."""
    if isinstance(source, Entry):
        read = source.read
        content = read.args[0] if isinstance(read, partial) and read.func is bytes else b""
        return len(content)
    return len(source) if isinstance(source, bytes) else 0


def held(name: str, content: bytes) -> Entry:
    """Return an entry whose bytes are here."""
    return Entry(name, partial(bytes, content))


def unreadable(name: str, reason: str) -> Entry:
    """Return an entry that has no bytes, but a reason, which becomes the error of its row."""
    return Entry(name, partial(_refuse, reason))


def _refuse(reason: str) -> bytes:
    raise ImageError(reason)


def member_name(archive: str, name: str) -> tuple[str, str]:
    """Return what the row of a member of an archive is called, and what is wrong with its name.

    Nothing is unpacked, so that no name can do harm here; but whoever reads the report may take the
    path for a path.

    Args:
        archive: As the user named it.
        name: As the archive has it.
    """
    plain = name.replace("\\", "/") if "\\" in name else name
    parts = [part for part in plain.split("/") if part not in ("", ".")]
    if len(plain) > _LONGEST_NAME:
        return f"{archive}/{plain[:255]}…", f"its name in the archive has {len(plain)} characters"
    joined = f"{archive}/{'/'.join(parts)}"
    return joined, "its name in the archive leads out of it" if ".." in parts else ""


def too_large(size: int) -> str:
    """Return why a photo is not read that says it has so many bytes."""
    return (
        f"has {size / 1e6:,.0f} MB: outside of a file on the disk a photo may have "
        f"{MOST_BYTES / 1e6:.0f} MB at most"
    )
