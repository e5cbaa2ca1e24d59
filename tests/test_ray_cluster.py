"""How many workers a cluster has room for, and what they load."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from fakes import brightness_model, grey_png

from biqa_cli.errors import UsageError
from biqa_cli.images.limits import DEFAULT_LIMITS
from biqa_cli.models.base import EngineName
from biqa_cli.ray.cluster import most_actors
from biqa_cli.ray.datasets import workers_of
from biqa_cli.ray.pool import _Actor
from biqa_cli.shipping import ship
from biqa_cli.sources.entry import Source


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


@pytest.mark.parametrize(
    ("machines", "gpus", "wanted", "workers"),
    [
        ((0,), 0, None, (3, 3)),
        ((0,), 0, 3, (3, 3)),
        ((0,), 0, (1, 8), (1, 8)),
        ((4,), 1, None, (3, 3)),
        ((2,), 1, None, (2, 2)),
    ],
)
def test_a_core_is_left_for_the_tasks_that_read_a_data_set(
    machines: tuple[float, ...],
    gpus: float,
    wanted: int | tuple[int, int] | None,
    workers: tuple[int, int],
) -> None:
    assert workers_of(_Cluster(machines), wanted, gpus) == workers


@pytest.mark.parametrize("wanted", [4, (4, 8)])
def test_workers_that_leave_no_core_to_read_are_refused(wanted: int | tuple[int, int]) -> None:
    told = r"^4 workers take a core each and leave none of 4 for .*: use workers=3$"
    with pytest.raises(UsageError, match=told):
        workers_of(_Cluster((0,)), wanted, 0)


@pytest.mark.parametrize(
    ("here", "device", "engine", "precision"),
    [
        ("onnx", "cpu", "onnx", "float32"),
        ("torch", "cpu", "torch", "float32"),
        ("openvino", "cpu", "auto", "bfloat16"),
        ("onnx", "cuda", "torch", "float32"),
    ],
)
def test_workers_load_the_engine_and_the_precision_of_this_process(
    here: EngineName, device: str, engine: str, precision: str
) -> None:
    model = brightness_model()
    model.engine.name = here  # type: ignore[misc]
    shipment = ship(model, device=device)
    assert (shipment.engine, shipment.precision) == (engine, precision)


def test_batch_size_is_that_of_the_workers(tmp_path: Path) -> None:
    model = brightness_model()
    actor = _Actor(ship(model), {}, DEFAULT_LIMITS, workers=1, batch_size=3)
    vars(actor)["_model"] = model
    photos: list[Source] = [grey_png(tmp_path / f"{value}.png", value) for value in range(6)]
    assert len(actor.score(photos)) == 6
    assert model.engine.batches == [3, 3]  # type: ignore[attr-defined]
