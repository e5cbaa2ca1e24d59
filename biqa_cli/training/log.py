"""The curves of a training as a table and as a picture."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from biqa_cli.whole_files import write_whole

Row = dict[str, Any]

_BLUE, _ORANGE, _GREEN = "#0072B2", "#D55E00", "#009E73"


def write_log(path: Path, rows: Sequence[Row]) -> None:
    """Write a row an epoch; a column that a phase does not have is empty there."""
    columns = list(dict.fromkeys(key for row in rows for key in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_whole(path, text.getvalue())


def draw_curves(path: Path, rows: Sequence[Row]) -> bool:
    """Draw loss and correlations over the epochs; return False where Matplotlib is missing."""
    try:
        import matplotlib as mpl
    except ImportError:
        return False
    # Figures go to files: no window, no display.
    mpl.use("agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    epochs = range(1, len(rows) + 1)
    left.plot(epochs, [row["loss"] for row in rows], color=_BLUE, label="training")
    judged = [(epoch, row) for epoch, row in zip(epochs, rows, strict=True) if "srcc" in row]
    left.set_ylabel("loss")
    left.legend()
    for key, colour in (("srcc", _BLUE), ("plcc", _ORANGE), ("krcc", _GREEN)):
        values = [row[key] for _, row in judged]
        right.plot([epoch for epoch, _ in judged], values, color=colour, label=key.upper())
    right.set_ylabel("agreement on val")
    if judged:
        right.legend()
    for axes in (left, right):
        axes.set_xlabel("epoch, all phases")
    figure.savefig(path, dpi=120)
    plt.close(figure)
    return True
