"""What a file of weights declares, from JSON to the records of `spec.py`: each field is checked.

Whoever wrote the file, a score must stay a finite number between 0 and 100, and a view must fit
into memory.
"""

import base64
from collections.abc import Collection, Sequence
from itertools import pairwise
from math import isqrt
from typing import Any, TypeVar, get_args

from biqa_cli.datasets.learnt import HASH_BYTES, Learnt
from biqa_cli.errors import UsageError
from biqa_cli.images.full_size import CELL
from biqa_cli.models.build import backbone_count
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
# Of a slope or an end of the curve: fitted ones have reached 1e4.
_LARGEST = 1e9
_MOST_PLACES = 1000
_MOST_SQUARES = 64
_ABOVE = range(1_000_000_000)
_MOST_ANCESTORS = 100
LONGEST_NAME = 200
"""Of what weights started from."""
# Characters of a wrong value that an error repeats.
_SHOWN = 40

_Field = TypeVar("_Field")


def family_of(content: dict[str, Any]) -> Family:
    """Return the family.

    Raises:
        UsageError: If there is none of this name.
    """
    family: Family = _one_of(_get(content, "family"), get_args(Family), "family")
    return family


def backbones_of(content: dict[str, Any], family: Family) -> tuple[BackboneName, ...]:
    """Return the backbones of a network of a family.

    Raises:
        UsageError: If there are more or fewer than the family has, or others than biqa knows.
    """
    found = _list(content, "backbones")
    if len(found) != backbone_count(family):
        msg = f"{family} has {backbone_count(family)} backbones, not {len(found)}"
        raise UsageError(msg)
    return tuple(_one_of(name, get_args(BackboneName), "backbone") for name in found)


def options_of(content: dict[str, Any], family: Family) -> dict[str, OptionValue]:
    """Return every option of the network.

    Raises:
        UsageError: If an option or its value does not exist, or is larger than any view.
    """
    options = with_defaults(family, _record(content, "options"))
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
    view = _record(content, "input")
    sides, optional = ("height", "width"), ("crops", "full_size", "keeps_aspect")
    _only(view, (*sides, "mean", "std", "codec_margin", *optional))
    height, width = (_whole(view, side, _SIDES) for side in sides)
    mean, std = (_channels(view, name) for name in ("mean", "std"))
    if min(std) <= 0:
        raise UsageError("a std of the input is not above 0")
    crops = None
    if view.get("crops") is not None:
        found = _record(view, "crops")
        _only(found, ("size", "stride"))
        size = _whole(found, "size", range(_SIDES.start, min(height, width) + 1))
        crops = Crops(size, _whole(found, "stride", range(max(1, size // 16), size + 1)))
    margin = _whole(view, "codec_margin", _MARGINS)
    full_size = None
    if view.get("full_size") is not None:
        full_size = _full_size(_record(view, "full_size"), height, width)
        if crops is not None:
            raise UsageError("full_size does not go with crops")
    keeps_aspect = _one_of(view.get("keeps_aspect", False), (False, True), "keeps_aspect")
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
    scale = _record(content, "scale")
    _only(scale, ("lowest", "highest", "higher_is_better", "meaning", "calibration"))
    lowest, highest = (_number(_get(scale, end), end) for end in ("lowest", "highest"))
    if not highest - lowest > 1 / _LARGEST:
        msg = f"the scale of the labels goes from {lowest:g} to {highest:g}"
        raise UsageError(msg)
    higher, meaning = _get(scale, "higher_is_better"), text_of(scale, "meaning")
    if type(higher) is not bool:
        raise UsageError("higher_is_better is neither true nor false")
    found = scale.get("calibration")
    calibration = None if found is None else _calibration(_record(scale, "calibration"))
    return ScoreScale(
        lowest, highest, higher_is_better=higher, meaning=meaning, calibration=calibration
    )


def text_of(content: dict[str, Any], name: str) -> str:
    """Return a field that is a text.

    Raises:
        UsageError: If it is missing, or no text.
    """
    text = _get(content, name)
    if not isinstance(text, str):
        msg = f"{name} cannot be {_shown(text)}: a text is needed"
        raise UsageError(msg)
    return text


def learnt_of(content: dict[str, Any]) -> Learnt | None:
    """Return what was learnt from; None where nothing is said, as in files of earlier versions.

    Raises:
        UsageError: If it is not as `plain_learnt` writes it.
    """
    if content.get("learnt") is None:
        return None
    found = _record(content, "learnt")
    _only(found, ("photos", "references", "ancestors"))
    ancestors = _list(found, "ancestors")
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
    _only(found, ("squares", "size", "above_pixels"))
    squares = _whole(found, "squares", range(1, _MOST_SQUARES + 1))
    size = _whole(found, "size", range(_SIDES.start, max(height, width) + 1))
    across = isqrt(squares)
    if across**2 != squares or size % CELL or not across * size == height == width:
        msg = f"{squares} squares of {size} pixels cannot fill a view of {height}×{width}"
        raise UsageError(msg)
    return FullSize(squares, size, _whole(found, "above_pixels", _ABOVE))


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
    _only(found, ("curve", "places", "widths", "photos"))
    curve = None if _get(found, "curve") is None else _curve(_numbers(found, "curve"))
    places, widths = _numbers(found, "places"), _numbers(found, "widths")
    if len(places) != len(widths) or not 0 < len(places) <= _MOST_PLACES:
        msg = f"the calibration has {len(places)} places and {len(widths)} widths"
        raise UsageError(msg)
    if min(places) < 0 or max(places) > 100 or any(b <= a for a, b in pairwise(places)):  # noqa: PLR2004  percent
        raise UsageError("the places of the calibration do not rise from 0 to 100")
    if min(widths) < 0:
        raise UsageError("a width of the calibration is below 0")
    photos = _whole(found, "photos", range(1, 10**9))
    return Calibration(curve, places=places, widths=widths, photos=photos)


def _curve(numbers: Sequence[float]) -> tuple[float, float, float, float]:
    if len(numbers) != 4:  # noqa: PLR2004  as many as VQEG's curve has
        msg = f"the curve has {len(numbers)} parameters, not 4"
        raise UsageError(msg)
    b1, b2, b3, b4 = numbers
    if not (b1 - b2) * b4 > 0 or abs(b4) < 1 / _LARGEST:
        raise UsageError("the curve of the calibration does not rise")
    return b1, b2, b3, b4


def _get(content: dict[str, Any], name: str) -> Any:  # noqa: ANN401  whatever JSON holds
    if name not in content:
        msg = f"{name} is missing"
        raise UsageError(msg)
    return content[name]


def _only(content: dict[str, Any], known: Sequence[str]) -> None:
    strange = [name for name in content if name not in known]
    if strange:
        msg = f"there is no field {strange[0]!r}"
        raise UsageError(msg)


def _record(content: dict[str, Any], name: str) -> dict[str, Any]:
    found = _get(content, name)
    if not isinstance(found, dict):
        msg = f"{name} cannot be {_shown(found)}"
        raise UsageError(msg)
    return found


def _list(content: dict[str, Any], name: str) -> list[Any]:
    found = _get(content, name)
    if not isinstance(found, list):
        msg = f"{name} cannot be {_shown(found)}"
        raise UsageError(msg)
    return found


def _one_of(value: object, known: Sequence[_Field], name: str) -> _Field:
    for one in known:
        if one == value:
            return one
    msg = f"there is no {name} {_shown(value)}"
    raise UsageError(msg)


def _whole(content: dict[str, Any], name: str, allowed: range) -> int:
    value = _get(content, name)
    if type(value) is not int or value not in allowed:
        msg = f"{name} cannot be {_shown(value)}: {allowed.start} to {allowed.stop - 1}"
        raise UsageError(msg)
    return value


def _number(value: object, name: str) -> float:
    # A bool is an int; nan is not below anything.
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _LARGEST:
        msg = f"{name} cannot be {_shown(value)}: a number is needed"
        raise UsageError(msg)
    return value


def _numbers(content: dict[str, Any], name: str) -> tuple[float, ...]:
    return tuple(_number(value, name) for value in _list(content, name))


def _channels(content: dict[str, Any], name: str) -> tuple[float, float, float]:
    found = _numbers(content, name)
    if len(found) != 3:  # noqa: PLR2004  red, green, blue
        msg = f"{name} has {len(found)} numbers, not one for each of R, G, B"
        raise UsageError(msg)
    return found[0], found[1], found[2]


def _shown(value: object) -> str:
    """Return a value as an error shows it: part of a line, however large it is."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
