"""Kill `biqa score` at random moments, run it again, and check that it goes on where it was.

    python tools/fuzz/resume.py --kills 20

Each trial starts a run over small photos, no two alike, with a model that notes each score, sends
it KILL after a random wait, and runs it once more, in every output format in turn. The second
report must be that of a run that nobody has killed, and each photo must be scored once: only the
one that was being scored at the kill may be scored twice.
"""

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))
from kills import Trial, run_trials

BIQA = Path(__file__).resolve().parents[2] / "tests" / "brightness_biqa.py"
FORMATS = ("csv", "ndjson", "json", "txt", "parquet")
PHOTOS = 100
LONGEST_WAIT = 1.5
# The time that a run took differs from run to run.
_TIME = re.compile(rb'"seconds": [0-9.]+')


def make_photos(folder: Path) -> None:
    """Write PHOTOS small photos, no two alike."""
    folder.mkdir()
    for index in range(PHOTOS):
        grey = (2 * index, 2 * index, 2 * index)
        Image.new("RGB", (8, 8 + index), grey).save(folder / f"{index:03}.png")


def score(
    photos: Path, output: Path, *options: str, log: Path | None = None
) -> "subprocess.Popen[str]":
    """Start biqa with a model that takes 10 ms and notes each score in `log`."""
    env = (
        os.environ | {"BRIGHTNESS_SECONDS": "0.01"} | ({"BRIGHTNESS_LOG": str(log)} if log else {})
    )
    command = [sys.executable, str(BIQA), "score", str(photos), "-o", str(output), *options]
    return subprocess.Popen(command, env=env, stderr=subprocess.PIPE, text=True)  # noqa: S603  our own program


def expected(photos: Path, folder: Path, suffix: str) -> bytes:
    """Return the report of a run that nobody kills, without a store."""
    output = folder / f"expected.{suffix}"
    score(photos, output, "--no-store").communicate(timeout=120)
    return report(output)


def report(output: Path) -> bytes:
    """Return what is in a report, without the time that it took."""
    if output.suffix != ".parquet":
        return _TIME.sub(b"", output.read_bytes())
    import pyarrow.parquet as pq

    return repr(pq.read_table(output).to_pylist()).encode()


def trial(folder: Path, photos: Path, *, suffix: str, wait: float, right: bytes) -> str:
    """Run, kill and run biqa again.

    Args:
        folder: Empty; the output and the store go here.
        photos: What is scored.
        suffix: Of the output.
        wait: Seconds from the first score to the kill.
        right: What `expected` has returned.

    Returns:
        What is wrong, empty where nothing is.
    """
    output, log, store = folder / f"scores.{suffix}", folder / "log", str(folder / "s.sqlite")
    first = score(photos, output, "--store", store, log=log)
    while not log.exists() and first.poll() is None:
        time.sleep(0.005)
    time.sleep(wait)
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=60)
    before = len(log.read_text().split())
    second = score(photos, output, "--store", store, log=log)
    _, stderr = second.communicate(timeout=120)
    scored = len(log.read_text().split())
    wrong = []
    if second.returncode != 0 or "damaged" in stderr:
        wrong.append(f"the second run ended with {second.returncode}: {stderr}")
    elif report(output) != right:
        wrong.append("the report differs")
    if not PHOTOS <= scored <= PHOTOS + 1:
        wrong.append(f"{before} were scored before the kill, {scored - before} after it")
    return "; ".join(wrong)


def prepare(home: Path) -> Trial:
    """Write the photos, score them once in every format, and return a trial over them."""
    photos = home / "photos"
    make_photos(photos)
    right = {suffix: expected(photos, home, suffix) for suffix in FORMATS}

    def one(folder: Path, number: int, chance: random.Random) -> tuple[str, str]:
        suffix, wait = FORMATS[number % len(FORMATS)], chance.uniform(0, LONGEST_WAIT)
        wrong = trial(folder, photos, suffix=suffix, wait=wait, right=right[suffix])
        return f"killed after {wait:.2f} s, .{suffix}", wrong

    return one


if __name__ == "__main__":
    run_trials(__doc__, kills=20, prepare=prepare)
