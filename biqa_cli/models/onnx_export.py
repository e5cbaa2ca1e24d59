"""From a network to ONNX: a graph that reads our checkpoints, and a file that stands alone."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from biqa_cli.blocks.extraction import block_views
from biqa_cli.blocks.grid import covering_grid
from biqa_cli.distortions.flaws import FLAWS
from biqa_cli.errors import UsageError, WeightsError
from biqa_cli.models.base import MAPS, OUTPUTS, POOLED
from biqa_cli.models.onnx_engine import OnnxEngine
from biqa_cli.models.onnx_graphs import (
    INPUT,
    forget_the_machine,
    take_any_size,
    traced,
    without_weights,
)
from biqa_cli.models.onnx_runtime import onnxruntime
from biqa_cli.models.spec import SOFT_END, InputContract, ModelSpec, ScoreScale
from biqa_cli.networks.nlnet import NLNet
from biqa_cli.networks.qualitynet import QualityNetOutput

# Of the scale of the labels; float32 sums in another order.
_TOLERANCE = 1e-4
_PERCENT = ScoreScale(0, 100, higher_is_better=True, meaning="percent")


@dataclass(frozen=True, slots=True)
class Exported:
    """An ONNX file, compared with PyTorch before anybody gets it."""

    content: bytes
    difference: float
    """The largest that was found, as a share of the scale of the labels."""


def export_graph(spec: ModelSpec, network: nn.Module) -> Exported:
    """Return a network without its weights, from normalised views or crops to native scores.

    The graph names the tensors of the model's checkpoint and takes them from it when it is
    loaded, so that both engines read one safetensors file and a graph of a few hundred kilobytes
    serves every checkpoint of the network.

    Where a network reads means and deviations of maps and nothing else, maps and these are outputs,
    too: `OnnxEngine` cuts the graph in two there.

    Args:
        spec: Of the model.
        network: With weights, to compare with.

    Raises:
        UsageError: If the network does more than a graph can hold.
        WeightsError: If graph and network differ by more than 1e-4 of the scale.
    """
    _refuse_superpixels(network)
    crops = spec.input.crops
    size = (crops.size, crops.size) if crops else (spec.input.height, spec.input.width)
    names = {name for name in network.state_dict() if not name.endswith("num_batches_tracked")}
    shape = (3, 3, *_compared(size, spec.input))
    images = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    with torch.inference_mode():
        output = network(torch.from_numpy(images))
    expected, pooled = _told(output), _pooled(output)
    outputs = list(OUTPUTS if spec.tells_flaws else OUTPUTS[:1])
    outputs += [f"{kind}{number}" for kind in (MAPS, POOLED) for number in range(len(pooled))]
    model = without_weights(traced(_Told(network), size, outputs, fold=False), names)
    if spec.input.keeps_aspect:
        take_any_size(model)
    content = model.SerializeToString(deterministic=True)
    # ONNX Runtime takes no array in another order of memory, such as channels last.
    state = network.state_dict()
    tensors = {name: np.ascontiguousarray(state[name].numpy()) for name in names}
    engine = OnnxEngine(content, tensors)
    if engine.tells_flaws != spec.tells_flaws:
        raise WeightsError("the graph has not the outputs of the network: nothing is written")
    found = [engine.predict(images)]
    if engine.parts is not None:
        of_pooled = torch.cat([each.flatten(1) for each in pooled], dim=1)
        found.append(engine.parts.from_pooled(of_pooled.numpy()))
    differences = [
        _largest_difference(
            [part for part in (said.scores, said.ceilings, said.flaws) if part is not None],
            expected,
            [spec.scale],
        )
        for said in found
    ]
    return Exported(content, max(differences))


def export_model(spec: ModelSpec, network: nn.Module) -> Exported:
    """Return a model as one ONNX file that needs nothing of biqa.

    It maps `images` (B, 3, H, W), RGB from 0 to 1 at the size of the model's view, to
    `native_scores` (B,), on the scale of the labels, and `scores` (B,), 0 to 100, higher is
    better: normalising, crops and calibration are part of it. A network that tells flaws also has
    `ceilings` (B,) and `flaws` (B, 12). What else must be known stands in its metadata: the view at
    full size is not part of it.

    Args:
        spec: Of the model.
        network: With its weights.

    Raises:
        UsageError: If the network does more than a graph can hold.
        WeightsError: If graph and network differ by more than 1e-4 of the scale.
    """
    _refuse_superpixels(network)
    whole = _WholePath(network, spec.input, spec.scale)
    size = (spec.input.height, spec.input.width)
    outputs = ["native_scores", "scores", *(OUTPUTS[1:] if spec.tells_flaws else ())]
    model = traced(whole, size, outputs, fold=True)
    if spec.input.keeps_aspect:
        take_any_size(model)
    for key, value in _facts(spec).items():
        model.metadata_props.add(key=key, value=value)
    forget_the_machine(model)
    content = model.SerializeToString(deterministic=True)
    shape = (3, 3, *_compared(size, spec.input))
    images = np.random.default_rng(0).uniform(size=shape).astype(np.float32)
    with torch.inference_mode():
        expected = whole(torch.from_numpy(images))
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    found = session.run(outputs, {INPUT: images})
    return Exported(content, _largest_difference(found, expected, [spec.scale, _PERCENT]))


def _told(output: Any) -> tuple[Tensor, ...]:  # noqa: ANN401  each family has its record
    """Return what a network tells, in the order of `OUTPUTS`."""
    told = (getattr(output, name, None) for name in OUTPUTS)
    return tuple(found for found in told if found is not None)


def _pooled(output: Any) -> tuple[Tensor, ...]:  # noqa: ANN401  as above
    """Return the means and deviations of the maps, if a network reads these and nothing else."""
    return output.pooled if isinstance(output, QualityNetOutput) else ()


class _Told(nn.Module):
    """A network whose outputs are those of a graph, as tensors."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Map normalised views (B, 3, H, W) to native scores (B,) and what else is told."""
        output = self.network(images)
        pooled = _pooled(output)
        return *_told(output), *(output.maps if pooled else ()), *pooled


class _WholePath(nn.Module):
    """What `scoring.py` does between a view and a score."""

    def __init__(self, network: nn.Module, contract: InputContract, scale: ScoreScale) -> None:
        super().__init__()
        self.network = network
        self.contract, self.scale = contract, scale
        self.mean = torch.tensor(contract.mean).reshape(3, 1, 1)
        self.std = torch.tensor(contract.std).reshape(3, 1, 1)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Map images (B, 3, H, W) of 0 to 1 to native scores (B,) and scores of 0 to 100 (B,).

        What else the network tells comes behind them.
        """
        views = (images - self.mean) / self.std
        crops = self.contract.crops
        if crops is None:
            told = _told(self.network(views))
        else:
            size = (self.contract.height, self.contract.width)
            grid = covering_grid(*size, size=crops.size, stride=crops.stride)
            found = [_told(self.network(view)) for view in block_views(views, grid)]
            told = tuple(torch.stack(each).mean(dim=0) for each in zip(*found, strict=True))
        native, *others = told
        return native, self._percent(native), *others

    def _percent(self, native: Tensor) -> Tensor:
        scale = self.scale
        share = (native - scale.lowest) / (scale.highest - scale.lowest)
        percent = 100 * (share if scale.higher_is_better else 1 - share)
        if scale.calibration is not None and scale.calibration.curve is not None:
            b1, b2, b3, b4 = scale.calibration.curve
            fitted = b2 + (b1 - b2) * torch.sigmoid((percent - b3) / b4)
            low = SOFT_END * torch.exp(fitted.clamp(max=SOFT_END) / SOFT_END - 1)
            high = SOFT_END * torch.exp((100 - fitted).clamp(max=SOFT_END) / SOFT_END - 1)
            # Within the scale, both ends are alike and cancel.
            percent = fitted.clamp(SOFT_END, 100 - SOFT_END) + low - high
        return percent.clamp(0, 100)


def _refuse_superpixels(network: nn.Module) -> None:
    if isinstance(network, NLNet) and network.nonlocal_branch is not None:
        msg = (
            "nlnet cannot be exported: it finds superpixels in each patch, which no ONNX graph "
            "can hold (with branches=local it can)"
        )
        raise UsageError(msg)


def _compared(size: tuple[int, int], contract: InputContract) -> tuple[int, int]:
    """Return the size of the images by which a graph is compared with PyTorch."""
    return (size[0] // 2, size[1]) if contract.keeps_aspect else size


def _facts(spec: ModelSpec) -> dict[str, str]:
    facts = {
        "model": spec.name,
        "input": f"RGB from 0 to 1, {spec.input.describe_size()}, bicubic from the photo",
        "native_scale": spec.scale.describe(),
        "calibration": json.dumps(spec.scale.calibration and asdict(spec.scale.calibration)),
        "citation": spec.citation,
    }
    if spec.tells_flaws:
        facts["flaws"] = json.dumps(FLAWS)
    if (full := spec.input.full_size) is not None:
        facts["full_size"] = f"not part of this file: {full.describe()}"
    return facts


def _largest_difference(
    found: Sequence[NDArray[np.floating[Any]]],
    expected: Sequence[Tensor],
    scales: Sequence[ScoreScale],
) -> float:
    """Return the largest difference as a share of the scale; what has none goes from 0 to 1."""
    spans = [scale.highest - scale.lowest for scale in scales]
    spans += [1.0] * (len(expected) - len(spans))
    difference = max(
        float(np.abs(one - other.double().numpy()).max()) / span
        for one, other, span in zip(found, expected, spans, strict=True)
    )
    if not difference <= _TOLERANCE:
        msg = f"the graph and PyTorch differ by {difference:.2g} of the scale: nothing is written"
        raise WeightsError(msg)
    return difference
