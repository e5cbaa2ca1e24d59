"""Predictions of any tool: a CSV with a column of names and a column of scores."""

import csv
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from biqa_cli.errors import UsageError
from biqa_cli.evaluation.predictions import Prediction

# What the tools of the field call the two columns; the first that is there counts.
PATH_COLUMNS = ("path", "image", "image_path", "img_path", "filename", "file", "image_name", "name")
SCORE_COLUMNS = ("score", "prediction", "predicted", "pred", "quality", "mos_pred", "pmos")


@dataclass(frozen=True, slots=True)
class ForeignPredictions:
    """The predictions of a file for the images of a data set."""

    predictions: tuple[Prediction, ...]
    """One for each image of the data set, in its order."""
    unmatched: int
    """Rows of the file that name no image of the data set."""


def read_predictions(file: Path, paths: Sequence[str]) -> ForeignPredictions:
    """Return the scores that a CSV gives to the images of a data set.

    A row belongs to the image whose path ends with the row's name or whose name the row's path
    ends with, whole folders compared, without regard to case. The CSV of `biqa score` is such a
    file.

    Args:
        file: With a header that has one of `PATH_COLUMNS` and one of `SCORE_COLUMNS`.
        paths: The images as the data set names them.

    Raises:
        UsageError: If the file cannot be read, has no such columns, or names an image twice.
    """
    images = _Names(paths)
    found: dict[str, Prediction] = {}
    unmatched = 0
    for name, text in _rows(file):
        path = images.find(name)
        if path is None:
            unmatched += 1
            continue
        if path in found:
            msg = f"{file} has more than one row for {path}: give each image one prediction"
            raise UsageError(msg)
        found[path] = _prediction(path, text, file)
    missing = f"{file.name} has no row for it"
    return ForeignPredictions(
        predictions=tuple(found.get(path, Prediction(path, None, missing)) for path in paths),
        unmatched=unmatched,
    )


def _prediction(path: str, text: str, file: Path) -> Prediction:
    try:
        score = float(text)
    except ValueError:
        score = math.nan
    if math.isfinite(score):
        return Prediction(path, score)
    return Prediction(path, None, f"{file.name} has no number for it, but {text.strip()!r}")


def _rows(file: Path) -> Iterator[tuple[str, str]]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            header = {column.strip().lower(): column for column in reader.fieldnames or ()}
            name = next((header[c] for c in PATH_COLUMNS if c in header), None)
            score = next((header[c] for c in SCORE_COLUMNS if c in header), None)
            if name is None or score is None:
                msg = (
                    f"{file} has the columns {', '.join(header) or 'of an empty file'}: needed are "
                    f"one of {', '.join(PATH_COLUMNS)} and one of {', '.join(SCORE_COLUMNS)}"
                )
                raise UsageError(msg)
            for row in reader:
                if row[name]:
                    yield row[name], row[score] or ""
    except OSError as error:
        msg = f"cannot read the predictions {str(file)!r}: {error.strerror}"
        raise UsageError(msg) from error
    except (UnicodeDecodeError, csv.Error) as error:
        msg = f"{file} is not a CSV in UTF-8 ({error})"
        raise UsageError(msg) from error


class _Names:
    """Finds the one image that a name means."""

    def __init__(self, paths: Sequence[str]) -> None:
        self._by_name: defaultdict[str, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
        for path in paths:
            parts = _parts(path)
            self._by_name[parts[-1]].append((parts, path))

    def find(self, name: str) -> str | None:
        """Return the path of the image, None where none or several fit."""
        parts = _parts(name)
        candidates = self._by_name.get(parts[-1], []) if parts else []
        fitting = [path for other, path in candidates if _ends_alike(parts, other)]
        return fitting[0] if len(fitting) == 1 else None


def _parts(path: str) -> tuple[str, ...]:
    # Spreadsheets' guards and Windows' separators: 'a\b' and a/b are one name.
    return PurePosixPath(path.removeprefix("'").replace("\\", "/").lower()).parts


def _ends_alike(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    shorter = min(len(one), len(other))
    return one[-shorter:] == other[-shorter:]
