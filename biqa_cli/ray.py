"""Scoring on the machines of a Ray cluster. Needs ray (an extra).

`score_dataset` is for those who have a data set of Ray Data. `score_on_ray` is what `biqa score
--ray` calls: the photos that this process finds go to actors that hold the model.
"""

import os
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from biqa_cli.errors import DependencyError, UsageError
from biqa_cli.frames import FrameScorer
from biqa_cli.images.limits import DEFAULT_LIMITS, Limits
from biqa_cli.models.catalog import DEFAULT_MODEL
from biqa_cli.models.loading import load_model
from biqa_cli.outcomes import failed_result
from biqa_cli.results import ImageResult
from biqa_cli.scoring import score_files
from biqa_cli.shipping import Shipment, ship
from biqa_cli.signals import stop_if_told
from biqa_cli.sources.entry import Source, name_of, size_held

if TYPE_CHECKING:
    import ray.data

LOCAL = "local"
"""In place of the address of a cluster: one on this machine, for this run alone."""

_PHOTOS = 32
"""Of a group: a second of work, so that what travels with it does not count."""
_BYTES = 1 << 25
"""What a group may hold of photos that this process has read: those of compressed archives."""
_AHEAD = 2
"""Groups that an actor has: the one that it scores, and the next."""
_ATTEMPTS = 3
"""So many processes may die of a photo before it gets an error row."""
_SECONDS = 1.0


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
        UsageError: If there is no such model.
        WeightsError: If its weights are missing or wrong.
    """
    ray = require_ray()
    device = "cuda" if gpus else "cpu"
    here = load_model(model, device="cpu")
    shipment = ship(here, device=device)
    resources = ray.cluster_resources()
    most = int(resources.get("GPU", 0) / gpus if gpus else resources.get("CPU", 1)) or 1
    fewest, most = workers if isinstance(workers, tuple) else (workers or most, workers or most)
    return photos.map_batches(
        _DatasetActor,
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


class _DatasetActor:
    """Holds the model of `score_dataset`."""

    def __init__(self, scorer: FrameScorer, files: Mapping[str, Any]) -> None:
        import ray

        self._scorer = scorer
        scorer.load({name: ray.get(content) for name, content in files.items()})

    def __call__(self, batch: Any) -> Any:  # noqa: ANN401
        return self._scorer(batch)


@dataclass(slots=True)
class _Group:
    """Photos that travel together."""

    photos: list[Source] = field(default_factory=list)
    held: int = 0
    """Bytes that this process has read of them."""
    deaths: int = 0
    """How many processes have died while they scored it."""

    @property
    def is_full(self) -> bool:
        return len(self.photos) >= _PHOTOS or self.held >= _BYTES


class _Actor:
    """Scores groups on a node; one core, or a share of a GPU."""

    def __init__(
        self, shipment: Shipment, files: Mapping[str, Any], limits: Limits, workers: int
    ) -> None:
        import ray

        self._model = shipment.load({name: ray.get(ref) for name, ref in files.items()})
        self._limits = limits
        self._workers = workers

    def ready(self) -> str:
        return self._model.weights_sha256

    def score(self, photos: list[Source]) -> list[ImageResult]:
        return list(score_files(photos, self._model, workers=self._workers, limits=self._limits))


class _Pool:
    """The actors of a run, and what each has to do. One that has died is replaced.

    The replacement gets nothing before it is ready, so that a node that is gone holds no photos.
    """

    def __init__(
        self, shipment: Shipment, *, actors: int, gpus: float, limits: Limits, workers: int
    ) -> None:
        self._ray = require_ray()
        self._class = self._ray.remote(num_cpus=1, num_gpus=gpus, max_restarts=0)(_Actor)
        files = {name: self._ray.put(content) for name, content in shipment.files.items()}
        self._arguments = (shipment.without_files(), files, limits, workers)
        self._starting: dict[Any, Any] = {}
        self._tasks: dict[Any, tuple[Any, _Group]] = {}
        self._queues: dict[Any, deque[Any]] = {}
        self._failed_starts = 0
        for _ in range(actors):
            self._start()

    def _start(self) -> None:
        actor = self._class.remote(*self._arguments)
        self._starting[actor.ready.remote()] = actor

    @property
    def is_idle(self) -> bool:
        return not self._tasks

    def free(self) -> Any:  # noqa: ANN401
        """Return an actor that can take a group, None where none can."""
        actor = min(self._queues, key=lambda actor: len(self._queues[actor]), default=None)
        return None if actor is None or len(self._queues[actor]) >= _AHEAD else actor

    def give(self, actor: Any, group: _Group) -> None:  # noqa: ANN401
        task = actor.score.remote([_abroad(photo) for photo in group.photos])
        self._tasks[task] = (actor, group)
        self._queues[actor].append(task)

    def wait(self) -> Iterator[tuple[_Group, list[ImageResult] | None]]:
        """Yield groups that are done, and those that are not because their actor died.

        Raises:
            BiqaError: If the model cannot be loaded on a node.
        """
        pending = [*self._tasks, *self._starting]
        done, _ = self._ray.wait(pending, num_returns=1, timeout=_SECONDS)
        stop_if_told()
        for task in done:
            if task in self._starting:
                self._started(task)
            elif task in self._tasks:
                yield from self._finished(task)

    def _started(self, task: Any) -> None:  # noqa: ANN401
        actor = self._starting.pop(task)
        try:
            self._ray.get(task)
        except self._ray.exceptions.RayTaskError as error:
            raise error.cause from None
        except self._ray.exceptions.ActorDiedError as error:
            # Its constructor has raised, or its node has gone.
            cause = getattr(error, "cause", None)
            self._failed_starts += 1
            if self._failed_starts > _ATTEMPTS:
                msg = f"the workers of Ray die before they have loaded the model: {cause or error}"
                raise UsageError(msg) from None
            self._start()
            return
        self._failed_starts = 0
        self._queues[actor] = deque()

    def _finished(self, task: Any) -> Iterator[tuple[_Group, list[ImageResult] | None]]:  # noqa: ANN401
        actor, group = self._tasks[task]
        try:
            results = self._ray.get(task)
        except (self._ray.exceptions.RayActorError, self._ray.exceptions.ObjectLostError):
            # What it was to score first has killed it, if anything has.
            for number, lost in enumerate(self._queues.pop(actor, ())):
                _, lost_group = self._tasks.pop(lost)
                lost_group.deaths += number == 0
                yield lost_group, None
            self._start()
            return
        except self._ray.exceptions.RayTaskError as error:
            # A fault of biqa's: those of photos are results.
            raise error.cause from None
        del self._tasks[task]
        self._queues[actor].remove(task)
        yield group, results


def score_on_ray(
    sources: Iterable[Source],
    shipment: Shipment,
    *,
    address: str = LOCAL,
    actors: int | None = None,
    gpus: float = 0,
    workers: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Iterator[ImageResult]:
    """Yield one result for each photo, as they come, from the actors of a cluster.

    The results are those of `score_files`. Each group of photos has its results once, whatever dies
    meanwhile: it is scored again by another actor. A photo of which three processes have died gets
    an error row. No more than two groups for each actor are on their way, so that neither this
    process nor the object store holds more.

    Args:
        sources: As of `score_files`, taken as actors are free. Files must have the same path on all
            nodes.
        shipment: Of the model.
        address: Of the cluster, as of `ray.init`, or `LOCAL`.
        actors: How many hold the model. None is one for each core, or for each GPU.
        gpus: Of one actor; 0 scores on CPUs, one core each.
        workers: Threads of an actor that read photos. None is one.
        limits: What reading may cost.

    Raises:
        DependencyError: If ray is not installed.
        UsageError: If there is no such cluster.
    """
    with _cluster(address, actors) as ray:
        resources = ray.cluster_resources()
        most = int(resources.get("GPU", 0) / gpus if gpus else resources.get("CPU", 1))
        pool = _Pool(
            shipment, actors=actors or most or 1, gpus=gpus, limits=limits, workers=workers or 1
        )
        groups = _groups(sources)
        again: deque[_Group] = deque()
        more = True
        while more or again or not pool.is_idle:
            while (more or again) and (actor := pool.free()) is not None:
                group = again.popleft() if again else next(groups, None)
                if group is None:
                    more = False
                    break
                pool.give(actor, group)
            for group, results in pool.wait():
                if results is None:
                    yield from _given_up(group, shipment.name)
                    again.extend(_smaller(group))
                    continue
                named = zip(group.photos, results, strict=True)
                yield from (replace(result, path=name_of(photo)) for photo, result in named)


def _groups(sources: Iterable[Source]) -> Iterator[_Group]:
    group = _Group()
    for source in sources:
        group.photos.append(source)
        group.held += size_held(source)
        if group.is_full:
            yield group
            group = _Group()
    if group.photos:
        yield group


def _smaller(group: _Group) -> list[_Group]:
    """Return what to score in place of a group whose actor has died: in the end, photo by photo."""
    if group.deaths == 0 or (group.deaths == 1 and len(group.photos) > 1):
        return [group]
    if len(group.photos) > 1:
        return [_Group([photo], size_held(photo)) for photo in group.photos]
    return [] if group.deaths >= _ATTEMPTS else [group]


def _given_up(group: _Group, model: str) -> Iterator[ImageResult]:
    if len(group.photos) == 1 and group.deaths >= _ATTEMPTS:
        reason = f"{_ATTEMPTS} processes have died of it"
        yield failed_result(reason, model, path=name_of(group.photos[0]))


def _abroad(source: Source) -> Source:
    """Return a photo for another process, whose current folder may be another."""
    return os.path.abspath(source) if isinstance(source, str) else source  # noqa: PTH100


@contextmanager
def _cluster(address: str, actors: int | None) -> Iterator[Any]:
    """Yield Ray, connected; what was started for this run ends with it.

    Raises:
        UsageError: If there is no such cluster.
    """
    ray = require_ray()
    if ray.is_initialized():
        yield ray
        return
    started = {"num_cpus": actors} if address == LOCAL and actors else {}
    try:
        ray.init(
            address="local" if address == LOCAL else address,
            include_dashboard=False if address == LOCAL else None,
            log_to_driver=False,
            logging_level="ERROR",
            **started,
        )
    except Exception as error:
        # Ray raises plain exceptions, too.
        what = (
            "Ray cannot be started" if address == LOCAL else f"there is no cluster at {address!r}"
        )
        msg = f"{what}: {' '.join(str(error).split())[:300]}"
        raise UsageError(msg) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def require_ray() -> Any:  # noqa: ANN401
    """Return the package of Ray.

    Raises:
        DependencyError: If it is not installed.
    """
    # Ray reports its use unless it is told not to, before it is imported.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
        import ray.data
    except ImportError as error:
        msg = "Ray is not installed: run `pip install 'biqa-cli[ray]'`"
        raise DependencyError(msg) from error
    return ray
