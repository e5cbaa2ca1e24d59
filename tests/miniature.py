"""A miniature set with known quality: procedural photos, two distortions, four levels."""

from dataclasses import dataclass

import numpy as np
import torch
from fakes import photo
from PIL import ImageFilter
from torch import Tensor

LEVELS = (1, 2, 3, 4)


@dataclass(frozen=True, slots=True)
class Miniature:
    """32 distorted photos: 4 references × 2 kinds × 4 levels."""

    images: Tensor
    """(32, 3, size, size) in [0, 1]."""
    mos: Tensor
    """(32,) in [0, 1], higher is better, falling with the level."""
    kinds: Tensor
    """(32,), 0 is blur, 1 is noise."""


def miniature(size: int) -> Miniature:
    """Return the set at a size in pixels; the same at every call."""
    rng = np.random.default_rng(0)
    images, mos, kinds = [], [], []
    for reference in range(4):
        clean = photo(size, size, seed=reference)
        for level in LEVELS:
            blurred = np.asarray(clean.filter(ImageFilter.GaussianBlur(0.5 * level)), np.float32)
            noisy = np.asarray(clean, np.float32) + rng.normal(0, 12 * level, (size, size, 3))
            for kind, pixels in enumerate((blurred, noisy)):
                images.append((pixels / 255).clip(0, 1).astype(np.float32).transpose(2, 0, 1))
                mos.append(1 - level / 5 - 0.02 * reference - 0.1 * kind)
                kinds.append(kind)
    return Miniature(torch.from_numpy(np.stack(images)), torch.tensor(mos), torch.tensor(kinds))
