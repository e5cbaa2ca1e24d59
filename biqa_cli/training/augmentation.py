"""From a view to a sample: crops, mirroring, rotation, noise; random only by the generator."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from biqa_cli.images.view_store import Pixels
from biqa_cli.models.spec import InputContract
from biqa_cli.recipes.record import InputRecipe

Arrays = dict[str, NDArray[Any]]
Extras = Callable[[Pixels, np.random.Generator], Arrays]
"""What a phase needs of a sample (h, w, 3) besides the sample."""

_BLOCKS = 2


def random_crop(view: Pixels, recipe: InputRecipe, rng: np.random.Generator) -> Pixels:
    """Return a crop (h, w, 3) of a view (H, W, 3), varied as the recipe says."""
    height, width = view.shape[:2]
    size = recipe.crop
    if size:
        y, x = rng.integers(height - size + 1), rng.integers(width - size + 1)
        view = view[y : y + size, x : x + size]
    if is_mirrored(recipe, rng):
        view = view[:, ::-1]
    if recipe.turn and rng.random() < recipe.turn:
        view = np.rot90(view, int(rng.integers(1, 4)))
    if recipe.rotate:
        angle = rng.uniform(-recipe.rotate, recipe.rotate)
        rotated = Image.fromarray(view).rotate(angle, Image.Resampling.BILINEAR)
        return np.asarray(rotated)
    return view


def is_mirrored(recipe: InputRecipe, rng: np.random.Generator) -> bool:
    """Return whether a sample is mirrored: half of all are, if the recipe says so."""
    return recipe.flip and rng.random() < 0.5  # noqa: PLR2004  half


def with_noise(
    features: NDArray[np.float16],
    spread: NDArray[np.float32] | None,
    rng: np.random.Generator,
    *,
    share: float,
) -> NDArray[Any]:
    """Return features with normal noise, `share` of the spread of each; without one as they are.

    Maps (…, C, h, w) have the same noise at all places, and blocks (…, N, K) in all blocks: it
    stands for another photo. What differs from place to place would cancel out in a head that
    pools, and would make blocks less alike in training than they are in scoring. Features behind
    the last that has a spread stay as they are.
    """
    if spread is None or not share:
        return features
    noisy, rest = np.split(features, [spread.shape[-1]], axis=-1)
    # A spread has the shape of one photo's features: (K,), (N, K) or (C, h, w).
    shape = {1: noisy.shape, _BLOCKS: (*noisy.shape[:-2], 1, noisy.shape[-1])}.get(
        spread.ndim, (*features.shape[:-2], 1, 1)
    )
    noise = rng.standard_normal(shape, dtype=np.float32)
    made = noisy + np.float32(share) * spread * noise
    return np.concatenate([made, rest], axis=-1) if rest.shape[-1] else made


def normalised(pixels: Tensor, contract: InputContract) -> Tensor:
    """Return pixels (B, h, w, 3) of 0 to 255 as images (B, 3, h, w), channels last in memory."""
    mean = torch.tensor(contract.mean, device=pixels.device).reshape(3, 1, 1)
    std = torch.tensor(contract.std, device=pixels.device).reshape(3, 1, 1)
    return (pixels.permute(0, 3, 1, 2).float() / 255 - mean) / std


def normalised_views(views: list[Pixels], contract: InputContract, device: str) -> Tensor:
    """Return views (h, w, 3) as images (B, 3, h, w) on a device."""
    return normalised(torch.from_numpy(np.stack(views)).to(device), contract)
