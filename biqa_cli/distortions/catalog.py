"""The 24 distortions as one table.

Reference:
    Li et al., "Distilling Spatially-Heterogeneous Distortion Perception for Blind Image Quality
    Assessment" (SHDIQA), CVPR 2025, supplement, section 1, names the 24 kinds at four levels.
    Saha et al., "Re-IQA: Unsupervised Learning for Image Quality Assessment in the Wild",
    CVPR 2023, has them at five; the values are those of its release without the mildest.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Resampling

from biqa_cli.distortions import blur, colour, compression, noise, spatial, tone
from biqa_cli.errors import UsageError, did_you_mean

LEVELS = (1, 2, 3, 4)

Group = Literal["blur", "colour", "compression", "noise", "spatial", "tone"]
Apply = Callable[[NDArray[np.float32], float, np.random.Generator], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Distortion:
    """One kind of distortion and the values of its parameter."""

    number: int
    """1 to 24, in the order of the SHDIQA supplement."""
    name: str
    title: str
    """As the SHDIQA supplement spells it."""
    group: Group
    parameter: str
    """What the values mean."""
    levels: tuple[float, float, float, float]
    """The values of levels 1 to 4."""
    apply: Apply
    """Maps an image, a value and a generator to the degraded image, neither clipped nor rounded."""
    identity: float | None = None
    """The value that changes nothing, None where there is none."""
    random: bool = False
    """Whether the result depends on the generator."""
    smallest_side: int = 1
    """Pixels that both sides of an image must have."""

    def check_size(self, height: int, width: int) -> None:
        """Raise a UsageError if an image is too small for this kind."""
        if min(height, width) < self.smallest_side:
            smallest = f"{self.smallest_side}×{self.smallest_side}"
            msg = f"{self.name} needs an image of at least {smallest} pixels, got {width}×{height}"
            raise UsageError(msg)


DISTORTIONS: tuple[Distortion, ...] = (
    Distortion(
        number=1,
        name="resize-bicubic",
        title="Resize Bicubic",
        group="compression",
        parameter="shrink factor",
        levels=(3, 4, 8, 16),
        apply=lambda image, value, _: compression.resize(
            image, factor=value, resample=Resampling.BICUBIC
        ),
        identity=1,
    ),
    Distortion(
        number=2,
        name="resize-bilinear",
        title="Resize Bilinear",
        group="compression",
        parameter="shrink factor",
        levels=(3, 4, 8, 16),
        apply=lambda image, value, _: compression.resize(
            image, factor=value, resample=Resampling.BILINEAR
        ),
        identity=1,
    ),
    Distortion(
        number=3,
        name="resize-lanczos",
        title="Resize Lanczos",
        group="compression",
        parameter="shrink factor",
        levels=(3, 4, 8, 16),
        apply=lambda image, value, _: compression.resize(
            image, factor=value, resample=Resampling.LANCZOS
        ),
        identity=1,
    ),
    Distortion(
        number=4,
        name="pixelate",
        title="Pixelate",
        group="compression",
        parameter="strength s, scale 0.95 - s^0.6",
        levels=(0.05, 0.1, 0.2, 0.5),
        apply=lambda image, value, _: compression.pixelate(image, strength=value),
    ),
    Distortion(
        number=5,
        name="motion-blur",
        title="Motion Blur",
        group="blur",
        parameter="length, pixels",
        levels=(16, 20, 24, 28),
        apply=lambda image, value, rng: blur.motion_blur(image, length=int(value), rng=rng),
        identity=1,
        random=True,
    ),
    Distortion(
        number=6,
        name="gaussian-blur",
        title="Gaussian Blur",
        group="blur",
        parameter="σ, pixels",
        levels=(0.5, 1, 2, 5),
        apply=lambda image, value, _: blur.gaussian_blur(image, sigma=value),
        identity=0,
    ),
    Distortion(
        number=7,
        name="lens-blur",
        title="Lens Blur",
        group="blur",
        parameter="radius, pixels",
        levels=(2, 4, 6, 8),
        apply=lambda image, value, _: blur.lens_blur(image, radius=value),
    ),
    Distortion(
        number=8,
        name="mean-shift",
        title="Mean Shift",
        group="tone",
        parameter="shift of [0, 1]",
        levels=(0.08, -0.08, 0.15, -0.15),
        apply=lambda image, value, _: tone.mean_shift(image, shift=value),
        identity=0,
    ),
    Distortion(
        number=9,
        name="contrast",
        title="Contrast",
        group="tone",
        parameter="bend of the curve",
        levels=(0.15, 0.3, -0.4, -0.6),
        apply=lambda image, value, _: tone.contrast(image, amount=value),
        identity=-0.2,
    ),
    Distortion(
        number=10,
        name="unsharp-masking",
        title="Unsharp Masking",
        group="tone",
        parameter="amount of detail added",
        levels=(2, 3, 6, 12),
        apply=lambda image, value, _: tone.unsharp_masking(image, amount=value),
        identity=0,
    ),
    Distortion(
        number=11,
        name="jitter",
        title="Jitter",
        group="spatial",
        parameter="σ of five displacements, pixels",
        levels=(0.1, 0.2, 0.5, 1),
        apply=lambda image, value, rng: spatial.jitter(image, sigma=value, rng=rng),
        identity=0,
        random=True,
    ),
    Distortion(
        number=12,
        name="color-block",
        title="Color Block",
        group="spatial",
        parameter="squares for 512×384 pixels",
        levels=(4, 6, 8, 10),
        apply=lambda image, value, rng: spatial.colour_block(image, count=value, rng=rng),
        identity=0,
        random=True,
    ),
    Distortion(
        number=13,
        name="non-eccentricity",
        title="Non-eccentricity",
        group="spatial",
        parameter="patches for 512×384 pixels",
        levels=(40, 60, 80, 100),
        apply=lambda image, value, rng: spatial.non_eccentricity(image, count=value, rng=rng),
        identity=0,
        random=True,
        smallest_side=spatial.NON_ECCENTRICITY_SMALLEST_SIDE,
    ),
    Distortion(
        number=14,
        name="jpeg",
        title="JPEG Compression",
        group="compression",
        parameter="quality",
        levels=(43, 36, 24, 7),
        apply=lambda image, value, _: compression.jpeg(image, quality=int(value)),
    ),
    Distortion(
        number=15,
        name="white-noise-rgb",
        title="White Noise (RGB space)",
        group="noise",
        parameter="variance",
        levels=(0.002, 0.003, 0.005, 0.01),
        apply=lambda image, value, rng: noise.white_noise_rgb(image, variance=value, rng=rng),
        identity=0,
        random=True,
    ),
    Distortion(
        number=16,
        name="white-noise-ycbcr",
        title="White Noise (YCbCr space)",
        group="noise",
        parameter="variance",
        levels=(0.0005, 0.001, 0.002, 0.003),
        apply=lambda image, value, rng: noise.white_noise_ycbcr(image, variance=value, rng=rng),
        identity=0,
        random=True,
    ),
    Distortion(
        number=17,
        name="impulse-noise",
        title="Impulse Noise",
        group="noise",
        parameter="share of pixels",
        levels=(0.005, 0.01, 0.02, 0.03),
        apply=lambda image, value, rng: noise.impulse_noise(image, density=value, rng=rng),
        identity=0,
        random=True,
    ),
    Distortion(
        number=18,
        name="multiplicative-noise",
        title="Multiplicative Noise",
        group="noise",
        parameter="variance",
        levels=(0.005, 0.01, 0.02, 0.05),
        apply=lambda image, value, rng: noise.multiplicative_noise(image, variance=value, rng=rng),
        identity=0,
        random=True,
    ),
    Distortion(
        number=19,
        name="denoise",
        title="Denoise",
        group="noise",
        parameter="variance before smoothing",
        levels=(0.002, 0.003, 0.005, 0.01),
        apply=lambda image, value, rng: noise.denoise(image, variance=value, rng=rng),
        random=True,
    ),
    Distortion(
        number=20,
        name="brighten",
        title="Brighten",
        group="tone",
        parameter="rise of the parabola",
        levels=(0.2, 0.4, 0.7, 1.1),
        apply=lambda image, value, _: tone.brighten(image, amount=value),
        identity=0,
    ),
    Distortion(
        number=21,
        name="darken",
        title="Darken",
        group="tone",
        parameter="fall of the parabola",
        levels=(0.1, 0.2, 0.4, 0.8),
        apply=lambda image, value, _: tone.darken(image, amount=value),
        identity=0,
    ),
    Distortion(
        number=22,
        name="color-diffuse",
        title="Color Diffuse",
        group="colour",
        parameter="gain g, σ = 1.5g + 2 pixels",
        levels=(3, 6, 8, 12),
        apply=lambda image, value, _: colour.colour_diffuse(image, amount=value),
    ),
    Distortion(
        number=23,
        name="color-shift",
        title="Color Shift",
        group="colour",
        parameter="distance, pixels",
        levels=(3, 6, 8, 12),
        apply=lambda image, value, rng: colour.colour_shift(image, distance=value, rng=rng),
        identity=0,
        random=True,
    ),
    Distortion(
        number=24,
        name="saturate",
        title="Saturate",
        group="colour",
        parameter="gain",
        levels=(2, 3, 6, 9),
        apply=lambda image, value, _: colour.saturate(image, factor=value),
        identity=1,
    ),
)

_BY_NAME = {distortion.name: distortion for distortion in DISTORTIONS}


def find_distortion(name: str) -> Distortion:
    """Return the distortion of a name.

    Raises:
        UsageError: If there is none of that name; the message names the closest.
    """
    if name in _BY_NAME:
        return _BY_NAME[name]
    hint = did_you_mean(name, _BY_NAME)
    msg = f"there is no distortion {name!r}: {hint} (see `biqa distort --list`)"
    raise UsageError(msg)
