"""Measure seconds and peak memory of `biqa heatmap` on a CPU, from 1 to 100 megapixels.

The photos are an example photo, repeated by its mirror images and saved as JPEG.

Run:  python benchmarks/large_images.py --output benchmarks/large_images.json
"""

import argparse
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

EXAMPLES = Path(__file__).parent.parent / "examples" / "photos"
MEGAPIXELS = (1, 3, 10, 30, 100)
BIQA = [sys.executable, "-m", "biqa_cli"]

# Runs in a process of its own: the peak memory of a child counts from that of its parent.
_MAKE = """
import sys
import numpy as np
from PIL import Image, ImageCms
source, target, width, height, turned = sys.argv[1:]
pixels = np.asarray(Image.open(source))
def mirrored(length, side):
    at = np.arange(int(side)) % (2 * length)
    return np.minimum(at, 2 * length - 1 - at)
large = pixels[mirrored(pixels.shape[0], height)][:, mirrored(pixels.shape[1], width)]
exif, profile = Image.Exif(), None
if turned == "turned":
    exif[0x0112] = 6
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    # Under another name the profile is converted like that of a wide-gamut camera.
    profile = profile.replace("sRGB".encode("utf-16-be"), "wide".encode("utf-16-be"))
Image.fromarray(large).save(target, quality=90, exif=exif, icc_profile=profile)
"""


def process(arguments: list[str]) -> tuple[float, float, float]:
    """Return the wall and the processor's seconds of a process, and its peak memory in MB."""
    start = time.perf_counter()
    child = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{arguments} failed with {child.returncode}")
    seconds = time.perf_counter() - start
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def measure(
    folder: Path, megapixels: float, *, turned: bool, bare: float, options: Sequence[str]
) -> dict[str, object]:
    """Return what one photo takes."""
    width = round(math.sqrt(megapixels * 1e6 * 4 / 3))
    height = round(width * 3 / 4)
    photo = folder / "photo.jpg"
    how = "turned" if turned else "upright"
    made = [str(EXAMPLES / "raccoon.jpg"), str(photo), str(width), str(height), how]
    subprocess.run([sys.executable, "-c", _MAKE, *made], check=True)
    outputs = ["-o", str(folder / "map.png"), "--npy", str(folder / "map.npy")]
    seconds, busy, peak = process([*BIQA, "heatmap", str(photo), "-d", "cpu", *outputs, *options])
    return {
        "width": width,
        "height": height,
        "turned, with a profile": turned,
        "seconds": round(seconds, 1),
        "CPU seconds": round(busy, 1),
        "CPU seconds a megapixel": round(busy / megapixels, 2),
        "peak MB above the interpreter": round(peak - bare),
    }


def main(arguments: argparse.Namespace) -> None:
    """Measure, print and write the results."""
    _, _, bare = process([sys.executable, "-c", "pass"])
    results = []
    with TemporaryDirectory() as folder:
        cases = [(size, False) for size in arguments.megapixels]
        for megapixels, turned in [*cases, (max(arguments.megapixels), True)]:
            results.append(
                measure(
                    Path(folder), megapixels, turned=turned, bare=bare, options=arguments.options
                )
            )
            print(json.dumps(results[-1]), flush=True)
    cores = len(os.sched_getaffinity(0))
    document = {"cores": cores, "interpreter MB": round(bare), "runs": results}
    if arguments.output is not None:
        arguments.output.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megapixels", type=float, nargs="+", default=MEGAPIXELS)
    parser.add_argument("--output", type=Path)
    parser.add_argument("options", nargs="*", help="further ones of `biqa heatmap`, behind --")
    main(parser.parse_args())
