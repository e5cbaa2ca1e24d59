"""How well a network orders the photos that were held out, scored as `biqa score` will."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from biqa_cli.blocks.grid import Block, covering_grid
from biqa_cli.errors import UsageError
from biqa_cli.metrics.correlation import krcc, plcc, srcc
from biqa_cli.models.spec import InputContract
from biqa_cli.threads import map_ahead
from biqa_cli.training.data import normalised
from biqa_cli.training.families.base import Poolable
from biqa_cli.training.features import FeatureStore
from biqa_cli.training.photos import PhotoStore, Pixels

# Crops of one forward pass.
_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Validation:
    """Agreement with the labels of the validation photos."""

    loss: float
    srcc: float
    plcc: float
    krcc: float


def scoring_blocks(
    contract: InputContract, *, crop: int, stride: int, at_most: int
) -> tuple[Block, ...]:
    """Return the blocks of a view whose mean score is a photo's score.

    Args:
        contract: Of the network; its view is cut.
        crop: Side of a block, 0 for the whole view.
        stride: Of the covering grid, 0 for the whole view.
        at_most: Blocks to keep, spread evenly; 0 is all.
    """
    if not (crop and stride):
        return (Block(0, 0, contract.height, contract.width),)
    grid = tuple(covering_grid(contract.height, contract.width, size=crop, stride=stride))
    if not 0 < at_most < len(grid):
        return grid
    # The middles of equal shares of the grid.
    return tuple(grid[(2 * k + 1) * len(grid) // (2 * at_most)] for k in range(at_most))


def predict(
    network: nn.Module,
    store: PhotoStore,
    indices: Sequence[int],
    *,
    contract: InputContract,
    blocks: Sequence[Block],
    device: str,
    workers: int,
) -> NDArray[np.float64]:
    """Return the scores (n,) of photos, in float32 and evaluation mode."""
    network.eval()
    count = max(1, _AT_ONCE // len(blocks))
    batches = [indices[start : start + count] for start in range(0, len(indices), count)]

    def cut(chosen: Sequence[int]) -> Pixels:
        views = [store.view(index) for index in chosen]
        return np.stack(
            [v[b.y : b.y + b.height, b.x : b.x + b.width] for v in views for b in blocks]
        )

    scores = []
    with torch.inference_mode():
        for pixels in map_ahead(cut, batches, workers=workers, ahead=2 * workers):
            images = normalised(torch.from_numpy(pixels).to(device), contract)
            found = network(images).scores.double()
            scores.append(found.reshape(-1, len(blocks)).mean(dim=1).cpu())
    return np.asarray(torch.cat(scores).numpy(), dtype=np.float64)


def predict_from_features(
    network: nn.Module, features: FeatureStore, indices: Sequence[int], *, device: str
) -> NDArray[np.float64]:
    """Return the scores (n,) of photos by what is cached of them, in evaluation mode."""
    network.eval()
    scores = []
    with torch.inference_mode():
        for start in range(0, len(indices), _AT_ONCE):
            chosen = [features.of(i, mirrored=False) for i in indices[start : start + _AT_ONCE]]
            pooled = torch.from_numpy(np.stack(chosen)).to(device).float()
            scores.append(cast("Poolable", network).from_pooled(pooled).scores.double().cpu())
    return np.asarray(torch.cat(scores).numpy(), dtype=np.float64)


def validate(
    predicted: NDArray[np.float64],
    labels: NDArray[np.float32],
    loss: Callable[[Tensor, Tensor], Tensor],
) -> Validation:
    """Return how predictions agree with labels.

    Raises:
        UsageError: If predictions are not finite, or all the same: then no epoch will mend it.
    """
    if not np.isfinite(predicted).all():
        bad = int((~np.isfinite(predicted)).sum())
        msg = f"{bad} of {len(predicted)} validation scores are not finite: {_SMALLER}"
        raise UsageError(msg)
    if np.ptp(predicted) <= _SAME * max(1.0, float(np.abs(predicted).max())):
        msg = (
            f"the network says {predicted[0]:.4g} of every validation photo: it has collapsed, "
            f"{_SMALLER}, or begin with another --seed"
        )
        raise UsageError(msg)
    found = loss(torch.from_numpy(predicted).float(), torch.from_numpy(labels))
    return Validation(
        loss=float(found),
        srcc=float(srcc(labels, predicted)),
        plcc=float(plcc(labels, predicted)),
        krcc=float(krcc(labels, predicted)),
    )


_SMALLER = "begin anew with a smaller rate (--set rate=…, --set backbone_rate=…)"
_SAME = 1e-7
