"""What the tools that kill biqa share: so many trials, each in a folder of its own, and a count."""

import argparse
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

Trial = Callable[[Path, int, random.Random], tuple[str, str]]
"""Given an empty folder, its number and all chance; returns what was done and what is wrong."""


def run_trials(purpose: str, *, kills: int, prepare: Callable[[Path], Trial]) -> None:
    """Run the trials; the exit code is 1 where one went wrong.

    Args:
        purpose: Of the tool, for its help.
        kills: How many trials there are unless the command line says another number.
        prepare: Writes into a folder what all trials share, and returns one of them.
    """
    parser = argparse.ArgumentParser(description=purpose.splitlines()[0])
    parser.add_argument("--kills", type=int, default=kills)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    chance = random.Random(given.seed)  # noqa: S311  no secret
    failed = 0
    with tempfile.TemporaryDirectory() as temporary:
        trial = prepare(Path(temporary))
        for number in range(given.kills):
            folder = Path(temporary) / str(number)
            folder.mkdir()
            done, wrong = trial(folder, number, chance)
            failed += bool(wrong)
            if wrong:
                print(f"trial {number}: {done}: {wrong}")
    print(f"{given.kills} kills, {failed} went wrong")
    sys.exit(bool(failed))
