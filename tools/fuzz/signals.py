"""Stop `biqa score -o FILE` at random moments, and check that no scored row is lost.

    python tools/fuzz/signals.py --kills 100

Each trial starts a run over many small photos, with a model that notes the time of each score, and
sends it TERM, HUP, INT or KILL after a random wait. Every row older than a second must be on disk,
every row must be whole, and the exit code must tell the signal.
"""

import csv
import io
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).parent))
from kills import Trial, run_trials

BIQA = Path(__file__).resolve().parents[2] / "tests" / "brightness_biqa.py"
SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGKILL)
SUFFIXES = (".csv", ".ndjson", ".json")
PHOTOS = 150
LONGEST_WAIT = 2.0
AT_START = 0.2
"""So many of the runs may be stopped before they score."""
OLD = 1.0
"""Seconds after which a row must be on disk."""


def make_photos(folder: Path) -> None:
    """Write PHOTOS small photos of one grey, whose score is 20, no two alike."""
    folder.mkdir()
    for index in range(PHOTOS):
        Image.new("RGB", (8, 8 + index), (51, 51, 51)).save(folder / f"{index:03}.png")


def trial(
    folder: Path,
    photos: Path,
    *,
    kill: signal.Signals,
    suffix: str,
    wait: float,
    scored: bool = True,
) -> str:
    """Run and stop biqa once.

    Args:
        folder: Empty; the output goes here.
        photos: What is scored.
        kill: The signal to send.
        suffix: Of the output.
        wait: Seconds to the signal.
        scored: Whether they begin with the first score, and not with the process.

    Returns:
        What is wrong, empty where nothing is.
    """
    output, log = folder / f"scores{suffix}", folder / "log"
    env = os.environ | {"BRIGHTNESS_SECONDS": "0.01", "BRIGHTNESS_LOG": str(log)}
    process = subprocess.Popen(  # noqa: S603  our own program
        [sys.executable, str(BIQA), "score", str(photos), "-o", str(output), "--no-store"],
        env=env,
        stderr=subprocess.PIPE,
        text=True,
        # Who starts this in the background of a shell ignores Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),  # noqa: PLW1509
    )
    while scored and not log.exists() and process.poll() is None:
        time.sleep(0.01)
    time.sleep(wait)
    sent = time.time()
    process.send_signal(kill)
    _, stderr = process.communicate(timeout=60)
    times = [float(line) for line in log.read_text().split()] if log.exists() else []
    left = [output] if output.exists() else list(folder.glob("*.partial"))
    scores = read_scores(left[0].read_text(), suffix) if left else []
    old = sum(at < sent - OLD for at in times)
    wrong = []
    if len(scores) < old:
        wrong.append(f"{old} rows are older than {OLD:g} s, {len(scores)} are on disk")
    if any(score != 20 for score in scores):
        wrong.append(f"a row is not whole: {scores}")
    if kill is not signal.SIGKILL and times and len(scores) < len(times) - 1:
        wrong.append(f"{len(times)} were scored, {len(scores)} are on disk")
    # While Python itself starts, a signal ends it in Python's way.
    good = process.returncode in (0, 128 + kill, -kill) and "Traceback" not in stderr
    if times and not good:
        wrong.append(f"it ended with {process.returncode}: {stderr}")
    return "; ".join(wrong)


def read_scores(text: str, suffix: str) -> list[float]:
    """Return the scores of a report that may end in the middle; its last line may be cut."""
    whole = text[: text.rfind("\n") + 1]
    if suffix == ".csv":
        return [float(row["score"]) for row in csv.DictReader(io.StringIO(whole))]
    lines = (line.rstrip(",") for line in text.splitlines() if line.startswith('{"path"'))
    return [json.loads(line)["score"] for line in lines if line.endswith("}")]


def prepare(home: Path) -> Trial:
    """Write the photos and return a trial over them."""
    photos = home / "photos"
    make_photos(photos)

    def one(folder: Path, _number: int, chance: random.Random) -> tuple[str, str]:
        kill, suffix = chance.choice(SIGNALS), chance.choice(SUFFIXES)
        wait, scored = chance.uniform(0, LONGEST_WAIT), chance.random() > AT_START
        wrong = trial(folder, photos, kill=kill, suffix=suffix, wait=wait, scored=scored)
        return f"{kill.name} after {wait:.2f} s, {suffix}", wrong

    return one


if __name__ == "__main__":
    run_trials(__doc__, kills=100, prepare=prepare)
