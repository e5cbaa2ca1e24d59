"""`biqa score --ray`: a cluster that is not there, and a worker that dies."""

import os
from functools import partial
from pathlib import Path

import pytest
from fakes import photo
from processes import run

from biqa_cli.models.loading import load_model
from biqa_cli.shipping import ship
from biqa_cli.sources.entry import Entry

pytest.importorskip("ray", reason="needs the extra [ray]")

from biqa_cli.ray import score_on_ray

# A cluster takes ten seconds to start.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.mark.parametrize("address", ["127.0.0.1:1", "auto"])
def test_without_a_cluster_there_is_one_line_and_no_row(tmp_path: Path, address: str) -> None:
    photo(64, 48).save(tmp_path / "a.jpg")
    environment = {name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"}
    told = run("score", tmp_path, "--ray", address, "-f", "csv", env=environment)
    assert (told.returncode, told.stdout) == (2, "")
    assert told.stderr.startswith(f"biqa: there is no cluster at {address!r}")
    assert told.stderr.count("\n") == 1


def test_ray_prints_nothing_of_workers_that_die(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    tests = Path(__file__).parent
    monkeypatch.setenv("PYTHONPATH", f"{tests}{os.pathsep}{tests.parent}")
    photo(64, 48).save(tmp_path / "a.jpg")
    shipment = ship(load_model("shdiqa-lite", device="cpu"))
    deadly = Entry("poison", partial(os._exit, 1))
    found = list(score_on_ray([str(tmp_path / "a.jpg"), deadly], shipment, actors=1))
    assert {one.path: one.status for one in found}["poison"] == "error"
    assert capfd.readouterr() == ("", "")
