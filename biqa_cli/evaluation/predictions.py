"""A model's scores of a data set's images, kept on disk as they are made."""

import csv
import hashlib
import io
import json
import logging
import math
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import platformdirs

from biqa_cli.images.limits import DEFAULT_LIMITS, Limits
from biqa_cli.models.loading import LoadedModel
from biqa_cli.scoring import score_files

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model or a tool says of one image of a data set."""

    path: str
    """As the data set names the image."""
    score: float | None
    """On the tool's own scale; biqa's is 0 to 100, higher is better. None: it has none."""
    error: str = ""
    """Why there is no score."""


def predictions_folder() -> Path:
    """Return where predictions are kept: `BIQA_PREDICTIONS`, or the platform's cache."""
    chosen = os.environ.get("BIQA_PREDICTIONS")
    if chosen:
        return Path(chosen)
    try:
        return platformdirs.user_cache_path("biqa") / "predictions"
    except RuntimeError:
        # Neither HOME nor an account: a place where nothing can be kept.
        return Path(os.devnull) / "no-home-directory"


def predict(
    paths: Sequence[str],
    model: LoadedModel,
    *,
    root: Path,
    dataset: str,
    fresh: bool = False,
    batch_size: int | None = None,
    workers: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Iterator[Prediction]:
    """Yield a model's scores of images, by the code of `biqa score`, each written as it comes.

    A second run takes over what the first has written, as long as the file of the image, the
    weights, the graph and the preprocessing are the same. Where scores cannot be kept, a warning
    says so, and the run goes on.

    Args:
        paths: Relative to `root`, as the data set names them.
        model: From `load_model`.
        root: The folder of the data set.
        dataset: Its name, part of the name of the file of predictions.
        fresh: Whether to score all images again.
        batch_size: Photos for one forward pass.
        workers: Threads that read photos.
        limits: What reading may cost; photos that would cost more have no score.
    """
    kept_in = kept_file(model, root=root, dataset=dataset)
    stamps = {path: _stamp(root / path) for path in paths}
    earlier = {} if fresh else _read_kept(kept_in)
    known = {path: score for path, (stamp, score) in earlier.items() if stamps.get(path) == stamp}
    names = (str(root / path) for path in paths if path not in known)
    results = score_files(names, model, batch_size=batch_size, workers=workers, limits=limits)
    with _keeping(kept_in, fresh=fresh) as keep:
        for path in paths:
            if path in known:
                yield Prediction(path, known[path])
                continue
            result = next(results)
            stamp = stamps[path]
            # An image that is missing or damaged is tried again next time.
            if stamp is not None and result.score is not None:
                keep((path, *stamp, repr(result.score)))
            yield Prediction(path, result.score, result.error)


def kept_file(model: LoadedModel, *, root: Path, dataset: str) -> Path:
    """Return the file that keeps a model's predictions of a data set."""
    depends_on = (
        str(root.resolve()),
        model.weights_sha256,
        model.graph_sha256,
        model.spec.input.describe(),
    )
    key = hashlib.sha256(json.dumps(depends_on).encode()).hexdigest()[:12]
    return predictions_folder() / f"{dataset}-{model.spec.name}-{key}.csv"


_Stamp = tuple[int, int]


def _stamp(path: Path) -> _Stamp | None:
    """Return the size of a file and when it was changed, None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _read_kept(path: Path) -> dict[str, tuple[_Stamp, float]]:
    """Return what earlier runs have written; a file that is damaged is told and given up."""
    try:
        content = path.read_bytes()
    except OSError:
        # None yet, or none that may be read: `_keeping` tells if none can be written either.
        return {}
    # A last line without its end: a run was stopped in the middle of it.
    whole = content.rfind(b"\n") + 1
    try:
        lines = io.StringIO(content[:whole].decode("utf-8"), newline="")
        kept = dict(map(_kept_row, csv.reader(lines)))
    except (ValueError, csv.Error) as error:
        logger.warning("%s is damaged (%s): the photos are scored again", path, error)
        whole, kept = 0, {}
    if whole < len(content):
        with suppress(OSError):
            os.truncate(path, whole)
    return kept


def _kept_row(row: list[str]) -> tuple[str, tuple[_Stamp, float]]:
    name, size, modified, score = row
    value = float(score)
    if not math.isfinite(value):
        msg = f"{score!r} is no score"
        raise ValueError(msg)
    return name, ((int(size), int(modified)), value)


@contextmanager
def _keeping(path: Path, *, fresh: bool) -> Iterator[Callable[[Sequence[object]], None]]:
    """Yield a function that adds a row to a file at once; after a failure it does nothing."""
    file: IO[str] | None = None

    def keep(row: Sequence[object]) -> None:
        nonlocal file
        if file is not None:
            try:
                csv.writer(file).writerow(row)
                file.flush()
            except OSError as error:
                give_up(error)

    def give_up(error: OSError) -> None:
        nonlocal file
        logger.warning("scores are not kept for the next run: %s", error)
        # What could not be written is tried once more on closing.
        with suppress(OSError):
            if file is not None:
                file.close()
        file = None

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w" if fresh else "a", encoding="utf-8", newline="")
    except OSError as error:
        give_up(error)
    try:
        yield keep
    finally:
        if file is not None:
            file.close()
