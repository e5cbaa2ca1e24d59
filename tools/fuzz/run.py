"""Damage files of every format and read them: `python tools/fuzz/run.py --files 2000 --seed 1`.

Each file must give a photo or one line that says why not, within its time and memory; the process
must live, and nothing may be printed to standard error. What breaks a rule is kept in --keep.
"""

import argparse
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from mutations import mutated
from seeds import make_seeds

_BATCH = 100
_SECONDS = 10
_MEMORY = 256_000_000
# Beyond what is reserved: the interpreter, the libraries, and what they keep of freed memory.
_PROCESS = 700_000_000


def main() -> int:
    """Run a campaign and return 1 if a file broke a rule."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-findings"))
    parser.add_argument("--read", type=Path, help="read the files of a folder (for itself)")
    options = parser.parse_args()
    if options.read:
        return _read_all(options.read)
    outcomes: Counter[str] = Counter()
    findings = 0
    for start in range(0, options.files, _BATCH):
        with tempfile.TemporaryDirectory() as folder:
            count = min(_BATCH, options.files - start)
            names = _write(Path(folder), start, count, seed=options.seed)
            findings += _check(Path(folder), names, outcomes, keep=options.keep)
    for outcome, count in outcomes.most_common():
        print(f"{count:6d}  {outcome}")
    print(f"{options.files} files, {findings} findings")
    return 1 if findings else 0


def _write(folder: Path, start: int, count: int, *, seed: int) -> list[str]:
    seeds = make_seeds()
    kinds = sorted(seeds)
    names = []
    for number in range(start, start + count):
        chance = random.Random(f"{seed}-{number}")  # noqa: S311  damage, not secrets
        kind = kinds[number % len(kinds)]
        content = mutated(seeds[kind], seeds[chance.choice(kinds)], chance)
        names.append(f"{number:06d}-{kind}")
        (folder / names[-1]).write_bytes(content)
    return names


def _check(folder: Path, names: list[str], outcomes: Counter[str], *, keep: Path) -> int:
    """Read the files in a process of their own; return how many broke a rule."""
    findings = 0
    while names:
        done = subprocess.run(  # noqa: S603  itself
            [sys.executable, __file__, "--read", str(folder)],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "FUZZ_FROM": names[0]},
        )
        rows = [line.split("\t") for line in done.stdout.splitlines()]
        read = {row[0] for row in rows}
        broken = {row[0]: row[2] for row in rows if row[1] == "BROKEN"}
        outcomes.update(row[2] for row in rows)
        rest = [name for name in names if name not in read]
        if done.returncode != 0:
            last = rest[0] if rest else names[-1]
            broken[last] = f"the process ended with {done.returncode}: {done.stderr[-500:]}"
            rest = rest[1:]
        elif done.stderr:
            broken[names[0]] = f"in this batch, on stderr: {done.stderr[:500]}"
        for name, reason in broken.items():
            keep.mkdir(parents=True, exist_ok=True)
            (keep / name).write_bytes((folder / name).read_bytes())
            print(f"{name}: {reason}")
        findings += len(broken)
        if done.returncode == 0 and rest:
            print(f"no row for {rest}")
            return findings + len(rest)
        names = rest
    return findings


def _read_all(folder: Path) -> int:
    from biqa_cli.errors import ImageError
    from biqa_cli.images.limits import Limits
    from biqa_cli.images.native_stderr import silence_decoders
    from biqa_cli.images.reading import read_photo

    silence_decoders()
    limits = Limits(max_pixels=20_000_000, memory=_MEMORY, seconds=_SECONDS)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for path in sorted(folder.iterdir()):
        if path.name < os.environ["FUZZ_FROM"]:
            continue
        started, reason = time.monotonic(), ""
        try:
            read_photo(path, at_least=(64, 64), limits=limits)
            outcome = "a photo"
        except ImageError as error:
            outcome = str(error)
            reason = "" if _is_one_line(outcome) else f"not one line: {outcome!r}"
        except BaseException as error:  # noqa: BLE001  that is what is looked for
            outcome = reason = f"{type(error).__name__}: {error}"
        if time.monotonic() - started > _SECONDS + 1:
            reason = f"took {time.monotonic() - started:.1f} s"
        peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        if peak > _MEMORY + _PROCESS:
            reason = f"memory grew to {peak / 1e6:.0f} MB"
        row = (path.name, "BROKEN" if reason else "ok", reason or _kind_of(outcome))
        print("\t".join(row), flush=True)
        if reason.startswith("memory"):
            # All that follow would be blamed too.
            return 1
    return 0


def _is_one_line(text: str) -> bool:
    return bool(text) and "\n" not in text and "\t" not in text and "Error" not in text


def _kind_of(outcome: str) -> str:
    """Return an outcome without what differs from file to file."""
    return "".join("#" if character.isdigit() else character for character in outcome)[:70]


if __name__ == "__main__":
    sys.exit(main())
