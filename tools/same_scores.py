"""Compare what every shipped checkpoint says of photos in two checkouts: has a score moved?

Run:   python tools/same_scores.py BEFORE PHOTOS [--count 60]

BEFORE is a checkout of an earlier commit, this one is compared with it. Prints a row a checkpoint:
the photos, and the largest difference of a score; exits 1 if one is above the tolerance.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent.parent
# Scores are printed with four decimals: one unit of the last.
TOLERANCE = 1.01e-4


def scores_of(checkout: Path, name: str, photos: list[str]) -> dict[str, float]:
    """Return the scores of a checkout's checkpoint, by photo."""
    places = [checkout / "biqa_cli" / "weights" / "files", checkout / "weights"]
    file = next(p / f"{name}.safetensors" for p in places if (p / f"{name}.safetensors").is_file())
    command = [sys.executable, "-m", "biqa_cli", "score", "--files-from", "-", "-f", "ndjson", "-q"]
    options = (checkout / "biqa_cli" / "cli" / "_options.py").read_text(encoding="utf-8")
    # Up to version 0.2, weights of one's own had an option.
    model = ["-m", name, "--weights"] if '"--weights"' in options else ["-m"]
    done = subprocess.run(  # noqa: S603  our own program
        [*command, *model, str(file)],
        input="\n".join(photos),
        stdout=subprocess.PIPE,
        text=True,
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        check=True,
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {row["path"]: row["score"] for row in rows if "path" in row}


def main() -> int:
    """Print the table; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("before", type=Path)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--count", type=int, default=60)
    asked = parser.parse_args()
    files = sorted(file for file in asked.photos.rglob("*") if file.suffix.lower() in _SUFFIXES)
    photos = [str(file.resolve()) for file in files[:: max(1, len(files) // asked.count)]]
    photos = photos[: asked.count]
    names = sorted(file.stem for file in HERE.glob("**/*.safetensors") if ".git" not in file.parts)
    worst = 0.0
    print(f"{'checkpoint':20} {'photos':>6} {'largest difference':>18}")
    for name in names:
        before, after = (scores_of(root, name, photos) for root in (asked.before.resolve(), HERE))
        difference = max(abs(before[photo] - after[photo]) for photo in photos)
        worst = max(worst, difference)
        print(f"{name:20} {len(photos):6} {difference:18.1e}", flush=True)
    return int(worst > TOLERANCE)


_SUFFIXES = (".jpg", ".jpeg", ".png")

if __name__ == "__main__":
    sys.exit(main())
