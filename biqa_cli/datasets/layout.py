"""Where the files of a release lie below its root, whatever the case of their names."""

from collections.abc import Sequence
from pathlib import Path

from biqa_cli.errors import UsageError


class Layout:
    """A copy of a data set on disk.

    Releases disagree with themselves about case (`I01_11_1.BMP` in a list, `i01_11_1.bmp` in a
    folder), so names are compared without it. Each folder is listed once.

    Args:
        root: The folder that the release was unpacked to.
        title: Of the data set, for messages.
        hint: What to do where the root is another folder, for messages.
    """

    def __init__(self, root: Path, title: str, *, hint: str = "") -> None:
        self.root = root
        self.title = title
        self.hint = hint
        self._listings: dict[str, dict[str, str]] = {}

    def find(self, name: str) -> str | None:
        """Return the name of a file or folder as it is on disk, None where there is none.

        Args:
            name: Relative to the root, with forward slashes, or absolute and below it. An exact
                match is preferred.
        """
        if (path := Path(name)).is_absolute() and path.is_relative_to(self.root.absolute()):
            name = path.relative_to(self.root.absolute()).as_posix()
        found = ""
        for part in name.split("/"):
            if part == ".":
                continue
            # Labels are data: they do not lead out of the root.
            if part in ("", ".."):
                return None
            listing = self._listing(found)
            actual = listing.get(part) or listing.get(part.casefold())
            if actual is None:
                return None
            found = f"{found}/{actual}" if found else actual
        return found or None

    def first_of(self, names: Sequence[str]) -> str:
        """Return the first name that exists, as it is on disk; the first of all if none does."""
        return next((found for name in names if (found := self.find(name))), names[0])

    def label_file(self, *names: str) -> Path:
        """Return the first file of labels that exists.

        Raises:
            UsageError: If there is none: the root is not that of this data set.
        """
        if not self.root.is_dir():
            msg = f"{self.root} is not a folder: --root is where {self.title} was unpacked"
            raise UsageError(msg)
        found = self.find(self.first_of(names))
        if found is None:
            alternatives = "".join(f" (or {name})" for name in names[1:])
            msg = (
                f"{self.root} does not look like {self.title}:"
                f" expected {self.root / names[0]}{alternatives}"
            )
            raise UsageError(f"{msg}. {self.hint}" if self.hint else msg)
        return self.root / found

    def _listing(self, folder: str) -> dict[str, str]:
        if folder not in self._listings:
            try:
                names = sorted(entry.name for entry in (self.root / folder).iterdir())
            except OSError:
                names = []
            # Exact names last: they win over the folded name of another file.
            folded = {name.casefold(): name for name in reversed(names)}
            self._listings[folder] = folded | {name: name for name in names}
        return self._listings[folder]
