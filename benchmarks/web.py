"""How long the upload gate of docs/web.md takes beside a bare `score_image`, and of memory.

python benchmarks/web.py --requests 200 --at-a-time 1 2 8
"""

import argparse
import asyncio
import json
import re
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from biqa_cli import score_image

ROOT = Path(__file__).resolve().parent.parent


def gate_of(page: str) -> dict[str, Any]:
    """Return what the first block of Python of a page defines."""
    code = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert code is not None, "the page has its code"  # noqa: S101
    names: dict[str, Any] = {}
    exec(compile(code[1], "docs/web.md", "exec"), names)  # noqa: S102  our own page
    return names


async def put(gate: Any, upload: bytes, *, chunk: int = 1 << 16) -> tuple[int, dict[str, Any]]:  # noqa: ANN401
    """Return the status and the facts that the gate answers to an upload."""
    parts = [upload[start : start + chunk] for start in range(0, len(upload), chunk)] or [b""]
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        body = parts.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(parts)}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await gate({"type": "http", "method": "PUT", "path": "/"}, receive, send)
    start, *bodies = sent
    return start["status"], json.loads(b"".join(message["body"] for message in bodies))


async def measure(gate: Any, uploads: list[bytes], *, at_a_time: int) -> list[float]:  # noqa: ANN401
    """Return the seconds of each request, so many of them under way at a time."""
    places = asyncio.Semaphore(at_a_time)

    async def one(upload: bytes) -> float:
        async with places:
            start = time.perf_counter()
            await put(gate, upload)
            return time.perf_counter() - start

    return list(await asyncio.gather(*map(one, uploads)))


def bare(model: Any, uploads: list[bytes]) -> list[float]:  # noqa: ANN401
    """Return the seconds of each `score_image` with the model of the gate, one after another."""
    seconds = []
    for upload in uploads:
        start = time.perf_counter()
        score_image(upload, model=model)
        seconds.append(time.perf_counter() - start)
    return seconds


def row(name: str, seconds: list[float], whole: float, *, unit: float) -> str:
    """Return a row of the table of docs/web.md."""
    quantiles = statistics.quantiles(seconds, n=20)
    median, high = quantiles[9], quantiles[18]
    return (
        f"| {name} | {1000 * median:.0f} ms | {1000 * high:.0f} ms | {median / unit:.2f} "
        f"| {len(seconds) / whole:.1f} |"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--at-a-time", type=int, nargs="+", default=[1, 2, 8])
    given = parser.parse_args()
    photos = [path.read_bytes() for path in sorted((ROOT / "examples" / "photos").glob("*.jpg"))]
    page = gate_of((ROOT / "docs" / "web.md").read_text(encoding="utf-8"))
    uploads = [photos[index % len(photos)] for index in range(given.requests)]
    bare(page["MODEL"], photos)
    alone = bare(page["MODEL"], uploads)
    unit = statistics.median(alone)
    print("| | median | 95 % below | median, bare call = 1 | a second |")
    print("| --- | --- | --- | --- | --- |")
    print(row("bare `score_image`", alone, sum(alone), unit=unit))
    for at_a_time in given.at_a_time:
        start = time.perf_counter()
        seconds = asyncio.run(measure(page["gate"], uploads, at_a_time=at_a_time))
        whole = time.perf_counter() - start
        print(row(f"{at_a_time} at a time", seconds, whole, unit=unit))
    kilobyte = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * kilobyte
    print(f"{given.requests} requests each, peak memory {peak / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
