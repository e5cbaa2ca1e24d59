"""From a verified safetensors file to float32 arrays. Nothing is ever unpickled."""

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from biqa_cli.errors import WeightsError
from biqa_cli.weights.cache import read_verified
from biqa_cli.weights.header import COUNT, SCALE, open_regular, read_header

_INT8_MAX = 127
# Tensors with fewer numbers are stored in float16: together they are a twentieth of a network.
_LARGE = 32_768

Tensors = dict[str, NDArray[np.float32]]


def read_checkpoint(path: Path, *, sha256: str | None) -> Tensors:
    """Return the tensors of a checkpoint by name, in float32.

    Args:
        path: A safetensors file as `encode_checkpoint` writes it, or one in plain float32 or
            float16.
        sha256: What the manifest lists. None for a user's own file.

    Raises:
        WeightsError: If the file is missing, not the listed one, or not safetensors.
    """
    return read_and_hash(path, sha256=sha256)[0]


def read_and_hash(path: Path, *, sha256: str | None = None) -> tuple[Tensors, str]:
    """Return the tensors of a checkpoint, and the sha256 of the very bytes that they come from.

    Raises:
        WeightsError: As `read_checkpoint`.
    """
    if sha256 is not None:
        return decode_checkpoint(read_verified(path, sha256=sha256), source=str(path)), sha256
    size = read_header(path).bytes
    descriptor, _ = open_regular(path)
    with open(descriptor, "rb") as file:  # noqa: PTH123  a descriptor has no Path
        content = file.read(size)
    return decode_checkpoint(content, source=str(path)), hashlib.sha256(content).hexdigest()


def decode_checkpoint(content: bytes, *, source: str) -> Tensors:
    """Return the tensors of what is in a safetensors file by name, in float32.

    Raises:
        WeightsError: If it is not safetensors, or a tensor is not what its name says.
    """
    try:
        stored = load(content)
    except SafetensorError as error:
        msg = f"{source} is not a safetensors file ({error}): pickled checkpoints are never opened"
        raise WeightsError(msg) from error
    lost = [name for name in stored if name.endswith(SCALE) and name[: -len(SCALE)] not in stored]
    if lost:
        msg = f"{source} is damaged: {lost[0]!r} is the scale of a tensor that is not there"
        raise WeightsError(msg)
    return {
        name: _decode(name, tensor, stored.get(name + SCALE), source)
        for name, tensor in stored.items()
        if not name.endswith((SCALE, COUNT))
    }


def encode_checkpoint(tensors: Tensors) -> bytes:
    """Return a safetensors file of half the size of float16.

    Large matrices and kernels are int8 with a scale for each output channel, small ones float16,
    vectors (biases, batch-norm statistics) float32: they are few, and their range is wide.
    """
    stored: dict[str, NDArray[np.generic]] = {}
    for name, tensor in tensors.items():
        if tensor.ndim == 1:
            stored[name] = np.ascontiguousarray(tensor, dtype=np.float32)
        elif tensor.size < _LARGE and np.abs(tensor).max() < np.finfo(np.float16).max:
            stored[name] = tensor.astype(np.float16)
        else:
            rows = tensor.reshape(len(tensor), -1)
            scale = np.abs(rows).max(axis=1) / _INT8_MAX
            quantised = np.rint(rows / np.where(scale > 0, scale, 1)[:, None])
            stored[name] = quantised.astype(np.int8).reshape(tensor.shape)
            stored[name + SCALE] = scale
    return save(stored)


def _decode(
    name: str, tensor: NDArray[np.generic], scale: NDArray[np.generic] | None, source: str
) -> NDArray[np.float32]:
    quantised = tensor.dtype == np.int8
    rows = tensor.shape[:1]
    is_number = quantised or tensor.dtype.kind == "f"
    fits = scale is None if not quantised else scale is not None and scale.shape == rows
    if (
        not is_number
        or not fits
        or (scale is not None and bool((scale.astype(np.float64) < 0).any()))
    ):
        found = "no scales" if scale is None else f"scales of {scale.dtype} {scale.shape}"
        msg = (
            f"{source} is damaged: {name!r} is {tensor.dtype} {tensor.shape} with {found}, "
            "expected floats, or int8 with a scale for each row, none below 0"
        )
        raise WeightsError(msg)
    # What leaves float32 is found below, with a message of its own.
    with np.errstate(over="ignore", invalid="ignore"):
        values = tensor.astype(np.float32)
        if scale is not None:
            values *= scale.astype(np.float32).reshape(-1, *[1] * (values.ndim - 1))
    if not np.isfinite(values).all():
        msg = f"{source} cannot be used: {name!r} holds numbers that are not finite"
        raise WeightsError(msg)
    return values
