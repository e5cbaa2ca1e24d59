"""How long the upload gate of docs/web.md takes, and what it takes of memory.

python benchmarks/web.py --requests 200 --at-a-time 8
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


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--at-a-time", type=int, default=8)
    given = parser.parse_args()
    photos = [path.read_bytes() for path in sorted((ROOT / "examples" / "photos").glob("*.jpg"))]
    gate = gate_of((ROOT / "docs" / "web.md").read_text(encoding="utf-8"))["gate"]
    uploads = [photos[index % len(photos)] for index in range(given.requests)]
    start = time.perf_counter()
    seconds = asyncio.run(measure(gate, uploads, at_a_time=given.at_a_time))
    whole = time.perf_counter() - start
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    quantiles = statistics.quantiles(seconds, n=20)
    print(
        f"{given.requests} requests, {given.at_a_time} at a time: "
        f"{len(seconds) / whole:.1f} a second"
    )
    print(f"median {1000 * quantiles[9]:.0f} ms, 95 % below {1000 * quantiles[18]:.0f} ms")
    print(f"peak memory {peak / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
