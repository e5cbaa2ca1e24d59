"""--ray: the photos of a run are scored by the machines of a cluster."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

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

    def score(
        self,
        photos: "Iterable[Source]",
        model: "LoadedModel",
        *,
        limits: "Limits",
        workers: int | None,
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
            limits=limits,
        )

    def run_info(self, model: "LoadedModel") -> RunInfo:
        """Return what the scores of the workers depend on."""
        from biqa_cli.scoring import run_info

        here = run_info(model)
        return replace(here, engine="torch", device="cuda", graph_sha256="") if self.gpus else here


def cluster_of(address: str | None, *, workers: int | None, gpus: float) -> Cluster | None:
    """Return the cluster that the options name, None where they name none.

    Raises:
        DependencyError: If ray is not installed.
        UsageError: If there are options of a cluster and no cluster.
    """
    if address is None:
        if workers is not None or gpus:
            raise UsageError("--ray-workers and --ray-gpus are of a cluster: name it with --ray")
        return None
    from biqa_cli.ray import require_ray

    require_ray()
    return Cluster(address, workers, gpus)
