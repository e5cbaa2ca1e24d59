from pathlib import Path

import pytest
from tool_loading import load_tool

tool = load_tool("kill_culls")


@pytest.mark.slow
def test_a_run_that_is_killed_loses_nothing_and_is_undone(tmp_path: Path) -> None:
    for seed in (1, 3):
        work = tmp_path / str(seed)
        said = tool.kill_once(work, seed=seed, scenes=2)
        assert said.endswith(("undone", "before the journal"))
