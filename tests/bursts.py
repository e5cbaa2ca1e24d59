"""Bursts for the tests of culling, made of photos that are drawn."""

from datetime import datetime, timedelta

from fakes import photo
from PIL import Image, ImageEnhance, ImageFilter

from biqa_cli.culling.grouping import Glimpse
from biqa_cli.images.capture_time import CaptureTime
from biqa_cli.images.fingerprint import fingerprint

NOON = datetime(2024, 6, 1, 12)  # noqa: DTZ001  a camera's clock


def burst(seed: int) -> list[Image.Image]:
    """Return frames of one scene: as it is, shifted, darker, blurred, and a close crop."""
    scene = photo(480, 320, seed=seed)
    return [
        scene.crop((20, 10, 460, 310)),
        scene.crop((36, 20, 476, 320)),
        ImageEnhance.Brightness(scene.crop((20, 10, 460, 310))).enhance(0.5),
        scene.crop((20, 10, 460, 310)).filter(ImageFilter.GaussianBlur(3)),
        scene.crop((90, 60, 420, 280)),
    ]


def glimpse(
    image: Image.Image, path: str, *, seconds: float | None = 0, offset: float | None = None
) -> Glimpse:
    """Return what grouping sees of a frame that was taken so many seconds after noon."""
    taken = None
    if seconds is not None:
        zone = None if offset is None else timedelta(hours=offset)
        taken = CaptureTime(NOON + timedelta(seconds=seconds), zone)
    return Glimpse(path, fingerprint(image), taken)
