"""What a file of weights declares, from JSON to the records of `spec.py`: each field is checked.

Whoever wrote the file, a score must stay a finite number between 0 and 100, and a view must fit
into memory.
"""

import base64
from collections.abc import Collection, Sequence
from itertools import pairwise
from math import isqrt
from typing import Any, get_args

from biqa_cli.datasets.learnt import HASH_BYTES, Learnt
from biqa_cli.errors import UsageError
from biqa_cli.images.full_size import CELL
from biqa_cli.models.build import backbone_count
from biqa_cli.models.fields import (
    LARGEST,
    channels_of,
    field_of,
    list_of,
    number,
    numbers_of,
    one_of,
    record_of,
    require_only,
    shown,
    whole_of,
)
from biqa_cli.models.options import with_defaults
from biqa_cli.models.spec import (
    BackboneName,
    Calibration,
    Crops,
    Family,
    FullSize,
    InputContract,
    OptionValue,
    ScoreScale,
)

_SIDES = range(16, 4097)
_MARGINS = range(1, 17)
_MOST_PLACES = 1000
_MOST_SQUARES = 64
_ABOVE = range(1_000_000_000)
_MOST_ANCESTORS = 100
LONGEST_NAME = 200
"""Of what weights started from."""


def family_of(content: dict[str, Any]) -> Family:
    """Return the family.

    Raises:
        UsageError: If there is none of this name.
    """
    family: Family = one_of(field_of(content, "family"), get_args(Family), "family")
    return family


def backbones_of(content: dict[str, Any], family: Family) -> tuple[BackboneName, ...]:
    """Return the backbones of a network of a family.

    Raises:
        UsageError: If there are more or fewer than the family has, or others than biqa knows.
    """
    found = list_of(content, "backbones")
    if len(found) != backbone_count(family):
        msg = f"{family} has {backbone_count(family)} backbones, not {len(found)}"
        raise UsageError(msg)
    return tuple(one_of(name, get_args(BackboneName), "backbone") for name in found)


def options_of(content: dict[str, Any], family: Family) -> dict[str, OptionValue]:
    """Return every option of the network.

    Raises:
        UsageError: If an option or its value does not exist, or is larger than any view.
    """
    options = with_defaults(family, record_of(content, "options"))
    for name, value in options.items():
        if type(value) is int and value >= _SIDES.stop:
            msg = f"{name} cannot be {value}: {_SIDES.stop - 1} at most"
            raise UsageError(msg)
    return options


def input_of(content: dict[str, Any]) -> InputContract:
    """Return how a photo becomes what the network reads.

    Raises:
        UsageError: If a side, a mean or a standard deviation is missing or out of range.
    """
    view = record_of(content, "input")
    sides, optional = ("height", "width"), ("crops", "full_size", "keeps_aspect")
    require_only(view, (*sides, "mean", "std", "codec_margin", *optional))
    height, width = (whole_of(view, side, _SIDES) for side in sides)
    mean, std = (channels_of(view, name) for name in ("mean", "std"))
    if min(std) <= 0:
        raise UsageError("a std of the input is not above 0")
    crops = None
    if view.get("crops") is not None:
        found = record_of(view, "crops")
        require_only(found, ("size", "stride"))
        size = whole_of(found, "size", range(_SIDES.start, min(height, width) + 1))
        crops = Crops(size, whole_of(found, "stride", range(max(1, size // 16), size + 1)))
    margin = whole_of(view, "codec_margin", _MARGINS)
    full_size = None
    if view.get("full_size") is not None:
        full_size = _full_size(record_of(view, "full_size"), height, width)
        if crops is not None:
            raise UsageError("full_size does not go with crops")
    keeps_aspect = one_of(view.get("keeps_aspect", False), (False, True), "keeps_aspect")
    if keeps_aspect and crops is not None:
        raise UsageError("keeps_aspect does not go with crops")
    return InputContract(
        height,
        width,
        mean,
        std,
        codec_margin=margin,
        crops=crops,
        full_size=full_size,
        keeps_aspect=keeps_aspect,
    )


def scale_of(content: dict[str, Any]) -> ScoreScale:
    """Return the scale of the labels, with its calibration.

    Raises:
        UsageError: If it is missing, empty, or its calibration is no rising curve.
    """
    scale = record_of(content, "scale")
    require_only(scale, ("lowest", "highest", "higher_is_better", "meaning", "calibration"))
    lowest, highest = (number(field_of(scale, end), end) for end in ("lowest", "highest"))
    if not highest - lowest > 1 / LARGEST:
        msg = f"the scale of the labels goes from {lowest:g} to {highest:g}"
        raise UsageError(msg)
    higher, meaning = field_of(scale, "higher_is_better"), text_of(scale, "meaning")
    if type(higher) is not bool:
        raise UsageError("higher_is_better is neither true nor false")
    found = scale.get("calibration")
    calibration = None if found is None else _calibration(record_of(scale, "calibration"))
    return ScoreScale(
        lowest, highest, higher_is_better=higher, meaning=meaning, calibration=calibration
    )


def text_of(content: dict[str, Any], name: str) -> str:
    """Return a field that is a text.

    Raises:
        UsageError: If it is missing, or no text.
    """
    text = field_of(content, name)
    if not isinstance(text, str):
        msg = f"{name} cannot be {shown(text)}: a text is needed"
        raise UsageError(msg)
    return text


def learnt_of(content: dict[str, Any]) -> Learnt | None:
    """Return what was learnt from; None where nothing is said, as in files of earlier versions.

    Raises:
        UsageError: If it is not as `plain_learnt` writes it.
    """
    if content.get("learnt") is None:
        return None
    found = record_of(content, "learnt")
    require_only(found, ("photos", "references", "ancestors"))
    ancestors = list_of(found, "ancestors")
    if len(ancestors) > _MOST_ANCESTORS or not all(map(_is_name, ancestors)):
        msg = f"the ancestors are not at most {_MOST_ANCESTORS} printable names"
        raise UsageError(msg)
    return Learnt(_hashes(found, "photos"), _hashes(found, "references"), tuple(ancestors))


def plain_learnt(learnt: Learnt) -> dict[str, Any]:
    """Return what was learnt from for JSON: sorted hashes one after the other, in Base64."""
    return {
        "photos": _packed(learnt.photos),
        "references": _packed(learnt.references),
        "ancestors": list(learnt.ancestors),
    }


def _full_size(found: dict[str, Any], height: int, width: int) -> FullSize:
    require_only(found, ("squares", "size", "above_pixels"))
    squares = whole_of(found, "squares", range(1, _MOST_SQUARES + 1))
    size = whole_of(found, "size", range(_SIDES.start, max(height, width) + 1))
    across = isqrt(squares)
    if across**2 != squares or size % CELL or not across * size == height == width:
        msg = f"{squares} squares of {size} pixels cannot fill a view of {height}×{width}"
        raise UsageError(msg)
    return FullSize(squares, size, whole_of(found, "above_pixels", _ABOVE))


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value.isprintable() and 0 < len(value) <= LONGEST_NAME


def _packed(hashes: Collection[bytes]) -> str:
    return base64.b64encode(b"".join(sorted(hashes))).decode("ascii")


def _hashes(content: dict[str, Any], name: str) -> frozenset[bytes]:
    try:
        packed = base64.b64decode(text_of(content, name), validate=True)
    except ValueError as error:
        msg = f"the {name} that were learnt from are no Base64: {error}"
        raise UsageError(msg) from error
    hashes = [packed[i : i + HASH_BYTES] for i in range(0, len(packed), HASH_BYTES)]
    if len(packed) % HASH_BYTES or any(b <= a for a, b in pairwise(hashes)):
        msg = f"the {name} that were learnt from are no sorted hashes of {HASH_BYTES} bytes"
        raise UsageError(msg)
    return frozenset(hashes)


def _calibration(found: dict[str, Any]) -> Calibration:
    require_only(found, ("curve", "places", "widths", "photos"))
    curve = None if field_of(found, "curve") is None else _curve(numbers_of(found, "curve"))
    places, widths = numbers_of(found, "places"), numbers_of(found, "widths")
    if len(places) != len(widths) or not 0 < len(places) <= _MOST_PLACES:
        msg = f"the calibration has {len(places)} places and {len(widths)} widths"
        raise UsageError(msg)
    if min(places) < 0 or max(places) > 100 or any(b <= a for a, b in pairwise(places)):  # noqa: PLR2004  percent
        raise UsageError("the places of the calibration do not rise from 0 to 100")
    if min(widths) < 0:
        raise UsageError("a width of the calibration is below 0")
    photos = whole_of(found, "photos", range(1, 10**9))
    return Calibration(curve, places=places, widths=widths, photos=photos)


def _curve(numbers: Sequence[float]) -> tuple[float, float, float, float]:
    if len(numbers) != 4:  # noqa: PLR2004  as many as VQEG's curve has
        msg = f"the curve has {len(numbers)} parameters, not 4"
        raise UsageError(msg)
    b1, b2, b3, b4 = numbers
    if not (b1 - b2) * b4 > 0 or abs(b4) < 1 / LARGEST:
        raise UsageError("the curve of the calibration does not rise")
    return b1, b2, b3, b4
