"""Measure the memory of `biqa score --ray local` while it scores a million tiny photos.

All is real but the network: photos are PNGs of 8 × 8 pixels in a Parquet table, and the weights are
a file of one's own whose graph has one layer (the mean of a view of 32 × 32), so that a million
take minutes. Its scores mean nothing.

Run:  python benchmarks/ray_memory.py --rows 1000000 --output benchmarks/ray_memory.json
Needs the extras [ray] and [export].
"""

import argparse
import ctypes
import importlib.metadata
import io
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
import pyarrow as pa
import pyarrow.parquet as pq
from onnx import TensorProto, helper
from PIL import Image
from ray_scaling import descendants, reap
from safetensors.numpy import save_file

from biqa_cli.models.catalog import find_model
from biqa_cli.models.graphs import own_graph
from biqa_cli.models.options import with_defaults
from biqa_cli.models.spec import InputContract
from biqa_cli.models.trained import TrainedNetwork

_SIDE = 32
_BIQA = [sys.executable, "-m", "biqa_cli", "score", "--no-store", "-q", "--append", "-j", "1"]
_SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER: processes whose parent has ended become children of this one."""
_TERMINATED = 143
Sample = dict[str, float]
"""Rows that are written, seconds, and the memory in MB of each kind of process."""


def write_model(folder: Path) -> Path:
    """Write weights of one's own and their graph, of one layer; return the weights."""
    listed = find_model("qualitynet-lite")
    trained = TrainedNetwork(
        family="qualitynet",
        backbones=listed.backbones,
        options=with_defaults("qualitynet", {}),
        input=InputContract(_SIDE, _SIDE, listed.input.mean, listed.input.std),
        scale=listed.scale,
        dataset="csv:none.csv",
    )
    weights = folder / "mean.safetensors"
    save_file({"gain": np.ones(1, np.float32)}, weights, metadata=trained.to_metadata())
    gain = TensorProto(name="gain", data_type=TensorProto.FLOAT, dims=[1])
    gain.data_location = TensorProto.EXTERNAL
    gain.external_data.add(key="location", value="gain")
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["n", 3, _SIDE, _SIDE])
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["n"])
    mean = helper.make_node("ReduceMean", ["images", "axes"], ["mean"], keepdims=0)
    scaled = helper.make_node("Mul", ["mean", "gain"], ["scores"])
    axes = helper.make_tensor("axes", TensorProto.INT64, [3], [1, 2, 3])
    graph = helper.make_graph([mean, scaled], "mean", [images], [scores], [axes, gain])
    opset = [helper.make_opsetid("", 20)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=10)
    spec = trained.fit(listed)
    own_graph(weights, spec).write_bytes(model.SerializeToString())
    return weights


def write_table(path: Path, rows: int) -> None:
    """Write a table of PNGs of one grey each, with a name for each row."""
    photos = []
    for grey in range(256):
        photo = io.BytesIO()
        Image.new("RGB", (8, 8), (grey,) * 3).save(photo, "PNG")
        photos.append(photo.getvalue())
    schema = pa.schema({"name": pa.string(), "image": pa.binary()})
    with pq.ParquetWriter(path, schema) as table:
        for first in range(0, rows, 10_000):
            numbers = range(first, min(first + 10_000, rows))
            names = [f"{number:08}.png" for number in numbers]
            content = [photos[number % 256] for number in numbers]
            table.write_table(pa.table({"name": names, "image": content}, schema))


def memory(process: int) -> float:
    """Return the megabytes of a process that are its own, and its share of what others map."""
    with Path(f"/proc/{process}/smaps_rollup").open() as lines:
        found = next(line.split()[1] for line in lines if line.startswith("Pss:"))
    return int(found) / 1024


def sample(driver: int) -> Sample:
    """Return the memory of the driver, of the largest worker, and of all else that Ray runs."""
    found: dict[str, list[float]] = {"driver": [], "workers": [], "others": []}
    for (process, _), is_actor, _ in descendants():
        kind = "driver" if process == driver else "workers" if is_actor else "others"
        try:
            found[kind].append(memory(process))
        except (OSError, StopIteration):
            continue  # it has ended
    return {
        "driver": round(sum(found["driver"]), 1),
        "largest worker": round(max(found["workers"], default=0), 1),
        "other processes of Ray": round(sum(found["others"]), 1),
    }


class Rows:
    """Counts the rows of a report that grows."""

    def __init__(self, path: Path) -> None:
        self._path, self._read, self._count = path, 0, -1

    def count(self) -> int:
        """Return how many rows there are now."""
        if self._path.exists():
            with self._path.open("rb") as file:
                file.seek(self._read)
                while piece := file.read(1 << 20):
                    self._read += len(piece)
                    self._count += piece.count(b"\n")
        return max(self._count, 0)


def watch(arguments: list[str], out: Path, seconds: float, most: float) -> list[Sample]:
    """Run biqa, no longer than `most` seconds; return what was seen of its memory meanwhile."""
    start, rows, samples = time.monotonic(), Rows(out), list[Sample]()
    with subprocess.Popen([*_BIQA, *arguments, "-o", str(out)]) as child:
        while child.poll() is None:
            if done := rows.count():
                seen = {"rows": float(done), "seconds": round(time.monotonic() - start, 1)}
                samples.append(seen | sample(child.pid))
            time.sleep(seconds)
            if time.monotonic() - start > most:
                child.terminate()
                child.wait()
    reap()
    if child.returncode not in (0, _TERMINATED):
        sys.exit(f"biqa score {arguments} failed with {child.returncode}")
    return samples


def growth(samples: list[Sample], kind: str) -> dict[str, float]:
    """Return the memory of one kind in the quarters of the run, and its slope in the second half.

    Samples after the last row are left out: as processes end, the share of the others grows.
    """
    end = samples[-1]["rows"]
    samples = [one for one in samples if one["rows"] < end]
    quarters = [
        [one[kind] for one in samples if quarter * end <= 4 * one["rows"] <= (quarter + 1) * end]
        for quarter in range(4)
    ]
    late = [one for one in samples if one["rows"] >= end / 2]
    slope = np.polyfit([one["rows"] for one in late], [one[kind] for one in late], 1)[0]
    return {
        **{
            f"MB, quarter {number}": round(statistics.median(seen), 1)
            for number, seen in enumerate(quarters, 1)
            if seen
        },
        "MB, most": max(one[kind] for one in samples),
        "bytes a row, second half": round(float(slope) * (1 << 20), 1),
    }


def main(arguments: argparse.Namespace) -> None:
    """Measure, print and write."""
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    with TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        table, out = folder / "photos.parquet", folder / "out.csv"
        write_table(table, arguments.rows)
        named = [str(table), "--key", "name", "-m", str(write_model(folder))]
        ray = ["--ray", "local", "--ray-workers", str(arguments.workers)]
        samples = watch([*named, *ray], out, arguments.every, arguments.most_seconds)
        with out.open() as lines:
            next(lines)
            written = [line.partition(",")[0] for line in lines]
    kinds = [key for key in samples[0] if key not in ("rows", "seconds")]
    result: dict[str, Any] = {
        "rows of the table": arguments.rows,
        "rows": len(written),
        "rows that are there once": len(set(written)),
        "workers": arguments.workers,
        "seconds": samples[-1]["seconds"],
        "load at the end": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        "ray": importlib.metadata.version("ray"),
        "onnx": onnx.__version__,
        "memory": {kind: growth(samples, kind) for kind in kinds},
        # A curve of forty points says as much as a thousand.
        "samples": samples[:: max(1, len(samples) // 40)],
    }
    text = json.dumps(result, indent=1)
    print(text)
    if arguments.output:
        arguments.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=1, help="of Ray")
    parser.add_argument("--every", type=float, default=2, help="seconds between two looks")
    parser.add_argument("--most-seconds", type=float, default=3600, help="then the run is ended")
    parser.add_argument("--folder", type=Path, help="for the table and the report (300 MB)")
    parser.add_argument("-o", "--output", type=Path, help="JSON")
    main(parser.parse_args())
