"""`biqa` in a process of its own, whose models are all `brightness_model`, and start at once.

BRIGHTNESS_SECONDS is how long a photo takes; BRIGHTNESS_LOG a file that the time of each score is
appended to.
"""

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from fakes import BrightnessEngine, brightness_model
from numpy.typing import NDArray

from biqa_cli.__main__ import main
from biqa_cli.models import loading


class _Engine(BrightnessEngine):
    def predict(self, views: NDArray[np.float32]) -> NDArray[np.float64]:
        time.sleep(float(os.environ.get("BRIGHTNESS_SECONDS", "0")))
        scores = super().predict(views)
        if log := os.environ.get("BRIGHTNESS_LOG"):
            with Path(log).open("a") as file:
                file.write(f"{time.time()}\n")
        return scores


def _load(*_: Any, **__: Any) -> loading.LoadedModel:
    model = brightness_model()
    return loading.LoadedModel(model.spec, _Engine(), model.weights_sha256)


if __name__ == "__main__":
    loading.load_model = _load
    main()
