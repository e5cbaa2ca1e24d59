"""What people think of each distortion: mean opinions from 5 (as good as the photo) to 1.

Reference:
    Lin et al., "KADID-10k: A Large-scale Artificially Distorted IQA Database", QoMEX 2019: the mean
    over 81 photos, from the public scores. Level 1 of ours is level 2 of KADID-10k for most kinds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

BEST_OPINION, WORST_OPINION = 4.6, 1.0
"""KADID-10k's mean for versions that people take for the photo itself, and the end of its scale."""
LOWEST_SHARE = 0.03
"""What a photo is worth of which nothing is left, as a share of the scale of its labels."""

Source = Literal["KADID-10k", "interpolated", "ours"]


@dataclass(frozen=True, slots=True)
class Opinion:
    """Mean opinions of the four levels of a distortion."""

    means: tuple[float, float, float, float]
    source: Source
    """KADID-10k: of the same kind and value. interpolated: of the same kind at other values.
    ours: a judgement by comparison with KADID-10k's kinds, no measurement."""


# fmt: off
OPINIONS: Mapping[str, Opinion] = {
    "resize-bicubic":       Opinion((2.60, 2.00, 1.35, 1.10), "ours"),
    "resize-bilinear":      Opinion((2.60, 2.00, 1.35, 1.10), "ours"),
    "resize-lanczos":       Opinion((2.60, 2.00, 1.35, 1.10), "ours"),
    "pixelate":             Opinion((3.098, 2.900, 2.794, 1.496), "KADID-10k"),
    "motion-blur":          Opinion((1.50, 1.40, 1.30, 1.20), "ours"),
    "gaussian-blur":        Opinion((4.382, 2.911, 1.873, 1.303), "KADID-10k"),
    "lens-blur":            Opinion((2.654, 1.756, 1.442, 1.299), "KADID-10k"),
    "mean-shift":           Opinion((4.519, 4.370, 4.218, 3.903), "KADID-10k"),
    "contrast":             Opinion((3.858, 3.419, 4.141, 3.324), "KADID-10k"),
    "unsharp-masking":      Opinion((2.636, 2.136, 1.613, 1.336), "KADID-10k"),
    "jitter":               Opinion((4.086, 3.235, 1.849, 1.339), "KADID-10k"),
    "color-block":          Opinion((2.359, 2.300, 2.126, 2.035), "KADID-10k"),
    "non-eccentricity":     Opinion((3.938, 3.773, 3.464, 3.261), "KADID-10k"),
    "jpeg":                 Opinion((4.338, 4.246, 3.866, 1.945), "KADID-10k"),
    "white-noise-rgb":      Opinion((3.390, 3.045, 2.710, 2.301), "KADID-10k"),
    "white-noise-ycbcr":    Opinion((3.682, 3.170, 2.687, 2.380), "KADID-10k"),
    "impulse-noise":        Opinion((2.930, 2.613, 2.312, 2.132), "KADID-10k"),
    "multiplicative-noise": Opinion((3.581, 3.084, 2.639, 2.117), "KADID-10k"),
    "denoise":              Opinion((2.90, 2.60, 2.30, 1.90), "ours"),
    "brighten":             Opinion((4.288, 3.632, 2.701, 1.809), "KADID-10k"),
    "darken":               Opinion((4.528, 4.231, 3.535, 2.221), "KADID-10k"),
    "color-diffuse":        Opinion((2.602, 1.756, 1.605, 1.394), "KADID-10k"),
    "color-shift":          Opinion((2.545, 1.916, 1.854, 1.864), "KADID-10k"),
    "saturate":             Opinion((3.330, 2.648, 1.816, 1.525), "KADID-10k"),
    "underexposure":        Opinion((3.90, 2.70, 1.50, 1.05), "ours"),
    "overexposure":         Opinion((4.00, 2.80, 1.70, 1.10), "ours"),
    "colour-cast":          Opinion((4.20, 3.50, 2.30, 1.50), "ours"),
    "vignette":             Opinion((4.30, 3.70, 2.70, 1.90), "ours"),
    "haze":                 Opinion((4.30, 3.60, 2.50, 1.30), "ours"),
    "low-contrast":         Opinion((3.90, 3.10, 2.20, 1.30), "ours"),
    "garish":               Opinion((3.40, 2.60, 1.90, 1.50), "ours"),
    # Beside the original people give 2.2 to 2.7. A black-and-white photo alone is no flaw.
    "desaturated":          Opinion((4.50, 4.45, 4.40, 4.40), "ours"),
    "chromatic-aberration": Opinion((4.30, 3.40, 2.50, 1.70), "ours"),
    "camera-shake":         Opinion((2.18, 1.60, 1.30, 1.10), "interpolated"),
    "upscaling":            Opinion((3.40, 2.60, 1.80, 1.30), "ours"),
    "oversharpening":       Opinion((3.10, 2.14, 1.61, 1.34), "interpolated"),
    "denoised":             Opinion((4.20, 3.40, 2.50, 1.80), "ours"),
    "banding":              Opinion((3.93, 3.00, 2.20, 1.50), "interpolated"),
    "few-colours":          Opinion((3.719, 3.203, 2.425, 1.60), "interpolated"),
    "dithered-colours":     Opinion((3.80, 3.20, 2.50, 1.80), "ours"),
    "double-jpeg":          Opinion((3.70, 3.00, 1.90, 1.20), "ours"),
    "noisy-jpeg":           Opinion((3.20, 2.80, 2.30, 1.60), "ours"),
    "jpeg-errors":          Opinion((3.00, 2.20, 1.70, 1.30), "ours"),
    "jpeg2000":             Opinion((4.205, 3.873, 2.445, 1.394), "KADID-10k"),
    "webp":                 Opinion((3.80, 3.20, 2.40, 1.80), "ours"),
    "avif":                 Opinion((4.00, 3.30, 2.50, 1.70), "ours"),
    "high-iso":             Opinion((3.70, 2.90, 2.20, 1.40), "ours"),
    "chroma-noise":         Opinion((4.20, 3.70, 2.90, 1.90), "ours"),
    "coarse-noise":         Opinion((3.60, 2.70, 2.10, 1.40), "ours"),
    "fine-noise":           Opinion((3.50, 2.70, 2.00, 1.30), "ours"),
    "brightness-blocks":    Opinion((3.40, 2.80, 2.40, 2.10), "ours"),
}
# fmt: on


def share_of_opinion(mean: float) -> float:
    """Return what a flaw leaves of a photo's quality, 0 to 1, by the mean opinion of it.

    Example:
        >>> [round(share_of_opinion(mean), 2) for mean in (4.6, 2.8, 1)]
        [1.0, 0.5, 0.0]
    """
    share = (mean - WORST_OPINION) / (BEST_OPINION - WORST_OPINION)
    return min(max(share, 0.0), 1.0)


def laid(own: float, share: float) -> float:
    """Return the label of a photo that is worth `own` where a flaw leaves a share of it.

    Both are shares of the scale of labels. Nothing falls below `LOWEST_SHARE`, unless the photo
    itself does.
    """
    lowest = min(LOWEST_SHARE, own)
    return lowest + share * (own - lowest)
