"""What is reserved for a photo is never less than what decoding it takes, by the system's count."""

import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from fakes import photo
from PIL import Image

pillow_heif = pytest.importorskip("pillow_heif")
pytest.importorskip("pillow_jxl")

SIZE = (2400, 1800)
# Freed memory is kept by the C library, libraries allocate tables when first used.
SLACK = 12_000_000
MEASURE = """
import sys
from pathlib import Path
from biqa_cli.images.budget import PHOTOS
from biqa_cli.images.reading import read_photo

def status(line):
    found = next(text for text in open("/proc/self/status") if text.startswith(line))
    return 1024 * int(found.split()[1])

amounts = []
reserve = PHOTOS.reserve
type(PHOTOS).reserve = lambda self, amount, total: (
    amounts.append(amount), reserve(amount, total=total)
)[1]
large, small = sys.argv[1:]
# What a first photo loads is no part of the second.
read_photo(small)
before = status("VmRSS")
amounts.clear()
read_photo(large)
print(status("VmHWM") - before, sum(amounts))
"""


def _forms() -> dict[str, tuple[str, dict[str, object]]]:
    turned = Image.Exif()
    turned[0x0112] = 6
    return {
        "baseline.jpg": ("RGB", {"quality": 90}),
        "progressive.jpg": ("RGB", {"quality": 90, "progressive": True, "subsampling": 0}),
        "turned.jpg": ("RGB", {"quality": 90, "exif": turned}),
        "inks.jpg": ("CMYK", {"quality": 90}),
        "colour.png": ("RGB", {"compress_level": 1}),
        "alpha.png": ("RGBA", {"compress_level": 1}),
        "grey.png": ("L", {"compress_level": 1}),
        "grey16.png": ("I;16", {"compress_level": 1}),
        "palette.png": ("P", {"compress_level": 1}),
        "lossy.webp": ("RGB", {"method": 0}),
        "alpha.webp": ("RGBA", {"method": 0}),
        "colour.avif": ("RGB", {"speed": 10}),
        "alpha.avif": ("RGBA", {"speed": 10}),
        "colour.gif": ("P", {}),
        "colour.bmp": ("RGB", {}),
        "lzw.tif": ("RGB", {"compression": "tiff_lzw"}),
        "turned.tif": ("RGB", {"compression": "tiff_lzw", "exif": turned}),
        "alpha.heic": ("RGBA", {"quality": 5}),
        "colour.jxl": ("RGB", {"effort": 1}),
        "alpha.jxl": ("RGBA", {"effort": 1, "lossless": True}),
    }


_photo = cache(photo)


def _save(path: Path, size: tuple[int, int], mode: str, options: dict[str, object]) -> None:
    image = _photo(*size).copy()
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    elif mode == "RGBA":
        image.putalpha(image.convert("L"))
    else:
        image = image.convert(mode)
    if path.suffix == ".heic":
        pillow_heif.from_pillow(image).save(path, **options)
    else:
        image.save(path, **options)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc/self/status")
@pytest.mark.parametrize("name", _forms())
def test_no_decoder_takes_more_than_was_reserved(tmp_path: Path, name: str) -> None:
    mode, options = _forms()[name]
    large, small = tmp_path / name, tmp_path / f"small-{name}"
    _save(large, SIZE, mode, options)
    _save(small, (64, 48), mode, options)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, str(large), str(small)],
        capture_output=True,
        text=True,
        check=True,
    )
    taken, reserved = map(int, done.stdout.split())
    assert taken <= reserved + SLACK
    # Less than half would mean that the test measured nothing.
    assert taken > SIZE[0] * SIZE[1]
