"""Scoring a data set of Ray Data."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from biqa_cli.errors import UsageError
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
    keep: bool | None = None,
    prefix: str = "",
) -> "ray.data.Dataset":
    """Return a data set of Ray Data with the scores of its photos.

    Each actor holds the model and decodes the photos of its batches itself. Ray restarts actors and
    repeats batches; each row comes out once.

    Args:
        photos: Any data set. All columns but that of the photos stay, so that rows can be joined.
        column: Of the photos: bytes of files, names of files, addresses or arrays (H, W, 3).
        model: A name from `biqa models list`, or a file of your own weights.
        workers: Actors, or the fewest and the most. Each takes a core (and its GPUs), and one core
            must be left for the tasks that read. None is as many as the cluster has room for.
        gpus: Of one actor, such as 1 or 0.5; 0 scores on CPUs.
        batch_size: Photos in one call; it does not change the scores.
        why: Whether to add the columns that say why a score is what it is.
        keep: Whether the column of the photos stays. None keeps names and addresses, by which rows
            can be joined, and drops bytes and arrays.
        prefix: What the names of the new columns begin with, where the data set has such names.

    Returns:
        The columns score, low, high, native_score, model, width, height, status, error and note
        behind those that stay. What cannot be scored has an error, no score.

    Raises:
        DependencyError: If ray is not installed.
        UsageError: If there is no such model or column, new columns would take the names of others,
            or the cluster has no room for so many workers.
        WeightsError: If its weights are missing or wrong.
    """
    ray = require_ray()
    device = "cuda" if gpus else "cpu"
    fewest, most = workers_of(ray, workers, gpus)
    shipment = ship(load_model(model, device="cpu"), device=device)
    scorer = FrameScorer(column, model=shipment.without_files(), why=why, keep=keep, prefix=prefix)
    # Ray would tell of a wrong column by pages of the workers that met it.
    if (schema := photos.schema()) is not None:
        import pyarrow as pa

        kinds = (kind if isinstance(kind, pa.DataType) else pa.null() for kind in schema.types)
        scorer.schema(pa.schema(list(zip(schema.names, kinds, strict=True))))
    return photos.map_batches(
        _Actor,
        fn_constructor_kwargs={
            "scorer": scorer,
            "files": {name: ray.put(content) for name, content in shipment.files.items()},
        },
        batch_format="pyarrow",
        batch_size=batch_size,
        zero_copy_batch=True,
        num_cpus=1,
        num_gpus=gpus,
        compute=ray.data.ActorPoolStrategy(min_size=fewest, max_size=most),
    )


def workers_of(ray: Any, wanted: int | tuple[int, int] | None, gpus: float) -> tuple[int, int]:  # noqa: ANN401
    """Return the fewest and the most actors of a data set.

    Args:
        ray: The package, connected.
        wanted: By the caller; None is as many as there is room for.
        gpus: Of one actor.

    Raises:
        UsageError: If the tasks that read photos would wait for a core for ever.
    """
    cores = int(ray.cluster_resources().get("CPU", 0))
    room = min(most_actors(ray, gpus), cores - 1)
    if wanted is None:
        wanted = max(room, 1)
    fewest, most = wanted if isinstance(wanted, tuple) else (wanted, wanted)
    if fewest >= cores:
        msg = (
            f"{fewest} {'worker takes' if fewest == 1 else 'workers take'} a core each and leave "
            f"none of {cores} for the tasks that read photos: "
        )
        hint = f"use workers={room}" if room > 0 else "start Ray with num_cpus=2 at least"
        raise UsageError(msg + hint)
    return fewest, max(fewest, most)


class _Actor:
    """Holds the model of `score_dataset`."""

    def __init__(self, scorer: FrameScorer, files: Mapping[str, Any]) -> None:
        import ray

        self._scorer = scorer
        scorer.load({name: ray.get(content) for name, content in files.items()})

    def __call__(self, batch: Any) -> Any:  # noqa: ANN401
        return self._scorer(batch)
