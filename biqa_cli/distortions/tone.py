"""Brightness and contrast, of the whole image and along edges."""

import numpy as np
from numpy.typing import NDArray

from biqa_cli.distortions.blur import gaussian_blur
from biqa_cli.distortions.lab import from_lab, to_lab

_UNSHARP_SIGMA = 3.0
_WHITE_L = 100


def mean_shift(image: NDArray[np.float32], *, shift: float) -> NDArray[np.float32]:
    """Return the image + shift."""
    return image + np.float32(shift)


def contrast(image: NDArray[np.float32], *, amount: float) -> NDArray[np.float32]:
    """Return the image along a sigmoid-like cubic curve, the same for each channel.

    A greater amount bends it towards more contrast; at -0.2 it is a straight line, below that
    contrast falls.
    """
    cubic, square, linear = (np.float32(c) for c in contrast_curve(amount))
    return ((cubic * image + square) * image + linear) * image


def contrast_curve(amount: float) -> tuple[float, float, float]:
    """Return the coefficients of x³, x², x of the cubic of `contrast`.

    It passes through (0, 0), (0.3, 0.25 - amount/4), (0.5, 0.5), (0.7, 0.75 + amount/4) and (1, 1).
    These lie symmetric about the third, so one cubic meets all five:
    ½ + (1 - β/4)·t + β·t³ with t = x - ½.

    Example:
        >>> [round(c, 4) for c in contrast_curve(-0.4)]
        [1.1905, -1.7857, 1.5952]
    """
    beta = -(0.05 + amount / 4) / 0.042
    return beta, -1.5 * beta, 1 + 0.5 * beta


def low_contrast(image: NDArray[np.float32], *, factor: float) -> NDArray[np.float32]:
    """Return the image with its distances from its mean grey times factor: flat below 1."""
    mean = np.float32(image.mean(dtype=np.float64))
    return mean + np.float32(factor) * (image - mean)


def unsharp_masking(image: NDArray[np.float32], *, amount: float) -> NDArray[np.float32]:
    """Return the image with L + amount·(L - L * G_3) in place of its lightness L."""
    lab = to_lab(image)
    lightness = lab[:1]
    detail = lightness - gaussian_blur(lightness, sigma=_UNSHARP_SIGMA)
    lab[:1] = np.clip(lightness + np.float32(amount) * detail, 0, _WHITE_L)
    return from_lab(lab)


def brighten(image: NDArray[np.float32], *, amount: float) -> NDArray[np.float32]:
    """Return two parts of the image along the parabola, one of it with only L along it."""
    middle = 0.5 + amount / 2
    lab = to_lab(image)
    lab[0] = _WHITE_L * parabola(lab[0] / _WHITE_L, middle=middle)
    whole, lightness = parabola(image, middle=middle), from_lab(lab)
    return whole * np.float32(2 / 3) + lightness * np.float32(1 / 3)


def darken(image: NDArray[np.float32], *, amount: float) -> NDArray[np.float32]:
    """Return the image along the parabola, its middle lowered."""
    return parabola(image, middle=0.5 - amount / 2)


def parabola(values: NDArray[np.float32], *, middle: float) -> NDArray[np.float32]:
    """Return values along the parabola through (0, 0), (½, middle), (1, 1), clipped to [0, 1].

    Example:
        >>> parabola(np.array([0.0, 0.5, 1.0], np.float32), middle=0.75)
        array([0.  , 0.75, 1.  ], dtype=float32)
    """
    square, linear = np.float32(2 - 4 * middle), np.float32(4 * middle - 1)
    clipped: NDArray[np.float32] = np.clip((square * values + linear) * values, 0, 1)
    return clipped
