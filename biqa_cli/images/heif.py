"""HEIC, what phones save: opened by pillow-heif, which is an extra since Pillow cannot read it."""

from typing import IO

from PIL import Image

from biqa_cli.errors import ImageError


def open_heif(file: IO[bytes]) -> Image.Image:
    """Return the primary image of a HEIC file, upright, not decoded yet.

    Raises:
        ImageError: If pillow-heif is not installed.
    """
    try:
        # Its class and not its plugin: to register one would change what Pillow does for others.
        from pillow_heif import HeifImageFile
    except ImportError as error:
        msg = "is HEIC, which needs pillow-heif: run `pip install 'biqa-cli[heic]'`"
        raise ImageError(msg) from error
    image: Image.Image = HeifImageFile(file)  # type: ignore[no-untyped-call]  # pillow-heif
    return image
