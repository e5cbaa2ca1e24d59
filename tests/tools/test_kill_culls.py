from pathlib import Path

import pytest
from tool_loading import load_tool

tool = load_tool("kill_culls")


@pytest.mark.parametrize("seed", [1, 2])
def test_a_run_that_is_killed_loses_nothing_and_is_undone(tmp_path: Path, seed: int) -> None:
    assert tool.kill_once(tmp_path, seed=seed, scenes=2).endswith(("undone", "before the journal"))
