"""Kill `biqa cull --apply --move` at random moments, and check that no file is lost or doubled.

    python tools/fuzz/culls.py --kills 20

After each kill every photo is in the tree once. Then the run is undone, or finished and undone;
sometimes the undoing is killed too. In the end the tree is what it was: every
file with its content, and nothing else.
"""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2] / "tests"
sys.path[:0] = [str(Path(__file__).parent), str(TESTS)]

from kills import Trial, run_trials  # noqa: E402  found by the line above
from shoots import contents, make_shoot, tree  # noqa: E402

BIQA = [sys.executable, str(TESTS / "brightness_biqa.py"), "cull"]
PATIENCE = 60


def kill_once(work: Path, chance: random.Random, *, scenes: int = 6) -> str:
    """Kill one run and check what is left; return what was done, in words.

    Raises:
        AssertionError: If a file is lost, doubled or changed, or a command fails.
    """
    shoot, folder = work / "shoot", work / "journals"
    make_shoot(shoot, scenes=scenes)
    before, photos = tree(shoot), contents(shoot)
    environment = {**os.environ, "BIQA_JOURNALS": str(folder)}
    command = [*BIQA, str(shoot), "--move", "--picks", str(shoot / "picks")]
    command += ["--rejects", str(shoot / "out"), "--xmp", "--apply", "-q"]

    def kill(arguments: list[str], lines: int) -> bool:
        """Kill a command once its journal has so many lines more; return whether it was."""
        have = _lines(folder)
        process = subprocess.Popen(  # noqa: S603  biqa itself
            arguments, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + PATIENCE
        while process.poll() is None and _lines(folder) < have + lines:
            assert time.monotonic() < deadline, "it does not go on"
            time.sleep(0.002)
        time.sleep(chance.uniform(0, 0.01))
        process.kill()
        return process.wait() != 0

    def run(arguments: list[str]) -> None:
        done = subprocess.run(arguments, env=environment, capture_output=True, check=False)  # noqa: S603  biqa itself
        assert done.returncode == 0, done.stderr.decode()

    def check(when: str) -> None:
        there = "\n".join(f"{name} {digest[:8]}" for name, digest in tree(shoot).items())
        assert contents(shoot) == photos, f"a photo is lost or doubled {when}:\n{there}"

    # A file is planned in up to three lines, and begun in as many.
    moment = chance.randint(1, len(before) * 7)
    was_killed = kill(command, moment)
    check("after the kill")
    journals = sorted(folder.glob("*.jsonl"))
    said = f"{'killed' if was_killed else 'ended'} after {_lines(folder)} lines"
    if not journals:
        assert tree(shoot) == before, "files changed without a journal"
        return f"{said}, before the journal"
    # A run may be killed after the last line of its journal, too.
    if chance.random() < 0.5 and '"finished"' not in (noted := journals[0].read_text("ascii")):
        # Where the plan was not whole, nothing was begun: the command is run again.
        finish = [*BIQA, "--finish", str(journals[0]), "-q"]
        run(finish if '"ready"' in noted else command)
        check("after it was finished")
        said += ", finished"
    for journal in sorted(folder.glob("*.jsonl"), reverse=True):
        undo = [*BIQA, "--undo", str(journal), "-q"]
        if chance.random() < 0.5 and kill(undo, chance.randint(1, 2)):
            check("by undoing")
            said += ", undoing killed"
        if '"undone"' not in journal.read_text(encoding="ascii"):
            run(undo)
    assert tree(shoot) == before, "the tree is not what it was"
    return f"{said}, undone"


def _lines(folder: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in folder.glob("*.jsonl"))


def prepare(_: Path) -> Trial:
    """Return a trial that kills a run over a shoot of its own."""

    def one(folder: Path, number: int, chance: random.Random) -> tuple[str, str]:
        try:
            return kill_once(folder, chance), ""
        except AssertionError as error:
            return f"{number + 1} of them", str(error)

    return one


if __name__ == "__main__":
    run_trials(__doc__, kills=20, prepare=prepare)
