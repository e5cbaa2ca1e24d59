"""From pixels to a file, in the format that its suffix names."""

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biqa_cli.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ImageFormat:
    """How Pillow is asked to write a format."""

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    lossless: bool = True


_TIFF = ImageFormat("TIFF", {"compression": "tiff_deflate"})
_JPEG = ImageFormat("JPEG", {"quality": 95, "subsampling": "4:4:4"}, lossless=False)
_FORMATS = {
    ".png": ImageFormat("PNG"),
    ".webp": ImageFormat("WEBP", {"lossless": True}),
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".bmp": ImageFormat("BMP"),
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
}


def format_of_image(path: Path) -> ImageFormat:
    """Return the format that a file's suffix stands for, PNG where there is none.

    Raises:
        UsageError: If it stands for no format that is written.
    """
    suffix = path.suffix.lower() or ".png"
    if suffix not in _FORMATS:
        msg = f"what format is {path.name!r}? use one of {', '.join(_FORMATS)}"
        raise UsageError(msg)
    return _FORMATS[suffix]


def encode_image(pixels: "NDArray[np.uint8]", path: Path) -> bytes:
    """Return RGB bytes (H, W, 3) as a file of the format that the suffix of `path` names.

    Raises:
        UsageError: If there is no such format, or it cannot hold them.
    """
    from PIL import Image

    chosen, encoded = format_of_image(path), io.BytesIO()
    try:
        Image.fromarray(pixels).save(encoded, chosen.name, **chosen.options)
    except (OSError, ValueError) as error:
        # Pillow's word for more pixels than a format can hold.
        msg = f"cannot write {path}: {error}"
        raise UsageError(msg) from error
    return encoded.getvalue()
