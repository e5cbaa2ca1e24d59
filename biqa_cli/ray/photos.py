"""Scoring photos that this process finds: what `biqa score --ray` calls."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace

from biqa_cli.images.limits import DEFAULT_LIMITS, Limits
from biqa_cli.ray.cluster import LOCAL, cluster, most_actors
from biqa_cli.ray.groups import Group, given_up, groups_of, smaller
from biqa_cli.ray.pool import Pool
from biqa_cli.results import ImageResult
from biqa_cli.shipping import Shipment
from biqa_cli.sources.entry import Source, name_of


def score_on_ray(
    sources: Iterable[Source],
    shipment: Shipment,
    *,
    address: str = LOCAL,
    actors: int | None = None,
    gpus: float = 0,
    workers: int | None = None,
    batch_size: int | None = None,
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
        batch_size: Photos for one forward pass. None suits the device.
        limits: What reading may cost, in each actor.

    Raises:
        DependencyError: If ray is not installed.
        UsageError: If there is no such cluster, or no machine of it has as many GPUs.
    """
    with cluster(address, actors) as ray:
        room = most_actors(ray, gpus)
        pool = Pool(
            shipment,
            actors=actors or room,
            gpus=gpus,
            limits=limits,
            workers=workers or 1,
            batch_size=batch_size,
        )
        groups = groups_of(sources)
        again: deque[Group] = deque()
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
                    yield from given_up(group, shipment.name)
                    again.extend(smaller(group))
                    continue
                named = zip(group.photos, results, strict=True)
                yield from (replace(result, path=name_of(photo)) for photo, result in named)
