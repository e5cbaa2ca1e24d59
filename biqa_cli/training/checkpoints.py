"""The weights that a training writes and reads: safetensors, in float32 or as stored."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load, save
from torch import nn

from biqa_cli.errors import WeightsError
from biqa_cli.models.trained import TrainedNetwork
from biqa_cli.weights.checkpoint import encode_checkpoint
from biqa_cli.weights.header import read_header
from biqa_cli.whole_files import write_whole

_ROW = "row"
_COUNTS = "num_batches_tracked"


def write_weights(
    path: Path, module: nn.Module, trained: TrainedNetwork, *, row: Mapping[str, Any] | None = None
) -> None:
    """Write a network, or what teaches it, in float32.

    The header holds what the network is and has learnt from, and the row of its epoch in the log.
    """
    arrays = {
        name: np.ascontiguousarray(tensor.detach().float().cpu().numpy())
        for name, tensor in module.state_dict().items()
        if not name.endswith(_COUNTS)
    }
    metadata = trained.to_metadata()
    if row is not None:
        # Within the one entry that there is: the order of two would not be the same in every run.
        ((key, text),) = metadata.items()
        metadata[key] = json.dumps(json.loads(text) | {_ROW: row})
    write_whole(path, save(arrays, metadata=metadata))


def read_row(path: Path) -> dict[str, Any]:
    """Return the row of the log that goes with weights; empty in files of earlier versions.

    Raises:
        WeightsError: If the file is missing or damaged.
    """
    text = next(iter(read_header(path).metadata.values()), "{}")
    row: dict[str, Any] = json.loads(text).get(_ROW, {})
    return row


def write_small(path: Path, exact: Path, trained: TrainedNetwork) -> None:
    """Write the weights of a float32 file as checkpoints are stored, a quarter of the size."""
    arrays = {name: np.asarray(a, np.float32) for name, a in load(exact.read_bytes()).items()}
    stored = load(encode_checkpoint(arrays))
    write_whole(path, save(stored, metadata=trained.to_metadata()))


def read_weights(path: Path, module: nn.Module) -> None:
    """Put the weights of a float32 file into a module.

    Raises:
        WeightsError: If the file is missing or of another network.
    """
    try:
        stored = {name: torch.from_numpy(a) for name, a in load(path.read_bytes()).items()}
        counts = {n: t for n, t in module.state_dict().items() if n.endswith(_COUNTS)}
        module.load_state_dict(stored | counts)
    except (OSError, SafetensorError, RuntimeError) as error:
        msg = f"cannot go on from {path}: {error}"
        raise WeightsError(msg) from error
