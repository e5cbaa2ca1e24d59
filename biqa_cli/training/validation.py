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
from biqa_cli.images.view_store import Pixels
from biqa_cli.metrics.correlation import krcc, plcc, srcc
from biqa_cli.models.spec import InputContract
from biqa_cli.recipes.record import InputRecipe
from biqa_cli.threads import map_ahead
from biqa_cli.training.augmentation import normalised_views
from biqa_cli.training.batch import Cacheable
from biqa_cli.training.job import Job
from biqa_cli.training.seen import Seen

# Crops or photos of one forward pass.
_AT_ONCE = 32
# Scores that differ by less, relative to their size, are the same.
_SAME = 1e-7
_SMALLER = "train again with a smaller rate (--set optimiser.rate=…)"


@dataclass(frozen=True, slots=True)
class Validation:
    """Agreement with the labels of the validation photos."""

    loss: float
    srcc: float
    plcc: float
    krcc: float


def scoring_blocks(
    contract: InputContract, view: InputRecipe, *, at_most: int
) -> tuple[Block, ...]:
    """Return the blocks of a view whose mean score is a photo's score.

    They cover the view, or are `at_most` of these blocks, spread evenly; 0 is all.
    """
    if not (view.crop and view.stride):
        return (Block(0, 0, contract.height, contract.width),)
    size = (contract.height, contract.width)
    grid = tuple(covering_grid(*size, size=view.crop, stride=view.stride))
    if not 0 < at_most < len(grid):
        return grid
    # The middles of equal shares of the grid.
    return tuple(grid[(2 * k + 1) * len(grid) // (2 * at_most)] for k in range(at_most))


def predict(network: nn.Module, job: Job, blocks: Sequence[Block]) -> NDArray[np.float64]:
    """Return the scores (n,) of the validation photos, in float32 and evaluation mode."""
    network.eval()
    count = max(1, _AT_ONCE // len(blocks))
    batches = [
        job.photos.val[start : start + count] for start in range(0, len(job.photos.val), count)
    ]

    def cut(chosen: Sequence[int]) -> list[Pixels]:
        views = [job.photos.store.view(index) for index in chosen]
        return [v[b.y : b.y + b.height, b.x : b.x + b.width] for v in views for b in blocks]

    scores = []
    with torch.inference_mode():
        for crops in map_ahead(cut, batches, workers=job.workers, ahead=2 * job.workers):
            images = normalised_views(crops, job.contract, job.device)
            found = network(images).scores.double()
            scores.append(found.reshape(-1, len(blocks)).mean(dim=1).cpu())
    return np.asarray(torch.cat(scores).numpy(), dtype=np.float64)


def predict_features(
    network: nn.Module, seen: Seen, indices: Sequence[int], device: str
) -> NDArray[np.float64]:
    """Return the scores (n,) of images whose features are cached, by the head as it stands."""
    network.eval()
    scores = []
    with torch.inference_mode():
        for start in range(0, len(indices), _AT_ONCE):
            chosen = [seen.of(index) for index in indices[start : start + _AT_ONCE]]
            pooled = torch.from_numpy(np.stack(chosen)).to(device).float()
            scores.append(cast("Cacheable", network).from_pooled(pooled).scores.double().cpu())
    return np.asarray(torch.cat(scores).numpy(), dtype=np.float64)


def validate(
    predicted: NDArray[np.float64],
    labels: NDArray[np.float32],
    loss: Callable[[Tensor, Tensor], Tensor],
) -> Validation:
    """Return how predictions agree with labels.

    Raises:
        UsageError: If predictions are not finite, or all the same: no further epoch mends that.
    """
    if not np.isfinite(predicted).all():
        bad = int((~np.isfinite(predicted)).sum())
        msg = f"{bad} of {len(predicted)} validation scores are not finite: {_SMALLER}"
        raise UsageError(msg)
    if np.ptp(predicted) <= _SAME * max(1.0, float(np.abs(predicted).max())):
        msg = (
            f"the network scores every validation photo {predicted[0]:.4g}: it has collapsed, "
            f"{_SMALLER}, or with another --set seed=…"
        )
        raise UsageError(msg)
    found = loss(torch.from_numpy(predicted).float(), torch.from_numpy(labels))
    return Validation(
        loss=float(found),
        srcc=float(srcc(labels, predicted)),
        plcc=float(plcc(labels, predicted)),
        krcc=float(krcc(labels, predicted)),
    )
