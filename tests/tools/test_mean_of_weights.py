from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from tool_loading import load_tool

tool = load_tool("mean_of_weights")


def test_floats_are_a_mean_and_counts_are_as_they_were_learnt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start, learnt = tmp_path / "start.safetensors", tmp_path / "best.safetensors"
    save_file({"w": np.float32([0, 4]), "n": np.int64([1])}, start, {"biqa": "old"})
    save_file({"w": np.float32([8, 0]), "n": np.int64([9])}, learnt, {"biqa": "new"})
    monkeypatch.setattr("sys.argv", ["", str(start), str(learnt), "--share", "0.25"])
    tool.main()
    found = load_file(learnt)
    assert found["w"].tolist() == [2, 3] and found["w"].dtype == np.float32
    assert found["n"].tolist() == [9]
    with tool.safe_open(learnt, framework="np") as file:
        assert file.metadata() == {"biqa": "new"}


def test_two_networks_have_no_mean() -> None:
    one, other = {"w": np.zeros(3, np.float32)}, {"w": np.zeros(4, np.float32)}
    with pytest.raises(ValueError, match="two networks"):
        tool.mean(one, other, 0.5)
