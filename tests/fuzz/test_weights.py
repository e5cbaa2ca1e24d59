"""`tools/fuzz/weights.py`, run small: it finds nothing, and would find a fault."""

import subprocess
import sys
from pathlib import Path

import pytest
from tool_loading import load_tool

tool = load_tool("fuzz/weights")


@pytest.mark.slow
def test_mutations_of_weights_are_refused() -> None:
    # A process of its own: a child that is forked off the tests has their peak of memory.
    script = Path(tool.__file__)
    done = subprocess.run(
        [sys.executable, str(script), "--count", "10", "--seed", "7"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0 and "'right': 10" in done.stdout, done.stdout + done.stderr


@pytest.mark.slow
def test_weights_that_load_are_a_finding(tmp_path: Path) -> None:
    (tmp_path / "good").write_bytes(tool.read_good().content())
    outcome = tool.load_one("good", tmp_path / "good")
    assert (outcome.told, outcome.is_right) == ("loaded", False)


@pytest.mark.parametrize("name", tool.MUTATIONS)
def test_every_mutation_changes_the_file(name: str) -> None:
    import copy
    import random

    good = tool.read_good()
    changed = tool.MUTATIONS[name](copy.deepcopy(good), random.Random(1))
    assert changed != good.content()
