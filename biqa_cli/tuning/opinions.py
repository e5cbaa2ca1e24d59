"""What a person has said of photos: ratings or choices, from the files that hold them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from biqa_cli.culling.companions import files_by_stem
from biqa_cli.culling.xmp import rating_in
from biqa_cli.datasets.base import Dataset, LabelScale, RatedImage
from biqa_cli.datasets.loading import CSV_PREFIX, load_dataset
from biqa_cli.datasets.tables import csv_rows, records
from biqa_cli.errors import SidecarError, UsageError
from biqa_cli.images.suffixes import SUFFIXES
from biqa_cli.tuning.choices import pairs_of_decisions

LEAST_RATINGS, LEAST_CHOICES = 20, 20
_STARS = LabelScale(1, 5, higher_is_better=True, meaning="stars of XMP sidecars")
_CHOICES = LabelScale(0, 1, higher_is_better=True, meaning="choices")
_DECISIONS = {"reject": 0, "keep": 1, "pick": 2}


@dataclass(frozen=True, slots=True, eq=False)
class Opinions:
    """Photos, and what was said of them."""

    photos: Dataset
    """With ratings as labels; of choices without any."""
    pairs: NDArray[np.int64] | None = None
    """Choices (M, 2) by positions among the photos, the better one first; None for ratings."""


def read_opinions(source: Path, *, root: Path | None, label_range: str | None) -> Opinions:
    """Return the ratings or choices that a file or a folder holds.

    Args:
        source: A table with `path` and `mos` (or `dmos`), with `better` and `worse`, or with
            `path`, `group` and `decision` as `biqa cull` writes it; or a folder of photos with
            stars in sidecars.
        root: The folder that paths are relative to; None is that of the file.
        label_range: The ends of the scale of ratings, LOW:HIGH.

    Raises:
        UsageError: If it holds no opinions, or too few.
    """
    if source.is_dir():
        return Opinions(_enough(_stars(source), label_range))
    heading = [cell.strip().casefold() for cell in next((c for _, c in csv_rows(source)), [])]
    for wanted, read in _CHOICES_IN.items():
        if set(wanted) <= set(heading):
            if label_range is not None:
                raise UsageError("--label-range is of ratings: leave it out for choices")
            return read(source, source.parent if root is None else root)
    if "path" not in heading or not {"mos", "dmos"} & set(heading):
        msg = (
            f"{source} needs a heading with `path` and `mos` for ratings, `better` and `worse` for "
            f"choices, or `path`, `group` and `decision`, with commas between them: it has "
            f"{', '.join(heading) or 'nothing'}"
        )
        raise UsageError(msg)
    rated = load_dataset(f"{CSV_PREFIX}{source}", root)
    return Opinions(_enough(rated, label_range))


def _enough(rated: Dataset, label_range: str | None) -> Dataset:
    count = len(rated.images)
    if count < LEAST_RATINGS:
        raise UsageError(
            _too_few(rated.name, f"usable ratings: {count}", LEAST_RATINGS, rated.problems)
        )
    if len({image.mos for image in rated.images}) == 1:
        msg = (
            f"all {count} ratings of {rated.name} are equal, so nothing can be learnt from them: "
            "rate better and worse photos, too"
        )
        raise UsageError(msg)
    return rated.with_label_range(label_range)


def _stars(folder: Path) -> Dataset:
    """Return the photos below a folder that have stars in a sidecar; rejected ones have none."""
    images, problems, rejected = list[RatedImage](), list[str](), False
    for inside in sorted({folder, *(path for path in folder.rglob("*") if path.is_dir())}):
        by_stem = files_by_stem(path.name for path in inside.iterdir() if path.is_file())
        for names in by_stem.values():
            photo = next(name for name in names if Path(name).suffix.lower() in SUFFIXES)
            for name in (n for n in names if n.lower().endswith(".xmp")):
                try:
                    rating = rating_in((inside / name).read_bytes())
                except (SidecarError, OSError) as error:
                    problems.append(f"{inside / name}: {error}")
                    continue
                if rating:
                    rejected |= rating < 0
                    path = (inside / photo).relative_to(folder).as_posix()
                    images.append(RatedImage(path, float(max(rating, 0))))
                    break
    scale = replace(_STARS, lowest=0.0) if rejected else _STARS
    return Dataset(
        f"the stars in {folder}", folder, "authentic", scale, tuple(images), tuple(problems)
    )


def _pairs(source: Path, root: Path) -> Opinions:
    rows, problems = list[tuple[str, str]](), list[str]()
    for row in records(csv_rows(source), ("better", "worse"), source=source):
        better, worse = row.text("better"), row.text("worse")
        if better and worse and better != worse:
            rows.append((better, worse))
        else:
            problems.append(row.bad("better" if not better else "worse", "another photo"))
    paths = list(dict.fromkeys(path for row in rows for path in row))
    place = {path: index for index, path in enumerate(paths)}
    pairs = [(place[better], place[worse]) for better, worse in rows]
    return _compared(source, root, paths, np.array(pairs, dtype=np.int64).reshape(-1, 2), problems)


def _decisions(source: Path, root: Path) -> Opinions:
    ranks, problems = dict[str, int](), list[str]()
    groups = list[str]()
    for row in records(csv_rows(source), ("path", "group", "decision"), source=source):
        path, rank = row.text("path"), _DECISIONS.get(row.text("decision").casefold())
        if rank is None:
            problems.append(row.bad("decision", "pick, keep or reject"))
        elif not path or path in ranks:
            problems.append(row.bad("path", "a photo that no row before has"))
        else:
            ranks[path] = rank
            groups.append(row.text("group"))
    pairs = pairs_of_decisions(groups, [*ranks.values()])
    return _compared(source, root, [*ranks], pairs, problems)


_CHOICES_IN: dict[tuple[str, ...], Callable[[Path, Path], Opinions]] = {
    ("better", "worse"): _pairs,
    ("path", "group", "decision"): _decisions,
}


def _compared(
    source: Path,
    root: Path,
    paths: Sequence[str],
    pairs: NDArray[np.int64],
    problems: Sequence[str],
) -> Opinions:
    name = f"{CSV_PREFIX}{source.name}"
    if len(pairs) < LEAST_CHOICES:
        found = f"usable choices between two photos: {len(pairs)}"
        raise UsageError(_too_few(name, found, LEAST_CHOICES, problems))
    images = tuple(RatedImage(path, float("nan")) for path in paths)
    return Opinions(Dataset(name, root, "authentic", _CHOICES, images, tuple(problems)), pairs)


def _too_few(name: str, found: str, least: int, problems: Sequence[str]) -> str:
    """Return an error that names the first of the rows which could not be used."""
    left_out = f"; not used: {len(problems)}, such as {problems[0]}" if problems else ""
    return f"{name}: {found}, at least {least} are needed (`biqa rate` asks for more){left_out}"
