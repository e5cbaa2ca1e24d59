import re

import pytest
from tool_loading import load_tool

tool = load_tool("write_cli_docs")


@pytest.mark.parametrize("name", tool.COMMANDS)
def test_the_docs_hold_the_current_help(name: str) -> None:
    page = (tool.DOCS / f"{name}.md").read_text(encoding="utf-8")
    assert page == tool.with_help(page, tool.COMMANDS[name]), "run `make docs`"


@pytest.mark.slow
def test_the_docs_hold_the_current_list_of_studies() -> None:
    page = tool.STUDIES.read_text(encoding="utf-8")
    assert page == tool.with_studies(page), "run `make docs`"


def test_the_table_of_variables_is_complete() -> None:
    table = (tool.DOCS / "score.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(BIQA_\w+)` \|.*\| (.*) \|$", table, re.MULTILINE))
    used: dict[str, set[str]] = {}
    for name in tool.COMMANDS:
        page = (tool.DOCS / f"{name}.md").read_text(encoding="utf-8")
        for variable in re.findall(r"\[env var:\s+(BIQA_\w+)", page):
            used.setdefault(variable, set()).add(name)
    assert used
    assert {variable: set(rows[variable].split(", ")) for variable in used} == used
