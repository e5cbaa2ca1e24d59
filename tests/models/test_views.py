"""Views that keep the aspect ratio of a photo, and what a model says of several sizes at once."""

from dataclasses import replace

import numpy as np
import pytest
from fakes import brightness_model
from numpy.typing import NDArray
from PIL import Image

from biqa_cli.images.transforms import ViewSize, training_view
from biqa_cli.models.base import EngineName, Predictions
from biqa_cli.models.judging import predict_views
from biqa_cli.models.loading import LoadedModel
from biqa_cli.models.spec import FullSize, InputContract
from biqa_cli.models.views import view_of, views_of

KEEPING = InputContract(128, 128, (0.5,) * 3, (0.5,) * 3, keeps_aspect=True)


def _photo(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def test_a_turned_photo_has_its_view_turned() -> None:
    photo = _photo(150, 100)
    view = view_of(photo, KEEPING)
    assert view.shape == (3, 96, 160)
    turned = view_of(photo.transpose(Image.Transpose.ROTATE_90), KEEPING)
    # Both sides are resized one after the other, and rounded between.
    assert np.abs(np.rot90(view, axes=(1, 2)) - turned).max() <= 2 / 127
    assert view_of(photo, replace(KEEPING, keeps_aspect=False)).shape == (3, 128, 128)


@pytest.mark.parametrize("how", [2, 3, 4])
def test_however_a_photo_lies_the_same_is_seen_of_it_at_full_size(how: int) -> None:
    contract = replace(KEEPING, full_size=FullSize(size=64, above_pixels=1000))
    # Smooth: both sides of the whole are resized one after the other, and cut off at white between.
    photo = _photo(25, 16).resize((250, 161), Image.Resampling.BICUBIC)
    first = views_of(photo, contract, pixels=250 * 161)
    turned = views_of(photo.transpose(Image.Transpose(how)), contract, pixels=250 * 161)
    assert first.full_size is not None
    assert np.array_equal(first.full_size, turned.full_size)
    assert np.array_equal(first.whole, view_of(photo, contract))


def test_training_sees_the_middle_of_the_same_view_reflected_where_it_is_shorter() -> None:
    photo = _photo(150, 100)
    view = np.asarray(photo.resize((160, 96), Image.Resampling.BICUBIC))[:, 16:144]
    seen = training_view(photo, ViewSize(128, 128, keeps_aspect=True))
    assert np.array_equal(seen[16:112], view)
    assert np.array_equal(seen[:16], view[16:0:-1])
    assert np.array_equal(seen[112:], view[-2:-18:-1])


class _Sized:
    """An engine that tells the height of each view, and how many it was given."""

    name: EngineName = "onnx"
    device = "cpu"
    parts = None

    def __init__(self) -> None:
        self.given: list[int] = []

    def predict(self, views: NDArray[np.float32]) -> Predictions:
        self.given.append(len(views))
        scores = views[:, 0, 0, 0] + 0.001 * views.shape[2]
        return Predictions(
            scores.astype(float), 2 * scores.astype(float), np.outer(scores, np.ones(12)), None
        )


def test_views_of_several_sizes_come_back_in_their_order() -> None:
    engine = _Sized()
    model = LoadedModel(brightness_model(height=64, width=64).spec, engine, "0" * 64)
    sizes = [(64, 64), (32, 96), (64, 64), (96, 32), (32, 96)]
    views = [np.full((3, *size), n, np.float32) for n, size in enumerate(sizes)]
    found = predict_views(views, model)
    expected = [n + 0.001 * size[0] for n, size in enumerate(sizes)]
    assert found.scores == pytest.approx(expected)
    assert found.ceilings == pytest.approx([2 * one for one in expected])
    assert found.flaws is not None and found.flaws[:, 3] == pytest.approx(expected)
    assert found.features is None and sorted(engine.given) == [1, 2, 2]
