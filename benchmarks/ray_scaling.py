"""Measure `biqa score --ray local` against the plain command at one thread.

Other programs may use the processor at the same time. So the runs take turns, and CPU seconds are
measured beside the wall clock: those of all processes of a run, Ray's own included.

Run:  python benchmarks/ray_scaling.py PHOTOS --count 300 --output benchmarks/ray_scaling.json
"""

import argparse
import csv
import ctypes
import importlib.metadata
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

BIQA = [sys.executable, "-m", "biqa_cli", "score", "--no-store", "-q", "-f", "csv", "-j", "1"]
PLAIN, PLAIN_ON_ONE_CORE = "plain", "plain, one core"
"""At one thread for the network, another one reads photos ahead: the plain command takes more than
a core where it finds one. Pinned, both threads share one."""
TOLERANCE = 1e-4
SOME_FAILED = 3
Spent = dict[str, float]
"""Of one run, by kind: seconds."""
_SUBREAPER = 36
"""PR_SET_CHILD_SUBREAPER: processes whose parent has ended become children of this one."""
_TICKS = os.sysconf("SC_CLK_TCK")


def make_sources(photos: Path, count: int, folder: Path) -> dict[str, list[str]]:
    """Write the photos as a folder, a tar and a table; return how a command names each."""
    names = sorted(path for path in photos.iterdir() if path.suffix.lower() in (".jpg", ".jpeg"))
    if len(names) < count:
        sys.exit(f"{photos} has {len(names)} JPEGs, not {count}: choose a smaller --count")
    chosen = names[:count]
    (folder / "photos").mkdir()
    for path in chosen:
        shutil.copy(path, folder / "photos")
    with tarfile.open(folder / "photos.tar", "w") as archive:
        for path in chosen:
            archive.add(path, path.name)
    content = {"name": [path.name for path in chosen], "image": [p.read_bytes() for p in chosen]}
    pq.write_table(pa.table(content), folder / "photos.parquet")
    return {
        "folder": [str(folder / "photos")],
        "tar": [str(folder / "photos.tar")],
        "Parquet": [str(folder / "photos.parquet"), "--key", "name"],
    }


def runners(workers: list[int], model: str) -> dict[str, list[str]]:
    """Return the options of each way to score."""
    ray = {f"Ray, {n}": ["--ray", "local", "--ray-workers", str(n)] for n in workers}
    ways = {PLAIN: ["--threads", "1"], PLAIN_ON_ONE_CORE: ["--threads", "1"], **ray}
    return {way: [*options, "-m", model] for way, options in ways.items()}


def descendants() -> Iterator[tuple[tuple[int, str], bool, float]]:
    """Yield each process below this one: its identity, whether it is an actor, its CPU seconds."""
    parents: dict[int, int] = {}
    rows = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            name, rest = (entry / "stat").read_text().rsplit(")", 1)
        except OSError:
            continue  # it has ended
        fields = rest.split()
        parents[int(entry.name)] = int(fields[1])
        rows[int(entry.name)] = (
            (int(entry.name), fields[19]),
            "(ray::_Actor" in name,
            (int(fields[11]) + int(fields[12])) / _TICKS,
        )
    for process, row in rows.items():
        above = parents[process]
        while above not in (0, 1, os.getpid()):
            above = parents.get(above, 0)
        if above == os.getpid():
            yield row


def measure(arguments: list[str], out: Path, way: str = "") -> Spent:
    """Run biqa; return its seconds of wall clock and of CPU, and the CPU seconds of its actors."""
    before = {identity for identity, _, _ in descendants()}
    pinned = ["taskset", "-c", "0"] if way == PLAIN_ON_ONE_CORE else []
    start = time.perf_counter()
    child = subprocess.Popen([*pinned, *BIQA, *arguments, "-o", str(out)])
    spent: dict[tuple[int, str], float] = {}
    actors: set[tuple[int, str]] = set()
    seconds = None
    while True:
        running = [row for row in descendants() if row[0] not in before]
        for identity, is_actor, busy in running:
            spent[identity] = max(busy, spent.get(identity, 0.0))
            if is_actor:
                actors.add(identity)
        # A process that has ended shows its seconds until somebody asks for its status.
        if seconds is None and os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            seconds = time.perf_counter() - start
            continue
        if seconds is not None:
            break
        time.sleep(0.1)
    if child.wait() not in (0, SOME_FAILED):
        sys.exit(f"biqa score {arguments} failed with {child.returncode}")
    reap()
    return {
        "seconds": seconds,
        "CPU seconds": sum(spent.values()),
        "CPU seconds of the first process": max(
            busy for (process, _), busy in spent.items() if process == child.pid
        ),
        "CPU seconds of actors": sum(busy for key, busy in spent.items() if key in actors),
    }


def reap() -> None:
    """Wait for what a cluster has left, so that it takes nothing from the next run."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        try:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(0.1)
        except ChildProcessError:
            return


def scores(report: Path) -> dict[str, float]:
    """Return the score of each photo, by the name of its file."""
    with report.open(newline="") as lines:
        return {Path(row["path"]).name: float(row["score"]) for row in csv.DictReader(lines)}


def summary(runs: list[Spent], starts: list[Spent], count: int) -> dict[str, Any]:
    """Return the medians over the rounds: of the whole, and of a photo once all has started."""
    middle = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    begin = {key: statistics.median(run[key] for run in starts) for key in starts[0]}
    each = {key: (middle[key] - begin[key]) / (count - 1) for key in middle}
    return {
        "seconds": round(middle["seconds"], 1),
        "CPU seconds": round(middle["CPU seconds"], 1),
        "seconds of one photo alone": round(begin["seconds"], 1),
        "CPU seconds of one photo alone": round(begin["CPU seconds"], 1),
        "photos a second after the start": round(1 / each["seconds"], 1),
        "CPU ms a photo after the start": round(1000 * each["CPU seconds"], 1),
        "of these in actors": round(1000 * each["CPU seconds of actors"], 1),
        "all seconds": [round(run["seconds"], 1) for run in runs],
        "all CPU seconds": [round(run["CPU seconds"], 1) for run in runs],
    }


def compared(rows: dict[str, dict[str, dict[str, Any]]], workers: list[int]) -> None:
    """Add to each row of Ray what it makes of its workers, against the plain command."""
    for by_runner in rows.values():
        plain, one_core = by_runner[PLAIN], by_runner[PLAIN_ON_ONE_CORE]
        for number in workers:
            row = by_runner[f"Ray, {number}"]
            rate = "photos a second after the start"
            each = "CPU ms a photo after the start"
            row["times the plain command"] = round(row[rate] / plain[rate], 2)
            row["efficiency by wall clock"] = round(row[rate] / one_core[rate] / number, 2)
            row["efficiency by CPU seconds"] = round(plain[each] / row[each], 2)


def first_process(names: int, folder: Path) -> dict[str, float]:
    """Return what a photo takes of the process that finds photos, sends them and writes the rows.

    The photos are not there, so that the actors have nothing to do.
    """
    lists = {count: folder / f"{count}.txt" for count in (1, names)}
    spent = {}
    for count, path in lists.items():
        path.write_text("".join(f"gone/{number:08}.jpg\n" for number in range(count)))
        options = ["--files-from", str(path), "--ray", "local", "--ray-workers", "1"]
        spent[count] = measure(options, folder / "gone.csv")["CPU seconds of the first process"]
    return {
        "names": names,
        "CPU seconds of one name": round(spent[1], 2),
        "CPU seconds of all": round(spent[names], 2),
        "CPU ms a name after the start": round(1000 * (spent[names] - spent[1]) / (names - 1), 3),
    }


def difference(found: dict[str, float], expected: dict[str, float], what: str) -> float:
    """Return by how much the scores of a run differ from those of the first."""
    if found.keys() != expected.keys():
        sys.exit(f"{what}: {len(found)} rows, which are not those of the first run")
    worst = max(abs(found[key] - expected[key]) for key in found)
    if worst > TOLERANCE:
        sys.exit(f"{what}: the scores differ by up to {worst}")
    return worst


def table(
    runs: dict[str, dict[str, list[Spent]]],
    starts: dict[str, list[Spent]],
    arguments: argparse.Namespace,
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return what each way makes of each source, and what Ray makes of its workers."""
    rows = {
        source: {way: summary(made, starts[way], arguments.count) for way, made in by_way.items()}
        for source, by_way in runs.items()
    }
    compared(rows, arguments.workers)
    return rows


def main(arguments: argparse.Namespace) -> None:
    """Measure, print and write the results, after each source what there is."""
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    ways = runners(arguments.workers, arguments.model)
    result: dict[str, Any] = {
        "photos": arguments.count,
        "model": arguments.model,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "ray": importlib.metadata.version("ray"),
        "load": [],
        "largest difference of a score": 0.0,
    }
    runs: dict[str, dict[str, list[Spent]]] = {}
    starts: dict[str, list[Spent]] = {way: [] for way in ways}
    expected: dict[str, float] = {}
    with TemporaryDirectory() as name:
        folder = Path(name)
        sources = make_sources(arguments.photos, arguments.count, folder)
        if arguments.names:
            result["first process"] = first_process(arguments.names, folder)
            show(result, arguments.output)
        sources = {name: sources[name] for name in arguments.sources}
        one = str(min((folder / "photos").iterdir()))
        out = folder / "out.csv"
        for _ in range(arguments.rounds):
            for way, options in ways.items() if sources else ():
                starts[way].append(measure([one, *options], out, way))
            for source, named in sources.items():
                for way, options in ways.items():
                    spent = measure([*named, *options], out, way)
                    runs.setdefault(source, {}).setdefault(way, []).append(spent)
                    found = scores(out)
                    expected = expected or found
                    worst = difference(found, expected, f"{source}, {way}")
                    result["largest difference of a score"] = max(
                        worst, result["largest difference of a score"]
                    )
                    result["load"].append(round(os.getloadavg()[0], 1))
                result["runs"] = table(runs, starts, arguments)
                show(result, arguments.output)


def show(result: dict[str, Any], output: Path | None) -> None:
    """Print and write what there is so far."""
    text = json.dumps(result, indent=2)
    print(text, flush=True)
    if output:
        output.write_text(text + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("photos", type=Path, help="folder of JPEGs")
    parser.add_argument("--count", type=int, default=300, help="how many of them")
    # The fastest model: what Ray adds to a photo is the most beside it.
    parser.add_argument("-m", "--model", default="shdiqa-lite", help="or a file of weights")
    parser.add_argument("--sources", nargs="*", default=["folder", "tar", "Parquet"])
    parser.add_argument("--names", type=int, default=20_000, help="for the first process; 0: none")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2], help="of Ray")
    parser.add_argument("--rounds", type=int, default=2, help="runs of each kind, in turns")
    parser.add_argument("-o", "--output", type=Path, help="JSON")
    main(parser.parse_args())
