"""What a network looks at in a photo: one function a family, one record for all.

References:
    Grad-CAM is Selvaraju et al., ICCV 2017, as in QualityNet, figure 14; the hidden states of
    REQA's feedback are its figure 8.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from biqa_cli.blocks.extraction import block_views
from biqa_cli.blocks.grid import BlockGrid, covering_grid
from biqa_cli.blocks.score_map import joined_map
from biqa_cli.errors import ImageError, UsageError
from biqa_cli.explain.records import InnerKind, InnerMaps, Panel
from biqa_cli.images.limits import DEFAULT_LIMITS, Limits
from biqa_cli.images.reading import read_photo
from biqa_cli.models.loading import LoadedModel
from biqa_cli.models.spec import Family
from biqa_cli.models.torch_engine import TorchEngine
from biqa_cli.models.views import view_of
from biqa_cli.networks.nlnet import NLNet
from biqa_cli.networks.qualitynet import QualityNet
from biqa_cli.networks.reqa import REQA, REQAOutput
from biqa_cli.networks.shdiqa import PANELS, SHDIQA
from biqa_cli.networks.superpixels import paint_nodes

MAP_SIDE = 640
"""The longest side of a map: more would show nothing, its cells are many pixels wide."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What one family's function finds."""

    native: float
    """The score of the photo, on the model's scale."""
    panels: tuple[Panel, ...]
    """Their maps lie on the view; their values are on the model's scale."""
    columns: int


@dataclass(frozen=True, slots=True, eq=False)
class CropBatch:
    """A view as the network reads it."""

    images: Tensor
    """(N, 3, h, w), on the network's device; without crops N is 1."""
    grid: BlockGrid
    """Where they lie in the view."""


def inner_maps_of_file(
    source: str | bytes, model: LoadedModel, *, limits: Limits = DEFAULT_LIMITS
) -> InnerMaps:
    """Return what a model looks at in the photo of a file.

    Args:
        source: A file that `read_photo` reads, or what is in it.
        model: From `load_model` with engine="torch", of any family but BlockIQA.
        limits: What reading may cost; a photo that would cost more is refused.

    Raises:
        ImageError: If the photo cannot be read or scored.
        UsageError: If the model is of another family or runs on another engine.
    """
    if model.spec.family not in _FAMILIES or not isinstance(model.engine, TorchEngine):
        msg = (
            f"inner maps need a model of the families {', '.join(_FAMILIES)} on the engine torch, "
            f"got {model.spec.name} ({model.spec.family}) on {model.engine.name}"
        )
        raise UsageError(msg)
    contract = model.spec.input
    photo = read_photo(
        source, at_least=contract.decode_size, full_above=contract.full_above, limits=limits
    )
    view = view_of(photo.image, contract)
    kind, look = _FAMILIES[model.spec.family]
    seen = look(model.engine, _crops_of(view, model, model.engine))
    if not math.isfinite(seen.native):
        raise ImageError("the model gives no finite score for it")
    picture = photo.image.copy()
    picture.thumbnail((MAP_SIDE, MAP_SIDE), Image.Resampling.BICUBIC)

    def percent(native: float) -> float:
        return round(model.spec.scale.to_percent(native), 4)

    panels = tuple(
        replace(
            panel,
            values=resized(panel.values, width=picture.width, height=picture.height),
            value=None if panel.value is None else percent(panel.value),
        )
        for panel in seen.panels
    )
    return InnerMaps(
        path=source if isinstance(source, str) else "",
        model=model.spec.name,
        kind=kind,
        score=percent(seen.native),
        width=photo.width,
        height=photo.height,
        columns=seen.columns,
        panels=panels,
        picture=picture,
        note=photo.note,
    )


def grad_cam(engine: TorchEngine, crops: CropBatch) -> Seen:
    """Return Grad-CAM for each chain of QualityNet (figure 14): what raises the score.

    The score is the target, the last map of each backbone what is weighed: ReLU(Σ_c α_c A_c), α_c
    the mean over the places of ∂score/∂A_c.
    """
    network = cast("QualityNet", engine.network)
    # Gradients are needed from the maps on: the backbones, most of the work, run without.
    with torch.no_grad():
        maps = network.maps(crops.images)
    output = network.from_maps([each.requires_grad_() for each in maps])
    # Of several levels of a chain the last: the finer ones are mostly noise.
    last = output.maps[network.levels - 1 :: network.levels]
    gradients = torch.autograd.grad(output.scores.sum(), last)
    panels = tuple(
        Panel(f"chain {number}", joined(weighted_map(a, gradient), crops.grid))
        for number, (a, gradient) in enumerate(zip(last, gradients, strict=True), start=1)
    )
    return Seen(_mean(output.scores), panels, columns=len(panels))


def weighted_map(maps: Tensor, gradients: Tensor) -> Tensor:
    """Return Grad-CAM (N, h, w), at least 0, of maps and gradients (N, C, h, w)."""
    weights = gradients.mean(dim=(2, 3), keepdim=True)
    return torch.relu((weights * maps.detach()).sum(dim=1))


def hidden_states(engine: TorchEngine, crops: CropBatch) -> Seen:
    """Return the mean of |h_{d,t}| over the channels of REQA (figure 8), in [0, 1).

    A row for each feedback block, a column for each step; with the last row stands F_t.
    """
    network = cast("REQA", engine.network)
    with torch.inference_mode():
        output: REQAOutput = network(crops.images)
    last = len(output.hidden)
    panels = tuple(
        Panel(
            f"feedback block {d}, step {t}",
            joined(h.abs().mean(dim=1), crops.grid),
            _mean(output.step_scores[:, t - 1]) if d == last else None,
        )
        for d, states in enumerate(output.hidden, start=1)
        for t, h in enumerate(states, start=1)
    )
    return Seen(_mean(output.scores), panels, columns=network.steps)


def panel_attention(engine: TorchEngine, crops: CropBatch) -> Seen:
    """Return where SHDIQA's six panels look, each with its score, and their mean.

    In units of even attention to all patches: the mean of a map is 1 less the share that the
    block tokens get.
    """
    network = cast("SHDIQA", engine.network)
    with torch.inference_mode():
        output = network(crops.images)
        attention = network.panel_attention(crops.images)
    relative = attention * attention[0, 0].numel()
    native = _mean(output.scores)
    panels = (
        Panel("mean of the panels", joined(relative.mean(dim=1), crops.grid), native),
        *(
            Panel(
                f"panel {k + 1}",
                joined(relative[:, k], crops.grid),
                _mean(output.panel_scores[:, k]),
            )
            for k in range(PANELS)
        ),
    )
    return Seen(native, panels, columns=4)


def node_attention(engine: TorchEngine, crops: CropBatch) -> Seen:
    """Return how much NLNet looks at each superpixel: nan where it is no node.

    In units of even attention to all nodes of a patch.
    """
    network = cast("NLNet", engine.network)
    with torch.inference_mode():
        scores = network(crops.images).scores
        seen = network.node_attention(crops.images)
    weights = seen.weights.flatten(0, 1).double().cpu().numpy()
    even = np.full(weights.shape, 1 / weights.shape[1])
    # A superpixel may be a node twice: then it would get twice as much of even attention, too.
    painted = paint_nodes(weights, seen.nodes) / paint_nodes(even, seen.nodes)
    values = joined_map(painted, seen.grid).astype(np.float32)
    return Seen(_mean(scores), (Panel("superpixels", values),), columns=1)


_FAMILIES: dict[Family, tuple[InnerKind, Callable[[TorchEngine, CropBatch], Seen]]] = {
    "qualitynet": ("gradcam", grad_cam),
    "reqa": ("feedback", hidden_states),
    "shdiqa": ("attention", panel_attention),
    "nlnet": ("attention", node_attention),
}


def joined(maps: Tensor, grid: BlockGrid) -> NDArray[np.float32]:
    """Return coarse maps of crops (N, h, w) on their view (H, W), the mean where they overlap."""
    coarse: Iterable[NDArray[np.float32]] = maps.detach().float().cpu().numpy()
    fine = np.stack([resized(each, width=grid.width, height=grid.height) for each in coarse])
    return joined_map(fine, grid).astype(np.float32)


def resized(values: NDArray[np.float32], *, width: int, height: int) -> NDArray[np.float32]:
    """Return a map at another size (height, width), by bilinear interpolation.

    One with nan takes the nearest value instead: nan would spread.
    """
    nearest = bool(np.isnan(values).any())
    way = Image.Resampling.NEAREST if nearest else Image.Resampling.BILINEAR
    return np.array(Image.fromarray(values).resize((width, height), way))


def _crops_of(view: NDArray[np.float32], model: LoadedModel, engine: TorchEngine) -> CropBatch:
    """Return what the network reads of a view (3, H, W), as in `judging.predict_views`."""
    height, width = view.shape[-2:]
    crops = model.spec.input.crops
    size, stride = (max(height, width),) * 2 if crops is None else (crops.size, crops.stride)
    grid = covering_grid(height, width, size=size, stride=stride)
    return CropBatch(engine.images(np.stack(block_views(view, grid))), grid)


def _mean(scores: Tensor) -> float:
    return float(scores.detach().double().mean())
