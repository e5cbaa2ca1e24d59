"""What benchmarks/gpu.py measures, as one table: parity with the CPU, and images a second."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from math import ceil
from pathlib import Path
from statistics import fmean

import numpy as np
import torch
from gpu_modes import MODES, rate, running
from numpy.typing import NDArray
from PIL import Image
from scoring import EXAMPLES, make_photos
from torchvision.io import ImageReadMode, decode_jpeg
from torchvision.transforms.v2 import functional as F

from biqa_cli.api import LoadedModel, load_model
from biqa_cli.images.reading import read_photo
from biqa_cli.models.judging import predict_views
from biqa_cli.models.views import view_of
from biqa_cli.scoring import score_files


@dataclass(frozen=True, slots=True)
class Run:
    """What the measurements share."""

    device: str
    seconds: float
    folder: Path
    """For the JPEGs that are made."""
    files: int
    """At least so many are scored in one call."""


@dataclass(frozen=True, slots=True)
class Case:
    """One row: what is measured, of what."""

    measurement: str
    model: str
    mode: str = "as shipped"
    batch: int = 0
    photo: str = ""
    """The size of the JPEG, where one is decoded."""


@cache
def _loaded(name: str, device: str) -> LoadedModel:
    """Return a model in PyTorch; "reference" is the engine that `-d cpu` chooses."""
    if device == "reference":
        return load_model(name, device="cpu")
    return load_model(name, engine="torch", device=device)


@cache
def photos() -> list[tuple[str, Image.Image]]:
    """Return the examples, and photos that push a network: noise, flat, a ramp, stripes."""
    y, x = np.mgrid[:480, :640]
    noise = np.random.default_rng(0).integers(0, 256, (480, 640, 3))
    made = {"noise": noise, "flat": 0 * x + 128, "ramp": x * 255 // 639, "stripes": x % 2 * 255}
    made |= {"dark": noise // 32, "squares": (x // 40 + y // 40) % 2 * 255}
    arrays = {
        name: np.broadcast_to(of if of.ndim == 3 else of[..., None], (480, 640, 3))  # noqa: PLR2004
        for name, of in made.items()
    }
    examples = [(path.name, read_photo(path).image) for path in sorted(EXAMPLES.glob("*.jpg"))]
    return examples + [(n, Image.fromarray(a.astype(np.uint8))) for n, a in arrays.items()]


@cache
def _views(name: str) -> NDArray[np.float32]:
    """Return the photos as a model sees them (16, 3, H, W), all of one size."""
    contract = replace(_loaded(name, "reference").spec.input, keeps_aspect=False)
    return np.stack([view_of(image, contract) for _, image in photos()])


def views(name: str, batch: int) -> NDArray[np.float32]:
    """Return ready arrays (B, 3, H, W) for a model: the photos, again and again."""
    every = _views(name)
    return np.concatenate([every] * ceil(batch / len(every)))[:batch]


@cache
def reference(name: str) -> list[float]:
    """Return the scores of the photos on the CPU, 0 to 100."""
    model = _loaded(name, "reference")
    one_by_one = (predict_views(view[None], model) for view in _views(name))
    return [model.spec.scale.to_percent(float(found.scores[0])) for found in one_by_one]


def compared(name: str, scores: list[float]) -> dict[str, object]:
    """Return how far scores are from those of the CPU, for the first so many photos."""
    far = [abs(a - b) for a, b in zip(scores, reference(name), strict=False)]
    worst = int(np.argmax(far))
    return {
        "photos": len(far),
        "mean_difference": fmean(far),
        "largest_difference": far[worst],
        "of": photos()[worst][0],
    }


def parity(run: Run, case: Case) -> dict[str, object]:
    """Compare the scores of the photos on the device with those on the CPU."""
    model = _loaded(case.model, run.device)
    images = model.engine.images(views(case.model, len(photos())))
    with running(model.engine.network, MODES[case.mode], images) as step:
        native = step(images).double().cpu()
    return compared(case.model, [model.spec.scale.to_percent(float(one)) for one in native])


def network(run: Run, case: Case) -> dict[str, object]:
    """Time the network alone on arrays that are on the device."""
    engine = _loaded(case.model, run.device).engine
    images = engine.images(views(case.model, case.batch))
    with running(engine.network, MODES[case.mode], images) as step:
        found = rate(lambda: step(images), case.batch, seconds=run.seconds, device=run.device)
    return {"images_per_second": found}


def arrays(run: Run, case: Case) -> dict[str, object]:
    """Time what biqa does with NumPy arrays: to the device, the network, and back."""
    engine, given = _loaded(case.model, run.device).engine, views(case.model, case.batch)
    work = lambda: engine.predict(given)  # noqa: E731
    found = rate(work, case.batch, seconds=run.seconds, device=run.device)
    return {"images_per_second": found}


def files(run: Run, case: Case) -> dict[str, object]:
    """Time `biqa score`: JPEGs are decoded on the CPU by a thread for each core."""
    # Several batches, so that reading ahead counts.
    count = max(4 * case.batch, run.files)
    model, names = _loaded(case.model, run.device), [str(_jpeg(run, case))] * count
    errors = [result.error for result in score_files(names[:1], model) if result.error]
    if errors:
        raise RuntimeError(errors[0])
    work = lambda: list(score_files(names, model, batch_size=case.batch))  # noqa: E731
    found = rate(work, count, seconds=run.seconds, device=run.device)
    return {"images_per_second": found}


def nvjpeg(run: Run, case: Case) -> dict[str, object]:
    """Time JPEGs that the device decodes (nvJPEG on cuda), resizes and scores."""
    model, content = _loaded(case.model, run.device), _jpeg(run, case).read_bytes()
    contents = [content] * case.batch
    example = _decoded_on_device(contents, model, run.device)
    with running(model.engine.network, MODES[case.mode], example) as step:
        work = lambda: step(_decoded_on_device(contents, model, run.device))  # noqa: E731
        found = rate(work, case.batch, seconds=run.seconds, device=run.device)
    return {"images_per_second": found}


def nvjpeg_parity(run: Run, case: Case) -> dict[str, object]:
    """Compare scores of the examples that the device decodes and resizes with those of biqa."""
    model, scores = _loaded(case.model, run.device), []
    for path in sorted(EXAMPLES.glob("*.jpg")):
        images = _decoded_on_device([path.read_bytes()], model, run.device)
        with running(model.engine.network, MODES[case.mode], images) as step:
            scores.append(model.spec.scale.to_percent(float(step(images))))
    return compared(case.model, scores)


def _jpeg(run: Run, case: Case) -> Path:
    folder = run.folder / case.photo
    if not folder.is_dir():
        width, height = map(int, case.photo.split("x"))
        make_photos(folder, 1, width, height)
    return folder / "0000.jpg"


def _decoded_on_device(contents: list[bytes], model: LoadedModel, device: str) -> torch.Tensor:
    """Return views (B, 3, H, W) of JPEGs, in memory as nvJPEG wants them."""
    contract = model.spec.input
    encoded = [torch.frombuffer(bytearray(content), dtype=torch.uint8) for content in contents]
    size, bicubic = [contract.height, contract.width], F.InterpolationMode.BICUBIC
    decoded = decode_jpeg(encoded, mode=ImageReadMode.RGB, device=device)
    resized = torch.stack([F.resize(image, size, bicubic, antialias=True) for image in decoded])
    normal = F.normalize(resized.float() / 255, list(contract.mean), list(contract.std))
    return normal.contiguous(memory_format=torch.channels_last)


Measure = Callable[[Run, Case], dict[str, object]]
MEASUREMENTS: dict[str, Measure] = {
    "parity": parity,
    "parity of nvJPEG": nvjpeg_parity,
    "network": network,
    "arrays": arrays,
    "files": files,
    "nvJPEG": nvjpeg,
}
