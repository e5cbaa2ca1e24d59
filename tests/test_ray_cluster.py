"""How many workers a cluster has room for."""

from dataclasses import dataclass

import pytest

from biqa_cli.errors import UsageError
from biqa_cli.ray.cluster import most_actors


@dataclass(frozen=True)
class _Cluster:
    """What is asked of Ray, with the GPUs of each machine."""

    gpus: tuple[float, ...]

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 4.0 * len(self.gpus), "GPU": sum(self.gpus)}

    def nodes(self) -> list[dict[str, object]]:
        found = [{"CPU": 4.0, **({"GPU": gpu} if gpu else {})} for gpu in self.gpus]
        gone = {"Alive": False, "Resources": {"GPU": 8.0}}
        return [*({"Alive": True, "Resources": one} for one in found), gone]


@pytest.mark.parametrize(
    ("machines", "each", "room"), [((0, 0), 0, 8), ((2, 1), 1, 3), ((2, 1), 0.5, 6), ((3, 1), 2, 1)]
)
def test_there_is_a_worker_for_each_core_or_each_gpu(
    machines: tuple[float, ...], each: float, room: int
) -> None:
    assert most_actors(_Cluster(machines), each) == room


@pytest.mark.parametrize(("machines", "each", "most"), [((0, 0), 1, 0), ((1, 1), 2, 1)])
def test_gpus_that_no_machine_has_are_refused(
    machines: tuple[float, ...], each: float, most: int
) -> None:
    told = rf"^each worker is to have {each} GPUs, .* more than {most}: leave out --ray-gpus"
    with pytest.raises(UsageError, match=told):
        most_actors(_Cluster(machines), each)
