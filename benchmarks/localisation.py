"""Measure whether the local scores find the degraded quadrant of a photo.

Each photo is degraded in one quadrant by ten kinds of distortion at levels 2 to 4. Kinds, levels
and quadrants were fixed before anything was measured.

Run:  python benchmarks/localisation.py PHOTOS --output benchmarks/localisation.json
      python benchmarks/localisation.py PHOTOS --clean-only
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from statistics import fmean

import numpy as np
from local_cases import Case, measured, scores_of_blocks, show
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import pearsonr, spearmanr

from biqa_cli.api import load_model
from biqa_cli.blocks.grid import Block
from biqa_cli.blocks.score_map import interpolated_map
from biqa_cli.distortions.distort import distort_block
from biqa_cli.distortions.named_blocks import BlockName, block_slices
from biqa_cli.explain.local_blocks import BlockChoice
from biqa_cli.explain.local_scores import local_scores
from biqa_cli.images.reading import read_photo
from biqa_cli.models.catalog import DEFAULT_MODEL
from biqa_cli.models.loading import LoadedModel
from biqa_cli.scoring import score_photo

KINDS = (
    *("gaussian-blur", "motion-blur", "lens-blur", "jpeg", "white-noise-rgb"),
    *("impulse-noise", "pixelate", "darken", "jitter", "denoise"),
)
LEVELS = (2, 3, 4)
QUADRANTS: tuple[BlockName, ...] = ("top-left", "top-right", "bottom-left", "bottom-right")
MEASURES = ("relative_quadrant", "relative_block", "raw_quadrant", "raw_block")


def cases_of(
    path: str, index: int, model: LoadedModel, choice: BlockChoice, *, clean_only: bool
) -> Iterator[Case]:
    """Yield the clean photo as a case, then one case for each kind and level."""
    image = read_photo(path).image
    local = local_scores(image, model, choice=choice)
    blocks, clean = local.blocks, local.percent(model.spec.scale)
    yield {"photo": path, "kind": "clean", **_relation(image, model, clean, blocks)}
    if clean_only:
        return
    pixels = np.asarray(image).transpose(2, 0, 1).astype(np.float32) / 255
    for number, (kind, level) in enumerate(product(KINDS, LEVELS)):
        quadrant = QUADRANTS[(index + number) % 4]
        degraded = distort_block(pixels, kind=kind, level=level, seed=index, block=quadrant)
        shown = Image.fromarray((degraded * 255).round().astype(np.uint8).transpose(1, 2, 0))
        rows, columns = block_slices(image.height, image.width, block=quadrant)
        if blocks[0].height < model.spec.input.height:
            # A block beside the quadrant has the same pixels, so the same score.
            touched = [_touches(block, rows, columns) for block in blocks]
            scores = clean.copy()
            scores[touched] = scores_of_blocks(
                shown, model, [b for b, t in zip(blocks, touched, strict=True) if t]
            )
        else:
            # Not every block of a large photo is read: the others depend on their neighbours.
            scores = local_scores(shown, model, choice=choice).percent(model.spec.scale)
        yield {
            "photo": path,
            "kind": kind,
            "level": level,
            "quadrant": quadrant,
            "relative_quadrant": _lowest_quadrant(scores - clean, blocks, image) == quadrant,
            "relative_block": _centre_inside(blocks[np.argmin(scores - clean)], rows, columns),
            "raw_quadrant": _lowest_quadrant(scores, blocks, image) == quadrant,
            "raw_block": _centre_inside(blocks[np.argmin(scores)], rows, columns),
            "lowest_change": float((scores - clean).min()),
            **_relation(shown, model, scores, blocks),
        }


def _relation(
    image: Image.Image, model: LoadedModel, scores: NDArray[np.float64], blocks: Sequence[Block]
) -> Case:
    return {
        "score": score_photo(image, model).score,
        "map_mean": float(_values(scores, blocks, image).mean()),
    }


def _values(
    scores: NDArray[np.float64], blocks: Sequence[Block], image: Image.Image
) -> NDArray[np.float64]:
    return interpolated_map(scores, blocks, size=image.size, height=image.height, width=image.width)


def _touches(block: Block, rows: slice, columns: slice) -> bool:
    return (
        block.y < rows.stop
        and block.y + block.height > rows.start
        and block.x < columns.stop
        and block.x + block.width > columns.start
    )


def _centre_inside(block: Block, rows: slice, columns: slice) -> bool:
    y, x = block.y + block.height / 2, block.x + block.width / 2
    return rows.start <= y < rows.stop and columns.start <= x < columns.stop


def _lowest_quadrant(
    scores: NDArray[np.float64], blocks: Sequence[Block], image: Image.Image
) -> BlockName:
    """Return the quadrant in which the map has the lowest mean."""
    values = _values(scores, blocks, image)
    return min(QUADRANTS, key=lambda name: values[block_slices(*values.shape, block=name)].mean())


def summary(cases: Sequence[Case]) -> dict[str, object]:
    """Return the share of cases found, by kind and in all, and how map and score relate."""
    by_kind = defaultdict(list)
    for case in cases:
        by_kind[case["kind"]].append(case)
    clean = by_kind.pop("clean")
    degraded = [case for case in cases if case["kind"] != "clean"]
    agreement = {"clean": _agreement(clean), "all": _agreement(cases)}
    if not degraded:
        return {"photos": len(clean), "map mean and score": agreement}
    return {
        "photos": len(clean),
        "cases": len(degraded),
        "all": _shares(degraded),
        "kinds": {kind: _shares(of_kind) for kind, of_kind in by_kind.items()},
        "levels": {
            level: _shares([case for case in degraded if case["level"] == level])
            for level in LEVELS
        },
        "map mean and score": agreement,
    }


def _shares(cases: Sequence[Case]) -> dict[str, float]:
    names = (*MEASURES, "lowest_change")
    return {name: round(fmean(case[name] for case in cases), 4) for name in names}


def _agreement(cases: Sequence[Case]) -> dict[str, float]:
    score = np.array([case["score"] for case in cases], dtype=float)
    mean = np.array([case["map_mean"] for case in cases], dtype=float)
    return {
        "n": len(cases),
        "plcc": round(float(pearsonr(score, mean).statistic), 4),
        "srcc": round(float(spearmanr(score, mean).statistic), 4),
        "mean difference": round(float((mean - score).mean()), 2),
        "mean absolute difference": round(float(np.abs(mean - score).mean()), 2),
    }


def main(arguments: argparse.Namespace) -> None:
    """Measure photo after photo, then print and write the summary."""
    model = load_model(arguments.model, threads=arguments.threads)
    choice = BlockChoice(rows=arguments.grid, size=arguments.block_size, stride=arguments.stride)
    clean_only = arguments.clean_only
    cases = measured(
        arguments,
        lambda path, index: cases_of(path, index, model, choice, clean_only=clean_only),
    )
    show(summary(cases), arguments.output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", nargs="+", help="clean photos, or folders of them")
    parser.add_argument(
        "--clean-only", action="store_true", help="only how map and score relate, nothing degraded"
    )
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--grid", type=int)
    parser.add_argument("--block-size", type=int)
    parser.add_argument("--stride", type=int)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--checkpoint", type=Path, help="where to keep what is measured so far")
    parser.add_argument("--output", type=Path)
    main(parser.parse_args())
