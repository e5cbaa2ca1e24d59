"""What the benchmarks of flaws share: the options, the photos, their scores, and the result."""

import argparse
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from biqa_cli import load_model, score_images
from biqa_cli.distortions.eight_bits import from_bytes, to_bytes
from biqa_cli.images.discovery import find_images
from biqa_cli.images.reading import read_photo
from biqa_cli.models.catalog import DEFAULT_MODEL
from biqa_cli.models.loading import LoadedModel

Photo = NDArray[np.float32]
"""(3, H, W), sRGB in [0, 1]."""


def options(description: str | None) -> argparse.ArgumentParser:
    """Return a parser of the options that all of them have."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("-m", "--model", default=DEFAULT_MODEL)
    parser.add_argument("-o", "--output", type=Path, required=True, help="a JSON file")
    return parser


def loaded(given: argparse.Namespace) -> tuple[LoadedModel, dict[str, Any]]:
    """Return the model that the options name, and the first keys of the result."""
    model = load_model(given.model)
    return model, {"model": given.model, "weights_sha256": model.weights_sha256}


def paths(folder: Path, count: int) -> list[str]:
    """Return the first `count` photos of a folder, in the order of their names."""
    found = list(islice(find_images([str(folder)]), count))
    if len(found) < count:
        msg = f"{folder} has {len(found)} photos, but {count} are needed"
        raise SystemExit(msg)
    return found


def pixels(path: str) -> Photo:
    """Return a photo, upright."""
    return from_bytes(np.asarray(read_photo(path).image))


def resized(photo: Photo, width: int, height: int) -> Photo:
    """Return a photo reduced by Pillow's Lanczos filter."""
    small = Image.fromarray(to_bytes(photo)).resize((width, height), Image.Resampling.LANCZOS)
    return from_bytes(np.asarray(small))


def to_megapixels(photo: Photo, megapixels: float) -> Photo:
    """Return a photo reduced to about so many million pixels."""
    height, width = photo.shape[1:]
    scale = (1e6 * megapixels / (height * width)) ** 0.5
    return resized(photo, round(scale * width), round(scale * height))


def scores(photos: Iterable[Photo], model: LoadedModel) -> Iterator[float]:
    """Yield the score of each photo, 0 to 100, and show on stderr how many there are."""
    pictures = (to_bytes(np.clip(one, 0, 1)) for one in photos)
    for result in tqdm(score_images(pictures, model=model), unit="photo", mininterval=10):
        if result.score is None:
            raise SystemExit(result.error)
        yield result.score


def finish(result: dict[str, Any], output: Path, table: Sequence[Sequence[object]]) -> None:
    """Write the result as JSON and print a table, its first row the header."""
    output.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    cells = [[_shown(cell) for cell in row] for row in table]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for first, *rest in cells:
        numbers = (cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))
        print("  ".join([first.ljust(widths[0]), *numbers]))


def _shown(cell: object) -> str:
    return f"{cell:.3f}" if isinstance(cell, float) else str(cell)
