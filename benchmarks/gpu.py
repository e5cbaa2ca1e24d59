"""Measure scoring on a GPU, all of it in one run of under ten minutes: scores first, then speed.

Run:  python benchmarks/gpu.py --output benchmarks/gpu.json

Whatever fails is a row with its error, and what no time is left for is a row that says so. With
`--device cpu` the same script runs anywhere; what needs cuda is an error there.
"""

import argparse
import json
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
import torchvision
from gpu_measurements import MEASUREMENTS, Case, Run
from gpu_modes import MODES

from biqa_cli.models.catalog import DEFAULT_MODEL
from biqa_cli.weights.manifest import load_manifest

TARGET = {DEFAULT_MODEL: 5000, "shdiqa-lite": 5000}
"""Images a second on an H200 for ready arrays."""
PRECISIONS = ("as shipped", "float32", "bfloat16", "bfloat16 weights")
"""The modes that may move a score."""
SECONDS_TO_COMPILE = 60


class OutOfTimeError(BaseException):
    """The time of a measurement is over: no handler of Exception on the way takes it."""


def plan(given: argparse.Namespace) -> Iterator[Case]:
    """Yield what to measure, the most wanted first: time may run out."""
    aimed = [name for name in TARGET if name in given.models] or given.models[:1]
    modes = [mode for mode in given.modes if "compile" not in mode]
    yield from (Case("parity", name, mode) for name in given.models for mode in PRECISIONS)
    yield from (Case("parity of nvJPEG", name) for name in aimed)
    for batch in reversed(given.batches):
        yield from (Case("network", name, mode, batch) for name in aimed for mode in modes)
        yield from (Case("arrays", name, batch=batch) for name in aimed)
    for size in given.photos:
        for batch in reversed(given.batches):
            yield Case("files", aimed[0], batch=batch, photo=size)
            yield Case("nvJPEG", aimed[0], batch=batch, photo=size)
    compiling = [mode for mode in given.modes if mode not in modes]
    for batch in sorted({given.batches[-1], given.batches[0]}, reverse=True):
        yield from (Case("network", name, mode, batch) for mode in compiling for name in aimed)
    for name in given.models:
        if name not in aimed:
            yield from (Case("network", name, batch=batch) for batch in given.batches)


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Raise OutOfTimeError in the block once it has taken so long."""

    def over(*_: object) -> None:
        raise OutOfTimeError

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def measured(case: Case, run: Run, *, left: float, most: float = 90) -> dict[str, object]:
    """Return the row of a case, whatever happens to it.

    Args:
        case: What to measure.
        run: What it shares with the others.
        left: Seconds until the run has to end.
        most: Seconds for this case.
    """
    row: dict[str, object] = {k: v for k in Case.__slots__ if (v := getattr(case, k))}
    needed = SECONDS_TO_COMPILE if "compile" in case.mode else min(10 * run.seconds, 10)
    if left < needed:
        return {**row, "skipped": "time"}
    start = time.monotonic()
    try:
        with at_most(min(left, most)):
            row |= MEASUREMENTS[case.measurement](run, case)
    except OutOfTimeError:
        row["error"] = f"not done after {min(left, most):.0f} s"
    except Exception as error:  # noqa: BLE001  one failure is one row
        first = (str(error).splitlines() or [""])[0]
        row["error"] = f"{type(error).__name__}: {first}"[:300]
    return {**row, "seconds": round(time.monotonic() - start, 2)}


def machine(device: str) -> dict[str, object]:
    """Return what the numbers depend on."""
    facts: dict[str, object] = {"device": device, "cores": len(os.sched_getaffinity(0))}
    facts |= {"torch": torch.__version__, "torchvision": torchvision.__version__}
    facts |= {"python": sys.version.split()[0]}
    if device == "cuda":
        facts |= {"device": torch.cuda.get_device_name(), "cuda": torch.version.cuda}
        facts |= {"cudnn": torch.backends.cudnn.version(), "driver": "unknown"}
        with suppress(OSError):
            told = Path("/proc/driver/nvidia/version").read_text(encoding="utf-8")
            facts["driver"] = " ".join(re.findall(r"\b\d+\.\d+(?:\.\d+)?\b", told)[:1])
    return facts


def targets(rows: list[dict[str, object]]) -> Iterator[dict[str, object]]:
    """Yield the fastest row of each model with a target, on the device and from NumPy arrays."""
    for name, wanted in TARGET.items():
        for kind in ("network", "arrays"):
            found = [r for r in rows if (r["measurement"], r["model"]) == (kind, name)]
            best = max(found, key=lambda row: row.get("images_per_second", 0), default={})
            if "images_per_second" in best:
                yield {**best, "target": wanted, "met": best["images_per_second"] >= wanted}


def printed(row: dict[str, object]) -> str:
    """Return a row as a line of a table."""
    said = row.get("error") or ("skipped: time" if "skipped" in row else "")
    if not said and "largest_difference" in row:
        most = f"{row['largest_difference']:.5f} of 100 at most ({row['of']})"
        said = f"{most}, {row['mean_difference']:.5f} in the mean"
    said = said or f"{row['images_per_second']:.1f} images/s"
    what = f"{row['measurement']:16} {row['model']:17} {row.get('mode', ''):48}"
    return f"{what} {row.get('batch', ''):>4} {row.get('photo', ''):>10}  {said}"


def main(arguments: list[str] | None = None) -> None:
    """Measure, print each row as it comes, and write all that is known so far."""
    began = time.monotonic()
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    listed = [checkpoint.name for checkpoint in load_manifest().checkpoints]
    numbers = lambda text: sorted(map(int, text.split(",")))  # noqa: E731
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--models", nargs="+", default=listed)
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument("--batches", type=numbers, default=[2**k for k in range(9)])
    parser.add_argument("--photos", nargs="+", default=["512x512", "4000x3000"])
    parser.add_argument("--seconds", type=float, default=0.5, help="of one measurement")
    parser.add_argument("--files", type=int, default=64, help="to score in one call, at least")
    parser.add_argument("--limit", type=float, default=570, help="seconds for all of them")
    parser.add_argument("--output", type=Path)
    given = parser.parse_args(arguments)
    document: dict[str, object] = machine(given.device)
    rows: list[dict[str, object]] = []
    with TemporaryDirectory() as folder:
        run = Run(given.device, given.seconds, Path(folder), given.files)
        for case in plan(given):
            left = began + given.limit - time.monotonic()
            rows.append(measured(case, run, left=left))
            print(printed(rows[-1]), flush=True)
            document |= {"seconds": round(time.monotonic() - began, 1), "rows": rows}
            document["targets"] = list(targets(rows))
            if given.output is not None:
                given.output.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    for row in targets(rows):
        met = "met" if row["met"] else "missed"
        print(f"\n{met}: {row['target']} images/s of {row['model']}\n{printed(row)}")


if __name__ == "__main__":
    main()
