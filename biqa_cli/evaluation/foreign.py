"""Predictions of any tool, brought to the images of a data set."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from biqa_cli.datasets.tables import finite
from biqa_cli.errors import UsageError
from biqa_cli.evaluation.foreign_tables import read_scores
from biqa_cli.evaluation.predictions import Prediction


@dataclass(frozen=True, slots=True)
class ForeignPredictions:
    """The predictions of a file for the images of a data set."""

    predictions: tuple[Prediction, ...]
    """One for each image of the data set, in its order."""
    unmatched: int
    """Rows of the file that name no image of the data set."""
    by_order: bool = False
    """Whether the file names no images, and its rows were taken in the order of the labels."""


def read_predictions(
    file: Path,
    paths: Sequence[str],
    *,
    column: str | None = None,
    delimiter: str | None = None,
) -> ForeignPredictions:
    """Return the scores that a file gives to the images of a data set.

    A row belongs to the image whose path ends with the row's name or whose name the row's path
    ends with, whole folders compared, without regard to case; a name without its suffix will do
    where that is clear. What `biqa score` writes is such a file. Values alone, as many as there
    are images, are in the order of the images, as in `metrics_values` of TID2013.

    Args:
        file: As in `read_scores`, with `column` and `delimiter`.
        paths: The images as the data set names them.
        column: Of the scores.
        delimiter: Between columns.

    Raises:
        UsageError: If the file cannot be read, has no such columns, names none of the images or
            one twice, or has values alone and not one for each image.
    """
    table = read_scores(file, column=column, delimiter=delimiter)
    if table.names is None:
        return _in_order(table.scores, paths, file)
    images = _Names(paths)
    found: dict[str, Prediction] = {}
    unmatched = 0
    for name, text in zip(table.names, table.scores, strict=True):
        path = images.find(name)
        if path is None:
            unmatched += 1
            continue
        if path in found:
            msg = f"{file} has more than one row for {path}: give each image one prediction"
            raise UsageError(msg)
        found[path] = _prediction(path, text, file)
    if not found:
        named = f"such names as {table.names[0]!r}" if table.names else "no row below its heading"
        expected = ", ".join(map(repr, paths[:1])) or "none"
        msg = (
            f"{file} names no image of the data set clearly: it has {named}, "
            f"expected such as {expected}"
        )
        raise UsageError(msg)
    missing = f"{file.name} has no row for it"
    return ForeignPredictions(
        predictions=tuple(found.get(path, Prediction(path, None, missing)) for path in paths),
        unmatched=unmatched,
    )


def _in_order(scores: Sequence[str], paths: Sequence[str], file: Path) -> ForeignPredictions:
    if len(scores) != len(paths):
        msg = (
            f"{file} has {len(scores)} values without names, and the labels list {len(paths)} "
            "images: give one value for each, in the order of the labels, or add names"
        )
        raise UsageError(msg)
    said = (_prediction(path, text, file) for path, text in zip(paths, scores, strict=True))
    return ForeignPredictions(tuple(said), unmatched=0, by_order=True)


def _prediction(path: str, text: str, file: Path) -> Prediction:
    score = finite(text)
    if score is None:
        return Prediction(path, None, f"{file.name} has no number for it, but {text.strip()!r}")
    return Prediction(path, score)


class _Names:
    """Finds the one image that a name means."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._by_name = _by_last_part((_parts(path), path) for path in paths)
        self._by_stem = _by_last_part((_without_suffix(_parts(path)), path) for path in paths)

    def find(self, name: str) -> str | None:
        """Return the path of the image, None where none or several fit."""
        parts = _parts(name)
        for known in (self._by_name, self._by_stem):
            candidates = known.get(parts[-1], []) if parts else []
            fitting = [path for other, path in candidates if _ends_alike(parts, other)]
            if fitting:
                return fitting[0] if len(fitting) == 1 else None
        return None


_Parts = tuple[str, ...]


def _by_last_part(named: Iterable[tuple[_Parts, str]]) -> dict[str, list[tuple[_Parts, str]]]:
    found: defaultdict[str, list[tuple[_Parts, str]]] = defaultdict(list)
    for parts, path in named:
        if parts:
            found[parts[-1]].append((parts, path))
    return found


def _parts(path: str) -> _Parts:
    # Spreadsheets' guards and Windows' separators: 'a\b' and a/b are one name.
    return PurePosixPath(path.removeprefix("'").replace("\\", "/").lower()).parts


def _without_suffix(parts: _Parts) -> _Parts:
    return (*parts[:-1], PurePosixPath(parts[-1]).stem) if parts else ()


def _ends_alike(one: _Parts, other: _Parts) -> bool:
    shorter = min(len(one), len(other))
    return one[-shorter:] == other[-shorter:]
