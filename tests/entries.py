"""What comes of an address: the bytes of each entry, or why it cannot be read."""

from biqa_cli.errors import ImageError
from biqa_cli.sources.choice import Choice
from biqa_cli.sources.entry import Entry
from biqa_cli.sources.finding import find_photos


def read_entries(address: str, choice: Choice | None = None) -> dict[str, bytes | str]:
    """Return what the entries of an address hold by their names, or their errors."""
    read: dict[str, bytes | str] = {}
    for one in find_photos([address], choice):
        assert isinstance(one, Entry)
        try:
            read[one.name] = one.read()
        except ImageError as error:
            read[one.name] = str(error)
    return read
