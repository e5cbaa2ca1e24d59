"""HEIC, what phones save: opened by pillow-heif, which is an extra since Pillow cannot read it."""

from typing import IO

from PIL import Image

from biqa_cli.errors import ImageError

# Major brands (ISO/IEC 23008-12, annex B): HEVC still images and sequences, and the format's own.
_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_HEAD = 12


def is_heif(file: IO[bytes]) -> bool:
    """Return whether a file begins as HEIC does; it is left where it was, at its beginning."""
    head = file.read(_HEAD)
    file.seek(0)
    return head[4:8] == b"ftyp" and head[8:] in _BRANDS


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
