"""The distortions as one table: the 24 that papers train on, and 27 more flaws of photos.

Reference:
    Li et al., "Distilling Spatially-Heterogeneous Distortion Perception for Blind Image Quality
    Assessment" (SHDIQA), CVPR 2025, supplement, section 1, names the 24 kinds at four levels.
    Saha et al., "Re-IQA: Unsupervised Learning for Image Quality Assessment in the Wild",
    CVPR 2023, has them at five; the values are those of its release without the mildest.
    Lin et al., "KADID-10k: A Large-scale Artificially Distorted IQA Database", QoMEX 2019, whose
    generator has some of them in another form.
    Ponomarenko et al., "Image database TID2013: Peculiarities, results and perspectives", Signal
    Processing: Image Communication 30, 2015, has kinds of noise and errors that these lack.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from biqa_cli.distortions.blur import camera_shake, gaussian_blur, lens_blur, motion_blur
from biqa_cli.distortions.codecs import (
    avif,
    double_jpeg,
    jpeg2000,
    jpeg_errors,
    noisy_jpeg,
    webp,
)
from biqa_cli.distortions.colour import (
    chromatic_aberration,
    colour_diffuse,
    colour_shift,
    desaturated,
    garish,
    saturate,
)
from biqa_cli.distortions.compression import (
    banding,
    dithered_colours,
    few_colours,
    jpeg,
    pixelate,
    resize_bicubic,
    resize_bilinear,
    resize_lanczos,
    upscaling,
)
from biqa_cli.distortions.light import colour_cast, haze, overexposure, underexposure, vignette
from biqa_cli.distortions.noise import (
    chroma_noise,
    coarse_noise,
    denoise,
    fine_noise,
    high_iso,
    impulse_noise,
    multiplicative_noise,
    white_noise_rgb,
    white_noise_ycbcr,
)
from biqa_cli.distortions.processing import denoised, oversharpening
from biqa_cli.distortions.spatial import (
    NON_ECCENTRICITY_SMALLEST_SIDE,
    brightness_blocks,
    colour_block,
    jitter,
    non_eccentricity,
)
from biqa_cli.distortions.tone import (
    brighten,
    contrast,
    darken,
    low_contrast,
    mean_shift,
    unsharp_masking,
)
from biqa_cli.errors import UsageError, did_you_mean

LEVELS = (1, 2, 3, 4)

Source = Literal["Re-IQA", "KADID-10k", "TID2013", "biqa"]


@dataclass(frozen=True, slots=True)
class Distortion:
    """One kind of distortion and the values of its parameter."""

    number: int
    """1 to 24 in the order of the SHDIQA supplement, and from 25 in ours."""
    name: str
    title: str
    """As the SHDIQA supplement spells it, or ours."""
    function: Callable[..., NDArray[np.float32]]
    """Maps an image to the degraded one, neither clipped nor rounded."""
    argument: str
    """The keyword of the function that takes the values."""
    unit: str
    """What the values count or mean."""
    levels: tuple[float, float, float, float]
    """The values of levels 1 to 4."""
    identity: float | None
    """The value that changes nothing, None where there is none."""
    random: bool
    """Whether the function draws from a generator, its keyword `rng`."""
    source: Source
    """Whose released code or description has the operation in this form."""
    smallest_side: int = 1
    """Pixels that both sides of an image must have."""

    @property
    def group(self) -> str:
        """The family of the kind: the module of its function."""
        return self.function.__module__.rpartition(".")[2]

    @property
    def parameter(self) -> str:
        """What the values mean, with their unit."""
        return f"{self.argument}, {self.unit}"

    def apply(
        self, image: NDArray[np.float32], value: float, rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Return the image degraded by a value of the parameter, neither clipped nor rounded."""
        drawn = {"rng": rng} if self.random else {}
        return self.function(image, **{self.argument: value}, **drawn)

    def check_size(self, height: int, width: int) -> None:
        """Raise a UsageError if an image is too small for this kind."""
        if min(height, width) < self.smallest_side:
            smallest = f"{self.smallest_side}×{self.smallest_side}"
            msg = f"{self.name} needs an image of at least {smallest} pixels, got {width}×{height}"
            raise UsageError(msg)


# ruff: noqa: E501  one kind, one line
# fmt: off
DISTORTIONS: tuple[Distortion, ...] = (
    Distortion(1,   "resize-bicubic",       "Resize Bicubic",            resize_bicubic,       "factor",   "times smaller",                   (3, 4, 8, 16),                 1,    False, "Re-IQA"),
    Distortion(2,   "resize-bilinear",      "Resize Bilinear",           resize_bilinear,      "factor",   "times smaller",                   (3, 4, 8, 16),                 1,    False, "Re-IQA"),
    Distortion(3,   "resize-lanczos",       "Resize Lanczos",            resize_lanczos,       "factor",   "times smaller",                   (3, 4, 8, 16),                 1,    False, "Re-IQA"),
    Distortion(4,   "pixelate",             "Pixelate",                  pixelate,             "strength", "scale 0.95 - strength^0.6",       (0.05, 0.1, 0.2, 0.5),         None, False, "Re-IQA"),
    Distortion(5,   "motion-blur",          "Motion Blur",               motion_blur,          "length",   "pixels",                          (16, 20, 24, 28),              1,    True,  "Re-IQA"),
    Distortion(6,   "gaussian-blur",        "Gaussian Blur",             gaussian_blur,        "sigma",    "pixels",                          (0.5, 1, 2, 5),                0,    False, "Re-IQA"),
    Distortion(7,   "lens-blur",            "Lens Blur",                 lens_blur,            "radius",   "pixels",                          (2, 4, 6, 8),                  None, False, "Re-IQA"),
    Distortion(8,   "mean-shift",           "Mean Shift",                mean_shift,           "shift",    "of [0, 1]",                       (0.08, -0.08, 0.15, -0.15),    0,    False, "Re-IQA"),
    Distortion(9,   "contrast",             "Contrast",                  contrast,             "amount",   "bend of the curve",               (0.15, 0.3, -0.4, -0.6),       -0.2, False, "Re-IQA"),
    Distortion(10,  "unsharp-masking",      "Unsharp Masking",           unsharp_masking,      "amount",   "times the detail",                (2, 3, 6, 12),                 0,    False, "KADID-10k"),
    Distortion(11,  "jitter",               "Jitter",                    jitter,               "sigma",    "pixels, five times",              (0.1, 0.2, 0.5, 1),            0,    True,  "Re-IQA"),
    Distortion(12,  "color-block",          "Color Block",               colour_block,         "count",    "squares for 512×384 pixels",      (4, 6, 8, 10),                 0,    True,  "Re-IQA"),
    Distortion(13,  "non-eccentricity",     "Non-eccentricity",          non_eccentricity,     "count",    "patches for 512×384 pixels",      (40, 60, 80, 100),             0,    True,  "Re-IQA", NON_ECCENTRICITY_SMALLEST_SIDE),
    Distortion(14,  "jpeg",                 "JPEG Compression",          jpeg,                 "quality",  "1 to 100",                        (43, 36, 24, 7),               None, False, "Re-IQA"),
    Distortion(15,  "white-noise-rgb",      "White Noise (RGB space)",   white_noise_rgb,      "variance", "white is 1",                      (0.002, 0.003, 0.005, 0.01),   0,    True,  "Re-IQA"),
    Distortion(16,  "white-noise-ycbcr",    "White Noise (YCbCr space)", white_noise_ycbcr,    "variance", "white is 1",                      (0.0005, 0.001, 0.002, 0.003), 0,    True,  "Re-IQA"),
    Distortion(17,  "impulse-noise",        "Impulse Noise",             impulse_noise,        "density",  "share of pixels",                 (0.005, 0.01, 0.02, 0.03),     0,    True,  "Re-IQA"),
    Distortion(18,  "multiplicative-noise", "Multiplicative Noise",      multiplicative_noise, "variance", "times the image",                 (0.005, 0.01, 0.02, 0.05),     0,    True,  "Re-IQA"),
    Distortion(19,  "denoise",              "Denoise",                   denoise,              "variance", "before smoothing",                (0.002, 0.003, 0.005, 0.01),   None, True,  "Re-IQA"),
    Distortion(20,  "brighten",             "Brighten",                  brighten,             "amount",   "rise of the parabola",            (0.2, 0.4, 0.7, 1.1),          0,    False, "Re-IQA"),
    Distortion(21,  "darken",               "Darken",                    darken,               "amount",   "fall of the parabola",            (0.1, 0.2, 0.4, 0.8),          0,    False, "Re-IQA"),
    Distortion(22,  "color-diffuse",        "Color Diffuse",             colour_diffuse,       "amount",   "gain; σ = 1.5 amount + 2 pixels", (3, 6, 8, 12),                 None, False, "Re-IQA"),
    Distortion(23,  "color-shift",          "Color Shift",               colour_shift,         "distance", "pixels",                          (3, 6, 8, 12),                 0,    True,  "KADID-10k"),
    Distortion(24,  "saturate",             "Saturate",                  saturate,             "factor",   "times the chroma",                (2, 3, 6, 9),                  1,    False, "Re-IQA"),
    Distortion(25,  "underexposure",        "Underexposure",             underexposure,        "stops",    "too little light",                (1, 2.25, 4, 6),              0,    False, "biqa"),
    Distortion(26,  "overexposure",         "Overexposure",              overexposure,         "stops",    "too much light",                  (0.7, 1.5, 2.5, 4),            0,    False, "biqa"),
    Distortion(27,  "colour-cast",          "Colour Cast",               colour_cast,          "stops",    "between the channels",            (0.4, 0.8, 1.6, 3),            0,    True,  "biqa"),
    Distortion(28,  "vignette",             "Vignette",                  vignette,             "stops",    "less light in the corners",       (1, 2, 4, 8),                  0,    False, "biqa"),
    Distortion(29,  "haze",                 "Haze",                      haze,                 "depth",    "optical, at the top",             (0.2, 0.5, 1.2, 3),               0,    False, "biqa"),
    Distortion(30,  "low-contrast",         "Low Contrast",              low_contrast,         "factor",   "times the contrast",              (0.6, 0.4, 0.25, 0.12),        1,    False, "biqa"),
    Distortion(31,  "garish",               "Garish Colours",            garish,               "factor",   "times the colour",                (2, 3, 5, 10),                 1,    False, "biqa"),
    Distortion(32,  "desaturated",          "Desaturated",               desaturated,          "factor",   "times the saturation",            (0.4, 0.2, 0.1, 0),            1,    False, "KADID-10k"),
    Distortion(33,  "chromatic-aberration", "Chromatic Aberration",      chromatic_aberration, "scale",    "of the size",                     (0.004, 0.01, 0.02, 0.05),     0,    False, "biqa"),
    Distortion(34,  "camera-shake",         "Camera Shake",              camera_shake,         "length",   "pixels, any direction",           (6, 12, 24, 48),               1,    True,  "biqa"),
    Distortion(35,  "upscaling",            "Upscaling",                 upscaling,            "factor",   "times enlarged",                  (2, 3, 5, 8),                  1,    True,  "biqa"),
    Distortion(36,  "oversharpening",       "Oversharpening",            oversharpening,       "amount",   "times the detail",                (1.5, 3, 6, 12),               0,    False, "biqa"),
    Distortion(37,  "denoised",             "Denoised",                  denoised,             "variance", "smoothed below it",               (0.0003, 0.001, 0.003, 0.01),   0,    False, "biqa"),
    Distortion(38,  "banding",              "Banding",                   banding,              "count",    "values per channel",              (16, 8, 5, 3),                 256,  False, "biqa"),
    Distortion(39,  "few-colours",          "Few Colours",               few_colours,          "count",    "colours",                         (32, 16, 8, 4),                None, False, "KADID-10k"),
    Distortion(40,  "dithered-colours",     "Dithered Colours",          dithered_colours,     "count",    "colours",                         (32, 16, 8, 4),                None, False, "TID2013"),
    Distortion(41,  "double-jpeg",          "Double JPEG",               double_jpeg,          "quality",  "of the first file",               (30, 15, 8, 3),                None, True,  "biqa"),
    Distortion(42,  "noisy-jpeg",           "Noisy JPEG",                noisy_jpeg,           "variance", "white is 1",                      (0.002, 0.005, 0.01, 0.03),    None, True,  "TID2013"),
    Distortion(43,  "jpeg-errors",          "JPEG Errors",               jpeg_errors,          "count",    "bytes for 512×384 pixels",        (2, 10, 24, 60),               None, True,  "TID2013"),
    Distortion(44,  "jpeg2000",             "JPEG 2000",                 jpeg2000,             "ratio",    "times smaller",                   (32, 45, 120, 400),            None, False, "KADID-10k"),
    Distortion(45,  "webp",                 "WebP",                      webp,                 "quality",  "0 to 100",                        (30, 15, 5, 0),                None, False, "biqa"),
    Distortion(46,  "avif",                 "AVIF",                      avif,                 "quality",  "0 to 100",                        (35, 20, 10, 2),               None, False, "biqa"),
    Distortion(47,  "high-iso",             "High ISO",                  high_iso,             "variance", "of white in linear light",        (0.003, 0.01, 0.03, 0.1),      0,    True,  "biqa"),
    Distortion(48,  "chroma-noise",         "Chroma Noise",              chroma_noise,         "sigma",    "white is 1",                      (0.015, 0.03, 0.06, 0.15),     0,    True,  "biqa"),
    Distortion(49,  "coarse-noise",         "Coarse Noise",              coarse_noise,         "sigma",    "white is 1",                      (0.03, 0.06, 0.1, 0.2),        0,    True,  "TID2013"),
    Distortion(50,  "fine-noise",           "Fine Noise",                fine_noise,           "sigma",    "white is 1",                      (0.04, 0.08, 0.16, 0.32),      0,    True,  "TID2013"),
    Distortion(51,  "brightness-blocks",    "Brightness Blocks",         brightness_blocks,    "shift",    "of [0, 1]",                       (0.08, 0.16, 0.3, 0.5),        0,    True,  "TID2013"),
)
# fmt: on

SHDIQA_DISTORTIONS = DISTORTIONS[:24]
"""The kinds of SHDIQA's supplement. Monotonicity and SHDIQA's teacher draw from these, so that new
kinds change no shipped training; examples draw from all."""

IN_TURN = frozenset({"mean-shift", "contrast"})
"""Kinds whose levels go up and down in turn: the stronger is not the worse, and nothing lies between
two levels."""

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


def choose_distortions(kind: str | None, level: int | None) -> list[tuple[Distortion, int]]:
    """Return one or all kinds at one or all levels; None is for all.

    Raises:
        UsageError: If there is no such kind or level.
    """
    if level is not None and level not in LEVELS:
        msg = f"there is no level {level}: levels are 1 to {len(LEVELS)}"
        raise UsageError(msg)
    kinds = DISTORTIONS if kind is None else (find_distortion(kind),)
    return [(d, degree) for d in kinds for degree in (LEVELS if level is None else (level,))]
