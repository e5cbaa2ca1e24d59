"""Small real things that tests score and read: photos in every format, a model of one line."""

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from biqa_cli.models.base import EngineName
from biqa_cli.models.loading import LoadedModel
from biqa_cli.models.spec import InputContract, ModelSpec, ScoreScale

EXAMPLES = Path(__file__).parent.parent / "examples" / "photos"


class BrightnessEngine:
    """A model that can be checked by hand: the native score is the mean of the view."""

    name: EngineName = "torch"
    device = "cpu"

    def __init__(self) -> None:
        self.batches: list[int] = []

    def predict(self, views: NDArray[np.float32]) -> NDArray[np.float64]:
        self.batches.append(len(views))
        return views.mean(axis=(1, 2, 3), dtype=np.float64)


def brightness_model(*, height: int = 16, width: int = 16) -> LoadedModel:
    """Return a model whose score is the brightness of the photo in percent."""
    spec = ModelSpec(
        name="brightness",
        family="blockiqa",
        trunks=("efficientnet-lite0",),
        input=InputContract(height, width, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)),
        scale=ScoreScale(0.0, 1.0, higher_is_better=True, meaning="brightness"),
        parameters=0,
        macs=0,
        summary="",
        citation="",
    )
    return LoadedModel(spec, BrightnessEngine(), weights_sha256="0" * 64)


def photo(width: int = 64, height: int = 48, *, seed: int = 0) -> Image.Image:
    """Return a colourful photo-like image: smooth, with some texture."""
    rng = np.random.default_rng(seed)
    coarse = rng.uniform(0, 255, (6, 8, 3)).astype(np.uint8)
    smooth = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    texture = rng.normal(0, 8, (height, width, 3))
    return Image.fromarray((np.asarray(smooth) + texture).clip(0, 255).astype(np.uint8))


def grey_png(path: Path, value: int) -> str:
    """Write a small photo of one grey and return its name."""
    Image.new("RGB", (8, 8), (value,) * 3).save(path)
    return str(path)


def png_bomb(path: Path, side: int) -> None:
    """Write a valid PNG of side × side black pixels in a few kilobytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    squeezer = zlib.compressobj(9)
    row = b"\0" * (side // 8 + 2)
    body = b"".join(squeezer.compress(row) for _ in range(side)) + squeezer.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )
