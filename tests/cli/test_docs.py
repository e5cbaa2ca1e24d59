import pytest
from tool_loading import load_tool

tool = load_tool("write_cli_docs")


@pytest.mark.parametrize("name", tool.COMMANDS)
def test_the_docs_hold_the_current_help(name: str) -> None:
    page = (tool.DOCS / f"{name}.md").read_text(encoding="utf-8")
    assert page == tool.with_help(page, tool.COMMANDS[name]), "run `make docs`"
