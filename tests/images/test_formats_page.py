from pathlib import Path

import pytest
from tool_loading import load_tool

PAGE = Path(__file__).parents[2] / "docs" / "formats.md"


@pytest.mark.slow
def test_the_table_of_formats_is_what_reading_does() -> None:
    tool = load_tool("write_formats_table")
    table = tool.table()
    assert table in PAGE.read_text(encoding="utf-8"), "run python tools/write_formats_table.py"
    assert "other pixels" not in table
