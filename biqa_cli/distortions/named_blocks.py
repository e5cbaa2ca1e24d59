"""Halves and quarters of an image by name: integers only."""

from typing import Literal, get_args

from biqa_cli.errors import UsageError

BlockName = Literal[
    "left",
    "right",
    "top",
    "bottom",
    "top-left",
    "top-right",
    "bottom-left",
    "bottom-right",
]


Partition = Literal["vertical", "horizontal", "grid"]
"""How SHDIQA cuts an image (supplement, section 3 and Table 3)."""

PARTITIONS: dict[Partition, tuple[BlockName, ...]] = {
    "vertical": ("left", "right"),
    "horizontal": ("top", "bottom"),
    "grid": ("top-left", "top-right", "bottom-left", "bottom-right"),
}


def block_slices(height: int, width: int, *, block: BlockName) -> tuple[slice, slice]:
    """Return the rows and columns of a half or a quarter.

    The cut lies after ⌊H/2⌋ rows and ⌊W/2⌋ columns, so two halves or four quarters cover the
    image once.

    Raises:
        UsageError: If there is no block of that name, or the image is one pixel wide or high
            where it would have to be cut.

    Example:
        >>> block_slices(224, 225, block="right")
        (slice(0, 224, None), slice(112, 225, None))
    """
    if block not in get_args(BlockName):
        msg = f"there is no block {block!r}: there are {', '.join(get_args(BlockName))}"
        raise UsageError(msg)
    cuts_rows, cuts_columns = block.startswith(("top", "bottom")), block.endswith(("left", "right"))
    if (cuts_rows and height < 2) or (cuts_columns and width < 2):  # noqa: PLR2004  two halves
        msg = f"an image of {width}×{height} pixels has no {block} block: it takes 2 pixels to cut"
        raise UsageError(msg)
    rows, columns = slice(0, height), slice(0, width)
    if cuts_rows:
        middle = height // 2
        rows = slice(0, middle) if block.startswith("top") else slice(middle, height)
    if cuts_columns:
        middle = width // 2
        columns = slice(0, middle) if block.endswith("left") else slice(middle, width)
    return rows, columns
