"""From a verified safetensors file to float32 arrays. Nothing is ever unpickled."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save

from biqa_cli.errors import WeightsError
from biqa_cli.weights.cache import read_verified

_SCALE = ".scale"
_INT8_MAX = 127
# Tensors with fewer numbers are stored in float16: together they are a twentieth of a network.
_LARGE = 32_768


def read_checkpoint(path: Path, *, sha256: str | None) -> dict[str, NDArray[np.float32]]:
    """Return the tensors of a checkpoint by name, in float32.

    Args:
        path: A safetensors file as `encode_checkpoint` writes it, or one in plain float32 or
            float16.
        sha256: What the manifest lists. None for a user's own file.

    Raises:
        WeightsError: If the file is missing, not the listed one, or not safetensors.
    """
    try:
        content = path.read_bytes() if sha256 is None else read_verified(path, sha256=sha256)
        stored = load(content)
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}"
        raise WeightsError(msg) from error
    except SafetensorError as error:
        msg = f"{path} is not a safetensors file ({error}): pickled checkpoints are never opened"
        raise WeightsError(msg) from error
    return {
        name: _decode(tensor, stored.get(name + _SCALE))
        for name, tensor in stored.items()
        if not name.endswith(_SCALE)
    }


def encode_checkpoint(tensors: dict[str, NDArray[np.float32]]) -> bytes:
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
            stored[name + _SCALE] = scale
    return save(stored)


def _decode(tensor: NDArray[np.generic], scale: NDArray[np.generic] | None) -> NDArray[np.float32]:
    values = tensor.astype(np.float32)
    if scale is None:
        return values
    return values * scale.astype(np.float32).reshape(-1, *[1] * (values.ndim - 1))
