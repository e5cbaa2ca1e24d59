import tracemalloc

import numpy as np
import pytest
from PIL import Image

from biqa_cli.images.full_size import full_size_view, without_margins
from biqa_cli.images.pixels import BANDS_BYTES


def _noise(width: int, height: int, *, seed: int = 0) -> Image.Image:
    """Return smooth noise: grey levels that differ from cell to cell of 8×8 pixels."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def _flat(width: int, height: int, *, detailed: list[tuple[int, int]]) -> Image.Image:
    """Return a grey photo with squares of noise at these places (column, row) of its grid."""
    image = Image.new("RGB", (width, height), (90, 90, 90))
    left, top = width % 224 // 2, height % 224 // 2
    for seed, (column, row) in enumerate(detailed):
        image.paste(_noise(224, 224, seed=seed), (left + 224 * column, top + 224 * row))
    return image


def _literally(image: Image.Image, *, squares: int = 4, size: int = 224) -> np.ndarray:
    """Return the view as its definition says it, from the whole photo in float64."""
    pixels, cells_across = np.asarray(image).astype(np.float64), size // 8
    rows, columns = pixels.shape[0] // size, pixels.shape[1] // size
    top, left = (pixels.shape[0] - size * rows) // 2, (pixels.shape[1] - size * columns) // 2
    middle = pixels[top : top + size * rows, left : left + size * columns]
    cells = middle.reshape(cells_across * rows, 8, cells_across * columns, 8, 3).mean((1, 3, 4))
    across = np.abs(np.diff(cells, axis=1, append=cells[:, -1:]))
    down = np.abs(np.diff(cells, axis=0, append=cells[-1:]))
    steep = np.minimum(across + down, 40)
    detail = steep.reshape(rows, cells_across, columns, cells_across).mean((1, 3))
    # Rounded: sums of floats in another order differ in the last place.
    chosen = sorted(np.argsort(-detail.round(9), axis=None, kind="stable")[:squares])
    chosen += [chosen[0]] * (squares - len(chosen))
    cut = [
        middle[size * row : size * row + size, size * column : size * column + size]
        for row, column in (divmod(square, columns) for square in chosen)
    ]
    side = int(squares**0.5)
    return np.concatenate([np.concatenate(cut[n : n + side], 1) for n in range(0, squares, side)])


@pytest.mark.parametrize("size", [(1300, 1000), (1009, 797), (448, 448), (2700, 230), (1121, 224)])
def test_the_view_is_what_its_definition_says(size: tuple[int, int]) -> None:
    image = _noise(*size)
    view = full_size_view(image)
    assert (view.shape, view.dtype) == ((448, 448, 3), np.uint8)
    assert np.array_equal(view, _literally(image))


@pytest.mark.parametrize("squares", [1, 4])
@pytest.mark.parametrize("seed", range(20))
def test_of_small_squares_too_the_view_is_what_its_definition_says(seed: int, squares: int) -> None:
    # Weak noise: few slopes are cut off at 40, and every row and column decides somewhere.
    rng = np.random.default_rng(seed)
    width, height = rng.integers(32, 90, 2).tolist()
    image = Image.fromarray(rng.integers(0, 150, (height, width, 3), np.uint8))
    view = full_size_view(image, squares=squares, size=16)
    assert np.array_equal(view, _literally(image, squares=squares, size=16))


@pytest.mark.parametrize(("left", "right", "chosen"), [(39, 40, 1), (40, 41, 0), (40, 200, 0)])
def test_slopes_steeper_than_40_are_no_more_detail(left: int, right: int, chosen: int) -> None:
    image = Image.new("RGB", (32, 16))
    # One step in each square, and none between them.
    image.paste((left,) * 3, (8, 0, 24, 16))
    image.paste((left + right,) * 3, (24, 0, 32, 16))
    view = full_size_view(image, squares=1, size=16)
    assert np.array_equal(view, np.asarray(image)[:, 16 * chosen : 16 * chosen + 16])


def test_the_most_detailed_squares_lie_in_reading_order() -> None:
    places = [(3, 2), (0, 0), (2, 0), (1, 1)]
    image = _flat(1000, 900, detailed=places)
    view = full_size_view(image)
    for place, (column, row) in zip(
        [(0, 0), (0, 224), (224, 0), (224, 224)],
        sorted(places, key=lambda place: (place[1], place[0])),
        strict=True,
    ):
        square = image.crop((52 + 224 * column, 2 + 224 * row, 276 + 224 * column, 226 + 224 * row))
        y, x = place
        assert np.array_equal(view[y : y + 224, x : x + 224], np.asarray(square))


@pytest.mark.parametrize("turns", [1, 2, 3])
@pytest.mark.parametrize("size", [(1300, 1000), (1009, 797), (301, 1150), (150, 900), (448, 449)])
def test_the_view_of_a_photo_to_turn_is_that_of_the_turned_photo(
    turns: int, size: tuple[int, int]
) -> None:
    image = _noise(*size)
    turned = Image.fromarray(np.rot90(np.asarray(image), turns))
    assert np.array_equal(full_size_view(image, turns=turns), full_size_view(turned))
    found, expected = full_size_view(image, turns=turns, margin=9), full_size_view(turned, margin=9)
    assert np.array_equal(found, expected)


def test_of_equal_squares_the_first_ones_are_chosen() -> None:
    image = Image.new("RGB", (1120, 672))
    image.paste((1, 1, 1), (0, 0, 896, 224))
    # The four squares at the top are flat too, but for the edge below and beside them.
    view = full_size_view(image)
    assert (view == 1).all()


def test_where_there_are_fewer_squares_the_first_is_repeated() -> None:
    image = _noise(448, 250)
    view = full_size_view(image)
    left, right = view[:224, :224], view[:224, 224:]
    assert not np.array_equal(left, right)
    assert np.array_equal(view[224:], np.concatenate([left, left], axis=1))


def test_noise_is_no_detail() -> None:
    rng = np.random.default_rng(1)
    places = [(0, 0), (1, 0), (2, 1), (3, 1)]
    clean = _flat(896, 448, detailed=places)
    noise = rng.normal(0, 25, (448, 896, 3))
    noisy = Image.fromarray(np.clip(np.asarray(clean) + noise, 0, 255).astype(np.uint8))
    difference = full_size_view(noisy).astype(float) - full_size_view(clean)
    assert np.abs(difference).mean() < 25


@pytest.mark.parametrize("size", [(5000, 161), (161, 5000), (100, 90), (300, 1)])
def test_a_side_shorter_than_a_square_is_reflected(size: tuple[int, int]) -> None:
    image = _noise(*size)
    padded = np.pad(np.asarray(image), _paddings(*size), mode="reflect")
    assert np.array_equal(full_size_view(image), full_size_view(Image.fromarray(padded)))


def _paddings(width: int, height: int) -> list[tuple[int, int]]:
    missing = [max(224 - side, 0) for side in (height, width)]
    return [*((m - m // 2, m // 2) for m in missing), (0, 0)]


def test_margins_show_the_surroundings_of_each_square_and_come_off_again() -> None:
    image = _noise(1009, 797)
    wide = full_size_view(image, margin=40)
    assert wide.shape == (608, 608, 3)
    assert np.array_equal(without_margins(wide, margin=40), full_size_view(image))
    around = np.pad(np.asarray(image), [(40, 40), (40, 40), (0, 0)], mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(around[:, :, 0], (304, 304))
    for square in (wide[:304, :304], wide[:304, 304:], wide[304:, :304], wide[304:, 304:]):
        # The grid starts at 62 pixels from the top and 56 from the left.
        found = [
            np.array_equal(windows[62 + 224 * row, 56 + 224 * column], square[:, :, 0])
            for row in range(3)
            for column in range(4)
        ]
        assert sum(found) == 1


def test_without_a_margin_nothing_comes_off() -> None:
    view = full_size_view(_noise(900, 900))
    assert np.array_equal(without_margins(view, margin=0), view)


def test_the_number_and_the_size_of_squares_can_be_others() -> None:
    view = full_size_view(_noise(900, 900), squares=9, size=64)
    assert view.shape == (192, 192, 3)


@pytest.mark.parametrize("size", [(6000, 2000), (60000, 700)])
def test_a_large_photo_takes_no_more_than_a_band(size: tuple[int, int]) -> None:
    image = Image.new("RGB", size, (10, 20, 30))
    full_size_view(image)
    tracemalloc.start()
    full_size_view(image)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < BANDS_BYTES
