"""Scoring with PyTorch, on any device."""

import contextlib
from collections.abc import Callable, Mapping
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from biqa_cli.models.base import EngineName, Parts, Predictions, one_a_view
from biqa_cli.networks.backbones import Backbone
from biqa_cli.networks.qualitynet import QualityNet
from biqa_cli.weights.header import COUNT, Shape, require_shapes


class TorchEngine:
    """A network in evaluation mode on a device.

    Args:
        network: Its output has the scores (B,) in the field `scores`; one that also tells flaws
            has them in `ceilings` and `flaws`.
        tensors: The checkpoint by name, in float32.
        device: "cpu", "cuda" or "mps".
        threads: Threads of one operation on the CPU; 0 leaves torch's own choice.
        features: The layer whose input are the features; empty where nobody asks for them.

    Raises:
        WeightsError: If the checkpoint is of another network.
    """

    name: EngineName = "torch"

    def __init__(
        self,
        network: nn.Module,
        tensors: Mapping[str, NDArray[np.float32]],
        *,
        device: str,
        threads: int = 0,
        features: str = "",
    ) -> None:
        if threads:
            torch.set_num_threads(threads)
        load_tensors(network, tensors)
        self.device = device
        self._layer = network.get_submodule(features) if features else None
        self.network = network.eval().to(device).to(memory_format=torch.channels_last)

    @property
    def parts(self) -> Parts | None:
        """The network in two parts, if it reads means and deviations of maps and nothing else."""
        network = self.network
        if isinstance(network, QualityNet) and network.statistics > 1:
            return TorchParts(self, network)
        return None

    def predict(self, views: NDArray[np.float32]) -> Predictions:
        """Map normalised views (B, 3, H, W) to what the network says of them."""
        return self.told(lambda: self.outputs(views), count=len(views))[0]

    def told(self, run: Callable[[], Any], *, count: int) -> tuple[Predictions, Any]:
        """Run the network, and return what it says of so many views, with all that it returns."""
        read: list[torch.Tensor] = []
        with contextlib.ExitStack() as hooks:
            if self._layer is not None:
                hook = self._layer.register_forward_pre_hook(lambda _, given: read.append(given[0]))
                hooks.callback(hook.remove)
            output = run()
        features = [one_a_view(found.double().cpu().numpy(), count) for found in read]
        told = (getattr(output, name, None) for name in ("ceilings", "flaws"))
        ceilings, flaws = (
            None if found is None else found.double().cpu().numpy() for found in told
        )
        scores = output.scores.double().cpu().numpy()
        return Predictions(scores, ceilings, flaws, features[0] if features else None), output

    def outputs(self, views: NDArray[np.float32], *, network: nn.Module | None = None) -> Any:  # noqa: ANN401  each family has its record
        """Map normalised views (B, 3, H, W) to all that the network returns, such as its maps.

        Args:
            views: What the network sees.
            network: One that shares the weights, but has another option.
        """
        with torch.inference_mode():
            return (network or self.network)(self.images(views))

    def images(self, views: NDArray[np.float32]) -> torch.Tensor:
        """Return views (B, 3, H, W) as the network wants them, on its device."""
        return torch.from_numpy(views).to(self.device, memory_format=torch.channels_last)


class TorchParts:
    """QualityNet in two parts.

    Args:
        engine: That runs it.
        network: One with pooling="mean+std".
    """

    def __init__(self, engine: TorchEngine, network: QualityNet) -> None:
        self._engine, self._network = engine, network
        backbones = [cast("Backbone", backbone) for backbone in network.backbones]
        self.cell = max(s for b in backbones for s in b.strides[-network.levels :])

    def maps(self, views: NDArray[np.float32]) -> tuple[Predictions, list[NDArray[np.float32]]]:
        """Return what the network says of views (B, 3, H, W), and its maps (B, C, h, w)."""
        engine = self._engine
        told, output = engine.told(lambda: engine.outputs(views), count=len(views))
        return told, [each.float().cpu().numpy() for each in output.maps]

    def from_pooled(self, pooled: NDArray[np.float32]) -> Predictions:
        """Return what the network says by means and deviations (B, F)."""
        given = torch.from_numpy(pooled).to(self._engine.device)
        with torch.inference_mode():
            return self._engine.told(lambda: self._network.from_pooled(given), count=len(pooled))[0]


def load_tensors(network: nn.Module, tensors: Mapping[str, NDArray[np.float32]]) -> None:
    """Copy the tensors of a checkpoint into a network, all of them and nothing else.

    Raises:
        WeightsError: If a name or a shape differs.
    """
    found = {name: tensor.shape for name, tensor in tensors.items()}
    require_shapes(found, shapes_of(network), source="the checkpoint")
    state = {name: torch.from_numpy(tensor) for name, tensor in tensors.items()}
    # The count of batches is only used while training with momentum None; it is not stored.
    counts = {name: t for name, t in network.state_dict().items() if name.endswith(COUNT)}
    network.load_state_dict({**state, **counts}, strict=True)


def shapes_of(network: nn.Module) -> dict[str, Shape]:
    """Return the shapes of the tensors that a checkpoint of a network holds, by name."""
    return {
        name: tuple(tensor.shape)
        for name, tensor in network.state_dict().items()
        if not name.endswith(COUNT)
    }
