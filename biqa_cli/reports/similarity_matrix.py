"""BlockIQA's similarity of blocks as in figure 3 of its paper: a matrix and the photo."""

import math
from dataclasses import asdict
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from biqa_cli.explain.records import SimilarityMatrix
from biqa_cli.reports.block_frames import INK, PAPER, font_size, write_on_plate
from biqa_cli.reports.colour_scale import colour_of
from biqa_cli.reports.heatmap import beside, with_legend
from biqa_cli.results import RunInfo

_SIDE = 640
_LIGHT_ABOVE = 0.55
"""Cells of a higher similarity are so light that dark numbers stand out."""


def draw_similarity(matrix: SimilarityMatrix, *, legend: bool = True) -> Image.Image:
    """Return the photo with its numbered blocks and, beside it, how alike each two of them are."""
    photo = _numbered(matrix)
    cells = _cells(matrix, side=photo.height)
    sheet = beside(photo, cells)
    if not legend:
        return sheet
    return with_legend(sheet, _caption(matrix), highest=1)


def similarity_facts(matrix: SimilarityMatrix, run: RunInfo) -> dict[str, Any]:
    """Return the matrix as data that JSON can hold; blocks are counted row by row."""
    return {
        "image": matrix.path,
        "model": matrix.model,
        "score": matrix.score,
        "width": matrix.width,
        "height": matrix.height,
        "note": matrix.note,
        "similarity": [[round(float(value), 6) for value in row] for row in matrix.values],
        "block_scores": [[round(float(value), 6) for value in row] for row in matrix.block_scores],
        "block_weights": [
            [round(float(value), 6) for value in row] for row in matrix.block_weights
        ],
        "run": asdict(run),
    }


def _numbered(matrix: SimilarityMatrix) -> Image.Image:
    """Return the photo, 640 pixels at most, with its blocks, their numbers and their scores."""
    scale = _SIDE / max(matrix.picture.size)
    size = tuple(max(1, round(side * scale)) for side in matrix.picture.size)
    photo = matrix.picture.resize((size[0], size[1]), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(photo)
    count = len(matrix.block_scores)
    for step in range(1, count):
        x, y = round(photo.width * step / count), round(photo.height * step / count)
        for line in ([(x, 0), (x, photo.height)], [(0, y), (photo.width, y)]):
            draw.line(line, fill=INK, width=5)
            draw.line(line, fill=PAPER, width=1)
    for number in range(count**2):
        row, column = divmod(number, count)
        at = (round(photo.width * column / count), round(photo.height * row / count))
        text = f"{number + 1}: {matrix.block_scores[row, column]:.2f}"
        write_on_plate(draw, at, text, size=font_size(_SIDE) + 5)
    return photo


def _cells(matrix: SimilarityMatrix, *, side: int) -> Image.Image:
    """Return the matrix with the numbers of the blocks along its edges, square."""
    side = max(side, _SIDE // 2)
    count = len(matrix.values)
    margin = font_size(_SIDE) * 2
    cell = (side - margin) / count
    sheet = Image.new("RGB", (side, side), PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(min(font_size(_SIDE) + 5, math.ceil(cell / 3)))
    edges = [margin + round(cell * step) for step in range(count + 1)]
    for row in range(count):
        middle = (edges[row] + edges[row + 1]) / 2
        draw.text((middle, margin / 2), f"{row + 1}", INK, font, "mm")
        draw.text((margin / 2, middle), f"{row + 1}", INK, font, "mm")
        for column in range(count):
            value = float(matrix.values[row, column])
            box = (edges[column], edges[row], edges[column + 1] - 2, edges[row + 1] - 2)
            draw.rectangle(box, fill=colour_of(value, highest=1))
            at = ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2)
            ink = INK if value > _LIGHT_ABOVE else PAPER
            draw.text(at, f"{value:.2f}", ink, font, "mm")
    return sheet


def _caption(matrix: SimilarityMatrix) -> tuple[str, str, str]:
    return (
        "similarity of blocks: 0 nothing alike, 1 the same",
        "on the photo: number of the block, and its score from 0 to 1",
        f"photo {matrix.score:.1f} of 100 ({matrix.model})",
    )
