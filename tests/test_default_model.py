"""The model that comes with the package, on real photos: what a user sees."""

import csv
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import EXAMPLES, brightness_model, grey_png, photo
from PIL import Image

from biqa_cli import load_model, score_image, score_images, score_map
from biqa_cli.api import _load
from biqa_cli.errors import ImageError, UsageError, WeightsError
from biqa_cli.models.catalog import DEFAULT_MODEL
from biqa_cli.models.loading import LoadedModel
from biqa_cli.results import ImageResult
from biqa_cli.scoring import score_files
from biqa_cli.weights.cache import locate
from biqa_cli.weights.manifest import load_manifest

# What each checkpoint says of two photos: score, low, high, native score.
PINNED = {
    "qualitynet-lite": ((77.8744, 70.47, 85.28, 0.776969), (29.5119, 8.77, 50.26, 0.306014)),
    "qualitynet-flaws": ((77.8859, 69.96, 85.81, 0.77142), (15.4254, 0.0, 34.75, 0.185711)),
    "blockiqa-lite": ((78.7702, 70.99, 86.55, 0.793225), (33.643, 13.14, 54.15, 0.326509)),
    "reqa-lite": ((76.2488, 68.61, 83.89, 79.028259), (65.8071, 49.96, 81.66, 67.185425)),
    "shdiqa-lite": ((77.4375, 69.23, 85.64, 0.800109), (54.1698, 36.04, 72.3, 0.542399)),
    "shdiqa-lite-vit": ((78.6223, 70.19, 87.06, 0.803462), (55.2276, 36.14, 74.32, 0.544664)),
    "blockiqa-lite-2x2": ((83.4259, 75.2, 91.65, 0.839914), (54.3387, 33.34, 75.33, 0.484652)),
    "nlnet-lite": ((76.3837, 67.35, 85.42, 0.75627), (46.7118, 27.68, 65.74, 0.467599)),
    "blockiqa": ((80.0806, 72.48, 87.68, 0.808454), (52.2622, 32.68, 71.85, 0.518583)),
    "qualitynet": ((74.7352, 64.39, 85.08, 0.746835), (38.0045, 18.03, 57.98, 0.373613)),
}

DEGRADED = {
    "coffee": "coffee-blurred",
    "cat": "cat-noisy",
    "raccoon": "raccoon-overcompressed",
    "rocket": "rocket-underexposed",
}


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return load_model(engine="onnx")


@pytest.fixture(scope="module")
def torch_model() -> LoadedModel:
    return load_model(DEFAULT_MODEL, engine="torch", device="cpu")


@pytest.fixture
def every_kind(tmp_path: Path) -> list[str]:
    """Photos of every kind that is read: sizes, modes, formats."""
    cat = Image.open(EXAMPLES / "cat.jpg")
    cat.convert("L").save(tmp_path / "grey.png")
    cat.convert("CMYK").save(tmp_path / "cmyk.jpg")
    cat.convert("P").save(tmp_path / "palette.gif")
    cat.convert("RGBA").save(tmp_path / "alpha.webp")
    sixteen = np.asarray(cat.convert("L")).astype(np.uint16) * 257
    Image.fromarray(sixteen).save(tmp_path / "sixteen.tiff")
    # Large enough to be decoded at half its size.
    photo(2200, 1500).save(tmp_path / "large.jpg")
    photo(2000, 90).save(tmp_path / "panorama.jpg")
    Image.new("RGB", (1, 1), "red").save(tmp_path / "pixel.png")
    Image.new("RGB", (600, 600), "black").save(tmp_path / "black.png")
    return sorted(str(path) for path in [*tmp_path.iterdir(), *EXAMPLES.glob("c*.jpg")])


@pytest.mark.slow
def test_both_engines_give_the_same_score(
    model: LoadedModel, torch_model: LoadedModel, every_kind: list[str]
) -> None:
    onnx = [result.score for result in score_files(every_kind, model)]
    torch = [result.score for result in score_files(every_kind, torch_model)]
    assert None not in onnx
    assert onnx == pytest.approx(torch, abs=1e-3)


def _numbers(result: ImageResult) -> tuple[float | None, ...]:
    return result.score, result.low, result.high, result.native_score


# A network that takes longer than a quick test may.
HEAVY = {"blockiqa", "qualitynet", "nlnet-lite"}


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[pytest.mark.slow] if n in HEAVY else []) for n in PINNED],
)
def test_the_scores_and_intervals_of_every_checkpoint_are_pinned(name: str) -> None:
    assert PINNED.keys() == {checkpoint.name for checkpoint in load_manifest().checkpoints}
    ready = load_model(name, device="cpu")
    assert ready.engine.name == ("torch" if name == "nlnet-lite" else "onnx")
    for photo_name, wanted in zip(("cat", "coffee-blurred"), PINNED[name], strict=True):
        found = _numbers(score_image(EXAMPLES / f"{photo_name}.jpg", model=ready))
        assert found == pytest.approx(wanted, abs=0.02), photo_name


@pytest.mark.slow
def test_the_example_of_the_page_is_what_is_printed() -> None:
    page = EXAMPLES.parents[1] / "docs" / "cli" / "score.md"
    shown = [line.strip() for line in page.read_text(encoding="utf-8").splitlines()]
    rows = list(csv.reader(line for line in shown if line.startswith("examples/photos/")))
    assert len(rows) >= 4
    for row in rows:
        path, score, low, high, native, model, width, height, status, error, note = row
        result = score_image(EXAMPLES / Path(path).name)
        assert [float(text) for text in (score, low, high, native)] == pytest.approx(
            _numbers(result), abs=0.02
        )
        found = (result.model, result.status, result.error, result.note)
        assert (model, status, error, note) == found
        assert (int(width), int(height)) == (result.width, result.height)


@pytest.mark.slow
def test_batch_order_workers_and_threads_do_not_change_a_score(every_kind: list[str]) -> None:
    reference: dict[str, float | None] = {}
    # Each pair of values once: threads, batch size, workers.
    for threads, batch_size, workers in ((1, 1, 1), (1, 5, 3), (2, 1, 3), (2, 5, 1)):
        ready = load_model(DEFAULT_MODEL, engine="onnx", threads=threads)
        paths = every_kind[::-1] if batch_size == 5 else every_kind
        results = score_files(paths, ready, batch_size=batch_size, workers=workers)
        scores = {result.path: result.score for result in results}
        reference = reference or scores
        assert scores == pytest.approx(reference, abs=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize(("clean", "degraded"), DEGRADED.items())
def test_a_degraded_photo_scores_lower(model: LoadedModel, clean: str, degraded: str) -> None:
    before, after = (
        score_image(EXAMPLES / f"{name}.jpg", model=model).score for name in (clean, degraded)
    )
    assert before is not None and after is not None
    assert after < before - 3


def test_a_turned_photo_scores_like_the_upright_one(model: LoadedModel, tmp_path: Path) -> None:
    upright = photo(300, 200)
    exif = Image.Exif()
    exif[0x0112] = 6
    upright.save(tmp_path / "upright.png")
    upright.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "turned.png", exif=exif)
    scores = [score_image(tmp_path / f"{n}.png", model=model).score for n in ("upright", "turned")]
    assert scores[0] == scores[1]


def test_files_images_and_arrays_are_scored_alike() -> None:
    path, model = EXAMPLES / "cat.jpg", brightness_model(height=512, width=512)
    image = Image.open(path)
    scores = {
        score_image(subject, model=model).score
        for subject in (path, str(path), path.read_bytes(), image, np.asarray(image))
    }
    assert len(scores) == 1


def test_a_damaged_photo_in_memory_is_a_result_too(model: LoadedModel) -> None:
    cut = (EXAMPLES / "cat.jpg").read_bytes()[:9000]
    for subject in (cut, Image.open(BytesIO(cut))):
        result = score_image(subject, model=model)
        assert (result.status, result.path) == ("error", "")
        assert result.error == "the file is truncated: part of the photo is missing"
        with pytest.raises(ImageError, match="is truncated"):
            score_map(subject, model=model)


@pytest.mark.parametrize("subject", [None, 7, BytesIO()])
def test_what_is_no_photo_at_all_is_refused(model: LoadedModel, subject: Any) -> None:
    with pytest.raises(UsageError, match="expected a file, its bytes, a Pillow image or an array"):
        score_image(subject, model=model)


def test_an_array_of_another_kind_is_refused(model: LoadedModel) -> None:
    with pytest.raises(
        UsageError, match=r"expected bytes \(H, W, 3\) or \(H, W\) with pixels, got float64"
    ):
        score_image(np.zeros((4, 4, 3)), model=model)  # type: ignore[arg-type]


@pytest.mark.parametrize("named", [lambda folder: [folder], Path, str], ids=["list", "Path", "str"])
def test_a_folder_is_scored_from_python(
    named: Callable[[Path], list[Path] | Path | str], tmp_path: Path
) -> None:
    for value in (10, 20, 30):
        grey_png(tmp_path / f"{value}.png", value)
    results = list(score_images(named(tmp_path), model=brightness_model()))
    assert [result.status for result in results] == ["ok"] * 3


@pytest.mark.slow
def test_a_name_stands_for_a_model_that_is_load(model: LoadedModel) -> None:
    cat = EXAMPLES / "cat.jpg"
    named, loaded, none = (
        score_image(cat, model=given).score for given in (DEFAULT_MODEL, model, None)
    )
    assert named == loaded == none
    assert _load(DEFAULT_MODEL) is _load(DEFAULT_MODEL)
    with pytest.raises(UsageError, match="there is no model 'qualitynet-light'"):
        score_image(cat, model="qualitynet-light")


def test_a_file_of_weights_may_be_named_as_text(model: LoadedModel) -> None:
    file = locate(load_manifest().find(DEFAULT_MODEL).weights)
    assert load_model(str(file)).weights_sha256 == model.weights_sha256


def test_the_wrong_device_or_engine_is_explained() -> None:
    with pytest.raises(UsageError, match="there is no device 'tpu'"):
        load_model(DEFAULT_MODEL, device="tpu")
    with pytest.raises(UsageError, match="--engine onnx runs on the CPU"):
        load_model(DEFAULT_MODEL, device="cuda", engine="onnx")
    with pytest.raises(WeightsError, match="reqa has no trained weights"):
        load_model("reqa")
