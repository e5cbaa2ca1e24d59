"""Pictures with Matplotlib (an extra): one set of axes to a file, without a window."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from biqa_cli.errors import DependencyError, UsageError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's colours, which colour-blind readers tell apart.
BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#666666"
COLOURS = (BLUE, ORANGE, "#009E73", "#CC79A7", "#E69F00", "#56B4E9", GREY)


@contextmanager
def figure_at(path: Path, *, size: tuple[float, float]) -> Iterator["Axes"]:
    """Yield axes to draw on; what is on them goes to a file, whose folder is made.

    Args:
        path: Of the picture; its suffix says in which format.
        size: Width and height in inches of 120 pixels.

    Raises:
        DependencyError: If Matplotlib is not installed.
        UsageError: If the folder or the file cannot be written.
    """
    pyplot = _pyplot()
    figure, axes = pyplot.subplots(figsize=size, layout="constrained")
    try:
        yield axes
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, dpi=120)
    except OSError as error:
        msg = f"cannot write {path}: {error.strerror or error}"
        raise UsageError(msg) from error
    finally:
        pyplot.close(figure)


def has_matplotlib() -> bool:
    """Return whether Matplotlib is installed; it is not imported."""
    return find_spec("matplotlib") is not None


def require_matplotlib() -> None:
    """Refuse to draw where Matplotlib is missing; it is not imported.

    Raises:
        DependencyError: If it is not installed.
    """
    if not has_matplotlib():
        msg = "--plots needs Matplotlib, which is not installed: pip install 'biqa-cli[plots]'"
        raise DependencyError(msg)


def _pyplot() -> ModuleType:
    require_matplotlib()
    import matplotlib as mpl

    # Figures go to files: no window, no display.
    mpl.use("agg")
    return import_module("matplotlib.pyplot")
