"""Which images of a data set are evaluated."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from biqa_cli.datasets.base import Dataset
from biqa_cli.datasets.split_files import load_split, save_split
from biqa_cli.datasets.splits import Split, published_protocol, split_dataset
from biqa_cli.errors import UsageError

ALL = "all"


@dataclass(frozen=True, slots=True)
class Part:
    """The images that are evaluated, and how they were chosen."""

    name: str
    """Such as `official:test`, `reference:test` or `all`."""
    indices: tuple[int, ...]
    """Positions in the data set."""
    split: Split | None = None
    """None for `all`."""

    @property
    def leak(self) -> str:
        """How the split itself leaks; empty where it does not."""
        return self.split.reason if self.split else ""

    @property
    def seed(self) -> int | None:
        """The seed of the split, None where the split is a published list."""
        return self.split.seed if self.split else None


def choose_parts(dataset: Dataset, *, split: str | None, seeds: tuple[int, ...]) -> list[Part]:
    """Return the parts to evaluate: one, or one for each seed.

    Args:
        dataset: From `load_dataset`.
        split: `PROTOCOL:PART`, `PROTOCOL@SHARES:PART`, `FILE:PART` with a split that was saved,
            or `all`. Without a part it is `test`. None is the published test part where there is
            one, else `all`.
        seeds: Of protocols that shuffle.

    Raises:
        UsageError: If there is no such protocol, file or part.
    """
    asked = split or _default(dataset)
    if asked == ALL:
        return [Part(ALL, tuple(range(len(dataset.images))))]
    protocol, _, name = asked.rpartition(":")
    if not protocol or "/" in name:
        protocol, name = asked, "test"
    return [_part(chosen, name, protocol) for chosen in _splits(dataset, protocol, seeds)]


def save_part(parts: Sequence[Part], dataset: Dataset, path: Path) -> None:
    """Write the split of the one part as text (`save_split`).

    Raises:
        UsageError: If there is not one split, or the file cannot be written.
    """
    if len(parts) > 1 or parts[0].split is None:
        msg = "--save-split writes one split: choose one with --split and one seed"
        raise UsageError(msg)
    save_split(parts[0].split, dataset, path)


def parse_seeds(text: str) -> tuple[int, ...]:
    """Return the seeds that a user means.

    Raises:
        UsageError: If the text is not such a list.

    Example:
        >>> parse_seeds("1-3,7")
        (1, 2, 3, 7)
    """
    seeds: dict[int, None] = {}
    try:
        for item in text.split(","):
            first, _, last = item.strip().partition("-")
            seeds |= dict.fromkeys(range(int(first), int(last or first) + 1))
    except ValueError as error:
        msg = f"{text!r} is no list of seeds: write 1,2,3 or 1-10"
        raise UsageError(msg) from error
    if not seeds:
        msg = f"{text!r} holds no seed: write 1,2,3 or 1-10"
        raise UsageError(msg)
    return tuple(seeds)


def _default(dataset: Dataset) -> str:
    published = published_protocol(dataset)
    return ALL if published is None else f"{published}:test"


def _splits(dataset: Dataset, protocol: str, seeds: tuple[int, ...]) -> Iterator[Split]:
    if Path(protocol).is_file():
        yield load_split(Path(protocol), dataset)
        return
    for seed in seeds:
        split = split_dataset(dataset, protocol=protocol, seed=seed)
        yield split
        if split.seed is None:
            return


def _part(split: Split, name: str, protocol: str) -> Part:
    if name not in split.parts:
        msg = f"{protocol} has no part {name!r}: it has {', '.join(split.parts)}"
        raise UsageError(msg)
    return Part(
        name=f"{Path(protocol).name if Path(protocol).is_file() else protocol}:{name}",
        indices=split.parts[name],
        split=split,
    )
