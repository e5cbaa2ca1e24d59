"""The actors of a run: each holds the model and scores groups of photos."""

import logging
import os
import time
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from biqa_cli.errors import UsageError
from biqa_cli.images.limits import Limits
from biqa_cli.ray.cluster import require_ray
from biqa_cli.ray.groups import ATTEMPTS, Group
from biqa_cli.results import ImageResult
from biqa_cli.scoring import score_files
from biqa_cli.shipping import Shipment
from biqa_cli.signals import stop_if_told
from biqa_cli.sources.entry import Source

_AHEAD = 2
"""Groups that an actor has: the one that it scores, and the next."""
_SECONDS = 1.0
_SECONDS_BEFORE_TOLD = 60.0
_KINDS = ("CPU", "GPU")

logger = logging.getLogger(__name__)


class _Actor:
    """Scores groups on a node; one core, or a share of a GPU."""

    def __init__(
        self,
        shipment: Shipment,
        files: Mapping[str, Any],
        limits: Limits,
        workers: int,
        batch_size: int | None,
    ) -> None:
        self._shipment = shipment
        self._files = files
        self._limits = limits
        self._workers = workers
        self._batch_size = batch_size

    def load(self) -> None:
        """Load the model: not in the constructor, whose errors reach nobody as they are."""
        import ray

        self._model = self._shipment.load({name: ray.get(ref) for name, ref in self._files.items()})

    def score(self, photos: list[Source]) -> list[ImageResult]:
        results = score_files(
            photos,
            self._model,
            batch_size=self._batch_size,
            workers=self._workers,
            limits=self._limits,
        )
        return list(results)


class Pool:
    """The actors of a run, and what each has to do. One that has died is replaced.

    The replacement gets nothing before it is ready, so that a node that is gone holds no photos.
    """

    def __init__(
        self,
        shipment: Shipment,
        *,
        actors: int,
        gpus: float,
        limits: Limits,
        workers: int,
        batch_size: int | None,
    ) -> None:
        self._ray = require_ray()
        self._class = self._ray.remote(num_cpus=1, num_gpus=gpus, max_restarts=0)(_Actor)
        files = {name: self._ray.put(content) for name, content in shipment.files.items()}
        self._arguments = (shipment.without_files(), files, limits, workers, batch_size)
        self._starting: dict[Any, Any] = {}
        self._tasks: dict[Any, tuple[Any, Group]] = {}
        self._queues: dict[Any, deque[Any]] = {}
        self._failed_starts = 0
        self._told_after: float | None = time.monotonic() + _SECONDS_BEFORE_TOLD
        for _ in range(actors):
            self._start()

    def _start(self) -> None:
        actor = self._class.remote(*self._arguments)
        self._starting[actor.load.remote()] = actor

    @property
    def is_idle(self) -> bool:
        return not self._tasks

    def free(self) -> Any:  # noqa: ANN401
        """Return an actor that can take a group, None where none can."""
        actor = min(self._queues, key=lambda actor: len(self._queues[actor]), default=None)
        return None if actor is None or len(self._queues[actor]) >= _AHEAD else actor

    def give(self, actor: Any, group: Group) -> None:  # noqa: ANN401
        task = actor.score.remote([_abroad(photo) for photo in group.photos])
        self._tasks[task] = (actor, group)
        self._queues[actor].append(task)

    def wait(self) -> Iterator[tuple[Group, list[ImageResult] | None]]:
        """Yield groups that are done, and those that are not because their actor died.

        Raises:
            BiqaError: If the model cannot be loaded on a node.
        """
        pending = [*self._tasks, *self._starting]
        done, _ = self._ray.wait(pending, num_returns=1, timeout=_SECONDS)
        stop_if_told()
        self._tell_of_waiting()
        for task in done:
            if task in self._starting:
                self._started(task)
            elif task in self._tasks:
                yield from self._finished(task)

    def _tell_of_waiting(self) -> None:
        """Say once that no actor has got its core: other work may hold them all."""
        if self._queues or self._told_after is None or time.monotonic() < self._told_after:
            return
        self._told_after = None
        have, free = self._ray.cluster_resources(), self._ray.available_resources()
        told = ", ".join(f"{free.get(one, 0):g} of {have.get(one, 0):g} {one}s" for one in _KINDS)
        logger.warning("no worker of Ray has started yet: %s of the cluster are free", told)

    def _started(self, task: Any) -> None:  # noqa: ANN401
        actor = self._starting.pop(task)
        try:
            self._ray.get(task)
        except self._ray.exceptions.RayTaskError as error:
            raise error.cause from None
        except self._ray.exceptions.RayActorError as error:
            # Its node has gone, or has too little memory.
            self._failed_starts += 1
            if self._failed_starts > ATTEMPTS:
                what = " ".join(str(error).split())[:300]
                msg = f"the workers of Ray die before they have loaded the model: {what}"
                raise UsageError(msg) from None
            self._start()
            return
        self._failed_starts = 0
        self._queues[actor] = deque()

    def _finished(self, task: Any) -> Iterator[tuple[Group, list[ImageResult] | None]]:  # noqa: ANN401
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


def _abroad(source: Source) -> Source:
    """Return a photo for another process, whose current folder may be another."""
    return os.path.abspath(source) if isinstance(source, str) else source  # noqa: PTH100
