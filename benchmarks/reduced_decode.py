"""Measure what decoding large JPEGs at the codec's reduced size does to their scores.

Each photo is enlarged fivefold, saved as JPEG at quality 92, and scored twice: from the file, as
`biqa score` does, and from a full decode.

Run:  python benchmarks/reduced_decode.py KODAK --output benchmarks/reduced_decode.json
"""

import argparse
import json
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

from PIL import Image

from biqa_cli.api import LoadedModel, load_model, score_image
from biqa_cli.images.discovery import find_images
from biqa_cli.images.reading import read_photo
from biqa_cli.models.catalog import DEFAULT_MODEL

FACTOR, QUALITY = 5, 92


def difference(path: str, model: LoadedModel, folder: Path) -> float:
    """Return the score from the file less that of a full decode, in points of 100."""
    large = folder / "large.jpg"
    photo = read_photo(path).image
    size = (FACTOR * photo.width, FACTOR * photo.height)
    photo.resize(size, Image.Resampling.BICUBIC).save(large, quality=QUALITY)
    reduced = score_image(large, model=model)
    with Image.open(large) as image:
        full = score_image(image, model=model)
    if reduced.score is None or full.score is None:
        raise SystemExit(f"{path}: {reduced.error or full.error}")
    return reduced.score - full.score


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", nargs="+")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args()
    loaded = load_model(given.model, device="cpu")
    with TemporaryDirectory() as temporary:
        found = [difference(p, loaded, Path(temporary)) for p in find_images(given.photos)]
    facts = {
        "model": given.model,
        "weights_sha256": loaded.weights_sha256,
        "photos": len(found),
        "mean absolute difference": round(fmean(map(abs, found)), 3),
        "largest": round(max(map(abs, found)), 3),
    }
    given.output.write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(facts))
