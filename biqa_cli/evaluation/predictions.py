"""A model's scores of a data set's images."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from biqa_cli.images.limits import DEFAULT_LIMITS, Limits
from biqa_cli.models.loading import LoadedModel
from biqa_cli.scoring import score_files
from biqa_cli.store.known_scores import Store


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model or a tool says of one image of a data set."""

    path: str
    """As the data set names the image."""
    score: float | None
    """On the tool's own scale; biqa's is 0 to 100, higher is better. None: it has none."""
    error: str = ""
    """Why there is no score."""


def predict(
    paths: Sequence[str],
    model: LoadedModel,
    *,
    root: Path,
    batch_size: int | None = None,
    workers: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
    store: Store | None = None,
) -> Iterator[Prediction]:
    """Yield a model's scores of images, by the code of `biqa score`.

    Args:
        paths: Relative to `root`, as the data set names them.
        model: From `load_model`.
        root: The folder of the data set.
        batch_size: Photos for one forward pass.
        workers: Threads that read photos.
        limits: What reading may cost; photos that would cost more have no score.
        store: What is known of the images, and where new scores are kept.
    """
    results = score_files(
        (str(root / path) for path in paths),
        model,
        batch_size=batch_size,
        workers=workers,
        limits=limits,
        store=store,
    )
    for path, result in zip(paths, results, strict=True):
        yield Prediction(path, result.score, result.error)
