"""What weights have learnt from, as short hashes: photos by their content, references by name.

A photo that is moved or renamed is still the same photo, and two label files may list it.
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from biqa_cli.datasets.base import Dataset, RatedImage
from biqa_cli.errors import UsageError
from biqa_cli.threads import map_ahead

HASH_BYTES = 8
"""Among a million photos, two share a hash with a probability of 3e-8."""
MOST_HASHES = 600_000
"""6.4 MB in the header of a checkpoint, of which readers accept 8."""
_AHEAD = 32


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a checkpoint has learnt from: the photos that trained it, and those that validated it.

    Raises:
        UsageError: If there are more hashes than a checkpoint can hold.
    """

    photos: frozenset[bytes] = frozenset()
    """Hashes of files (`photo_hash`)."""
    references: frozenset[bytes] = frozenset()
    """Hashes of what photos show (`reference_hashes`)."""
    ancestors: tuple[str, ...] = ()
    """What it began as and has no hashes of: names of listed checkpoints, or of files that do not
    say what they learnt from."""

    def __post_init__(self) -> None:
        if len(self.photos) + len(self.references) > MOST_HASHES:
            msg = (
                f"{len(self.photos)} photos and {len(self.references)} references are more than a "
                f"checkpoint can name: {MOST_HASHES} together at most"
            )
            raise UsageError(msg)

    def __or__(self, other: "Learnt") -> "Learnt":
        return Learnt(
            self.photos | other.photos,
            self.references | other.references,
            tuple(sorted({*self.ancestors, *other.ancestors})),
        )

    def photos_among(
        self, dataset: Dataset, indices: Sequence[int], *, workers: int
    ) -> frozenset[int]:
        """Return which images were learnt from, by their content; unreadable ones are not."""
        if not self.photos:
            return frozenset()
        found = _hashes_of(dataset, indices, workers=workers)
        return frozenset(
            index for index, known in zip(indices, found, strict=True) if known in self.photos
        )

    def references_among(self, dataset: Dataset, indices: Iterable[int]) -> frozenset[int]:
        """Return which images show a reference or a scene that was learnt from, by its name."""
        return frozenset(
            index
            for index in indices
            if not self.references.isdisjoint(
                reference_hashes(dataset.images[index], dataset=dataset.name)
            )
        )


def learnt_from(dataset: Dataset, indices: Collection[int], *, workers: int) -> Learnt:
    """Return that these images of a data set were learnt from.

    Raises:
        UsageError: If one cannot be read, or they are too many.
    """
    photos = set()
    found = _hashes_of(dataset, indices, workers=workers)
    for index, known in zip(indices, found, strict=True):
        if known is None:
            msg = (
                f"cannot read {dataset.file(index)}: weights name the photos that they learnt from "
                "by their content, so all photos must be there when a training begins"
            )
            raise UsageError(msg)
        photos.add(known)
    references = (
        reference_hashes(dataset.images[index], dataset=dataset.name) for index in indices
    )
    return Learnt(frozenset(photos), frozenset().union(*references))


def photo_hash(path: Path) -> bytes | None:
    """Return the hash of what is in a file; None where there is no file that can be read."""
    try:
        # A pipe would be waited for.
        if not path.is_file():
            return None
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()[:HASH_BYTES]
    except OSError:
        return None


def reference_hashes(image: RatedImage, *, dataset: str) -> frozenset[bytes]:
    """Return the hashes of what an image shows, its reference and its scene; empty if unknown.

    Names are those of the label files, which stay when photos are moved. Those of one's own label
    files (csv:) count in all of them: ratings that train and ratings that test may be two files.
    """
    whose = "csv" if dataset.startswith("csv:") else dataset
    names = {"reference": image.reference, "scene": image.scene}
    return frozenset(
        hashlib.sha256(
            f"{whose}\n{kind}\n{name.casefold()}".encode(errors="surrogateescape")
        ).digest()[:HASH_BYTES]
        for kind, name in names.items()
        if name is not None
    )


def _hashes_of(dataset: Dataset, indices: Iterable[int], *, workers: int) -> Iterable[bytes | None]:
    files = (dataset.file(index) for index in indices)
    return map_ahead(photo_hash, files, workers=workers, ahead=_AHEAD)
