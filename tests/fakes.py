"""Small real things that tests score and read: photos in every format, a model of one line."""

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from biqa_cli.models.base import EngineName, Parts, Predictions
from biqa_cli.models.loading import LoadedModel
from biqa_cli.models.spec import InputContract, ModelSpec, ScoreScale

EXAMPLES = Path(__file__).parent.parent / "examples" / "photos"


class BrightnessEngine:
    """A model that can be checked by hand: the native score is the mean of the view."""

    name: EngineName = "torch"
    device = "cpu"
    parts: Parts | None = None

    def __init__(self) -> None:
        self.batches: list[int] = []

    def predict(self, views: NDArray[np.float32]) -> Predictions:
        self.batches.append(len(views))
        return Predictions(views.mean(axis=(1, 2, 3), dtype=np.float64))


def brightness_model(*, height: int = 16, width: int = 16) -> LoadedModel:
    """Return a model whose score is the brightness of the photo in percent."""
    spec = ModelSpec(
        name="brightness",
        family="blockiqa",
        backbones=("efficientnet-lite0",),
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


def linear_profile() -> bytes:
    """Return an ICC profile with sRGB's primaries and a gamma of one."""

    def s15(value: float) -> bytes:
        return round(value * 65536).to_bytes(4, "big", signed=True)

    def xyz(*values: float) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(s15(value) for value in values)

    curve = b"curv\0\0\0\0\0\0\0\0"
    text = b"desc\0\0\0\0\0\0\0\x07linear\0" + b"\0" * 79
    tags = {
        b"desc": text + b"\0" * (-len(text) % 4),
        b"wtpt": xyz(0.9642, 1.0, 0.8249),
        b"rXYZ": xyz(0.4361, 0.2225, 0.0139),
        b"gXYZ": xyz(0.3851, 0.7169, 0.0971),
        b"bXYZ": xyz(0.1431, 0.0606, 0.7141),
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    table, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += name + (start + len(body)).to_bytes(4, "big") + len(data).to_bytes(4, "big")
        body += data
    head = bytearray(128)
    head[0:4] = (start + len(body)).to_bytes(4, "big")
    head[8:12] = b"\x02\x40\0\0"
    head[12:24] = b"mntrRGB XYZ "
    head[36:40] = b"acsp"
    head[68:80] = s15(0.9642) + s15(1.0) + s15(0.8249)
    return bytes(head) + len(tags).to_bytes(4, "big") + table + body
