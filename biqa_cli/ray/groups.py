"""Groups of photos that travel together, and what becomes of one whose process has died."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from biqa_cli.outcomes import failed_result
from biqa_cli.results import ImageResult
from biqa_cli.sources.entry import Source, name_of, size_held

_PHOTOS = 32
"""Of a group: a second of work, so that what travels with it does not count."""
_BYTES = 1 << 25
"""What a group may hold of photos that this process has read: those of compressed archives."""
ATTEMPTS = 3
"""So many processes may die of a photo before it gets an error row."""


@dataclass(slots=True)
class Group:
    """Photos that travel together."""

    photos: list[Source] = field(default_factory=list)
    held: int = 0
    """Bytes that this process has read of them."""
    deaths: int = 0
    """How many processes have died while they scored it."""

    @property
    def is_full(self) -> bool:
        return len(self.photos) >= _PHOTOS or self.held >= _BYTES


def groups_of(sources: Iterable[Source]) -> Iterator[Group]:
    """Yield photos in groups, each full but the last."""
    group = Group()
    for source in sources:
        group.photos.append(source)
        group.held += size_held(source)
        if group.is_full:
            yield group
            group = Group()
    if group.photos:
        yield group


def smaller(group: Group) -> list[Group]:
    """Return what to score in place of a group whose actor has died: in the end, photo by photo."""
    if group.deaths == 0 or (group.deaths == 1 and len(group.photos) > 1):
        return [group]
    if len(group.photos) > 1:
        return [Group([photo], size_held(photo)) for photo in group.photos]
    return [] if group.deaths >= ATTEMPTS else [group]


def given_up(group: Group, model: str) -> Iterator[ImageResult]:
    """Yield the error row of a photo that is not tried again."""
    if len(group.photos) == 1 and group.deaths >= ATTEMPTS:
        reason = f"{ATTEMPTS} processes have died of it"
        yield failed_result(reason, model, path=name_of(group.photos[0]))
