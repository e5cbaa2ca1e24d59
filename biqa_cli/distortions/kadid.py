"""Which of our kinds and levels are cells of KADID-10k, whose images people have rated.

The values are equal, and the operations but for what docs/distortions.md lists: in KADID-10k the
range is stretched, impulses hit single samples, and colours are reduced by another algorithm.

Reference:
    Lin et al., "KADID-10k: A Large-scale Artificially Distorted IQA Database", QoMEX 2019; the
    values are those of the generator that the authors released with KADIS-700k.
"""

from biqa_cli.distortions.catalog import LEVELS, find_distortion

# For each of our kinds its number in KADID-10k, and the values there at levels 1 to 5.
_VALUES: dict[str, tuple[int, tuple[float, float, float, float, float]]] = {
    "gaussian-blur": (1, (0.1, 0.5, 1, 2, 5)),
    "lens-blur": (2, (1, 2, 4, 6, 8)),
    "color-diffuse": (4, (1, 3, 6, 8, 12)),
    "color-shift": (5, (1, 3, 6, 8, 12)),
    "few-colours": (6, (64, 48, 32, 16, 8)),
    "desaturated": (7, (0.4, 0.2, 0.1, 0, -0.4)),
    "saturate": (8, (1, 2, 3, 6, 9)),
    "jpeg2000": (9, (16, 32, 45, 120, 400)),
    "jpeg": (10, (43, 36, 24, 7, 4)),
    "white-noise-rgb": (11, (0.001, 0.002, 0.003, 0.005, 0.01)),
    "white-noise-ycbcr": (12, (0.0001, 0.0005, 0.001, 0.002, 0.003)),
    "impulse-noise": (13, (0.001, 0.005, 0.01, 0.02, 0.03)),
    "multiplicative-noise": (14, (0.001, 0.005, 0.01, 0.02, 0.05)),
    "brighten": (16, (0.1, 0.2, 0.4, 0.7, 1.1)),
    "darken": (17, (0.05, 0.1, 0.2, 0.4, 0.8)),
    "mean-shift": (18, (0.15, 0.08, 0, -0.08, -0.15)),
    "jitter": (19, (0.05, 0.1, 0.2, 0.5, 1)),
    "non-eccentricity": (20, (20, 40, 60, 80, 100)),
    "pixelate": (21, (0.01, 0.05, 0.1, 0.2, 0.5)),
    "color-block": (23, (2, 4, 6, 8, 10)),
    "unsharp-masking": (24, (1, 2, 3, 6, 12)),
    "contrast": (25, (0.3, 0.15, 0, -0.4, -0.6)),
}

Cell = tuple[str, int]
"""One of our kinds and a level of it."""

KADID_CELLS: dict[Cell, tuple[int, int]] = {
    (kind, level): (number, values.index(find_distortion(kind).levels[level - 1]) + 1)
    for kind, (number, values) in _VALUES.items()
    for level in LEVELS
    if find_distortion(kind).levels[level - 1] in values
}
"""Our kind and level: the number of the kind and the level in KADID-10k that have this value."""
