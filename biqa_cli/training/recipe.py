"""A recipe: everything that a training depends on beside the photos. Records only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from biqa_cli.models.spec import BackboneName, Family, OptionValue

LossValue = bool | float | Literal["auto"]

LOSS_KEYS: dict[Family, dict[str, LossValue]] = {
    "blockiqa": {"plcc_weight": 0.0},
    "qualitynet": {"mae_weight": "auto", "plcc_weight": 10.0},
    "reqa": {"coarse": True, "fine": True, "first_stage": 1.0},
    "shdiqa": {
        "contrastive_weight": 1.0,
        "affinity_weight": 1.0,
        "teacher_epochs": 9.0,
        "degraded_photos": 0.0,
        "beta": 1.0,
        "plcc_weight": 0.0,
    },
    "nlnet": {"plcc_weight": 0.0},
}
"""What each family's loss can be told, and the paper's value. "auto" is explained in the recipe."""


@dataclass(frozen=True, slots=True)
class InputRecipe:
    """From a photo to what the network sees."""

    height: int
    """Of the view that the whole photo is resized to, in pixels."""
    width: int
    crop: int
    """Side of the square random crops; 0 trains on whole views."""
    crops_per_photo: int
    """In an epoch."""
    stride: int
    """Of the grid of crops that scores a photo; 0 scores the whole view."""
    val_crops: int
    """Crops of that grid that validation looks at, spread evenly; 0 is all."""
    flip: bool
    """Whether half of all crops are mirrored."""
    rotate: float
    """Crops are turned by up to so many degrees; corners become black."""
    noise: float
    """On what frozen layers make of a photo, where that is kept on disk: normal, in units of its
    spread, so that a head does not learn photos by heart. 0 is off."""
    window: int
    """Side in pixels of random windows of the maps that are kept below a last stage which learns
    (BlockIQA on ResNet-50), a multiple of 32; 0 is the whole map."""
    labels: Literal["unit", "native", "percent"]
    """Labels from 0 to 1, as the data set has them, or from 0 to 100."""
    val_share: float
    """Of the training part, held out where the split has no part `val`."""

    @property
    def is_whole(self) -> bool:
        """Whether every epoch sees the same photos, but for mirroring."""
        return not (self.crop or self.rotate) and self.crops_per_photo == 1


@dataclass(frozen=True, slots=True)
class OrderRecipe:
    """What degraded photos teach."""

    order_weight: float
    """Of the order of photos and their degraded versions in the loss (`order_loss`); 0 is off."""
    order_photos: int
    """How many training photos are degraded, each at two levels of one kind."""


@dataclass(frozen=True, slots=True)
class HintRecipe:
    """What another backbone teaches."""

    hint_weight: float
    """Of the hints in the loss (`with_hints`); 0 is off."""


@dataclass(frozen=True, slots=True)
class OptimiserRecipe:
    """What changes the weights."""

    algorithm: Literal["adam", "adamw", "sgd"]
    batch: int
    rate: float
    """Of everything but the backbone."""
    backbone_rate: float
    weight_decay: float
    decay_all: bool
    """False: no decay of vectors, positions and learnt tokens."""
    clip: float
    """Longest gradient; 0 does not clip."""
    trainable: Literal["all", "half", "last", "head"]
    """What of the backbone learns: all, the half with most of its weights, its last stage, nothing."""
    ema: float
    """Decay of an exponential mean of the weights that is scored and kept; 0 is off."""
    start_share: float
    """Of the starting weights in those that are scored and kept (`mixed_with_start`); 0 is off."""
    precision: Literal["auto", "float32", "bfloat16"]
    """auto: bfloat16 mixed precision on cuda, float32 elsewhere."""


@dataclass(frozen=True, slots=True)
class ScheduleRecipe:
    """How the rates move, when training ends, and which epoch is kept."""

    epochs: int
    curve: Literal["constant", "step", "cosine", "plateau"]
    warmup: float
    """Epochs of linear rise from a thousandth of the rate."""
    every: int
    """Epochs of a step; on a plateau the epochs without a lower validation loss to bear."""
    factor: float
    """What a rate is multiplied by at a step or on a plateau."""
    lowest: float
    """No rate falls below."""
    patience: int
    """Epochs without a better correlation on `val` before the end; 0 goes on to the last."""
    least_epochs: int
    select: Literal["srcc", "plcc", "last"]
    """Which epoch is kept: the best by this correlation on `val`, or the last."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that a training depends on beside the photos."""

    family: Family
    backbones: tuple[BackboneName, ...]
    seed: int
    network: Mapping[str, OptionValue]
    """Options of the family, see `OPTIONS`."""
    loss: Mapping[str, LossValue]
    """Of `LOSS_KEYS`."""
    input: InputRecipe
    order: OrderRecipe
    hint: HintRecipe
    optimiser: OptimiserRecipe
    schedule: ScheduleRecipe

    def loss_number(self, key: str) -> float:
        """Return a number of the loss."""
        return float(self.loss[key])


SECTIONS: dict[str, type] = {
    "input": InputRecipe,
    "order": OrderRecipe,
    "hint": HintRecipe,
    "optimiser": OptimiserRecipe,
    "schedule": ScheduleRecipe,
}
