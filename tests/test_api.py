"""The Python API with a model that can be checked by hand."""

import io
import rlcompleter
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import BrightnessEngine, brightness_model, grey_png
from PIL import Image

import biqa_cli
from biqa_cli import api, score_image, score_images, score_map
from biqa_cli.errors import UsageError
from biqa_cli.models.loading import LoadedModel


def _grey(value: int) -> Image.Image:
    return Image.new("RGB", (8, 8), (value,) * 3)


def _png(value: int) -> bytes:
    file = io.BytesIO()
    _grey(value).save(file, "PNG")
    return file.getvalue()


def _array(value: int) -> np.ndarray:
    return np.full((8, 8, 3), value, np.uint8)


@pytest.mark.parametrize("batch_size", [1, 3, 16])
def test_files_bytes_images_and_arrays_are_scored_together_in_their_order(
    tmp_path: Path, batch_size: int
) -> None:
    (tmp_path / "folder").mkdir()
    for name, value in {"a": 51, "folder/b": 102, "folder/c": 153}.items():
        grey_png(tmp_path / f"{name}.png", value)
    mixed: list[Any] = [
        *(tmp_path / "a.png", _png(204), str(tmp_path / "folder"), b"no photo"),
        *(_grey(255), _array(0), np.full((8, 8), 51, np.uint8), tmp_path / "a.png", _png(204)),
    ]
    model = brightness_model()
    results = list(score_images(mixed, model=model, batch_size=batch_size))
    # a.png, which is named twice, is scored once.
    assert [r.score for r in results] == [20, 80, 40, 60, None, 100, 0, 20, 80]
    assert [Path(r.path).name for r in results[:4]] == ["a.png", "", "b.png", "c.png"]
    assert "not an image" in results[4].error
    engine: Any = model.engine
    assert max(engine.batches) == min(batch_size, 8)


@pytest.mark.parametrize("one", [_png(51), _grey(51), _array(51)])
def test_one_picture_is_not_taken_for_many(one: Any) -> None:
    (result,) = score_images(one, model=brightness_model())
    assert result.score == 20


@pytest.mark.parametrize(
    "nothing",
    [
        *(np.zeros((0, 8, 3), np.uint8), np.zeros((8, 0), np.uint8), np.zeros((0, 0), np.uint8)),
        *(Image.new("RGB", (0, 8)), Image.new("L", (8, 0))),
    ],
)
def test_a_picture_without_pixels_is_refused(nothing: Any) -> None:
    for call in (score_image, score_map, lambda *a, **o: list(score_images([*a], **o))):
        with pytest.raises(UsageError, match="with pixels, got"):
            call(nothing, model=brightness_model())


@pytest.mark.parametrize("wrong", [None, 3, io.BytesIO(b""), [[1, 2]], np.zeros((4, 4, 3))])
def test_what_is_no_picture_is_refused_among_others(wrong: Any) -> None:
    results = score_images([_png(51), wrong], model=brightness_model(), batch_size=1, workers=1)
    with pytest.raises(UsageError, match="^expected "):
        list(results)


def test_a_large_file_is_a_result_that_says_so() -> None:
    small = score_image(_png(51), model=brightness_model(), max_pixels=64)
    large = score_image(_png(51), model=brightness_model(), max_pixels=63)
    assert (small.score, large.score) == (20, None)
    assert "over the limit" in large.error
    (same,) = score_images([_png(51)], model=brightness_model(), max_pixels=63)
    assert same == large


def test_a_name_is_loaded_once_whatever_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    loads: list[str] = []

    def load(name: str) -> LoadedModel:
        loads.append(name)
        time.sleep(0.1)
        return brightness_model()

    monkeypatch.setattr(api, "load_model", load)
    scores: list[float | None] = []
    threads = [
        threading.Thread(
            target=lambda: scores.append(score_image(_png(51), model="test-only").score)
        )
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert scores == [20] * 8 and loads == ["test-only"]


def test_completion_finds_the_api() -> None:
    assert set(biqa_cli.__all__) <= set(dir(biqa_cli))
    completer = rlcompleter.Completer({"biqa_cli": biqa_cli})
    found = {completer.complete("biqa_cli.score_", state) for state in range(4)} - {None}
    assert {name.split("(")[0] for name in found if name} == {
        *("biqa_cli.score_image", "biqa_cli.score_images", "biqa_cli.score_map")
    }


@pytest.mark.slow
def test_importing_the_package_and_listing_it_imports_nothing_heavy() -> None:
    code = "import sys, biqa_cli; dir(biqa_cli); print(*{'numpy', 'PIL', 'torch'} & {*sys.modules})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


def test_everything_public_can_be_had_and_nothing_else() -> None:
    assert sorted(biqa_cli.__all__) == sorted(api.__all__)
    assert all(getattr(biqa_cli, name) is getattr(api, name) for name in biqa_cli.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'scores'"):
        _ = biqa_cli.scores


def test_scores_are_kept_only_where_a_store_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home.sqlite"
    monkeypatch.setenv("BIQA_STORE", str(home))
    name, store = grey_png(tmp_path / "a.png", 51), tmp_path / "scores.sqlite"
    plain = list(score_images([name], model=brightness_model()))
    for model in (first := brightness_model(), second := brightness_model()):
        assert list(score_images([name], model=model, store=store)) == plain
    assert isinstance(first.engine, BrightnessEngine) and first.engine.batches == [1]
    assert isinstance(second.engine, BrightnessEngine) and second.engine.batches == []
    assert store.exists() and not home.exists()
