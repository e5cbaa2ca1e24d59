"""What the runs of a study have come to: a JSON line each, and who is at which run."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from biqa_cli.errors import UsageError
from biqa_cli.studies.plan import Run
from biqa_cli.whole_files import wrong_output

RUNS = "runs.jsonl"
Result = dict[str, Any]
"""Of a test: the keys of `biqa_cli.studies.running.result_of`."""


@dataclass(frozen=True, slots=True)
class Finished:
    """A run that has come to its end."""

    key: str
    variant: str
    dataset: str
    seed: int
    results: tuple[Result, ...]
    """One for each test."""
    facts: dict[str, Any]
    """Such as seconds and epochs."""


def finished_runs(folder: Path) -> dict[str, Finished]:
    """Return the runs that have finished, by their keys; a line cut short is no run.

    Raises:
        UsageError: If the file cannot be read, or is no such file.
    """
    path = folder / RUNS
    if not path.is_file():
        return {}
    try:
        # A line that was being written when the computer stopped has no end.
        *whole, _ = path.read_text(encoding="utf-8").split("\n")
        plain = [json.loads(line) for line in whole if line]
        found = [Finished(**{**each, "results": tuple(each["results"])}) for each in plain]
    except (OSError, ValueError, TypeError, KeyError) as error:
        msg = f"{path} is no record of runs: {error}: take it away to run them all again"
        raise UsageError(msg) from error
    return {run.key: run for run in found}


def keep(folder: Path, run: Run, results: tuple[Result, ...], facts: dict[str, Any]) -> None:
    """Add a finished run to those of a folder; several processes may do so."""
    path = folder / RUNS
    plain = {
        "key": run.key,
        "variant": run.variant,
        "dataset": run.dataset,
        "seed": run.seed,
        "results": results,
        "facts": facts,
    }
    line = json.dumps(plain) + "\n"
    try:
        with FileLock(path.with_suffix(".lock")), path.open("a+b") as file:
            # A line that was being written when the computer stopped is no run.
            file.seek(0)
            file.truncate(file.read().rfind(b"\n") + 1)
            file.write(line.encode())
    except OSError as error:
        raise wrong_output(path, error) from error


@contextmanager
def claim(folder: Path, run: Run) -> Iterator[bool]:
    """Yield whether this process has a run to itself; another one may be at it.

    A lock of the operating system ends with its process, however that ends.
    """
    locks = folder / "locks"
    try:
        locks.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise wrong_output(locks, error) from error
    lock = FileLock(locks / f"{run.key}.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
