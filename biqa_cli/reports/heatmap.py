"""Local scores as a picture for people and as data for programs."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from biqa_cli.explain.records import BlockScore, ScoreMap
from biqa_cli.reports.block_frames import INK, LIKELY, PAPER, font_size, frame_blocks
from biqa_cli.reports.colour_scale import colour_bar, colours_of
from biqa_cli.results import RunInfo

LOWEST, HIGHEST = 25, 85
"""Scores of the darkest and the lightest colour: what lies outside has the colour of its end. Of
blocks of 70 photos, 5 % scored below 25 and 0.4 % above 85 (docs/heatmap.md)."""

_LEAST_SIDE = 640
_GAP = 12
# How much of the photo's detail shows through the colours.
_RELIEF = 0.75
_PANORAMA = 1.6


def draw_heatmap(
    score_map: ScoreMap, *, side_by_side: bool = False, legend: bool = True
) -> Image.Image:
    """Return the map over the photo, in the colours of the fixed scale of 25 to 85.

    Of the photo only what is finer than a sixteenth of its width shows through, around the
    colour of the score: so the mean colour of a region is that of its score. The lowest blocks have
    a frame, their score and their flaw, if they are clearly below the median.

    Args:
        score_map: From `localisation`.
        side_by_side: Whether the photo itself stands beside the map, or above where it is wide.
        legend: Whether the scale and the photo's score stand below.
    """
    picture, values = _at_least(score_map.picture, score_map.values)
    scale_x = picture.width / score_map.width
    scale_y = picture.height / score_map.height
    shown = over_relief(picture, colours_of(values - LOWEST, highest=HIGHEST - LOWEST))
    frame_blocks(shown, score_map.framed, scale_x=scale_x, scale_y=scale_y)
    if side_by_side:
        photo = picture.copy()
        frame_blocks(photo, score_map.framed, scale_x=scale_x, scale_y=scale_y)
        shown = beside(photo, shown)
    if not legend:
        return shown
    return with_legend(shown, _caption(score_map), lowest=LOWEST, highest=HIGHEST)


def heatmap_facts(score_map: ScoreMap, run: RunInfo) -> dict[str, Any]:
    """Return the map as data that JSON can hold, in pixels of the upright photo."""
    height, width = score_map.values.shape
    return {
        "image": score_map.path,
        "model": score_map.model,
        "score": score_map.score,
        "width": score_map.width,
        "height": score_map.height,
        "note": score_map.note,
        "map": {
            "width": width,
            "height": height,
            "mean": round(score_map.mean, 4),
            "mean_minus_score": round(score_map.mean - score_map.score, 4),
        },
        "worst": [asdict(block) for block in score_map.worst],
        "blocks": [asdict(block) for block in score_map.blocks],
        "run": asdict(run),
    }


def heatmap_told(score_map: ScoreMap) -> str:
    """Return in a line what the map shows: the photo's score, and the lowest block.

    Example:
        `61.2; lowest block 14.3, blurred, upper right (448 × 448 pixels at x 4032, y 448)`
    """
    told = f"{score_map.score:.1f}; "
    if not score_map.worst:
        return f"{told}no block stands out"
    block = score_map.worst[0]
    if not score_map.framed:
        told += f"no block stands out: median {score_map.median:.1f}, "
    named = f", {block.flaw}" if block.strength >= LIKELY else ""
    where = f"{block.width} × {block.height} pixels at x {block.x}, y {block.y}"
    place = _place_of(block, width=score_map.width, height=score_map.height)
    return f"{told}lowest block {block.score:.1f}{named}, {place} ({where})"


def _place_of(block: BlockScore, *, width: int, height: int) -> str:
    """Return in which of nine parts of the photo the middle of a block is."""
    row = int(3 * (block.y + block.height / 2) / height)
    column = int(3 * (block.x + block.width / 2) / width)
    words = filter(None, (("upper", "", "lower")[row], ("left", "", "right")[column]))
    return " ".join(words) or "middle"


def beside(one: Image.Image, other: Image.Image) -> Image.Image:
    """Return two pictures side by side, or one above the other where the first is wide."""
    wide = one.width > _PANORAMA * one.height
    x, y = (0, one.height + _GAP) if wide else (one.width + _GAP, 0)
    size = (max(one.width, x + other.width), max(one.height, y + other.height))
    sheet = Image.new("RGB", size, PAPER)
    sheet.paste(one, (0, 0))
    sheet.paste(other, (x, y))
    return sheet


def with_legend(
    picture: Image.Image, caption: Sequence[str], *, highest: float, lowest: float = 0
) -> Image.Image:
    """Return the picture with the colour scale, its ticks and lines of text below."""
    width = max(picture.width, _LEAST_SIDE)
    size = font_size(max(width, picture.height))
    font = ImageFont.load_default(size)
    bar_height, line = round(0.9 * size), round(1.35 * size)
    top = picture.height + _GAP
    sheet = Image.new("RGB", (width, top + bar_height + line * (1 + len(caption)) + _GAP), PAPER)
    sheet.paste(picture, ((width - picture.width) // 2, 0))
    margin = 2 * size
    length = width - 2 * margin
    sheet.paste(colour_bar(length, bar_height), (margin, top))
    draw = ImageDraw.Draw(sheet)
    for tick in range(6):
        x = margin + round(length * tick / 5)
        draw.line([(x, top + bar_height), (x, top + bar_height + size // 4)], fill=INK)
        value = lowest + (highest - lowest) * tick / 5
        draw.text((x, top + bar_height + size // 4), f"{value:.3g}", INK, font, "ma")
    for number, text in enumerate(caption):
        at = (margin, top + bar_height + line * (number + 1) + size // 4)
        draw.text(at, text, INK, font)
    return sheet


def _caption(score_map: ScoreMap) -> tuple[str, str]:
    frames = "; frames: the lowest blocks" if score_map.framed else "; no block stands out"
    return (
        f"local quality, 0 to 100; darkest {LOWEST} or less, lightest {HIGHEST} or more{frames}",
        f"photo {score_map.score:.1f}, mean of the map {score_map.mean:.1f} ({score_map.model})",
    )


def _at_least(
    picture: Image.Image, values: NDArray[np.float32]
) -> tuple[Image.Image, NDArray[np.float32]]:
    """Return picture and map, small ones enlarged by a whole number."""
    factor = max(1, _LEAST_SIDE // max(picture.size))
    if factor == 1:
        return picture, values
    size = (picture.width * factor, picture.height * factor)
    enlarged = picture.resize(size, Image.Resampling.NEAREST)
    return enlarged, values.repeat(factor, axis=0).repeat(factor, axis=1)


def over_relief(picture: Image.Image, colours: NDArray[np.uint8]) -> Image.Image:
    """Return the colours (h, w, 3) of a map with the relief of the photo."""
    grey = picture.convert("L")
    coarse = grey.filter(ImageFilter.BoxBlur(max(picture.size) / 32))
    relief = np.asarray(grey, np.float32) - np.asarray(coarse, np.float32)
    shown = colours + _RELIEF * relief[..., None]
    return Image.fromarray(shown.clip(0, 255).round().astype(np.uint8))
