"""Measure a report of thousands of photos in headless Chromium: size, first paint, scrolling.

Run:  python benchmarks/report.py --photos 3000
"""

import argparse
import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import CDPSession, sync_playwright

from biqa_cli.reports.page.document import Heading
from biqa_cli.reports.page.records import PagePhoto
from biqa_cli.reports.page.writing import folder_of, write_page

EXAMPLES = Path(__file__).parent.parent / "examples" / "photos"

# Scrolls through the whole page at 100 pixels a frame for some seconds, and notes each frame.
SCROLL = """async () => {
  const times = [];
  const end = performance.now() + 4000;
  while (performance.now() < end) {
    scrollBy(0, 100);
    times.push(await new Promise(requestAnimationFrame));
  }
  const gaps = times.slice(1).map((time, at) => time - times[at]).sort((a, b) => a - b);
  return {frames: gaps.length, median_ms: gaps[gaps.length >> 1],
          p95_ms: gaps[Math.floor(gaps.length * 0.95)], worst_ms: gaps[gaps.length - 1]};
}"""
# The time of the page's own work for one move of the slider.
SLIDE = """() => {
  const slider = document.getElementById("threshold");
  const times = [];
  for (let value = 20; value < 80; value += 1) {
    slider.value = value;
    const start = performance.now();
    slider.dispatchEvent(new Event("input"));
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[times.length >> 1];
}"""
PAINT = """() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime"""


def rows(folder: Path, count: int) -> list[PagePhoto]:
    """Return a shoot: copies of the examples in groups of four."""
    names = [shutil.copy(file, folder) for file in sorted(EXAMPLES.glob("*.jpg"))]
    sizes = [Image.open(name).size for name in names]
    return [
        PagePhoto(
            names[n % len(names)],
            (n * 37 % 1000) / 10,
            max(0.0, (n * 37 % 1000) / 10 - 8),
            min(100.0, (n * 37 % 1000) / 10 + 8),
            width=sizes[n % len(names)][0],
            height=sizes[n % len(names)][1],
            flaws=(("blur", 0.5),) if n % 5 == 0 else (),
            group=n // 4,
            rank=n % 4 + 1,
            decision=("pick", "keep", "reject", "reject")[n % 4],
            stars=n % 6,
        )
        for n in range(count)
    ]


def measure(page: Path) -> dict[str, Any]:
    """Return the times of a page in the browser."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as started:
        running = started.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        tab = running.new_page(viewport={"width": 1280, "height": 860})
        tab.goto(page.as_uri())
        tab.wait_for_selector(".card")
        tab.wait_for_timeout(500)
        facts = {
            "first_paint_ms": round(tab.evaluate(PAINT)),
            "cards_in_page": tab.locator(".card").count(),
        }
        metrics = tab.context.new_cdp_session(tab)
        # The processor's time, whatever else runs on the machine.
        metrics.send("Performance.enable", {"timeDomain": "threadTicks"})
        before = _busy(metrics)
        facts["scroll"] = tab.evaluate(SCROLL)
        busy = (_busy(metrics) - before) * 1000
        facts["scroll"]["cpu_ms_a_frame"] = round(busy / facts["scroll"]["frames"], 2)
        facts["slide_ms"] = round(tab.evaluate(SLIDE), 2)
        running.close()
    return facts


def _busy(metrics: CDPSession) -> float:
    """Return the seconds that the page's thread has worked."""
    found = metrics.send("Performance.getMetrics")["metrics"]
    return float(next(entry["value"] for entry in found if entry["name"] == "TaskDuration"))


def main() -> None:
    """Write a page, open it and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=3000)
    count = parser.parse_args().photos
    with tempfile.TemporaryDirectory() as name:
        page, start = Path(name) / "out.html", time.monotonic()
        write_page(page, rows(Path(name), count), heading=Heading("Shoot", model="qualitynet-lite"))
        seconds = time.monotonic() - start
        files = list(folder_of(page).iterdir()) if folder_of(page).exists() else []
        print(
            json.dumps(
                {
                    "photos": count,
                    "write_s": round(seconds, 1),
                    "page_bytes": page.stat().st_size,
                    "thumbnails_bytes": sum(file.stat().st_size for file in files),
                    **measure(page),
                },
                indent=1,
            )
        )


if __name__ == "__main__":
    main()
