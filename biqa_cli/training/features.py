"""What frozen layers make of the photos, kept on disk: computed once for all epochs and runs.

The file lies beside the decoded photos. Its name changes with weights, preprocessing, precision and
photos, so that none is ever out of date; it gets its name when it is whole.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from biqa_cli.errors import UsageError
from biqa_cli.models.spec import InputContract
from biqa_cli.scoring import map_ahead
from biqa_cli.training.data import normalised
from biqa_cli.training.families.base import Poolable
from biqa_cli.training.photos import PhotoStore, Pixels
from biqa_cli.training.recipe import Recipe

_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class FeatureStore:
    """What the frozen layers make of photos and of their mirror images."""

    values: NDArray[np.float16]
    """(2, n, …), mapped into memory: photos, then mirror images (as far as a recipe has such)."""
    rows: dict[int, int]
    """Index of an image in its data set → its row."""

    def of(self, index: int, *, mirrored: bool) -> NDArray[np.float16]:
        """Return what is kept of an image of the data set."""
        found: NDArray[np.float16] = self.values[int(mirrored), self.rows[index]]
        return found


def may_be_cached(recipe: Recipe) -> bool:
    """Return whether every epoch of a recipe sees the same photos, but for mirroring."""
    view = recipe.input
    frozen = recipe.optimiser.trainable == "head"
    return frozen and not (view.crop or view.rotate) and view.crops_per_photo == 1


def cache_features(
    network: nn.Module,
    store: PhotoStore,
    indices: Sequence[int],
    *,
    recipe: Recipe,
    pooled_by: Sequence[str],
    contract: InputContract,
    device: str,
    workers: int,
    autocast: Callable[[], AbstractContextManager[Any]],
    go_on: Callable[[int, int], bool] = lambda _done, _total: True,
) -> FeatureStore | None:
    """Return what the frozen layers make of photos, computed now or by an earlier run.

    Args:
        network: A `Poolable`, on the device; what learns of it does not matter.
        store: The decoded photos.
        indices: Which of them.
        recipe: Of the training; mirror images are computed if it has such.
        pooled_by: The options of the network on which its features depend.
        contract: How a photo becomes what the network reads.
        device: Where to compute.
        workers: Threads that read photos.
        autocast: The precision to compute in.
        go_on: Called with how many views are done, of how many; False stops.

    Returns:
        None if it was stopped; what was done is kept for the next run.

    Raises:
        UsageError: If the folder cannot be written, or a feature is beyond float16.
    """
    rows = {index: row for row, index in enumerate(sorted(indices))}
    views = [(m, index) for m in range(1 + recipe.input.flip) for index in rows]
    batches = [views[start : start + _AT_ONCE] for start in range(0, len(views), _AT_ONCE)]
    path = store.home / f"features-{_key(network, store, recipe, pooled_by, contract, rows)}.npy"
    partial, mark = path.with_suffix(".partial.npy"), path.with_suffix(".done")
    network.eval()

    def read(chosen: Sequence[tuple[int, int]]) -> Pixels:
        return np.stack([store.view(i)[:, ::-1] if m else store.view(i) for m, i in chosen])

    try:
        done = 0 if not path.is_file() else len(batches)
        if mark.is_file() and partial.is_file():
            done = int(mark.read_text())
        left = batches[done:]
        for chosen, pixels in zip(
            left, map_ahead(read, left, workers=workers, ahead=2 * workers), strict=True
        ):
            found = _pooled(network, pixels, contract, device, autocast)
            if done == 0:
                _begin(partial, (1 + recipe.input.flip, len(rows), *found.shape[1:]))
            kept = np.lib.format.open_memmap(partial, mode="r+")
            for (mirrored, index), value in zip(chosen, found, strict=True):
                kept[mirrored, rows[index]] = value
            del kept
            done += 1
            mark.write_text(str(done))
            if not go_on(min(done * _AT_ONCE, len(views)), len(views)) and done < len(batches):
                return None
        if left:
            partial.replace(path)
            mark.unlink()
        return FeatureStore(np.load(path, mmap_mode="r"), rows)
    except OSError as error:
        msg = f"cannot keep features in {store.home}: {error.strerror or error}"
        raise UsageError(msg) from error


def _begin(path: Path, shape: tuple[int, ...]) -> None:
    """Make an empty file of features."""
    np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=shape)


def _pooled(
    network: nn.Module,
    pixels: Pixels,
    contract: InputContract,
    device: str,
    autocast: Callable[[], AbstractContextManager[Any]],
) -> NDArray[np.float16]:
    images = normalised(torch.from_numpy(np.ascontiguousarray(pixels)).to(device), contract)
    with torch.inference_mode(), autocast():
        found = cast("Poolable", network).pooled(images).half().cpu()
    if not torch.isfinite(found).all():
        raise UsageError(
            "a frozen layer leaves the range of float16: these weights cannot be right"
        )
    values: NDArray[np.float16] = found.numpy()
    return values


def _key(
    network: nn.Module,
    store: PhotoStore,
    recipe: Recipe,
    pooled_by: Sequence[str],
    contract: InputContract,
    rows: dict[int, int],
) -> str:
    """Return a name for all that the features depend on."""
    digest = hashlib.sha256()
    options = [(name, recipe.network[name]) for name in sorted(pooled_by)]
    facts = [recipe.family, recipe.trunks, options, recipe.optimiser.precision, recipe.input.flip]
    digest.update(json.dumps([*facts, contract.describe(), list(rows)]).encode())
    for file in sorted(store.home.glob("part-*.json")):
        digest.update(file.read_bytes())
    frozen = {name for name, p in network.named_parameters() if not p.requires_grad}
    buffers = {name for name, _ in network.named_buffers()}
    for name, tensor in sorted(network.state_dict().items()):
        # Batch norms of the head move, those of frozen layers do not.
        inner = name.rpartition(".")[0]
        if name in frozen or (name in buffers and f"{inner}.weight" in frozen):
            digest.update(name.encode() + tensor.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]
