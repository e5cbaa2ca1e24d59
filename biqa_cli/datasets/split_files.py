"""A split as a text file that can be published: a line an image, and a hash over all of it."""

from pathlib import Path

from biqa_cli.datasets.base import Dataset
from biqa_cli.datasets.splits import Split, split_of_parts
from biqa_cli.errors import UsageError
from biqa_cli.whole_files import write_whole

_TITLE = "# biqa split"
_FIELDS = ("dataset", "protocol", "seed", "sha256")


def save_split(split: Split, dataset: Dataset, path: Path) -> None:
    """Write a split: four lines of facts, then the part and the path of each image.

    Raises:
        UsageError: If a name of an image has a line break or a tab, or the file cannot be written.
    """
    facts = (dataset.name, split.protocol, split.seed, split.sha256)
    lines = [_TITLE, *(f"# {key}: {value}" for key, value in zip(_FIELDS, facts, strict=True))]
    for part, indices in split.parts.items():
        for index in indices:
            name = dataset.images[index].path
            if not name.isprintable():
                msg = f"{name!r} has characters that a list of files cannot hold: rename it"
                raise UsageError(msg)
            lines.append(f"{part}\t{name}")
    write_whole(path, "\n".join(lines) + "\n")


def load_split(path: Path, dataset: Dataset) -> Split:
    """Return a split that was saved, after checking that nothing in it has changed.

    Raises:
        UsageError: If the file is not a split of this data set, names an image that is not here,
            or is not what was saved.
    """
    try:
        title, *lines = path.read_text(encoding="utf-8").splitlines()
        facts = dict(line.removeprefix("# ").split(": ", 1) for line in lines[: len(_FIELDS)])
        name, protocol, seed, sha256 = (facts[field] for field in _FIELDS)
        rows = [line.split("\t") for line in lines[len(_FIELDS) :]]
        pairs = [(part, image) for part, image in rows]
        number = None if seed == "None" else int(seed)
    except (OSError, ValueError, KeyError) as error:
        msg = f"{path} is not a split saved by biqa: {error}"
        raise UsageError(msg) from error
    if title != _TITLE or name != dataset.name:
        msg = f"{path} is a split of {name}, not of {dataset.name}"
        raise UsageError(msg)
    index_of = {image.path.casefold(): index for index, image in enumerate(dataset.images)}
    parts: dict[str, list[int]] = {}
    for part, image in pairs:
        index = index_of.get(image.casefold())
        if index is None:
            msg = f"{path} names {image}, which is not in {dataset.root}"
            raise UsageError(msg)
        parts.setdefault(part, []).append(index)
    split = split_of_parts(
        dataset,
        {part: tuple(sorted(indices)) for part, indices in parts.items()},
        protocol=protocol,
        seed=number,
    )
    if split.sha256 != sha256:
        msg = (
            f"{path} was changed after it was saved: its sha256 is {split.sha256}, not {sha256};"
            " save it anew, or get the original"
        )
        raise UsageError(msg)
    return split
