"""The scripts in tools/, which are no package, as modules."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

_TOOLS = Path(__file__).parents[1] / "tools"


def load_tool(name: str) -> ModuleType:
    """Return the module of `tools/<name>.py`."""
    spec = importlib.util.spec_from_file_location(name, _TOOLS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up.
    sys.modules[name] = tool
    spec.loader.exec_module(tool)
    return tool
