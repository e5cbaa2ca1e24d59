"""ICC profiles from what files say of their colours in other words: primaries and a curve."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from biqa_cli.images.header import unsupported

Chromaticity = tuple[float, float]
Curve = Callable[[NDArray[np.float64]], NDArray[np.float64]]
"""From what is stored, 0 to 1, to linear light."""

D65: Chromaticity = (0.3127, 0.3290)
_ADOBE_GAMMA = 563 / 256
_CURVE_POINTS = 1024
_LINEAR_END = 0.04045
_FURTHEST = 1.99  # what the numbers of a profile can hold
_HEADER = 128
# To the D50 of ICC profiles (Bradford; ICC.1:2022, annex E).
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
_D50 = np.array([0.9642, 1.0, 0.8249])


@dataclass(frozen=True, slots=True)
class Primaries:
    """Where red, green, blue and white lie in CIE's xy."""

    red: Chromaticity
    green: Chromaticity
    blue: Chromaticity
    white: Chromaticity = D65


# ITU-T H.273, table 2: the numbers of cICP and of nclx boxes.
PRIMARIES = {
    1: Primaries((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)),
    4: Primaries((0.67, 0.33), (0.21, 0.71), (0.14, 0.08), (0.310, 0.316)),
    5: Primaries((0.640, 0.330), (0.290, 0.600), (0.150, 0.060)),
    6: Primaries((0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    7: Primaries((0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    9: Primaries((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    11: Primaries((0.680, 0.320), (0.265, 0.690), (0.150, 0.060), (0.314, 0.351)),
    12: Primaries((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}
SRGB = PRIMARIES[1]
_ADOBE_RGB = Primaries((0.640, 0.330), (0.210, 0.710), (0.150, 0.060))


def power(gamma: float) -> Curve:
    """Return the curve of a display with this gamma."""
    return lambda stored: stored**gamma


def srgb_curve(stored: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return linear light of sRGB (IEC 61966-2-1)."""
    return np.where(stored <= _LINEAR_END, stored / 12.92, ((stored + 0.055) / 1.055) ** 2.4)


# ITU-T H.273, table 3. Television's curves (1, 6, 14, 15) are those of cameras; what is meant to
# be seen is nearer to sRGB's, and browsers show it so.
CURVES: dict[int, Curve] = {
    1: srgb_curve,
    4: power(2.2),
    5: power(2.8),
    6: srgb_curve,
    8: power(1.0),
    13: srgb_curve,
    14: srgb_curve,
    15: srgb_curve,
}
HIGH_DYNAMIC_RANGE = {16: "PQ", 18: "HLG"}
UNSPECIFIED = 2


def coded_profile(kind: str, *, primaries: int, transfer: int) -> bytes | None:
    """Return the ICC profile of colours that are coded as in ITU-T H.273.

    Args:
        kind: The format, for the error.
        primaries: The number of its table 2.
        transfer: The number of its table 3.

    Returns:
        None where the file leaves both open.

    Raises:
        ImageError: If the photo has high dynamic range, which no 8-bit sRGB shows, or the numbers
            stand for no colours that are known here.
    """
    if transfer in HIGH_DYNAMIC_RANGE:
        raise unsupported(kind, f"high dynamic range, {HIGH_DYNAMIC_RANGE[transfer]}")
    if primaries == UNSPECIFIED and transfer == UNSPECIFIED:
        return None
    corners = SRGB if primaries == UNSPECIFIED else PRIMARIES.get(primaries)
    curve = srgb_curve if transfer == UNSPECIFIED else CURVES.get(transfer)
    if corners is None or curve is None:
        raise unsupported(kind, f"its colours are coded as {primaries}/{transfer}")
    return rgb_profile(corners, curve)


def rgb_profile(primaries: Primaries, curve: Curve) -> bytes:
    """Return an ICC profile (version 2, matrix and curve) of RGB with these primaries.

    Raises:
        ValueError: If the primaries span no colours.
    """
    matrix = _to_d50(primaries)
    points = curve(np.linspace(0, 1, _CURVE_POINTS))
    values = np.round(points * 65535).astype(">u2").tobytes()
    shape = b"curv\0\0\0\0" + _CURVE_POINTS.to_bytes(4, "big") + values
    tags = {
        b"desc": b"desc\0\0\0\0\0\0\0\x05biqa\0".ljust(96, b"\0"),
        b"wtpt": _xyz(_D50),
        b"rXYZ": _xyz(matrix[:, 0]),
        b"gXYZ": _xyz(matrix[:, 1]),
        b"bXYZ": _xyz(matrix[:, 2]),
        b"rTRC": shape,
    }
    start = _HEADER + 4 + 12 * (len(tags) + 2)
    table, body, places = b"", b"", {}
    for name, data in tags.items():
        places[name] = (start + len(body)).to_bytes(4, "big") + len(data).to_bytes(4, "big")
        table += name + places[name]
        body += data
    # The three curves are one.
    table += b"gTRC" + places[b"rTRC"] + b"bTRC" + places[b"rTRC"]
    head = bytearray(_HEADER)
    head[0:4] = (start + len(body)).to_bytes(4, "big")
    head[8:24] = b"\x02\x40\0\0mntrRGB XYZ "
    head[36:40] = b"acsp"
    head[68:80] = b"".join(_s15(value) for value in _D50)
    return bytes(head) + (len(tags) + 2).to_bytes(4, "big") + table + body


@lru_cache(maxsize=1)
def adobe_rgb_profile() -> bytes:
    """Return the ICC profile of Adobe RGB (1998)."""
    return rgb_profile(_ADOBE_RGB, power(_ADOBE_GAMMA))


def _to_d50(primaries: Primaries) -> NDArray[np.float64]:
    """Return the matrix from linear RGB to XYZ under D50."""
    corners = [_xyz_of(corner) for corner in (primaries.red, primaries.green, primaries.blue)]
    white = _xyz_of(primaries.white)
    try:
        shares = np.linalg.solve(np.column_stack(corners), white)
    except np.linalg.LinAlgError as error:
        raise ValueError("the primaries lie on a line") from error
    matrix = np.column_stack(corners) * shares
    gains = np.diag((_BRADFORD @ _D50) / (_BRADFORD @ white))
    adapted: NDArray[np.float64] = np.linalg.inv(_BRADFORD) @ gains @ _BRADFORD @ matrix
    if not np.isfinite(adapted).all() or np.abs(adapted).max() > _FURTHEST:
        raise ValueError("the primaries are no colours")
    return adapted


def _xyz_of(corner: Chromaticity) -> NDArray[np.float64]:
    x, y = corner
    if not 0 < y <= 1 or not 0 <= x <= 1:
        raise ValueError("a chromaticity outside of the diagram")
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _xyz(values: NDArray[np.float64]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(_s15(float(value)) for value in values)


def _s15(value: float) -> bytes:
    return round(value * 65536).to_bytes(4, "big", signed=True)
