"""Photos and pages for the tests of the report."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from biqa_cli.reports.page.document import Heading
from biqa_cli.reports.page.records import PagePhoto
from biqa_cli.reports.page.writing import write_page

HOSTILE = '"><img src=x onerror=alert(1)></script><!--.jpg'
HOSTILE_NAME = '"><img src=x onerror=alert(1)>.jpg'
HEADING = Heading("A day out", model="qualitynet-lite", facts=(("Model", "qualitynet-lite"),))


def saved(folder: Path, name: str, *, width: int = 640, height: int = 480, seed: int = 0) -> str:
    """Write a small photo and return its name."""
    file = folder / name
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    Image.fromarray(coarse).resize((width, height)).save(file)
    return str(file)


def page_of(
    folder: Path, photos: list[PagePhoto], name: str = "out.html", **options: Any
) -> tuple[Path, str]:
    """Write a page and return its name and text."""
    path = folder / name
    write_page(path, photos, heading=options.pop("heading", HEADING), workers=1, **options)
    return path, path.read_text(encoding="utf-8")


def data_of(page: str) -> dict[str, Any]:
    """Return what the scripts of a page read."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data
