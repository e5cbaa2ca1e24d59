"""`biqa` in a process of its own, whose models are all `brightness_model`, and start at once.

BRIGHTNESS_SECONDS is how long a photo takes; BRIGHTNESS_FAULT what the model raises instead.
"""

import builtins
import os
import time
from typing import Any

import numpy as np
from fakes import BrightnessEngine, brightness_model
from numpy.typing import NDArray

from biqa_cli.cli import main
from biqa_cli.models import loading


class _Engine(BrightnessEngine):
    def predict(self, views: NDArray[np.float32]) -> NDArray[np.float64]:
        time.sleep(float(os.environ.get("BRIGHTNESS_SECONDS", "0")))
        return super().predict(views)


def _load(*_: Any, **__: Any) -> loading.LoadedModel:
    if fault := os.environ.get("BRIGHTNESS_FAULT"):
        raise getattr(builtins, fault)("made by a test")
    model = brightness_model()
    return loading.LoadedModel(model.spec, _Engine(), model.weights_sha256)


if __name__ == "__main__":
    loading.load_model = _load
    main()
