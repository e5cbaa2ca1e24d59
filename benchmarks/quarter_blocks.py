"""Measure how near blocks put together from quarters come to blocks that the model reads.

The middle of each photo, 4 × 3 views, is scored twice: every block read, and as `biqa heatmap`
does. So are versions with a flaw on a rectangle that lies anywhere. Kinds, levels and the draw of
rectangles were fixed before anything was measured.

Run:  python benchmarks/quarter_blocks.py PHOTOS --output benchmarks/quarter_blocks.json
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from local_cases import Case, measured, scores_of_blocks, show
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import spearmanr

from biqa_cli.api import load_model
from biqa_cli.blocks.grid import Block
from biqa_cli.distortions.distort import distort
from biqa_cli.explain.local_scores import local_scores
from biqa_cli.images.reading import read_photo
from biqa_cli.models.catalog import DEFAULT_MODEL
from biqa_cli.models.loading import LoadedModel

FLAWS = [
    (kind, level)
    for kind, levels in {
        "gaussian-blur": (2, 3),
        "white-noise-rgb": (2, 3),
        "jpeg": (3, 4),
        "darken": (3, 4),
    }.items()
    for level in levels
]
COLUMNS, ROWS = 4, 3
HEIGHTS, WIDTHS = (550, 750), (600, 850)
"""Of rectangles, in pixels."""
_AROUND = 64
"""Pixels around a rectangle that blur and blocks of JPEG see."""
_SAME = 1e-3
"""Points by which scores of the same pixels may differ."""


def cases_of(path: str, seed: int, model: LoadedModel) -> Iterator[Case]:
    """Yield the clean middle of a photo as a case, then one for each kind and level of flaw."""
    view = model.spec.input.width
    width, height = COLUMNS * view, ROWS * view
    photo = read_photo(path).image
    if photo.width < width or photo.height < height:
        return
    left, upper = (photo.width - width) // 2, (photo.height - height) // 2
    image = photo.crop((left, upper, left + width, upper + height))
    local = local_scores(image, model)
    clean = scores_of_blocks(image, model, local.blocks)
    parted = local.percent(model.spec.scale)
    yield {"photo": path, "kind": "clean", **_agreement(clean, parted, local.blocks, view)}
    pixels = np.asarray(image).transpose(2, 0, 1).astype(np.float32) / 255
    rng = np.random.default_rng(seed)
    for kind, level in FLAWS:
        h, w = int(rng.integers(*HEIGHTS)), int(rng.integers(*WIDTHS))
        y, x = int(rng.integers(0, height - h)), int(rng.integers(0, width - w))
        box = Block(y, x, h, w)
        shown = _with_flaw(pixels, box, kind=kind, level=level, seed=seed)
        touched = [_touches(block, box) for block in local.blocks]
        exact = clean.copy()
        exact[touched] = scores_of_blocks(
            shown, model, [b for b, t in zip(local.blocks, touched, strict=True) if t]
        )
        found = local_scores(shown, model).percent(model.spec.scale)

        def lowest_inside(
            scores: NDArray[np.float64],
            box: Block = box,
            blocks: Sequence[Block] = local.blocks,
        ) -> bool:
            return _centre_inside(blocks[int(scores.argmin())], box)

        yield {
            "photo": path,
            "kind": kind,
            "level": level,
            "box": box,
            "score, read": lowest_inside(exact),
            "score, quarters": lowest_inside(found),
            "change, read": lowest_inside(exact - clean),
            "change, quarters": lowest_inside(found - parted),
            "same lowest block": int(exact.argmin()) == int(found.argmin()),
            **_agreement(exact, found, local.blocks, view),
        }


def _with_flaw(
    pixels: NDArray[np.float32], box: Block, *, kind: str, level: int, seed: int
) -> Image.Image:
    top, left = max(0, box.y - _AROUND), max(0, box.x - _AROUND)
    around = pixels[:, top : box.y + box.height + _AROUND, left : box.x + box.width + _AROUND]
    degraded = distort(np.ascontiguousarray(around), kind=kind, level=level, seed=seed)
    inside = degraded[:, box.y - top :, box.x - left :][:, : box.height, : box.width]
    shown = pixels.copy()
    shown[:, box.y : box.y + box.height, box.x : box.x + box.width] = inside
    return Image.fromarray((shown * 255).round().astype(np.uint8).transpose(1, 2, 0))


def _touches(block: Block, box: Block) -> bool:
    return (
        block.y < box.y + box.height
        and block.y + block.height > box.y
        and block.x < box.x + box.width
        and block.x + block.width > box.x
    )


def _centre_inside(block: Block, box: Block) -> bool:
    y, x = block.y + block.height / 2, block.x + block.width / 2
    return box.y <= y < box.y + box.height and box.x <= x < box.x + box.width


def _agreement(
    exact: NDArray[np.float64], found: NDArray[np.float64], blocks: Sequence[Block], view: int
) -> Case:
    between = np.array([bool(block.y % view or block.x % view) for block in blocks])
    return {
        # Some of them are read, after all: the lowest and those that are framed.
        "squared errors": ((found - exact)[between] ** 2).tolist(),
        "read": int((abs(found - exact)[between] < _SAME).sum()),
        "largest error of a block that is read": float(abs(found - exact)[~between].max()),
        "srcc": float(spearmanr(exact, found).statistic),
        "srcc between": float(spearmanr(exact[between], found[between]).statistic),
    }


def summary(cases: Sequence[Case]) -> dict[str, object]:
    """Return how near scores come, and how often the lowest block lies inside, by kind."""
    by_kind: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        by_kind[case["kind"]].append(case)
        if case["kind"] != "clean":
            by_kind["all kinds"].append(case)
    return {
        "photos": len(by_kind["clean"]),
        "largest error of a block that is read": max(
            case["largest error of a block that is read"] for case in cases
        ),
        "kinds": {kind: _row(of_kind) for kind, of_kind in by_kind.items()},
    }


def _row(cases: Sequence[Case]) -> dict[str, float]:
    squares = np.concatenate([case["squared errors"] for case in cases])
    means = ("srcc", "srcc between", "score, read", "score, quarters")
    means += ("change, read", "change, quarters", "same lowest block", "read")
    return {
        "cases": len(cases),
        "rmse of blocks between": round(float(np.sqrt(squares.mean())), 2),
        "largest error": round(float(np.sqrt(squares.max())), 1),
        **{
            name: round(float(np.mean([case[name] for case in cases])), 4)
            for name in means
            if name in cases[0]
        },
    }


def main(arguments: argparse.Namespace) -> None:
    """Measure photo after photo, then print and write the summary."""
    model = load_model(arguments.model, threads=arguments.threads)
    cases = measured(arguments, lambda path, index: cases_of(path, index, model))
    about = {"model": arguments.model, "weights_sha256": model.weights_sha256}
    show(about | summary(cases), arguments.output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", nargs="+", help="clean photos, or folders of them")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--checkpoint", type=Path, help="where to keep what is measured so far")
    parser.add_argument("--output", type=Path)
    main(parser.parse_args())
