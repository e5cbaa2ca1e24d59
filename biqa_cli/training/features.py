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
from biqa_cli.networks.shdiqa import Partition
from biqa_cli.threads import map_ahead
from biqa_cli.training.data import Cut, normalised
from biqa_cli.training.degradation import degrade_pixels, draw_blocks
from biqa_cli.training.families.base import Poolable
from biqa_cli.training.order import Degraded, degraded_view
from biqa_cli.training.photos import PhotoStore, Pixels
from biqa_cli.training.recipe import Recipe

_AT_ONCE = 16
_DEGRADING_STREAM = 5


@dataclass(frozen=True, slots=True)
class DegradedFeatures:
    """What the frozen layers make of degraded photos."""

    drawn: tuple[Degraded, ...]
    values: NDArray[np.float16]
    """(d, 2, …), mapped into memory; the milder level first."""


@dataclass(frozen=True, slots=True)
class BlockwiseFeatures:
    """What the frozen layers make of photos of which each block is degraded in its own way."""

    values: NDArray[np.float16]
    """(d, …), mapped into memory."""
    types: NDArray[np.int64]
    """(d, K), see `DegradedCrop`."""
    levels: NDArray[np.int64]
    """(d, K)."""


@dataclass(frozen=True, slots=True)
class FeatureStore:
    """What the frozen layers make of photos and of their mirror images."""

    values: NDArray[np.float16]
    """(2, n, …), mapped into memory: photos, then mirror images (as far as a recipe has such)."""
    rows: dict[int, int]
    """Index of an image in its data set → its row."""
    degraded: DegradedFeatures | None = None
    """Where a recipe teaches the order of degraded photos."""
    blockwise: BlockwiseFeatures | None = None
    """Where a phase learns what is wrong with which block."""
    spread: NDArray[np.float32] | None = None
    """Standard deviation of each feature over photos, where a recipe has noise."""
    cut: Cut | None = None
    """Takes a random part of what is kept of a photo that trains, where a recipe has windows."""

    def of(self, index: int, *, mirrored: bool) -> NDArray[np.float16]:
        """Return what is kept of an image of the data set."""
        found: NDArray[np.float16] = self.values[int(mirrored), self.rows[index]]
        return found


@dataclass(frozen=True, slots=True)
class Frozen:
    """The layers of a network that do not learn, and all on which their work depends."""

    network: nn.Module
    """A `Poolable`, on the device; what learns of it does not matter."""
    store: PhotoStore
    """The decoded photos."""
    indices: tuple[int, ...]
    """Which of them, sorted."""
    recipe: Recipe
    """Of the training; mirror images are computed if it has such."""
    pooled_by: Sequence[str]
    """The options of the network on which its features depend."""
    contract: InputContract
    """How a photo becomes what the network reads."""
    device: str
    workers: int
    """Threads that read photos."""
    autocast: Callable[[], AbstractContextManager[Any]]
    """The precision to compute in."""
    beside: nn.Module | None = None
    """See `Phase`; on the device."""
    go_on: Callable[[int, int], bool] = lambda _done, _total: True
    """Called with how many views are done, of how many; False stops."""


def cache_features(frozen: Frozen) -> FeatureStore | None:
    """Return what the frozen layers make of photos, computed now or by an earlier run.

    Returns:
        None if it was stopped; what was done is kept for the next run.

    Raises:
        UsageError: If the folder cannot be written, or a feature is beyond float16.
    """
    store, count = frozen.store, len(frozen.indices)

    def view(place: int) -> Pixels:
        mirrored, row = divmod(place, count)
        pixels = store.view(frozen.indices[row])
        return pixels[:, ::-1] if mirrored else pixels

    values = _computed(
        frozen, f"features-{_key(frozen)}", view, (1 + frozen.recipe.input.flip, count)
    )
    rows = {index: row for row, index in enumerate(frozen.indices)}
    return None if values is None else FeatureStore(values, rows)


def cache_degraded(frozen: Frozen, drawn: tuple[Degraded, ...]) -> DegradedFeatures | None:
    """Return what the frozen layers make of degraded photos; otherwise as `cache_features`."""

    def view(place: int) -> Pixels:
        number, level = divmod(place, 2)
        one = drawn[number]
        return degraded_view(frozen.store.view(one.index), one, one.levels[level])

    draw = json.dumps([[d.index, d.kind, *d.levels] for d in drawn])
    name = f"degraded-{_key(frozen)}-{hashlib.sha256(draw.encode()).hexdigest()[:6]}"
    values = _computed(frozen, name, view, (len(drawn), 2))
    return None if values is None else DegradedFeatures(drawn, values)


def cache_blockwise(
    frozen: Frozen, chosen: Sequence[int], partition: Partition
) -> BlockwiseFeatures | None:
    """Return what the frozen layers make of block-wise degraded photos; otherwise as above.

    Args:
        frozen: The layers.
        chosen: Indices of the photos; each is degraded once, by the seed of the recipe.
        partition: How a photo is cut.
    """

    def draw_of(place: int) -> np.random.Generator:
        return np.random.default_rng((frozen.recipe.seed, _DEGRADING_STREAM, chosen[place]))

    def view(place: int) -> Pixels:
        pixels = frozen.store.view(chosen[place])
        return degrade_pixels(pixels, draw_of(place), partition=partition)[0]

    facts = json.dumps([partition, frozen.recipe.seed, list(chosen)])
    name = f"blockwise-{_key(frozen)}-{hashlib.sha256(facts.encode()).hexdigest()[:6]}"
    values = _computed(frozen, name, view, (1, len(chosen)))
    if values is None:
        return None
    drawn = [draw_blocks(draw_of(place), partition) for place in range(len(chosen))]
    types, levels = (np.stack(column) for column in zip(*drawn, strict=True))
    return BlockwiseFeatures(values[0], types, levels)


def _computed(
    frozen: Frozen, name: str, view: Callable[[int], Pixels], shape: tuple[int, int]
) -> NDArray[np.float16] | None:
    """Return the features of numbered views (*shape, …) from a file, which is made if need be."""
    path = frozen.store.home / f"{name}.npy"
    partial, mark = path.with_suffix(".partial.npy"), path.with_suffix(".done")
    total = shape[0] * shape[1]
    batches = [range(at, min(at + _AT_ONCE, total)) for at in range(0, total, _AT_ONCE)]
    frozen.network.eval()

    def read(places: range) -> Pixels:
        return np.stack([view(place) for place in places])

    try:
        done = 0 if not path.is_file() else len(batches)
        if mark.is_file() and partial.is_file():
            done = int(mark.read_text())
        left = batches[done:]
        for places, pixels in zip(
            left,
            map_ahead(read, left, workers=frozen.workers, ahead=2 * frozen.workers),
            strict=True,
        ):
            found = _pooled(frozen, pixels)
            if done == 0:
                _begin(partial, (*shape, *found.shape[1:]))
            kept = np.lib.format.open_memmap(partial, mode="r+")
            kept.reshape(total, *found.shape[1:])[places.start : places.stop] = found
            del kept
            done += 1
            mark.write_text(str(done))
            if not frozen.go_on(places.stop, total) and done < len(batches):
                return None
        if left:
            partial.replace(path)
            mark.unlink()
        values: NDArray[np.float16] = np.load(path, mmap_mode="r")
    except OSError as error:
        msg = f"cannot keep features in {frozen.store.home}: {error.strerror or error}"
        raise UsageError(msg) from error
    return values


def _begin(path: Path, shape: tuple[int, ...]) -> None:
    """Make an empty file of features."""
    np.lib.format.open_memmap(path, mode="w+", dtype=np.float16, shape=shape)


def _pooled(frozen: Frozen, pixels: Pixels) -> NDArray[np.float16]:
    tensor = torch.from_numpy(np.ascontiguousarray(pixels)).to(frozen.device)
    images = normalised(tensor, frozen.contract)
    with torch.inference_mode(), frozen.autocast():
        found = cast("Poolable", frozen.network).pooled(images)
        if frozen.beside is not None:
            beside = frozen.beside(images)[:, None]
            found = torch.cat([found, beside.to(found)], dim=2)
        found = found.half().cpu()
    if not torch.isfinite(found).all():
        raise UsageError(
            "a frozen layer leaves the range of float16: these weights cannot be right"
        )
    values: NDArray[np.float16] = found.numpy()
    return values


def _key(frozen: Frozen) -> str:
    """Return a name for all that the features depend on."""
    digest = hashlib.sha256()
    recipe, network = frozen.recipe, frozen.network
    options = [(name, recipe.network[name]) for name in sorted(frozen.pooled_by)]
    facts = [
        recipe.family,
        recipe.backbones,
        options,
        recipe.optimiser.precision,
        recipe.input.flip,
    ]
    photos = list(frozen.indices)
    digest.update(json.dumps([*facts, frozen.contract.describe(), photos]).encode())
    for file in sorted(frozen.store.home.glob("part-*.json")):
        digest.update(file.read_bytes())
    parameters = {name for name, p in network.named_parameters() if not p.requires_grad}
    buffers = {name for name, _ in network.named_buffers()}
    for name, tensor in sorted(network.state_dict().items()):
        # Batch norms of the head move, those of frozen layers do not.
        inner = name.rpartition(".")[0]
        if name in parameters or (name in buffers and f"{inner}.weight" in parameters):
            _take_in(digest, name, tensor)
    if frozen.beside is not None:
        for name, tensor in sorted(frozen.beside.state_dict().items()):
            _take_in(digest, name, tensor)
    return digest.hexdigest()[:12]


def _take_in(digest: Any, name: str, tensor: torch.Tensor) -> None:  # noqa: ANN401  hashlib's own
    # -0.0 is 0.0, which is what a mean of the weights makes of it.
    digest.update(name.encode() + (tensor.cpu() + 0).contiguous().numpy().tobytes())
