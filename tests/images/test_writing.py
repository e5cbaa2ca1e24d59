"""What files hold is what was written, or as near as the format says."""

from pathlib import Path

import numpy as np
import pytest
from fakes import photo
from image_files import saved

from biqa_cli.errors import UsageError
from biqa_cli.images.reading import read_photo
from biqa_cli.images.writing import encode_image, format_of_image

PIXELS = np.asarray(photo(96, 64))


@pytest.mark.parametrize("suffix", ["", ".png", ".webp", ".tif", ".TIFF", ".bmp"])
def test_formats_without_loss_hold_the_same_pixels(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"photo{suffix}"
    assert format_of_image(path).lossless
    path.write_bytes(encode_image(PIXELS, path))
    assert np.array_equal(np.asarray(read_photo(path).image), PIXELS)


def test_a_jpeg_has_the_quality_that_the_documentation_promises() -> None:
    expected = saved(photo(96, 64), "JPEG", quality=95, subsampling=0)
    assert not format_of_image(Path("photo.jpg")).lossless
    assert encode_image(PIXELS, Path("photo.jpg")) == expected


def test_what_a_format_cannot_hold_is_told() -> None:
    with pytest.raises(UsageError, match="what format is 'photo.gif'. use one of .png, "):
        encode_image(PIXELS, Path("photo.gif"))
    with pytest.raises(UsageError, match="cannot write .*wide.jpg"):
        encode_image(np.zeros((1, 70_000, 3), np.uint8), Path("wide.jpg"))
