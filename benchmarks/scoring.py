"""Measure start-up, memory and speed of scoring on this machine, all ratios in one run.

Run:  python benchmarks/scoring.py --output benchmarks/results.json
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from biqa_cli.api import LoadedModel, load_model
from biqa_cli.images.reading import read_photo
from biqa_cli.models.catalog import DEFAULT_MODEL
from biqa_cli.models.views import view_of
from biqa_cli.scoring import score_files
from biqa_cli.threads import default_workers

EXAMPLES = Path(__file__).parent.parent / "examples" / "photos"
BIQA = [sys.executable, "-m", "biqa_cli"]
# Name of the set: photos, width, height.
SETS = {"200 JPEG of 512x512": (200, 512, 512), "60 JPEG of 12 MP": (60, 4000, 3000)}


def make_photos(folder: Path, count: int, width: int, height: int) -> list[str]:
    """Write JPEGs of camera-like size on disk: an example photo with a sensor's noise."""
    rng = np.random.default_rng(0)
    raccoon = Image.open(EXAMPLES / "raccoon.jpg").resize((width, height), Image.Resampling.LANCZOS)
    noisy = np.asarray(raccoon) + rng.normal(0, 4, (height, width, 1))
    folder.mkdir()
    first = folder / "0000.jpg"
    Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(first, quality=90)
    content = first.read_bytes()
    for index in range(1, count):
        (folder / f"{index:04}.jpg").write_bytes(content)
    return sorted(str(path) for path in folder.iterdir())


def rate(count: int, work: Callable[[], object], *, repeats: int = 3) -> float:
    """Return photos a second, the median of some repeats."""
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return count / statistics.median(seconds)


def throughput(paths: list[str], model: LoadedModel) -> dict[str, float]:
    """Return the rates of the parts and of the whole, and how they compare."""
    contract = model.spec.input

    def view(path: str) -> np.ndarray:
        return view_of(read_photo(path, at_least=contract.decode_size).image, contract)

    def read_all(workers: int) -> None:
        with ThreadPoolExecutor(workers) as pool:
            for _ in pool.map(view, paths):
                pass

    ready = np.stack([view(paths[0])])
    network = rate(60, lambda: [model.engine.predict(ready) for _ in range(60)])
    one = rate(len(paths), lambda: read_all(1))
    workers = default_workers()
    every = rate(len(paths), lambda: read_all(workers))
    whole = rate(len(paths), lambda: list(score_files(paths, model)))
    # Both parts compete for the same cores: no program can do better than their sum.
    bound = 1 / (1 / network + 1 / every)
    return {
        "network": network,
        "decoding, one worker": one,
        f"decoding, {workers} workers": every,
        "end to end": whole,
        "bound of shared cores": bound,
        "end to end / smaller of network and one decoding worker": whole / min(network, one),
        f"end to end / smaller of network and {workers} decoding workers": whole
        / min(network, every),
        "end to end / bound of shared cores": whole / bound,
    }


def process(arguments: list[str], *, repeats: int = 7) -> dict[str, float]:
    """Return the wall seconds (median) and the peak memory of a process."""
    seconds, peak = [], 0
    for _ in range(repeats):
        start = time.perf_counter()
        child = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        seconds.append(time.perf_counter() - start)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            sys.exit(f"{arguments} failed with {child.returncode}")
        peak = max(peak, usage.ru_maxrss)
    return {"seconds": statistics.median(seconds), "peak_mb": peak / 1024}


def main(output: Path | None) -> None:
    """Measure, print and write the results."""
    results: dict[str, object] = {
        "machine": {"cores": default_workers(), "processor": platform.processor() or "unknown"},
        "start-up": {
            "python -c pass": process([sys.executable, "-c", "pass"]),
            "biqa --help": process([*BIQA, "--help"]),
            "biqa models list": process([*BIQA, "models", "list"]),
            "biqa score photo.jpg": process([*BIQA, "score", str(EXAMPLES / "coffee.jpg")]),
        },
    }
    model = load_model(DEFAULT_MODEL, engine="onnx", device="cpu")
    with TemporaryDirectory() as folder:
        for name, (count, width, height) in SETS.items():
            paths = make_photos(Path(folder) / str(width), count, width, height)
            results[name] = throughput(paths, model)
    text = json.dumps(results, indent=1)
    print(text)
    if output is not None:
        output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path)
    main(parser.parse_args().output)
