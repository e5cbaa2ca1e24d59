"""CIE L*a*b* (D65): L in 0–100, a and b about ±100.

Reference:
    IEC 61966-2-1 (sRGB) and CIE 15:2004, section 8.2.1.
"""

import numpy as np
from numpy.typing import NDArray

_XYZ_OF_RGB = np.array(
    [
        [0.412453, 0.357580, 0.180423],
        [0.212671, 0.715160, 0.072169],
        [0.019334, 0.119193, 0.950227],
    ]
)
_RGB_OF_XYZ = np.linalg.inv(_XYZ_OF_RGB)
# D65, the standard observer of 2 degrees.
_WHITE = np.array([0.95047, 1.0, 1.08883])
_LINEAR_BELOW, _SLOPE = 0.008856, 7.787
_CUBE_ROOT_OF_LIMIT = 0.2068966


def to_lab(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return L, a, b (3, H, W) of an sRGB image (3, H, W) in [0, 1]."""
    linear = np.where(image > 0.04045, ((image + 0.055) / 1.055) ** 2.4, image / 12.92)  # noqa: PLR2004  sRGB
    relative = _mixed(_XYZ_OF_RGB / _WHITE[:, None], linear.astype(np.float32))
    bent = np.where(
        relative > _LINEAR_BELOW, np.cbrt(relative), _SLOPE * relative + np.float32(16 / 116)
    )
    x, y, z = bent.astype(np.float32)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def from_lab(lab: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the sRGB image (3, H, W); colours outside sRGB are clipped to [0, 1]."""
    lightness, a, b = lab
    y = (lightness + 16) / 116
    # Z is never negative.
    bent = np.stack([y + a / 500, y, np.maximum(y - b / 200, 0)])
    relative = np.where(bent > _CUBE_ROOT_OF_LIMIT, bent**3, (bent - 16 / 116) / _SLOPE)
    linear = _mixed(_RGB_OF_XYZ * _WHITE, relative.astype(np.float32))
    # The power of a negative number is not a number; all of these end as 0.
    curved = 1.055 * np.maximum(linear, 0) ** (1 / 2.4) - 0.055
    image = np.where(linear > 0.0031308, curved, 12.92 * linear)  # noqa: PLR2004  sRGB
    return image.clip(0, 1).astype(np.float32)


def _mixed(matrix: NDArray[np.float64], channels: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.tensordot(matrix.astype(np.float32), channels, axes=1)
