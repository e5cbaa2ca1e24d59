"""The upload gate of docs/web.md, with a model that can be checked by hand."""

import asyncio
import io
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import BrightnessEngine, brightness_model
from numpy.typing import NDArray
from PIL import Image
from tool_loading import load_benchmark

from biqa_cli import api
from biqa_cli.models.base import Predictions
from biqa_cli.models.loading import LoadedModel

ROOT = Path(__file__).parents[1]


WEB = load_benchmark("web")


class SlowEngine(BrightnessEngine):
    """Counts how many forward passes run at the same time."""

    def __init__(self) -> None:
        super().__init__()
        self.running = self.most = 0
        self.threads: set[str] = set()
        self.lock = threading.Lock()

    def predict(self, views: NDArray[np.float32]) -> Predictions:
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
            self.threads.add(threading.current_thread().name)
        time.sleep(0.05)
        with self.lock:
            self.running -= 1
        return super().predict(views)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    asked: list[dict[str, Any]] = []

    def load(**options: Any) -> LoadedModel:
        asked.append(options)
        model = brightness_model()
        return LoadedModel(model.spec, SlowEngine(), model.weights_sha256)

    monkeypatch.setattr(api, "load_model", load)
    monkeypatch.setattr("biqa_cli.load_model", load, raising=False)
    found: dict[str, Any] = WEB.gate_of((ROOT / "docs" / "web.md").read_text(encoding="utf-8"))
    assert asked == [{"device": "cpu", "threads": 1}]
    return found


def _png(value: int, side: int = 8) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (side, side), (value,) * 3).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize(
    ("upload", "status", "facts"),
    [
        (_png(204), 200, {"score": 80.0, "low": None, "high": None}),
        (_png(51), 422, {"score": 20.0, "low": None, "high": None}),
        (b"", 422, {"error": "the file is empty"}),
        (bytes(20_000_001), 413, {"error": "more than 20000000 bytes"}),
    ],
)
def test_an_upload_has_its_answer(
    names: dict[str, Any], upload: bytes, status: int, facts: dict[str, Any]
) -> None:
    assert asyncio.run(WEB.put(names["gate"], upload)) == (status, facts)


def test_a_photo_of_too_many_pixels_is_not_decoded(names: dict[str, Any]) -> None:
    names["MOST_PIXELS"] = 100
    status, facts = asyncio.run(WEB.put(names["gate"], _png(204, side=11)))
    assert status == 422 and "over the limit" in facts["error"]


def test_requests_are_scored_side_by_side_outside_the_event_loop(names: dict[str, Any]) -> None:
    asyncio.run(WEB.measure(names["gate"], [_png(204)] * 12, at_a_time=12))
    engine = names["MODEL"].engine
    assert engine.most == names["AT_ONCE"] == 2
    assert all(name.startswith("score") for name in engine.threads)


def test_the_event_loop_lives_while_a_photo_is_scored(names: dict[str, Any]) -> None:
    async def longest_pause() -> float:
        work = asyncio.ensure_future(WEB.measure(names["gate"], [_png(204)] * 6, at_a_time=6))
        longest, last = 0.0, time.monotonic()
        while not work.done():
            await asyncio.sleep(0.001)
            longest, last = max(longest, time.monotonic() - last), time.monotonic()
        return longest

    # Scoring in the loop would stop it for 6 × 50 ms.
    assert asyncio.run(longest_pause()) < 0.25
