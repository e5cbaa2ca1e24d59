import numpy as np
import pytest
from PIL import Image

from biqa_cli.images.border import without_border

RNG = np.random.default_rng(0)


def picture(width: int = 120, height: int = 80) -> Image.Image:
    return Image.fromarray(RNG.integers(30, 225, (height, width, 3), dtype=np.uint8))


def borderd(image: Image.Image, sides: tuple[int, int, int, int], colour: str) -> Image.Image:
    left, top, right, bottom = sides
    size = (image.width + left + right, image.height + top + bottom)
    whole = Image.new("RGB", size, colour)
    whole.paste(image, (left, top))
    return whole


@pytest.mark.parametrize("colour", ["black", "white", "#203050"])
@pytest.mark.parametrize("sides", [(1, 1, 1, 1), (3, 1, 2, 4), (4, 4, 4, 4)])
def test_a_thin_border_is_cut_off_with_the_line_beside_it(
    sides: tuple[int, int, int, int], colour: str
) -> None:
    image = picture()
    cut = without_border(borderd(image, sides, colour))
    assert np.array_equal(np.asarray(cut), np.asarray(image.crop((1, 1, 119, 79))))


@pytest.mark.parametrize(
    "sides", [(0, 0, 0, 0), (3, 3, 3, 0), (3, 3, 20, 3), (5, 5, 5, 5), (4, 4, 5, 4)]
)
def test_what_is_no_thin_border_on_all_four_sides_stays(sides: tuple[int, int, int, int]) -> None:
    image = borderd(picture(), sides, "black")
    assert without_border(image) is image


def test_a_border_may_be_as_noisy_as_a_jpeg_file_leaves_it() -> None:
    pixels = np.asarray(borderd(picture(), (3, 3, 3, 3), "black")).astype(np.int16)
    noise = RNG.integers(0, 9, pixels.shape)
    noisy = Image.fromarray(np.clip(pixels + noise, 0, 255).astype(np.uint8))
    assert without_border(noisy).size == (118, 78)


@pytest.mark.parametrize("size", [(1, 1), (19, 300), (64, 64)])
def test_a_photo_of_one_colour_stays(size: tuple[int, int]) -> None:
    image = Image.new("RGB", size, "grey")
    assert without_border(image) is image


@pytest.mark.parametrize(("shorter", "is_cut"), [(19, False), (20, True)])
def test_a_photo_is_at_least_20_pixels_high_to_have_a_border(shorter: int, *, is_cut: bool) -> None:
    image = borderd(picture(60, shorter - 2), (1, 1, 1, 1), "black")
    assert (without_border(image) is not image) == is_cut


@pytest.mark.parametrize(("levels", "is_cut"), [(16, True), (17, False)])
@pytest.mark.parametrize("place", [(60, 2), (2, 40), (125, 85), (0, 85), (125, 0), (3, 83)])
def test_a_pixel_of_another_colour_ends_a_border(
    place: tuple[int, int], levels: int, *, is_cut: bool
) -> None:
    image = borderd(picture(), (3, 3, 3, 3), "black")
    image.putpixel(place, (0, levels, 0))
    cut = without_border(image)
    assert (cut.size == (118, 78)) == is_cut


def test_the_colour_of_a_border_is_that_of_its_corner() -> None:
    image = borderd(picture(), (3, 3, 3, 3), "#101010")
    for place in ((1, 0), (0, 1), (1, 1), (125, 0), (0, 85), (125, 85)):
        image.putpixel(place, (0, 0, 0))
    # As far from the corner as the darker ones, and further from those than a border may have.
    image.putpixel((60, 1), (32, 32, 32))
    assert without_border(image).size == (118, 78)
