"""Names of rows: no two photos of a run that are no files share one."""

from biqa_cli.images.seen import Seen

_NO_FILE = "\1"
"""Tells these names from those of files."""


class Names:
    """Gives each photo that is no file a name of its own.

    Archives may have two members of one name, and tables two rows of one key. Their order is always
    the same, so the second is called NAME#2 in every run.

    Args:
        seen: Keeps which names there are; 16 to 32 bytes for each.
    """

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._counts: dict[str, int] = {}

    def distinct(self, name: str) -> str:
        """Return a name that no other photo has: the name itself, or NAME#2 and so on."""
        if self._seen.add(_NO_FILE + name):
            return name
        number = self._counts.get(name, 1) + 1
        while not self._seen.add(f"{_NO_FILE}{name}#{number}"):
            number += 1
        self._counts[name] = number
        return f"{name}#{number}"
