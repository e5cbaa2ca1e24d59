"""The miniature set as files: photos and a table of ratings, as a user would bring them."""

from pathlib import Path

import numpy as np
import pytest
from miniature import miniature
from PIL import Image
from tiny_backbone import TinyBackbone

from biqa_cli.networks.backbones import Backbone

TINY = ("efficientnet-lite0", "efficientnet-lite2", "resnet50")
"""The backbones that `use_tiny_backbones` replaces."""


def rated_miniature(folder: Path, *, size: int = 64, types: bool = False) -> Path:
    """Write 32 photos as PNG and their ratings as CSV; return the CSV."""
    photos = miniature(size)
    rows = ["path,mos,type" if types else "path,mos"]
    for number, (image, mos, kind) in enumerate(
        zip(photos.images, photos.mos.tolist(), photos.kinds.tolist(), strict=True)
    ):
        pixels = (image.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number:02}.png")
        of_type = f",{('blur', 'noise')[kind]}" if types else ""
        rows.append(f"{number:02}.png,{mos:.4f}{of_type}")
    table = folder / "ratings.csv"
    table.write_text("\n".join(rows) + "\n")
    return table


def use_tiny_backbones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the Lite backbones and ResNet-50 be networks of a few thousand parameters."""
    backbones: dict[str, type[Backbone]] = dict.fromkeys(TINY, TinyBackbone)
    monkeypatch.setattr("biqa_cli.models.build._BACKBONES", backbones)
