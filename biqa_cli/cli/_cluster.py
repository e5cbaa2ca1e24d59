"""--ray: the photos of a run are scored by the machines of a cluster."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from biqa_cli.cli._options import Engine, Precision
from biqa_cli.errors import UsageError
from biqa_cli.results import ImageResult, RunInfo

if TYPE_CHECKING:
    from biqa_cli.images.limits import Limits
    from biqa_cli.models.loading import LoadedModel
    from biqa_cli.sources.entry import Source


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where and with what the photos of a run are scored."""

    address: str
    workers: int | None
    gpus: float

    @contextmanager
    def connected(self) -> Iterator[None]:
        """Connect to the cluster, before anything is written.

        Raises:
            UsageError: If there is no such cluster, or no machine of it has as many GPUs.
        """
        from biqa_cli.ray import cluster, most_actors

        with cluster(self.address, self.workers) as ray:
            most_actors(ray, self.gpus)
            yield

    def score(
        self,
        photos: "Iterable[Source]",
        model: "LoadedModel",
        *,
        limits: "Limits",
        workers: int | None,
        batch_size: int | None,
    ) -> Iterator[ImageResult]:
        """Yield the results of photos as they come."""
        from biqa_cli.ray import score_on_ray
        from biqa_cli.shipping import ship

        return score_on_ray(
            photos,
            ship(model, device="cuda" if self.gpus else "cpu"),
            address=self.address,
            actors=self.workers,
            gpus=self.gpus,
            workers=workers,
            batch_size=batch_size,
            limits=limits,
        )

    def run_info(self, model: "LoadedModel") -> RunInfo:
        """Return what the scores of the workers depend on."""
        from biqa_cli.scoring import run_info

        here = run_info(model)
        return replace(here, engine="torch", device="cuda", graph_sha256="") if self.gpus else here


def cluster_of(
    address: str | None,
    *,
    workers: int | None,
    gpus: float,
    device: str,
    engine: Engine,
    precision: Precision,
    threads: int,
) -> Cluster | None:
    """Return the cluster that the options name, None where they name none.

    Raises:
        DependencyError: If ray is not installed.
        UsageError: If there are options of a cluster and no cluster, or options that its workers
            cannot follow.
    """
    if address is None:
        if workers is not None or gpus:
            raise UsageError("--ray-workers and --ray-gpus are of a cluster: name it with --ray")
        return None
    if threads > 1:
        raise UsageError("a worker of --ray has one core: use --ray-workers in place of --threads")
    if gpus and (device not in ("auto", "cuda") or engine is Engine.onnx):
        raise UsageError("--ray-gpus scores with PyTorch on cuda: leave out --device and --engine")
    if gpus and precision is Precision.bfloat16:
        raise UsageError("bfloat16 runs on CPUs: leave out --ray-gpus or --precision")
    if not gpus and device not in ("auto", "cpu"):
        msg = f"workers of --ray score on CPUs: use --ray-gpus 1 in place of --device {device}"
        raise UsageError(msg)
    from biqa_cli.ray import require_ray

    require_ray()
    return Cluster(address, workers, gpus)
