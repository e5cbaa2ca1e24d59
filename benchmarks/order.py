"""Measure whether scores fall as photos are degraded: 24 kinds of flaw at four levels.

A pair of levels is in order if the worse one scores lower. Pairs are neighbours in strength; the
levels of mean shift and contrast go up and down in turn, so theirs are neighbours in one direction.

Run:  python benchmarks/order.py PHOTOS... --output benchmarks/order.json
Needs: photos without a flaw, such as those of Kodak and CID22.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean

import numpy as np
from PIL import Image

from biqa_cli.api import load_model
from biqa_cli.distortions.catalog import SHDIQA_DISTORTIONS
from biqa_cli.distortions.distort import distort
from biqa_cli.distortions.eight_bits import from_bytes, to_bytes
from biqa_cli.images.discovery import find_images
from biqa_cli.images.reading import read_photo
from biqa_cli.models.catalog import DEFAULT_MODEL
from biqa_cli.models.judging import predict_views
from biqa_cli.models.loading import LoadedModel
from biqa_cli.models.views import view_of
from biqa_cli.threads import default_workers, map_ahead

LEVELS = (1, 2, 3, 4)
NEIGHBOURS = ((1, 2), (2, 3), (3, 4))
# +0.08, -0.08, +0.15, -0.15 and +0.15, +0.3, -0.4, -0.6.
OWN_NEIGHBOURS = {"mean-shift": ((1, 3), (2, 4)), "contrast": ((1, 2), (3, 4))}

Key = tuple[int, str, int]
"""Number of the photo, kind and level; level 0 of kind "" is the photo itself."""


def scores_of(paths: Sequence[str], model: LoadedModel) -> dict[Key, float]:
    """Return the score of every photo in every state."""
    keys = [
        (number, kind, level)
        for number in range(len(paths))
        for kind, level in [
            ("", 0),
            *((d.name, level) for d in SHDIQA_DISTORTIONS for level in LEVELS),
        ]
    ]

    def view(key: Key) -> np.ndarray:
        number, kind, level = key
        image = read_photo(paths[number]).image
        if kind:
            worse = distort(from_bytes(np.asarray(image)), kind=kind, level=level, seed=number)
            image = Image.fromarray(to_bytes(worse))
        return view_of(image, model.spec.input)

    views: Iterator[np.ndarray] = map_ahead(view, keys, workers=default_workers(), ahead=8)
    return {
        key: model.spec.scale.to_percent(float(predict_views(one[None], model).scores[0]))
        for key, one in zip(keys, views, strict=True)
    }


def summary(scores: dict[Key, float], count: int) -> dict[str, object]:
    """Return the shares of pairs in order, by kind and over all pairs."""
    rows: dict[str, dict[str, float]] = {}
    pooled: dict[str, list[bool]] = defaultdict(list)
    for kind in (d.name for d in SHDIQA_DISTORTIONS):
        of_kind: dict[str, list[bool]] = defaultdict(list)
        for number in range(count):
            clean = scores[number, "", 0]
            for milder, stronger in OWN_NEIGHBOURS.get(kind, NEIGHBOURS):
                fell = scores[number, kind, stronger] < scores[number, kind, milder]
                of_kind["neighbours"].append(fell)
            of_kind["photo above level 1"].append(scores[number, kind, 1] < clean)
            of_kind["photo above level 4"].append(scores[number, kind, 4] < clean)
        rows[kind] = {name: round(fmean(values), 3) for name, values in of_kind.items()}
        rows[kind]["mean score of level 4"] = round(
            fmean(scores[number, kind, 4] for number in range(count)), 1
        )
        for name, values in of_kind.items():
            pooled[name] += values
    return {
        "photos": count,
        "mean score of the photos": round(fmean(scores[n, "", 0] for n in range(count)), 1),
        "all": {name: round(fmean(values), 4) for name, values in pooled.items()},
        "kinds": rows,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", nargs="+")
    parser.add_argument("--model", default=DEFAULT_MODEL)
    parser.add_argument("--output", type=Path, required=True)
    given = parser.parse_args()
    loaded = load_model(given.model)
    found = list(find_images(given.photos))
    result = {
        "model": given.model,
        "weights_sha256": loaded.weights_sha256,
        **summary(scores_of(found, loaded), len(found)),
    }
    given.output.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result["all"]))
