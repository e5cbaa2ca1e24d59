"""Fields of a record that JSON holds, each checked: whoever wrote the file."""

from collections.abc import Sequence
from typing import Any, TypeVar

from biqa_cli.errors import UsageError

# Of a slope or an end of the curve: fitted ones have reached 1e4.
LARGEST = 1e9
# Characters of a wrong value that an error repeats.
_SHOWN = 40

_Field = TypeVar("_Field")


def field_of(content: dict[str, Any], name: str) -> Any:  # noqa: ANN401  whatever JSON holds
    """Return a field; UsageError if it is missing."""
    if name not in content:
        msg = f"{name} is missing"
        raise UsageError(msg)
    return content[name]


def require_only(content: dict[str, Any], known: Sequence[str]) -> None:
    """Raise UsageError if there is a field that nobody knows."""
    strange = [name for name in content if name not in known]
    if strange:
        msg = f"there is no field {strange[0]!r}"
        raise UsageError(msg)


def record_of(content: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a field that is a record; UsageError if it is none."""
    found = field_of(content, name)
    if not isinstance(found, dict):
        msg = f"{name} cannot be {shown(found)}"
        raise UsageError(msg)
    return found


def list_of(content: dict[str, Any], name: str) -> list[Any]:
    """Return a field that is a list; UsageError if it is none."""
    found = field_of(content, name)
    if not isinstance(found, list):
        msg = f"{name} cannot be {shown(found)}"
        raise UsageError(msg)
    return found


def one_of(value: object, known: Sequence[_Field], name: str) -> _Field:
    """Return the one of some known values that a value is; UsageError if it is none."""
    for one in known:
        if one == value:
            return one
    msg = f"there is no {name} {shown(value)}"
    raise UsageError(msg)


def whole_of(content: dict[str, Any], name: str, allowed: range) -> int:
    """Return a field that is a whole number in a range; UsageError if it is none."""
    value = field_of(content, name)
    if type(value) is not int or value not in allowed:
        msg = f"{name} cannot be {shown(value)}: {allowed.start} to {allowed.stop - 1}"
        raise UsageError(msg)
    return value


def number(value: object, name: str) -> float:
    """Return a value that is a number as large as fitted ones at most; UsageError if it is none."""
    # A bool is an int; nan is not below anything.
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= LARGEST:
        msg = f"{name} cannot be {shown(value)}: a number is needed"
        raise UsageError(msg)
    return value


def numbers_of(content: dict[str, Any], name: str) -> tuple[float, ...]:
    """Return a field that is a list of numbers; UsageError if it is none."""
    return tuple(number(value, name) for value in list_of(content, name))


def channels_of(content: dict[str, Any], name: str) -> tuple[float, float, float]:
    """Return a field that is one number for each of R, G, B; UsageError if it is none."""
    found = numbers_of(content, name)
    if len(found) != 3:  # noqa: PLR2004  red, green, blue
        msg = f"{name} has {len(found)} numbers, not one for each of R, G, B"
        raise UsageError(msg)
    return found[0], found[1], found[2]


def shown(value: object) -> str:
    """Return a value as an error shows it: part of a line, however large it is."""
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
