"""How well photos of one moment are found: bursts are made of real photos and grouped again.

Of each photo seven frames are made: one as it is, two shifted, one darker and one brighter, one
blurred, and a close crop. The next photo is another scene, a second later. Measured is the F1 of
pairs: which pairs of frames are in one group, and which should be. With --model also: in how many
bursts the frame with the highest score is an intact one, neither blurred nor darker nor brighter.

Run:  python benchmarks/bursts_grouping.py FOLDER [--photos 40] [--pairs 500] [--model NAME]
"""

import argparse
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from biqa_cli import score_images
from biqa_cli.culling.grouping import Glimpse, group_photos
from biqa_cli.culling.likeness import describe, likeness
from biqa_cli.images.capture_time import CaptureTime
from biqa_cli.images.discovery import find_images
from biqa_cli.images.fingerprint import fingerprint
from biqa_cli.images.reading import read_photo

WINDOW, CLOSE = 0.92, 0.68
"""Of the photo's sides: what a frame shows, and what the close crop does."""
DEGRADED = ("darker", "brighter", "blurred")
START = datetime(2024, 6, 1, 12)  # noqa: DTZ001  a camera's clock
BETWEEN_FRAMES = timedelta(seconds=0.2)


@dataclass(frozen=True)
class Frame:
    """One frame of a burst that was made."""

    scene: int
    kind: str
    image: Image.Image


def frames_of(image: Image.Image, scene: int, chance: random.Random) -> list[Frame]:
    """Return a burst."""

    def window(x: float, y: float, side: float = WINDOW) -> Image.Image:
        width, height = round(image.width * side), round(image.height * side)
        left, top = round((image.width - width) * x), round((image.height - height) * y)
        return image.crop((left, top, left + width, top + height))

    def at(place: float) -> float:
        return place + chance.uniform(-0.1, 0.1)

    blur = ImageFilter.GaussianBlur(image.width / 130)
    frames = {
        "as it is": window(0.5, 0.5),
        "shifted to the left": window(0, at(0.3)),
        "shifted to a corner": window(1, 1),
        "darker": _exposed(window(at(0.4), at(0.6)), -1.3),
        "brighter": _exposed(window(at(0.6), at(0.5)), 1.0),
        "blurred": window(at(0.5), at(0.4)).filter(blur),
        "close crop": window(chance.uniform(0.2, 0.8), chance.uniform(0.2, 0.8), CLOSE),
    }
    return [Frame(scene, kind, frame) for kind, frame in frames.items()]


def _exposed(image: Image.Image, stops: float) -> Image.Image:
    linear = (np.asarray(image) / 255) ** 2.2 * 2**stops
    return Image.fromarray((255 * linear.clip(0, 1) ** (1 / 2.2)).round().astype(np.uint8))


def f1_of_pairs(groups: list[int], scenes: list[int]) -> tuple[float, float, float]:
    """Return precision, recall and F1 of the pairs that are put into one group."""
    found = right = wanted = 0
    for (group, scene), (other_group, other_scene) in combinations(
        zip(groups, scenes, strict=True), 2
    ):
        together, belong = group == other_group, scene == other_scene
        found, wanted, right = found + together, wanted + belong, right + (together and belong)
    precision = right / found if found else 1.0
    recall = right / wanted
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-9)


def _difference_hash(image: Image.Image) -> NDArray[np.float64]:
    grey = np.asarray(image.convert("L").resize((9, 8), Image.Resampling.BICUBIC), float)
    return np.where(grey[:, 1:] > grey[:, :-1], 1.0, -1.0).ravel() / 8


def _cosine(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(one @ other / max(float(np.linalg.norm(one) * np.linalg.norm(other)), 1e-12))


def _backbone(average: list[Image.Image]) -> Callable[[Image.Image], NDArray[np.float64]] | None:
    """Return what describes a photo by the default model's first backbone; needs [torch].

    The mean over some photos is taken off: what all photos have in common tells none apart.
    """
    try:
        import torch
    except ImportError:
        return None
    from biqa_cli.models.backbone_slots import backbone_slots
    from biqa_cli.models.catalog import DEFAULT_MODEL
    from biqa_cli.models.loading import load_model
    from biqa_cli.models.options import with_defaults
    from biqa_cli.models.torch_engine import TorchEngine
    from biqa_cli.models.views import view_of

    model = load_model(DEFAULT_MODEL, engine="torch", device="cpu")
    engine = model.engine
    if not isinstance(engine, TorchEngine):
        return None
    spec = model.spec
    options = with_defaults(spec.family, spec.options)
    slot = backbone_slots(spec.family, spec.backbones, options)[0]
    backbone = slot.of(engine.network).eval()
    small = replace(spec.input, height=224, width=224)

    def described(image: Image.Image) -> NDArray[np.float64]:
        with torch.inference_mode():
            maps = backbone(torch.from_numpy(view_of(image, small)[None]))
        deepest: NDArray[np.float64] = maps[-1].mean(dim=(2, 3))[0].double().numpy()
        return deepest

    middle = np.mean([described(image) for image in average], axis=0)
    return lambda image: described(image) - middle


def compare(frames: list[Frame], pairs: int, chance: random.Random) -> None:
    """Print, for each way to describe a photo, the best F1 that a threshold gives on pairs."""
    by_scene: dict[int, list[Frame]] = {}
    for frame in frames:
        by_scene.setdefault(frame.scene, []).append(frame)
    same = [
        (chance.choice(burst[:-1]), frame) for burst in by_scene.values() for frame in burst[1:]
    ]
    same = [(one, other) for one, other in same if one is not other]
    different = [
        (chance.choice(by_scene[one]), chance.choice(by_scene[other]))
        for one, other in (chance.sample(sorted(by_scene), 2) for _ in range(pairs))
    ]
    ways: dict[str, tuple[Callable[[Image.Image], Any], Callable[..., float]]] = {
        "edges, with windows": (lambda image: describe(fingerprint(image)), likeness),
        "difference hash, 64 bits": (_difference_hash, _cosine),
    }
    backbone = _backbone([burst[0].image for burst in by_scene.values()])
    if backbone is not None:
        ways["backbone's features"] = (backbone, _cosine)
    for name, (look, alike) in ways.items():
        start = time.perf_counter()
        described = {id(frame): look(frame.image) for frame in frames}
        milliseconds = 1000 * (time.perf_counter() - start) / len(frames)
        inside, between = (
            np.array([alike(described[id(one)], described[id(other)]) for one, other in these])
            for these in (same, different)
        )
        best = max(
            (
                2
                * (inside >= at).sum()
                / ((inside >= at).sum() + (between >= at).sum() + len(inside)),
                at,
            )
            for at in np.unique(np.concatenate([inside, between]))
        )
        worst = same[int(inside.argmin())][1].kind
        print(
            f"{name:26} pairs: best F1 {best[0]:.3f} at {best[1]:.3f}; same scene "
            f"{inside.min():.3f} ({worst}) and up, others up to {between.max():.3f}; "
            f"{milliseconds:.1f} ms a photo"
        )


def intact_picks(frames: list[Frame], model: str) -> float:
    """Return the share of bursts whose best frame is an intact one."""
    scores: dict[int, list[tuple[float, str]]] = {}
    results = score_images([frame.image for frame in frames], model=model)
    for frame, result in zip(frames, results, strict=True):
        if result.score is None:
            raise SystemExit(result.error)
        scores.setdefault(frame.scene, []).append((result.score, frame.kind))
    picks = [max(burst)[1] for burst in scores.values()]
    return sum(kind not in DEGRADED for kind in picks) / len(picks)


def main() -> None:
    """Make bursts, group them and print how well that went."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--photos", type=int, default=40)
    parser.add_argument("--pairs", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", help="also score the frames with it")
    parser.add_argument("--compare", action="store_true", help="also other ways than fingerprints")
    options = parser.parse_args()
    chance = random.Random(options.seed)  # noqa: S311  nothing is secret
    names = sorted(find_images([options.folder]))
    chosen = chance.sample(names, min(options.photos, len(names)))
    frames = [
        frame
        for scene, name in enumerate(chosen)
        for frame in frames_of(read_photo(name, at_least=(512, 512)).image, scene, chance)
    ]
    glimpses, clock = [], START
    for index, frame in enumerate(frames):
        if index and frame.scene != frames[index - 1].scene:
            clock += timedelta(seconds=1) - BETWEEN_FRAMES
        clock += BETWEEN_FRAMES
        name = f"shoot/{index:05}.jpg"
        glimpses.append(Glimpse(name, fingerprint(frame.image), CaptureTime(clock)))
    scenes = [frame.scene for frame in frames]
    untimed = [replace(glimpse, taken=None) for glimpse in glimpses]
    scattered = [
        replace(glimpse, path=str(Path(str(index)) / "photo.jpg"))
        for index, glimpse in enumerate(untimed)
    ]
    print(f"{len(chosen)} scenes, {len(frames)} frames")
    for case, photos in {
        "with times": glimpses,
        "without times, by name": untimed,
        "without times and names": scattered,
    }.items():
        start = time.perf_counter()
        groups = group_photos(photos)
        seconds = time.perf_counter() - start
        precision, recall, f1 = f1_of_pairs(groups, scenes)
        print(
            f"{case:26} F1 {f1:.3f} (precision {precision:.3f}, recall {recall:.3f}), "
            f"{seconds:.2f} s"
        )
    if options.model:
        share = intact_picks(frames, options.model)
        print(f"the best frame by {options.model} is an intact one in {share:.1%} of the bursts")
    if options.compare:
        compare(frames, options.pairs, chance)


if __name__ == "__main__":
    main()
