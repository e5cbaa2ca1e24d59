"""Scoring a data set of Ray Data."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from biqa_cli.frames import FrameScorer
from biqa_cli.models.catalog import DEFAULT_MODEL
from biqa_cli.models.loading import load_model
from biqa_cli.ray.cluster import most_actors, require_ray
from biqa_cli.shipping import ship

if TYPE_CHECKING:
    import ray.data


def score_dataset(
    photos: "ray.data.Dataset",
    *,
    column: str = "bytes",
    model: str = DEFAULT_MODEL,
    workers: int | tuple[int, int] | None = None,
    gpus: float = 0,
    batch_size: int = 32,
    why: bool = False,
    keep: bool = False,
    prefix: str = "",
) -> "ray.data.Dataset":
    """Return a data set of Ray Data with the scores of its photos.

    Each actor holds the model and decodes the photos of its batches itself. Ray restarts actors and
    repeats batches; each row comes out once.

    Args:
        photos: Any data set. All columns but that of the photos stay, so that rows can be joined.
        column: Of the photos: bytes of files, names of files, addresses or arrays (H, W, 3).
        model: A name from `biqa models list`, or a file of your own weights.
        workers: Actors, or the fewest and the most. None is one for each core, or for each GPU.
        gpus: Of one actor, such as 1 or 0.5; 0 scores on CPUs, one core each.
        batch_size: Photos in one call; it does not change the scores.
        why: Whether to add the columns that say why a score is what it is.
        keep: Whether the column of the photos stays.
        prefix: What the names of the new columns begin with.

    Returns:
        The columns score, low, high, native_score, model, width, height, status, error and note
        behind those that stay. What cannot be scored has an error, no score.

    Raises:
        DependencyError: If ray is not installed.
        UsageError: If there is no such model, or no machine has as many GPUs.
        WeightsError: If its weights are missing or wrong.
    """
    ray = require_ray()
    device = "cuda" if gpus else "cpu"
    here = load_model(model, device="cpu")
    shipment = ship(here, device=device)
    most = most_actors(ray, gpus)
    fewest, most = workers if isinstance(workers, tuple) else (workers or most, workers or most)
    return photos.map_batches(
        _Actor,
        fn_constructor_kwargs={
            "scorer": FrameScorer(
                column, model=shipment.without_files(), why=why, keep=keep, prefix=prefix
            ),
            "files": {name: ray.put(content) for name, content in shipment.files.items()},
        },
        batch_format="pyarrow",
        batch_size=batch_size,
        zero_copy_batch=True,
        num_cpus=1,
        num_gpus=gpus,
        compute=ray.data.ActorPoolStrategy(min_size=fewest, max_size=max(most, fewest)),
    )


class _Actor:
    """Holds the model of `score_dataset`."""

    def __init__(self, scorer: FrameScorer, files: Mapping[str, Any]) -> None:
        import ray

        self._scorer = scorer
        scorer.load({name: ray.get(content) for name, content in files.items()})

    def __call__(self, batch: Any) -> Any:  # noqa: ANN401
        return self._scorer(batch)
