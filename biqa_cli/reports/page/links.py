"""Addresses and commands by which a page refers to files."""

import os
import shlex
from pathlib import Path
from urllib.parse import quote

from biqa_cli.reports.rows import printable


def address_of(file: Path, *, page: Path) -> str:
    """Return how a page refers to a file, whatever bytes its name is made of.

    The address is relative where the file lies in the page's folder or below, so that the folder
    can be moved, and absolute elsewhere, so that the page can.
    """
    target, folder = Path(os.path.abspath(file)), Path(os.path.abspath(page)).parent  # noqa: PTH100
    if target.is_relative_to(folder):
        # "./" keeps a name with a colon from being read as a scheme.
        return "./" + quote(os.fsencode(target.relative_to(folder).as_posix()))
    path = target.as_posix()
    return "file://" + quote(os.fsencode(path if path.startswith("/") else f"/{path}"))


def heatmap_command(path: str, *, model: str) -> str:
    """Return the command that draws a photo's quality map; empty if there is none.

    A name cannot be typed that has control characters; and the command reads files alone, no photo
    in an archive, in a table or behind an address.

    Args:
        path: The photo.
        model: What has scored it: a name, or a file of weights.
    """
    if not os.path.isfile(path):  # noqa: PTH113  Path raises for names that are too long
        return ""
    words = ["biqa", "heatmap", f"./{path}" if path.startswith("-") else path, "-m", model]
    return shlex.join(words) if all(printable(word) == word for word in words) else ""
