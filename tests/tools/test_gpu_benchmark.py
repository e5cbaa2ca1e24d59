"""`python benchmarks/gpu.py`, on the CPU and at a small size."""

import json
import time
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from tool_loading import load_benchmark

SMALL = ["--device", "cpu", "--seconds", "0.2", "--batches", "1,2"]
SMALL += ["--photos", "64x48", "--files", "2"]
# torch.compile takes a minute here.
MODES = ["as shipped", "bfloat16", "CUDA graph"]


@cache
def _gpu() -> ModuleType:
    # Imports PyTorch.
    return load_benchmark("gpu")


def _row(measure: Any, monkeypatch: pytest.MonkeyPatch, **limits: float) -> dict[str, object]:
    gpu = _gpu()
    monkeypatch.setitem(gpu.MEASUREMENTS, "network", measure)
    run = gpu.Run(device="cpu", seconds=0.2, folder=Path(), files=1)
    row: dict[str, object] = gpu.measured(gpu.Case("network", "m", batch=4), run, **limits)
    assert (row["measurement"], row["model"], row["batch"]) == ("network", "m", 4)
    return row


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The image decoding and encoding:DeprecationWarning")
def test_one_run_compares_scores_and_measures_speed_and_goes_on_after_errors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "gpu.json"
    # The first has no weights.
    models = ["--models", "shdiqa", "shdiqa-lite"]
    _gpu().main([*SMALL, *models, "--modes", *MODES, "--output", str(output)])
    found = json.loads(output.read_text())
    of = {name: [r for r in found["rows"] if r["model"] == name] for name in models[1:]}
    assert of["shdiqa"] and all("no trained weights" in r["error"] for r in of["shdiqa"])

    done = [row for row in of["shdiqa-lite"] if "error" not in row]
    far = {r["mode"]: r["largest_difference"] for r in done if r["measurement"] == "parity"}
    assert far["as shipped"] < 0.001 and far["bfloat16"] > 0.01
    speeds = [row for row in done if "images_per_second" in row]
    assert all(row["images_per_second"] > 0 for row in speeds)
    for kind, modes in {"network": MODES[:2], "arrays": MODES[:1], "files": MODES[:1]}.items():
        measured = {(r["mode"], r["batch"]) for r in speeds if r["measurement"] == kind}
        assert measured == {(mode, batch) for mode in modes for batch in (1, 2)}
    decoded = {(r["photo"], r["batch"]) for r in speeds if r["measurement"] == "nvJPEG"}
    assert decoded == {("64x48", 1), ("64x48", 2)}
    failed = [row for row in of["shdiqa-lite"] if "error" in row]
    assert {(r["mode"], r["error"]) for r in failed} == {
        ("CUDA graph", "RuntimeError: CUDA graphs need a device of cuda, not cpu")
    }
    fastest = max(r["images_per_second"] for r in speeds if r["measurement"] == "network")
    assert found["targets"][0]["images_per_second"] == fastest and not found["targets"][0]["met"]
    assert len(capsys.readouterr().out.splitlines()) >= len(found["rows"])


@pytest.mark.slow
def test_what_fails_or_takes_too_long_is_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> dict[str, object]:
        raise ValueError("it broke\nand more")

    def hang(*_: object) -> dict[str, object]:
        try:
            time.sleep(30)
        except Exception:  # noqa: BLE001  as libraries do
            return {"images_per_second": 1}
        return {}

    assert _row(fail, monkeypatch, left=60)["error"] == "ValueError: it broke"
    assert _row(hang, monkeypatch, left=60, most=0.1)["error"] == "not done after 0 s"
    assert _row(fail, monkeypatch, left=1)["skipped"] == "time"


@pytest.mark.slow
def test_the_usual_plan_has_every_shipped_checkpoint_batch_and_mode(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gpu = _gpu()
    monkeypatch.setattr(gpu, "measured", lambda case, *_, **__: {**_facts(case), "skipped": "time"})
    gpu.main(["--device", "cpu", "--output", str(tmp_path / "gpu.json")])
    rows = json.loads((tmp_path / "gpu.json").read_text())["rows"]
    listed = {checkpoint.name for checkpoint in gpu.load_manifest().checkpoints}
    assert {r["model"] for r in rows if r["measurement"] == "parity"} == listed
    for name in gpu.TARGET:
        of = [r for r in rows if r["measurement"] == "network" and r["model"] == name]
        assert {r["batch"] for r in of} == {1, 2, 4, 8, 16, 32, 64, 128, 256}
        assert {r["mode"] for r in of} == set(gpu.MODES)
    assert {r["measurement"] for r in rows} == set(gpu.MEASUREMENTS)


def _facts(case: Any) -> dict[str, object]:
    return {name: getattr(case, name) for name in type(case).__slots__}
