"""Score photos with odd names, and check that each has its row and comes back under its name.

    python tools/fuzz/names.py --names 2000

Names are random bytes: control characters, bytes that are not UTF-8, marks that reverse the
direction of writing, formulas, quotes, commas. Some are those of no file.
"""

import argparse
import csv
import io
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image

BIQA = Path(__file__).resolve().parents[2] / "tests" / "brightness_biqa.py"
PIECES = (
    *(b"a", b"IMG", b".", b"..", b" ", b"\n", b"\r", b"\t", b"\x1b[31m", b"\x07", b"\x7f", b"\xff"),
    *(b"\xc3", "é".encode(), "写".encode(), "\u202e".encode(), "\u2028".encode(), b'"', b"'", b","),
    *(
        b";",
        b"=1+1",
        b"+",
        b"-",
        b"@",
        b"%s",
        b"{}",
        b"*",
        b"?",
        b"[a]",
        b"~",
        b"$(x)",
        b"`",
        b"\\",
    ),
    *(b"<b>", b"&amp;", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"data:", b"x" * 100),
)
MISSING = (b"/" + b"y" * 300, b"z/" * 2500, b"loop.png/x", b"data:image/png;base64,iVBORw0KGgo=")
LONGEST = 200
FORMATS = ("ndjson", "csv", "json", "table")


def odd_names(count: int, *, seed: int) -> list[bytes]:
    """Return so many different names of files, the same for the same seed."""
    chance = random.Random(seed)  # noqa: S311  no secret
    names: set[bytes] = set()
    while len(names) < count:
        stem = b"".join(chance.choice(PIECES) for _ in range(chance.randint(1, 8)))[:LONGEST]
        names.add(stem + chance.choice((b".png", b".PNG", b".jpg")))
    return sorted(names)


def check(folder: Path, names: list[bytes], *, formats: Sequence[str] = FORMATS) -> list[str]:
    """Make files of these names, score them from a list, and return what is wrong."""
    paths = [os.fsencode(folder) + b"/" + name for name in names]
    for path in paths:
        with open(path, "wb") as file:  # noqa: PTH123  a Path takes no bytes
            Image.new("RGB", (8, 8), (51, 51, 51)).save(file, "PNG")
    asked = [*paths, *MISSING]
    wrong = []
    for style in formats:
        run = subprocess.run(  # noqa: S603  our own program
            [sys.executable, str(BIQA), "score", "--files-from", "-", "-0", "-f", style],
            input=b"\0".join(asked),
            capture_output=True,
            check=False,
        )
        expected = 3
        if run.returncode != expected or b"Traceback" in run.stderr:
            wrong.append(f"{style}: it ended with {run.returncode}: {run.stderr[-500:]!r}")
        if b"\x1b" in run.stderr or (style == "table" and b"\x1b" in run.stdout):
            wrong.append(f"{style}: a control character of a name is printed")
        found = names_of(run.stdout.decode(errors="surrogateescape"), style)
        if style != "table" and found != asked:
            lost = set(asked) - set(found)
            wrong.append(f"{style}: {len(lost)} names did not come back: {sorted(lost)[:5]}")
    return wrong


def names_of(text: str, style: str) -> list[bytes]:
    """Return the names in a report, as the file system has them."""
    if style == "csv":
        rows = csv.DictReader(io.StringIO(text, newline=""))
        paths = [row["path"] for row in rows]
        # A formula has an apostrophe in front.
        paths = [p[1:] if p[:1] == "'" and p[1:2] in "=+-@\t\r" else p for p in paths]
    elif style == "ndjson":
        paths = [json.loads(line)["path"] for line in text.split("\n") if line]
    elif style == "json":
        paths = [row["path"] for row in json.loads(text)["results"]]
    else:
        return []
    return [os.fsencode(path) for path in paths]


def main() -> None:
    """Run the check; the exit code is 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--names", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        wrong = check(Path(temporary), odd_names(given.names, seed=given.seed))
    print("\n".join(wrong) or f"{given.names} names, each with its row in four formats")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
