"""A model that tells flaws and looks at full size, and can be checked by hand."""

from dataclasses import replace

import numpy as np
from fakes import BrightnessEngine, brightness_model
from numpy.typing import NDArray
from PIL import Image

from biqa_cli.distortions.flaws import FLAWS
from biqa_cli.models.base import Predictions
from biqa_cli.models.loading import LoadedModel
from biqa_cli.models.spec import FullSize

VIEW = 32
ABOVE = 100 * 100


class FlawedEngine(BrightnessEngine):
    """Its score is the mean of red, its ceiling that of green, and every flaw that of blue.

    The flaw at place n is blue / (n + 1).
    """

    def predict(self, views: NDArray[np.float32]) -> Predictions:
        self.batches.append(len(views))
        red, green, blue = views.mean(axis=(2, 3), dtype=np.float64).T
        return Predictions(red, green, blue[:, None] / np.arange(1, len(FLAWS) + 1))


def flawed_model() -> LoadedModel:
    """Return a model with a view of 32 pixels; photos above 100 × 100 are seen at full size."""
    model = brightness_model(height=VIEW, width=VIEW)
    full_size = FullSize(squares=4, size=VIEW // 2, above_pixels=ABOVE)
    spec = replace(
        model.spec,
        name="flawed",
        family="qualitynet",
        input=replace(model.spec.input, full_size=full_size),
        options={"flaws": True},
    )
    return LoadedModel(spec, FlawedEngine(), "1" * 64)


def photo_with_squares(
    colour: tuple[int, int, int], square: tuple[int, int, int], *, side: int = 160
) -> Image.Image:
    """Return a photo of one colour but for 4 squares with stripes, which its view shows least.

    Half of these is black: what full size shows is half as bright as `square`.
    """
    image = Image.new("RGB", (side, side), colour)
    image.paste((0, 0, 0), (64, 64, 64 + VIEW, 64 + VIEW))
    for left in (72, 88):
        image.paste(square, (left, 64, left + 8, 64 + VIEW))
    return image
