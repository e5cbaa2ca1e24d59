"""The header of a safetensors file, read and checked before anything large is allocated."""

import json
import math
import os
import stat
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from biqa_cli.errors import WeightsError

SCALE = ".scale"
"""What the name of the scales of an int8 tensor ends with."""
COUNT = "num_batches_tracked"
"""torch counts batches under such names; no network of biqa reads them."""

_LENGTH = struct.Struct("<Q")
# A header has some hundred bytes a tensor: the largest network of the catalogue has 0.2 MB.
_MOST_HEADER_BYTES = 8_000_000
_MOST_DIMENSIONS = 8
_SIZES = {"F64": 8, "F32": 4, "F16": 2, "I64": 8, "I32": 4, "I8": 1}

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Header:
    """What a safetensors file says of itself."""

    shapes: Mapping[str, Shape]
    """Of the tensors by name, without scales and counts of batches."""
    metadata: Mapping[str, str]
    bytes: int
    """Of the whole file."""


def read_header(path: Path) -> Header:
    """Return the header of a safetensors file; of its tensors nothing is read.

    Raises:
        WeightsError: If it is missing, no regular file, not safetensors, or its size is not the
            one that its header speaks of.
    """
    descriptor, size = open_regular(path)
    with open(descriptor, "rb") as file:  # noqa: PTH123  a descriptor has no Path
        length = _header_length(file.read(_LENGTH.size), size, str(path))
        return _parsed(file.read(length), size, str(path))


def header_of(content: bytes, *, source: str) -> Header:
    """Return the header of what is in a safetensors file.

    Raises:
        WeightsError: As `read_header`.
    """
    length = _header_length(content[: _LENGTH.size], len(content), source)
    return _parsed(content[_LENGTH.size : _LENGTH.size + length], len(content), source)


def open_regular(path: Path) -> tuple[int, int]:
    """Return a descriptor of a regular file and its size; a pipe or a device is not waited for.

    Raises:
        WeightsError: If there is no such file, or it is another kind of file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError) as error:
        # A name with a NUL in it is a ValueError.
        msg = f"cannot read {path}: {getattr(error, 'strerror', None) or error}"
        raise WeightsError(msg) from error
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        msg = f"cannot read {path}: expected a file of weights, it is not a regular file"
        raise WeightsError(msg)
    return descriptor, found.st_size


def require_shapes(found: Mapping[str, Shape], wanted: Mapping[str, Shape], *, source: str) -> None:
    """Refuse tensors that are not those of a network, all of them and nothing else.

    Raises:
        WeightsError: If a name or a shape differs; the message tells the first.
    """
    missing = sorted(wanted.keys() - found.keys())
    strange = sorted(found.keys() - wanted.keys())
    other = sorted(name for name in wanted.keys() & found.keys() if wanted[name] != found[name])
    if missing:
        reason = f"it lacks {missing[0]!r}" + _and_more(missing)
    elif strange:
        reason = f"the network has no {strange[0]!r}" + _and_more(strange)
    elif other:
        name = other[0]
        reason = f"{name!r} is {found[name]}, expected {wanted[name]}" + _and_more(other)
    else:
        return
    msg = f"{source} is of another network: {reason}"
    raise WeightsError(msg)


def _header_length(start: bytes, size: int, source: str) -> int:
    length: int = _LENGTH.unpack(start)[0] if len(start) == _LENGTH.size else size + 1
    if length > min(size, _MOST_HEADER_BYTES):
        raise _not_safetensors(source, "it has no header")
    return length


def _parsed(text: bytes, size: int, source: str) -> Header:
    try:
        content = json.loads(text, object_pairs_hook=_without_repeats)
        metadata = _metadata(content.pop("__metadata__", {}))
        data = max((_end_of(name, entry) for name, entry in content.items()), default=0)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise _not_safetensors(source, f"its header is wrong: {error}") from error
    expected = _LENGTH.size + len(text) + data
    if size != expected:
        reason = f"it has {size} bytes, its header speaks of {expected}"
        raise _not_safetensors(source, reason)
    return Header(
        shapes={
            name: tuple(entry["shape"])
            for name, entry in content.items()
            if not name.endswith((SCALE, COUNT))
        },
        metadata=metadata,
        bytes=size,
    )


def _and_more(names: list[str]) -> str:
    return f" and {len(names) - 1} more" if len(names) > 1 else ""


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands there twice")
    return found


def _metadata(found: object) -> dict[str, str]:
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        raise TypeError("its metadata are no texts")
    return found


def _end_of(name: str, entry: dict[str, Any]) -> int:
    """Return where the bytes of a tensor end, once its size, dtype and place agree."""
    kind, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
    if kind not in _SIZES:
        msg = f"{name!r} is of type {kind}, there can be {', '.join(_SIZES)}"
        raise ValueError(msg)
    whole = all(type(number) is int and number >= 0 for number in (*shape, begin, end))
    if not whole or len(shape) > _MOST_DIMENSIONS:
        msg = f"{name!r} has no shape or no place"
        raise ValueError(msg)
    if end - begin != _SIZES[kind] * math.prod(shape):
        msg = f"{name!r} has {end - begin} bytes for the shape {tuple(shape)}"
        raise ValueError(msg)
    return int(end)


def _not_safetensors(source: str, reason: str) -> WeightsError:
    return WeightsError(
        f"{source} is not a safetensors file ({reason}): pickled checkpoints are never opened"
    )
