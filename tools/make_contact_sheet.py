"""Make the contact sheet of docs/distortions.md: 24 kinds at four levels, at full resolution.

Run:  python tools/make_contact_sheet.py docs/images/distortions.jpg
"""

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from biqa_cli.distortions.catalog import DISTORTIONS, LEVELS, Distortion
from biqa_cli.distortions.distort import distort
from biqa_cli.distortions.eight_bits import from_bytes, to_bytes

EXAMPLES = Path(__file__).parent.parent / "examples" / "photos"
# Of the photo, 512×384 pixels, for which the counts of blocks and patches were made.
CROP = (60, 10, 572, 394)
# What the sheet shows of that: left, top, right, bottom.
WINDOW = (244, 146, 428, 284)
# With this seed blocks of colour lie inside the window.
SEED = 182
GAP, LABEL, FONT_SIZE = 6, 22, 13
QUALITY = 72


def reference() -> NDArray[np.float32]:
    """Return the undistorted photo."""
    return from_bytes(np.asarray(Image.open(EXAMPLES / "coffee.jpg").crop(CROP)))


def window(image: NDArray[np.float32]) -> Image.Image:
    """Return what the sheet shows of an image."""
    return Image.fromarray(to_bytes(image)).crop(WINDOW)


def sheet() -> Image.Image:
    """Return the sheet: the photo on top, then a row of four levels for each kind."""
    tile_width, tile_height = WINDOW[2] - WINDOW[0], WINDOW[3] - WINDOW[1]
    row_height = LABEL + tile_height + GAP
    size = (GAP + len(LEVELS) * (tile_width + GAP), (len(DISTORTIONS) + 1) * row_height)
    canvas = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(canvas)
    font = ImageFont.load_default(FONT_SIZE)
    photo = reference()
    draw.text((GAP, 3), "the photo", "black", font)
    canvas.paste(window(photo), (GAP, LABEL))
    for row, distortion in enumerate(DISTORTIONS, start=1):
        for column, level in enumerate(LEVELS):
            x, y = GAP + column * (tile_width + GAP), row * row_height
            degraded = distort(photo, kind=distortion.name, level=level, seed=SEED)
            canvas.paste(window(degraded), (x, y + LABEL))
            draw.text((x, y + 3), caption(distortion, level), "black", font)
    return canvas


def caption(distortion: Distortion, level: int) -> str:
    """Return the words above a tile; the first of a row also names the kind."""
    value = f"{distortion.levels[level - 1]:g}"
    return f"{distortion.number} {distortion.name}  {value}" if level == 1 else value


if __name__ == "__main__":
    output = Path(sys.argv[1])
    output.parent.mkdir(parents=True, exist_ok=True)
    sheet().save(output, quality=QUALITY, subsampling="4:4:4", optimize=True)
    print(f"{output}: {output.stat().st_size / 1000:.0f} kB")
