import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_SPEC = importlib.util.spec_from_file_location("tool", ROOT / "tools" / "write_cli_docs.py")
assert _SPEC is not None and _SPEC.loader is not None
tool = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(tool)


@pytest.mark.parametrize("name", tool.COMMANDS)
def test_the_docs_hold_the_current_help(name: str) -> None:
    page = (tool.DOCS / f"{name}.md").read_text(encoding="utf-8")
    assert page == tool.with_help(page, tool.COMMANDS[name]), "run `make docs`"
