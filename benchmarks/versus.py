"""Measure biqa beside pyiqa, cleanvision and idealo's approach: the same photos, one thread each.

Rivals have environments of their own; name the Python of each. A rival that is not named is left
out. Each run is a process that scores a folder: of one photo (the start), of all, and of one that
is broken between two that are not.

Run:  python benchmarks/versus.py PHOTOS --pyiqa PYTHON --cleanvision PYTHON --idealo PYTHON \
          --output benchmarks/versus.json
"""

import argparse
import csv
import io
import json
import os
import platform
import shutil
import statistics
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

from PIL import Image

from biqa_cli.models.catalog import DEFAULT_MODEL

RIVALS = Path(__file__).parent / "rivals"
BIQA = [sys.executable, "-m", "biqa_cli", "score", "--no-store", "-q", "-f", "csv"]
MODELS = ("shdiqa-lite", "qualitynet-lite", DEFAULT_MODEL)
METRICS = ("topiq_nr", "niqe", "brisque")
ONE_THREAD = {
    f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS", "TF_INTRAOP", "TF_INTEROP")
}
OFFLINE = {"TF_CPP_MIN_LOG_LEVEL": "3", "HF_HUB_OFFLINE": "1", "CUDA_VISIBLE_DEVICES": ""}


@dataclass(frozen=True, slots=True)
class Ran:
    """One run of one tool."""

    seconds: float
    cpu: float
    peak_mb: float
    code: int
    out: str
    err: str


def run(command: list[str]) -> Ran:
    """Run a tool on one thread."""
    with TemporaryFile("w+") as out, TemporaryFile("w+") as err:
        start = time.perf_counter()
        environment = os.environ | ONE_THREAD | OFFLINE
        child = subprocess.Popen(command, stdout=out, stderr=err, env=environment)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        return Ran(
            seconds,
            usage.ru_utime + usage.ru_stime,
            usage.ru_maxrss / 1024,
            child.returncode,
            out.read(),
            err.read(),
        )


def tools(arguments: argparse.Namespace) -> dict[str, list[str]]:
    """Return the command of each tool that is there, but for the folder."""
    options = ["-j", "1", "--threads", "1"]
    found = {f"biqa {model}": [*BIQA, *options, "-m", model] for model in MODELS}
    if arguments.pyiqa:
        for metric in METRICS:
            command = [arguments.pyiqa, str(RIVALS / "run_pyiqa.py"), metric]
            found[f"pyiqa {metric}"] = command
    for name in ("cleanvision", "idealo"):
        if python := getattr(arguments, name):
            found[name] = [python, str(RIVALS / f"run_{name}.py")]
    return found


def jpeg(image: Image.Image, **options: object) -> bytes:
    """Return the bytes of a JPEG."""
    held = io.BytesIO()
    image.save(held, "JPEG", **options)
    return held.getvalue()


def huge_png(side: int) -> bytes:
    """Return a PNG of so many black pixels a side, made without holding them.

    The kernel counts the memory of this process as that of those that it starts.
    """

    def chunk(kind: bytes, data: bytes) -> bytes:
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    squeezer, row = zlib.compressobj(1), bytes(1 + side)
    body = b"".join(squeezer.compress(row) for _ in range(side)) + squeezer.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n"
    return start + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def broken_files(photo: Path) -> dict[str, bytes]:
    """Return files that go wrong, all under the name of a JPEG, made of a photo that does not."""
    image = Image.open(photo).convert("RGB")
    good = jpeg(image)
    half = len(good) // 2
    return {
        "empty": b"",
        "text": b"this is no photo\n" * 20,
        "cut in half": good[:half],
        "damaged in the middle": good[:half] + bytes(2000) + good[half + 2000 :],
        "a PNG of 900 megapixels": huge_png(30_000),
        "CMYK": jpeg(image.convert("CMYK")),
    }


def rows_of(tool: str, ran: Ran) -> dict[str, str]:
    """Return what a run says of each photo: a number, or why there is none."""
    if tool.startswith("biqa"):
        rows = csv.DictReader(io.StringIO(ran.out))
        told = {row["path"]: row["score"] or f"error row: {row['error']}" for row in rows}
        return {Path(path).name: what for path, what in told.items()}
    lines = [line for line in ran.out.splitlines() if line.startswith("[")]
    return {name: str(score) for name, score in map(json.loads, lines)}


def outcome(tool: str, ran: Ran) -> str:
    """Return in words what became of the broken one of three photos."""
    rows = rows_of(tool, ran)
    if said := rows.get("b.jpg", ""):
        what = said if said.startswith("error row") else "a score"
        return what if len(rows) == 3 else f"{what}, and no row for the others"  # noqa: PLR2004
    # An error that ends a run is the last line without indentation.
    last = next((line for line in reversed(ran.err.splitlines()) if line[:1].strip()), "")
    if ran.code:
        return f"the run ends with {len(rows)} of 3 rows: {last[:160]}"
    return f"no row, {len(rows)} others" + (f": {last[:160]}" if last else "")


def measured(
    commands: dict[str, list[str]], one: Path, every: Path, *, count: int, rounds: int
) -> dict[str, dict[str, float]]:
    """Return the figures of each tool: medians of rounds in which all take turns."""
    starts: dict[str, list[Ran]] = {tool: [] for tool in commands}
    wholes: dict[str, list[Ran]] = {tool: [] for tool in commands}
    for _ in range(rounds):
        for tool, command in commands.items():
            for folder, runs in ((one, starts), (every, wholes)):
                ran = run([*command, str(folder)])
                if ran.code:
                    sys.exit(f"{tool} failed with {ran.code}:\n{ran.err[-2000:]}")
                runs[tool].append(ran)
                print(f"{tool}: {ran.seconds:.1f} s", file=sys.stderr, flush=True)

    def middle(runs: list[Ran], of: Callable[[Ran], float]) -> float:
        return statistics.median(of(ran) for ran in runs)

    figures = {}
    for tool, runs in wholes.items():
        start = middle(starts[tool], lambda ran: ran.seconds)
        cpu_start = middle(starts[tool], lambda ran: ran.cpu)
        whole, cpu = middle(runs, lambda ran: ran.seconds), middle(runs, lambda ran: ran.cpu)
        figures[tool] = {
            "start, seconds for one photo": round(start, 2),
            "start, CPU seconds": round(cpu_start, 2),
            "all, seconds": round(whole, 1),
            "photos a second after the start": round((count - 1) / (whole - start), 2),
            "CPU ms a photo after the start": round(1000 * (cpu - cpu_start) / (count - 1), 1),
            "peak MB": round(max(ran.peak_mb for ran in runs)),
        }
    return figures


def with_ratios(figures: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """Return the figures and what they are of those of biqa's default: above 1, biqa is better."""
    ours = figures[f"biqa {DEFAULT_MODEL}"]
    for row in figures.values():
        for key in ("start, seconds for one photo", "CPU ms a photo after the start", "peak MB"):
            row[f"times biqa's {key}"] = round(row[key] / ours[key], 2)
    return figures


def what_breaks(
    commands: dict[str, list[str]], photo: Path, folder: Path
) -> dict[str, dict[str, str]]:
    """Return what each tool does with each broken file between two whole ones."""
    found: dict[str, dict[str, str]] = {}
    for kind, content in broken_files(photo).items():
        here = folder / kind
        here.mkdir()
        for name in ("a.jpg", "c.jpg"):
            shutil.copy(photo, here / name)
        (here / "b.jpg").write_bytes(content)
        for tool, command in commands.items():
            ran = run([*command, str(here)])
            told = f"{outcome(tool, ran)} (exit code {ran.code}, {ran.peak_mb:.0f} MB)"
            found.setdefault(tool, {})[kind] = told.replace(str(folder), "…")
            print(f"{tool}, {kind}: {told}", file=sys.stderr, flush=True)
    return found


def main(arguments: argparse.Namespace) -> None:
    """Measure, print and write."""
    names = sorted(path for path in arguments.photos.iterdir() if path.suffix == ".jpg")
    photos = names[: arguments.count]
    if len(photos) < arguments.count:
        sys.exit(f"{arguments.photos} has {len(photos)} .jpg, not {arguments.count}: see --count")
    commands = tools(arguments)
    with TemporaryDirectory() as name:
        one, every, broken = (Path(name) / part for part in ("one", "every", "broken"))
        for folder, content in ((one, photos[:1]), (every, photos), (broken, [])):
            folder.mkdir()
            for path in content:
                shutil.copy(path, folder)
        result = {
            "photos": len(photos),
            "megapixels, median": round(statistics.median(map(pixels, photos)) / 1e6, 2),
            "rounds": arguments.rounds,
            "cores": os.cpu_count(),
            "python": platform.python_version(),
            "versions": {
                name: version(python, name)
                for name in ("pyiqa", "cleanvision", "tensorflow")
                if (python := getattr(arguments, "idealo" if name == "tensorflow" else name))
            },
        }
        if not arguments.broken_only:
            measures = measured(commands, one, every, count=len(photos), rounds=arguments.rounds)
            result["figures"] = with_ratios(measures)
        if not arguments.no_broken:
            # Models of one tool read alike.
            of_one = {tool.split()[0]: (tool, command) for tool, command in commands.items()}
            commands = dict(of_one.values())
            result["broken files"] = what_breaks(commands, photos[0], broken)
        result["load at the end"] = round(os.getloadavg()[0], 1)
    text = json.dumps(result, indent=1, ensure_ascii=False)
    print(text)
    if arguments.output:
        arguments.output.write_text(text + "\n", encoding="utf-8")


def pixels(path: Path) -> int:
    """Return how many pixels a photo has."""
    with Image.open(path) as image:
        return image.width * image.height


def version(python: str, package: str) -> str:
    """Return the version of what is imported under a name in another environment."""
    find = f"m.packages_distributions()[{package!r}][0]"
    code = f"import importlib.metadata as m; print(m.version({find}))"
    ran = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)
    return ran.stdout.strip()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("photos", type=Path, help="folder of .jpg")
    parser.add_argument("--pyiqa", metavar="PYTHON", help="with `pip install pyiqa`")
    parser.add_argument("--cleanvision", metavar="PYTHON", help="with `pip install cleanvision`")
    parser.add_argument("--idealo", metavar="PYTHON", help="with `pip install tensorflow pillow`")
    parser.add_argument("--count", type=int, default=100, help="how many of the photos")
    parser.add_argument("--rounds", type=int, default=1, help="in which all tools take turns")
    parser.add_argument("--no-broken", action="store_true", help="measure speed and memory alone")
    parser.add_argument("--broken-only", action="store_true", help="try the broken files alone")
    parser.add_argument("-o", "--output", type=Path, help="JSON")
    main(parser.parse_args())
