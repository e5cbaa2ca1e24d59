"""What a network looks at, as rows of small maps over the photo."""

from dataclasses import asdict
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from biqa_cli.explain.records import InnerKind, InnerMaps, Panel
from biqa_cli.reports.block_frames import INK, PAPER, font_size
from biqa_cli.reports.colour_scale import colours_of
from biqa_cli.reports.heatmap import beside, over_relief, with_legend
from biqa_cli.results import RunInfo

_SHEET, _SIDE = 1280, 640
_GAP = 12
_MEANINGS: dict[InnerKind, str] = {
    "gradcam": "Grad-CAM, what raises the score: no unit, each photo has its own range",
    "feedback": "mean |h| of the hidden states: no unit, each photo has its own ranges",
    "attention": "attention: 1 where it is as much as if all places got the same",
}
_EVEN = 1


def draw_inner_maps(
    maps: InnerMaps, *, side_by_side: bool = False, legend: bool = True
) -> Image.Image:
    """Return the panels over the relief of the photo, each row in one scale, with their titles.

    Below a panel stands the score that belongs to it. Where a map has no value, the photo is grey.

    Args:
        maps: From `inner_maps`.
        side_by_side: Whether the photo itself stands beside them, or above where it is wide.
        legend: Whether the scale and the photo's score stand below.
    """
    ranges = colour_ranges(maps)
    side = min(_SIDE, _SHEET // maps.columns)
    picture = _fitted(maps.picture, side)
    drawn = [
        _draw(panel, picture, ends=ranges[number // maps.columns])
        for number, panel in enumerate(maps.panels)
    ]
    sheet = _sheet(maps, drawn)
    if side_by_side:
        sheet = beside(_fitted(maps.picture, _SIDE), sheet)
    if not legend:
        return sheet
    lowest, highest = ranges[0] if len(set(ranges)) == 1 else (0, 1)
    return with_legend(sheet, _caption(maps, ranges), lowest=lowest, highest=highest)


def inner_map_facts(maps: InnerMaps, run: RunInfo) -> dict[str, Any]:
    """Return the maps as data that JSON can hold: their ranges, and the scores with them."""
    return {
        "image": maps.path,
        "model": maps.model,
        "kind": maps.kind,
        "score": maps.score,
        "width": maps.width,
        "height": maps.height,
        "note": maps.note,
        "panels": [
            {
                "title": panel.title,
                "value": panel.value,
                "min": round(float(np.nanmin(panel.values)), 6),
                "max": round(float(np.nanmax(panel.values)), 6),
            }
            for panel in maps.panels
        ],
        "run": asdict(run),
    }


def colour_ranges(maps: InnerMaps) -> list[tuple[float, float]]:
    """Return for each row of panels the values of the darkest and the lightest colour.

    Those of attention are 0 and at least 2, so that attention that is nearly even looks so. Else
    they are the lowest and the highest value of the row.
    """
    rows = [
        np.stack([panel.values for panel in maps.panels[start : start + maps.columns]])
        for start in range(0, len(maps.panels), maps.columns)
    ]
    if maps.kind == "attention":
        highest = max(float(np.nanmax(row)) for row in rows)
        return [(0, max(2 * _EVEN, highest))] * len(rows)
    ends = [(float(row.min()), float(row.max())) for row in rows]
    return [(low, high if high > low else low + 1) for low, high in ends]


def _draw(panel: Panel, picture: Image.Image, *, ends: tuple[float, float]) -> Image.Image:
    lowest, highest = ends
    way = Image.Resampling.NEAREST
    enlarged = np.asarray(Image.fromarray(panel.values).resize(picture.size, way))
    nothing = np.isnan(enlarged)
    above = np.where(nothing, 0, enlarged - lowest)
    shown = over_relief(picture, colours_of(above, highest=highest - lowest))
    shown.paste(picture.convert("L").convert("RGB"), mask=Image.fromarray(nothing))
    return shown


def _sheet(maps: InnerMaps, drawn: list[Image.Image]) -> Image.Image:
    size = font_size(_SHEET // 2)
    font = ImageFont.load_default(size + 2)
    line = round(1.7 * size)
    longest = max(font.getlength(panel.title) for panel in maps.panels)
    width = max(drawn[0].width, round(longest)) + _GAP
    valued = any(panel.value is not None for panel in maps.panels)
    height = line + drawn[0].height + (line if valued else 0) + _GAP
    rows = -(-len(drawn) // maps.columns)
    sheet = Image.new("RGB", (maps.columns * width - _GAP, rows * height - _GAP), PAPER)
    draw = ImageDraw.Draw(sheet)
    for number, (panel, shown) in enumerate(zip(maps.panels, drawn, strict=True)):
        row, column = divmod(number, maps.columns)
        x, y = column * width, row * height
        draw.text((x, y + line / 2), panel.title, INK, font, "lm")
        sheet.paste(shown, (x, y + line))
        if panel.value is not None:
            below = y + 1.5 * line + shown.height
            draw.text((x, below), f"{panel.value:.1f}", INK, font, "lm")
    return sheet


def _fitted(picture: Image.Image, side: int) -> Image.Image:
    """Return the picture with its longest side at `side` pixels."""
    scale = side / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.BICUBIC)


def _caption(maps: InnerMaps, ranges: list[tuple[float, float]]) -> list[str]:
    scored = any(panel.value is not None for panel in maps.panels)
    partial = any(np.isnan(panel.values).any() for panel in maps.panels)
    ends = ", ".join(f"{low:.2g} to {high:.2g}" for low, high in ranges)
    return [
        _MEANINGS[maps.kind] + ("; grey: no node" if partial else ""),
        *([f"0 lowest, 1 highest of a row; the rows: {ends}"] if len(set(ranges)) > 1 else []),
        *(["below a map: the score that belongs to it, 0 to 100"] if scored else []),
        f"photo {maps.score:.1f} of 100 ({maps.model})",
    ]
