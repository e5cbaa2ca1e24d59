"""The flaws that a photographer names, and which of them each distortion makes."""

from collections.abc import Mapping

FLAWS = (
    "blurred",
    "motion",
    "noisy",
    "dark",
    "overexposed",
    "flat",
    "compressed",
    "enlarged",
    "oversharpened",
    "oversaturated",
    "colour cast",
    "artefacts",
)
"""In the order of a network's outputs."""
_TONES = {"dark", "overexposed", "flat", "oversaturated", "colour cast"}
SHOWN_AT_FULL_SIZE = tuple(name not in _TONES for name in FLAWS)
"""Whether squares of a photo at full size tell each flaw. Light and colour are those of the whole
photo: a square that is dark is none."""

_KINDS = {
    "blurred": "gaussian-blur lens-blur denoise denoised",
    "motion": "motion-blur camera-shake",
    "noisy": (
        "white-noise-rgb white-noise-ycbcr multiplicative-noise impulse-noise high-iso "
        "chroma-noise coarse-noise fine-noise"
    ),
    "dark": "darken underexposure",
    "overexposed": "brighten overexposure",
    "flat": "haze low-contrast",
    "compressed": "jpeg double-jpeg jpeg2000 webp avif noisy-jpeg",
    "enlarged": "resize-bicubic resize-bilinear resize-lanczos pixelate upscaling",
    "oversharpened": "unsharp-masking oversharpening",
    "oversaturated": "saturate garish",
    "colour cast": "colour-cast",
    "artefacts": (
        "jitter color-block non-eccentricity brightness-blocks jpeg-errors few-colours "
        "dithered-colours banding color-shift color-diffuse chromatic-aberration"
    ),
}

FLAW_OF: Mapping[str, str] = {
    kind: flaw for flaw, kinds in _KINDS.items() for kind in kinds.split()
}
"""Kind of distortion → the flaw that it makes. Others make none that has a name: a shift of the
mean, a curve, a vignette, less colour."""
