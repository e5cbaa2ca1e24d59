"""One sentence on why a file could not be read, whatever its decoder raised."""

import logging

from PIL import Image

from biqa_cli.images.header import TRUNCATED, Format

logger = logging.getLogger(__name__)

# What decoders say of a file that ends too early.
_CUT = ("truncated", "bytes not processed", "unexpected end of file", "end of input", "eof")
_REASONS: dict[type[BaseException], str] = {
    FileNotFoundError: "no such file",
    IsADirectoryError: "is a folder, not a photo",
    PermissionError: "no permission to read it",
    MemoryError: "not enough memory to decode it",
    NotADirectoryError: "no such file: a part of its path is not a folder",
    Image.DecompressionBombError: "has more pixels than its decoder accepts",
}


def explain(error: Exception, kind: Format | None) -> str:
    """Return why a file could not be read; what only a programmer understands is logged.

    Args:
        error: Raised by whatever read it.
        kind: The format, None where it was not known yet.
    """
    if type(error) in _REASONS:
        return _REASONS[type(error)]
    said = " ".join(str(error).split())
    logger.info("reading failed: %s: %s", type(error).__name__, said)
    # Of the system, not of a decoder: those have no number.
    if isinstance(error, OSError) and error.errno is not None and error.strerror:
        return f"cannot be read: {error.strerror}"
    if kind is None:
        return "cannot be read: its name is no name of a file"
    if any(sign in said.lower() for sign in _CUT):
        return TRUNCATED
    return f"the file is damaged: the {kind} decoder cannot read it"
