"""`biqa` in a process of its own, whose models are all `brightness_model`, and start at once.

BRIGHTNESS_SECONDS is how long a photo takes; BRIGHTNESS_LOG a file that the time of each score is
appended to.
"""

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biqa_cli.__main__ import main
from biqa_cli.signals import Stopped, stop_on_signals

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from biqa_cli.models.base import Predictions
    from biqa_cli.models.loading import LoadedModel


def use_brightness() -> None:
    """Let every model be the brightness of the photo."""
    from fakes import BrightnessEngine, brightness_model

    from biqa_cli.models import loading

    class Engine(BrightnessEngine):
        def predict(self, views: "NDArray[np.float32]") -> "Predictions":
            time.sleep(float(os.environ.get("BRIGHTNESS_SECONDS", "0")))
            scores = super().predict(views)
            if log := os.environ.get("BRIGHTNESS_LOG"):
                with Path(log).open("a") as file:
                    file.write(f"{time.time()}\n")
            return scores

    def load(*_: Any, **__: Any) -> "LoadedModel":
        model = brightness_model()
        return loading.LoadedModel(model.spec, Engine(), model.weights_sha256)

    loading.load_model = load


if __name__ == "__main__":
    # As in the program itself, before anything heavy is imported.
    stop_on_signals()
    try:
        use_brightness()
    except Stopped as stopped:
        sys.exit(stopped.exit_code)
    main()
