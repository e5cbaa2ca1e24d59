"""The scripts in tools/ and benchmarks/, which are no packages, as modules."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

_ROOT = Path(__file__).parents[1]


def load_tool(name: str) -> ModuleType:
    """Return the module of `tools/<name>.py`."""
    return _load(name, _ROOT / "tools")


def load_benchmark(name: str) -> ModuleType:
    """Return the module of `benchmarks/<name>.py`, which may import those beside it."""
    folder = str(_ROOT / "benchmarks")
    # As when it runs as a script.
    sys.path.insert(0, folder)
    try:
        return _load(name, _ROOT / "benchmarks")
    finally:
        sys.path.remove(folder)


def _load(name: str, folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Dataclasses look their module up.
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
