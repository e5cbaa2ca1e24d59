"""From the colours of a file to 8-bit sRGB, by colour management (LittleCMS)."""

import logging
from functools import lru_cache
from io import BytesIO
from typing import cast

import numpy as np
from PIL import Image, ImageCms

from biqa_cli.images.header import unsupported
from biqa_cli.images.profiles import HIGH_DYNAMIC_RANGE

logger = logging.getLogger(__name__)

_SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}
_STEPS = 9
_TAGS_AT, _TAG_SIZE, _MAX_TAGS = 128, 12, 100


def to_srgb(image: Image.Image, profile: bytes | None, *, own: bool) -> Image.Image:
    """Return an image of mode L, RGB, CMYK or LAB in sRGB.

    Args:
        image: Opaque.
        profile: An ICC profile; one that cannot be used is ignored, as viewers do.
        own: Whether the image may be changed in place.

    Raises:
        ImageError: If the profile is of high dynamic range.
    """
    if image.mode == "LAB":
        return _transformed(image, _lab_to_srgb())
    in_place = own and image.mode == "RGB"
    if profile:
        _refuse_high_dynamic_range(profile)
        try:
            transform = _transform(profile, image.mode)
        except (ImageCms.PyCMSError, OSError, ValueError) as error:
            logger.info("an unusable ICC profile is ignored: %s", error)
        else:
            if transform is not None:
                return _transformed(image, transform, in_place=in_place)
    return image if in_place else image.convert("RGB")


def _transformed(
    image: Image.Image, transform: ImageCms.ImageCmsTransform, *, in_place: bool = False
) -> Image.Image:
    if in_place:
        ImageCms.applyTransform(image, transform, inPlace=True)
        return image
    # Only an in-place transform returns None.
    return cast("Image.Image", ImageCms.applyTransform(image, transform))


def _refuse_high_dynamic_range(profile: bytes) -> None:
    """Refuse a profile with the tag "cicp" (ICC.1:2022, 9.2.17) for PQ or HLG.

    Its curves are there for programs that know no better: they show the photo far too dark.
    """
    count = int.from_bytes(profile[_TAGS_AT : _TAGS_AT + 4], "big")
    for number in range(min(count, _MAX_TAGS)):
        at = _TAGS_AT + 4 + _TAG_SIZE * number
        if profile[at : at + 4] == b"cicp":
            place = int.from_bytes(profile[at + 4 : at + 8], "big")
            transfer = int.from_bytes(profile[place + 9 : place + 10], "big")
            if transfer in HIGH_DYNAMIC_RANGE:
                kind = HIGH_DYNAMIC_RANGE[transfer]
                raise unsupported("photo", f"its profile has high dynamic range, {kind}")


@lru_cache(maxsize=32)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Return the transform of a profile to sRGB, None where it changes nothing.

    What a profile is called does not count: names are copied along while curves are changed.
    """
    source = ImageCms.ImageCmsProfile(BytesIO(profile))
    space = source.profile.xcolor_space.strip()
    if space != _SPACES[mode]:
        msg = f"a profile for {space} in a photo of mode {mode}"
        raise ValueError(msg)
    transform = ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    if mode == "RGB" and _changes_nothing(transform):
        return None
    return transform


def _changes_nothing(transform: ImageCms.ImageCmsTransform) -> bool:
    """Return whether a transform from RGB moves no colour by more than rounding does."""
    steps = np.linspace(0, 255, _STEPS).round().astype(np.uint8)
    colours = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(_STEPS**2, _STEPS, 3)
    converted = np.asarray(_transformed(Image.fromarray(colours), transform))
    return int(np.abs(converted.astype(int) - colours).max()) <= 1


@lru_cache(maxsize=1)
def _lab_to_srgb() -> ImageCms.ImageCmsTransform:
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    return ImageCms.buildTransform(lab, srgb, "LAB", "RGB")
