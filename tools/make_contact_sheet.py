"""Make the contact sheets of docs/distortions.md: kinds at four levels, at full resolution.

Run:  python tools/make_contact_sheet.py docs/images/distortions.jpg docs/images/flaws.jpg

The first has the kinds of the paper, the second all others.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from biqa_cli.distortions.catalog import DISTORTIONS, LEVELS, SHDIQA_DISTORTIONS, Distortion
from biqa_cli.distortions.distort import distort
from biqa_cli.distortions.eight_bits import from_bytes, to_bytes

EXAMPLES = Path(__file__).parent.parent / "examples" / "photos"
# Of the photo, 512×384 pixels, for which the counts of blocks and patches were made.
CROP = (60, 10, 572, 394)
# What the sheets show of that: left, top, right, bottom. Some flaws show away from the centre.
WINDOW, AWAY = (244, 146, 428, 284), (0, 0, 184, 138)
# With these seeds blocks lie inside the windows.
SEEDS = {WINDOW: 182, AWAY: 281}
GAP, LABEL, FONT_SIZE = 6, 22, 13
QUALITY = 72


def reference() -> NDArray[np.float32]:
    """Return the undistorted photo."""
    return from_bytes(np.asarray(Image.open(EXAMPLES / "coffee.jpg").crop(CROP)))


def sheet(kinds: Sequence[Distortion], *, window: tuple[int, int, int, int]) -> Image.Image:
    """Return a sheet: the photo on top, then a row of four levels for each kind."""

    def shown(image: NDArray[np.float32]) -> Image.Image:
        return Image.fromarray(to_bytes(image)).crop(window)

    tile_width, tile_height = window[2] - window[0], window[3] - window[1]
    row_height = LABEL + tile_height + GAP
    size = (GAP + len(LEVELS) * (tile_width + GAP), (len(kinds) + 1) * row_height)
    canvas = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(FONT_SIZE)
    photo = reference()
    draw.text((GAP, 3), "the photo", "black", font)
    canvas.paste(shown(photo), (GAP, LABEL))
    for row, distortion in enumerate(kinds, start=1):
        for column, level in enumerate(LEVELS):
            x, y = GAP + column * (tile_width + GAP), row * row_height
            degraded = distort(photo, kind=distortion.name, level=level, seed=SEEDS[window])
            canvas.paste(shown(degraded), (x, y + LABEL))
            draw.text((x, y + 3), caption(distortion, level), "black", font)
    return canvas


def caption(distortion: Distortion, level: int) -> str:
    """Return the words above a tile; the first of a row also names the kind."""
    value = f"{distortion.levels[level - 1]:g}"
    return f"{distortion.number} {distortion.name}  {value}" if level == 1 else value


if __name__ == "__main__":
    others = DISTORTIONS[len(SHDIQA_DISTORTIONS) :]
    of_paper, of_others = (Path(name) for name in sys.argv[1:])
    for output, kinds, part in (
        (of_paper, SHDIQA_DISTORTIONS, WINDOW),
        (of_others, others, AWAY),
    ):
        output.parent.mkdir(parents=True, exist_ok=True)
        made = sheet(kinds, window=part)
        made.save(output, quality=QUALITY, subsampling="4:4:4", optimize=True)
        print(f"{output}: {output.stat().st_size / 1000:.0f} kB")
