"""What the engines have in common."""

from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

EngineName = Literal["onnx", "torch"]


class Engine(Protocol):
    """A network with its weights, ready to run on one device."""

    name: EngineName
    device: str

    def predict(self, views: NDArray[np.float32]) -> NDArray[np.float64]:
        """Map normalised views (B, 3, H, W) to native scores (B,)."""
        ...
