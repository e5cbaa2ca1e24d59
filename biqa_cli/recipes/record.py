"""A recipe: everything that a training depends on besides the photos, as one typed record.

Each value is declared here once, with its default. `shipped/<family>.toml` has what a paper says,
`shipped/<family>-cpu.toml` a shorter recipe for two CPU cores, and `shipped/<checkpoint>.toml` how
a shipped checkpoint was trained. A recipe of your own names a family and the values that differ
from the paper's recipe of that family, or from the recipe that it names as `base`.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, structs

from biqa_cli.images.transforms import ViewSize
from biqa_cli.models.spec import BackboneName, Family, OptionValue

ONE_HEAD = ("rating", "flaws")
"""What learns where one of QualityNet's two heads learns alone."""
_FROZEN = ("head", *ONE_HEAD)
"""What learns where the whole backbone is frozen."""

Count = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]
Weight = Annotated[float, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0, le=1)]


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of a recipe."""


class InputRecipe(Section, frozen=True):
    """From a photo to what the network sees."""

    height: Positive = 512
    """Of the view that the whole photo is resized to, in pixels."""
    width: Positive = 512
    crop: Count = 0
    """Side of the square random crops; 0 trains on whole views."""
    crops_per_photo: Positive = 1
    """In an epoch."""
    stride: Count = 0
    """Of the grid of crops that scores a photo; 0 scores the whole view."""
    val_crops: Count = 0
    """Crops of that grid that validation looks at, spread evenly; 0 is all."""
    flip: bool = True
    """Whether half of the samples are mirrored."""
    rotate: Weight = 0.0
    """Samples are rotated by up to this many degrees; corners become black."""
    turn: Share = 0.0
    """Share of the samples that are turned by a quarter, a half or three quarters; they are
    square."""
    noise: Weight = 0.0
    """Standard deviation of the normal noise on cached features, in units of the spread of each:
    a head overfits less. 0 is off."""
    labels: Literal["unit", "native", "percent"] = "unit"
    """Labels from 0 to 1, as the data set has them, or from 0 to 100."""
    keep_aspect: bool = False
    """Whether photos are scored at their own aspect ratio, in about as many pixels as the view has;
    see `biqa_cli.images.transforms`."""
    full_size: bool = False
    """Whether large photos are also scored by what is visible at full size; needs network.flaws."""
    val_share: Share = 0.1
    """Share of the training part that is held out where the split has no part `val`."""

    @property
    def size(self) -> ViewSize:
        """Of the views that train."""
        return ViewSize(self.height, self.width, self.keep_aspect)

    @property
    def is_whole(self) -> bool:
        """Whether every epoch sees the same views, except for mirroring."""
        return not (self.crop or self.rotate or self.turn) and self.crops_per_photo == 1


class MonotonicityRecipe(Section, frozen=True):
    """What degraded photos teach: a photo scores above its degraded versions."""

    weight: Weight = 0.0
    """Of `monotonicity_loss` in the loss; 0 is off."""
    photos: Positive = 2000
    """How many training photos are degraded, each at two levels of one kind."""


class ExamplesRecipe(Section, frozen=True):
    """What photos teach that nobody has rated as they are; see `biqa_cli.distortions.examples`."""

    weight: Weight = 0.0
    """Of the squared distance to what flaws leave of the quality; 0 is off."""
    flaws_weight: Weight = 0.0
    """Of the cross entropy of the flaws."""
    unflawed_weight: Weight = 0.0
    """Of the squared distance to the label where a photo is turned, framed, reduced, grey or
    without a flaw."""
    count: Positive = 16000
    """How many there are."""
    clean_share: Share = 0.45
    """Of the examples made from photos without a flaw (`--clean`), if there are such."""
    ceiling: Weight = 1.3
    """What a photo without a flaw may score at most, as a share of the scale; flaws leave a part of
    it. Above 1, slight flaws lower no score: the ratings have learnt such."""
    noise: Weight = 0.05
    """As `input.noise`, on the cached features of examples: flaws are small differences."""


class AlsoRecipe(Section, frozen=True):
    """What rated photos of other data sets teach (`--also`), whose scales are others."""

    weight: Weight = 0.0
    """Of 1 - PLCC of as many of their photos as a batch has; 0 is off."""


class OptimiserRecipe(Section, frozen=True):
    """What changes the weights."""

    algorithm: Literal["adam", "adamw"] = "adam"
    batch: Annotated[int, Meta(ge=2)] = 16
    rate: Weight = 1e-4
    """Learning rate of everything but the backbone."""
    backbone_rate: Weight = 1e-4
    weight_decay: Weight = 0.0
    decay_all: bool = True
    """False: no decay of vectors, positions and learnt tokens."""
    clip: Weight = 0.0
    """Largest norm of the gradient; 0 does not clip."""
    trainable: Literal["all", "upper", "last", "head", "rating", "flaws"] = "all"
    """What learns of the backbone: all of it, its last two stages but for their depthwise filters,
    its last stage, or nothing. Of QualityNet's two heads, "rating" and "flaws" train one alone; the
    head for flaws then starts anew."""
    ema: Share = 0.0
    """Decay of an exponential moving average of the weights, which is validated and kept; 0 is
    off."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """auto: bfloat16 mixed precision on cuda, float32 elsewhere."""


class ScheduleRecipe(Section, frozen=True):
    """How the rates change, when training ends, and which epoch is kept."""

    epochs: Positive = 10
    curve: Literal["step", "cosine", "plateau"] = "step"
    warmup: Weight = 0.0
    """Epochs of linear rise from a thousandth of the rate."""
    every: Positive = 10
    """Epochs of a step; on a plateau, epochs without a lower validation loss before a step."""
    factor: Weight = 0.1
    """What a rate is multiplied by at a step or on a plateau."""
    lowest: Weight = 0.0
    """No rate falls below."""
    patience: Count = 0
    """Epochs without a better correlation on `val` before training ends; 0 never ends early."""
    least_epochs: Count = 0
    """Training does not end early before this epoch."""
    select: Literal["srcc", "plcc", "last"] = "srcc"
    """Which epoch is kept: the best by this correlation on `val`, or the last."""


class BlockIQALoss(Section, frozen=True):
    """Squared error (BlockIQA, eq. 12)."""

    plcc_weight: Weight = 0.0
    """Of 1 - PLCC, QualityNet's second term."""


class QualityNetLoss(Section, frozen=True):
    """Absolute error and correlation (QualityNet, eqs. 38 to 40)."""

    mae_weight: Weight | Literal["auto"] = "auto"
    """λ1. auto: 1, or 10 where labels span no more than 1, as the authors choose it."""
    plcc_weight: Weight = 10.0
    """λ2."""


class REQALoss(Section, frozen=True):
    """Coarse to fine (REQA, eqs. 9 to 14)."""

    coarse: bool = True
    """Table VI."""
    fine: bool = True
    """Table VI."""
    first_stage: Annotated[int, Meta(ge=1, le=4)] = 1
    """4 continues from a checkpoint that has been through the others."""


class SHDIQALoss(Section, frozen=True):
    """Quality and distillation (SHDIQA); the weights of the distillation are our reading."""

    contrastive_weight: Weight = 1.0
    """λ_c; 0 leaves contrastive distillation out."""
    affinity_weight: Weight = 1.0
    """λ_a; 0 leaves affinity distillation out."""
    teacher_epochs: Count = 9
    """Of the quality-aware submodule, before the student."""
    degraded_photos: Count = 0
    """With cached features: how many photos are degraded block by block; 0 is all."""
    beta: Annotated[float, Meta(gt=0)] = 1.0
    """Of the smooth L1 distance."""
    plcc_weight: Weight = 0.0
    """Of 1 - PLCC, QualityNet's second term."""


class NLNetLoss(Section, frozen=True):
    """Quality, ranking and type of distortion (NLNet)."""

    plcc_weight: Weight = 0.0
    """Of 1 - PLCC, QualityNet's second term."""


LossRecipe = BlockIQALoss | QualityNetLoss | REQALoss | SHDIQALoss | NLNetLoss
LOSSES: dict[Family, type[LossRecipe]] = {
    "blockiqa": BlockIQALoss,
    "qualitynet": QualityNetLoss,
    "reqa": REQALoss,
    "shdiqa": SHDIQALoss,
    "nlnet": NLNetLoss,
}


class Recipe(Section, frozen=True):
    """Everything that a training depends on besides the photos."""

    family: Family
    backbones: Annotated[tuple[BackboneName, ...], Meta(min_length=1)]
    seed: Count = 1
    """Of weights, samples and split."""
    network: dict[str, OptionValue] = {}
    """Options of the family, see `OPTIONS`."""
    loss: Any = None
    """A record of `LOSSES`."""
    input: InputRecipe = InputRecipe()
    monotonicity: MonotonicityRecipe = MonotonicityRecipe()
    examples: ExamplesRecipe = ExamplesRecipe()
    also: AlsoRecipe = AlsoRecipe()
    optimiser: OptimiserRecipe = OptimiserRecipe()
    schedule: ScheduleRecipe = ScheduleRecipe()
    rounds: tuple[dict[str, Any], ...] = ()
    """What each further round changes of the first. A round starts from the best weights of the
    round before."""

    @property
    def is_cached(self) -> bool:
        """Whether the backbone is frozen and sees the same views in every epoch: once is enough."""
        # REQA, and attention that comes first, look at whole maps: too much to keep.
        has_features = self.family != "reqa" and not self.network.get("attention_first")
        return has_features and self.optimiser.trainable in _FROZEN and self.input.is_whole


def keys_of(family: Family) -> dict[str, dict[str, Any]]:
    """Return the keys of each section that a family has, and their types; not of its network."""
    kinds: dict[str, type[Struct]] = {
        "loss": LOSSES[family],
        "input": InputRecipe,
        "monotonicity": MonotonicityRecipe,
        "examples": ExamplesRecipe,
        "also": AlsoRecipe,
        "optimiser": OptimiserRecipe,
        "schedule": ScheduleRecipe,
    }
    return {name: {f.name: f.type for f in structs.fields(kind)} for name, kind in kinds.items()}
