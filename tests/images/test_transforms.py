import numpy as np
from fakes import photo
from PIL import Image

from biqa_cli.images.transforms import model_view, normalise

MEAN, STD = (0.5, 0.25, 0.0), (0.5, 1.0, 2.0)


def test_a_view_has_channels_first_and_the_size_that_is_asked() -> None:
    view = model_view(photo(64, 48), height=20, width=30, mean=MEAN, std=STD)
    assert (view.shape, view.dtype) == ((3, 20, 30), np.float32)
    assert view.flags.c_contiguous


def test_an_image_of_the_right_size_is_not_resampled() -> None:
    image = photo(30, 20)
    view = model_view(image, height=20, width=30, mean=(0.0,) * 3, std=(1.0,) * 3)
    assert np.allclose(view.transpose(1, 2, 0) * 255, np.asarray(image), atol=1e-4)


def test_normalisation_is_mean_and_standard_deviation_per_channel() -> None:
    pixels = np.full((2, 2, 3), 255, np.uint8)
    assert np.allclose(normalise(pixels, mean=MEAN, std=STD)[:, 0, 0], [1.0, 0.75, 0.5], atol=1e-6)


def test_shrinking_averages_over_all_pixels() -> None:
    # Alternating rows of black and white become grey, whatever the phase.
    rows = np.zeros((400, 400, 3), np.uint8)
    rows[::2] = 255
    for shifted in (rows, rows[::-1]):
        image = Image.fromarray(np.ascontiguousarray(shifted))
        view = model_view(image, height=40, width=40, mean=(0.0,) * 3, std=(1.0,) * 3)
        assert np.abs(view - 0.5).max() < 0.02


def _bicubic(distance: float) -> float:
    """Keys' kernel with a = -0.5 (1981), as in Pillow."""
    x = abs(distance)
    if x < 1:
        return 1.5 * x**3 - 2.5 * x**2 + 1
    return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0


def test_a_view_is_resized_by_the_bicubic_kernel() -> None:
    row = np.array([10, 200, 40, 90, 240, 30, 120, 60], np.uint8)
    image = Image.fromarray(np.repeat(row[None, :, None], 3, axis=2).repeat(4, axis=0))
    for width in (16, 4):
        view = model_view(image, height=4, width=width, mean=(0.0,) * 3, std=(1.0,) * 3)
        scale = len(row) / width
        # Where it shrinks, the kernel is as much wider.
        reach = max(scale, 1.0)
        for column in range(width):
            centre = (column + 0.5) * scale
            weights = np.array([_bicubic((n + 0.5 - centre) / reach) for n in range(len(row))])
            expected = np.clip(weights @ row / weights.sum(), 0, 255)
            assert abs(view[0, 1, column] * 255 - expected) <= 0.51
