"""Which photos of a source are wanted: the same rules for folders, archives and stores."""

import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from biqa_cli.errors import UsageError
from biqa_cli.images.discovery import has_image_suffix, unwanted_names
from biqa_cli.sources.entry import Entry, unreadable

_SHARD = re.compile(r"([0-9]{1,9})/([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Shard:
    """One of several parts of all photos, which machines score side by side."""

    number: int
    """From 1."""
    of: int

    def has(self, name: str) -> bool:
        """Return whether a photo belongs to this part: that depends on its name alone."""
        # Whatever the locale: os.fsencode() would ask it.
        encoded = name.encode("utf-8", "surrogateescape")
        digest = hashlib.blake2b(encoded, digest_size=8).digest()
        return int.from_bytes(digest, "big") % self.of == self.number - 1


def shard_of(text: str) -> Shard:
    """Return the part that a text such as 3/100 stands for.

    Raises:
        UsageError: If it stands for none.
    """
    found = _SHARD.fullmatch(text)
    if found is None or not 1 <= int(found[1]) <= int(found[2]):
        msg = f"--shard takes a part and their number, such as 3/100, not {text!r}"
        raise UsageError(msg)
    return Shard(int(found[1]), int(found[2]))


@dataclass(frozen=True, slots=True)
class Choice:
    """What is taken of what a source holds."""

    recursive: bool = True
    """Whether folders inside folders are searched."""
    exclude: tuple[str, ...] = ()
    """Patterns of names that are left out of folders, beside those of `LEFT_OUT`."""
    newer_than: int | None = None
    """In nanoseconds since 1970: what was changed no later is left out. Of what is in an archive,
    or in a table itself, the time of that counts. An address has one if it is listed."""
    shard: Shard | None = None
    column: str | None = None
    """Of a table: what has the photos. None is the first of `tables.COLUMNS` that it has."""
    key: str | None = None
    """Of a table: what names the rows. None is their numbers."""
    offline: bool = False
    """Whether no socket may be opened: an address in a table is then an error row."""
    _unwanted: Callable[[str], object] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_unwanted", unwanted_names(self.exclude))

    def is_of_shard(self, name: str) -> bool:
        """Return whether a photo is to be scored here, by the name of its row."""
        return self.shard is None or self.shard.has(name)

    def error_row(self, source: str, reason: str) -> Iterator[Entry]:
        """Yield what tells that an archive, a table or an address cannot be read, in one shard."""
        if self.is_of_shard(source):
            yield unreadable(source, reason)

    def wants_member(self, name: str) -> bool:
        """Return whether a member of an archive would be taken if the archive were a folder."""
        *folders, file = name.replace("\\", "/").split("/")
        folders = [folder for folder in folders if folder not in ("", ".", "..")]
        if folders and not self.recursive:
            return False
        if any(folder.startswith(".") or self._unwanted(folder) for folder in folders):
            return False
        return has_image_suffix(file) and not self._unwanted(file)

    def wants_name(self, name: str) -> bool:
        """Return whether a name inside a folder is not one of those that are left out."""
        return not self._unwanted(name)
