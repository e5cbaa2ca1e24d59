"""Frames around blocks of a picture, and labels that hide none of them."""

from collections.abc import Iterator, Sequence

from PIL import Image, ImageDraw, ImageFont

from biqa_cli.explain.records import BlockScore

PAPER, INK = (255, 255, 255), (20, 20, 20)

LIKELY = 0.5
"""How strong a flaw is that stands beside a score."""
_LEAST_LETTERS = 13
"""In pixels: smaller ones cannot be read."""
# Of the shorter side of a frame, so that its block remains visible.
_MOST_OF_FRAME = 0.3

Box = tuple[int, int, int, int]
"""Left, top, right and bottom, in pixels, all of them inside."""


def font_size(side: int) -> int:
    """Return the height of letters, in pixels, that suits a picture of this longest side."""
    return min(max(side // 56, _LEAST_LETTERS), 30)


def frame_blocks(
    picture: Image.Image, blocks: Sequence[BlockScore], *, scale_x: float, scale_y: float
) -> None:
    """Draw a frame around each block, just inside its pixels, with its score and its flaw.

    A label lies in the corner of its frame if it fits in there, otherwise beside it.

    Args:
        picture: Is drawn upon.
        blocks: In pixels of the photo.
        scale_x: Pixels of the picture for one of the photo.
        scale_y: Likewise.
    """
    draw = ImageDraw.Draw(picture)
    size = font_size(max(picture.size))
    stroke = max(2, size // 8)
    boxes = [_box_of(block, scale_x, scale_y) for block in blocks]
    for left, top, right, bottom in boxes:
        draw.rectangle((left, top, right, bottom), outline=INK, width=3 * stroke)
        if min(right - left, bottom - top) > 4 * stroke:
            inside = (left + stroke, top + stroke, right - stroke, bottom - stroke)
            draw.rectangle(inside, outline=PAPER, width=stroke)
    # After all frames, so that none of them covers a label.
    taken = list(boxes)
    for block, box in zip(blocks, boxes, strict=True):
        named = f" {block.flaw}" if block.strength >= LIKELY else ""
        text = f"{block.score:.0f}{named}"
        shorter = min(box[2] - box[0], box[3] - box[1])
        letters = min(round(1.2 * size), max(round(_MOST_OF_FRAME * shorter), _LEAST_LETTERS))
        plate = _place(box, plate_size(text, letters), picture.size, taken)
        write_on_plate(draw, plate[:2], text, size=letters)
        taken.append(plate)


def _box_of(block: BlockScore, scale_x: float, scale_y: float) -> Box:
    left, top = round(block.x * scale_x), round(block.y * scale_y)
    right = max(left, round((block.x + block.width) * scale_x) - 1)
    bottom = max(top, round((block.y + block.height) * scale_y) - 1)
    return left, top, right, bottom


def _place(frame: Box, plate: tuple[int, int], picture: tuple[int, int], taken: list[Box]) -> Box:
    """Return where a plate (width, height) lies: in its frame, or free beside it."""
    left, top, right, bottom = frame
    inside = (left, top, left + plate[0] - 1, top + plate[1] - 1)
    if inside[2] <= right and inside[3] <= bottom:
        return inside
    beside = [box for box in _beside(frame, plate, picture) if _holds(picture, box)]
    free = [box for box in beside if not any(_overlap(box, other) for other in taken)]
    return next(iter(free or beside), inside)


def _beside(frame: Box, plate: tuple[int, int], picture: tuple[int, int]) -> Iterator[Box]:
    """Yield places above, below, right and left of a frame, pushed into the picture sideways."""
    left, top, right, bottom = frame
    width, height = plate
    along = max(0, min(left, picture[0] - width))
    for x, y in (
        (along, top - height),
        (along, bottom + 1),
        (right + 1, top),
        (left - width, top),
    ):
        yield x, y, x + width - 1, y + height - 1


def _holds(picture: tuple[int, int], box: Box) -> bool:
    return min(box[:2]) >= 0 and box[2] < picture[0] and box[3] < picture[1]


def _overlap(one: Box, other: Box) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]


def plate_size(text: str, size: int) -> tuple[int, int]:
    """Return the (width, height) of a plate with text, in pixels."""
    length = ImageFont.load_default(size).getlength(text)
    return round(length) + 2 * _margin(size) + 1, round(1.4 * size) + 1


def write_on_plate(draw: ImageDraw.ImageDraw, at: tuple[int, int], text: str, *, size: int) -> None:
    """Write light text on a dark plate whose upper left corner is `at`."""
    x, y = at
    width, height = plate_size(text, size)
    draw.rectangle((x, y, x + width - 1, y + height - 1), fill=INK)
    font = ImageFont.load_default(size)
    draw.text((x + _margin(size), y + 0.7 * size), text, PAPER, font, "lm")


def _margin(size: int) -> int:
    return max(2, size // 4)
