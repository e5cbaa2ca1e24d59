"""Values of a recipe that cannot work together."""

from math import isqrt

from biqa_cli.errors import UsageError
from biqa_cli.models.spec import KEEPING_ASPECT, FullSize
from biqa_cli.recipes.record import ONE_HEAD, Recipe

_NOT_CACHED = (
    "{0} is for cached features of whole photos: set optimiser.trainable=head, input.crop=0, "
    "input.rotate=0, input.turn=0 and input.crops_per_photo=1 (all families but reqa; qualitynet "
    "without network.attention_first), or {0}=0"
)
# The families whose networks score views of another size than the crops that they learn from.
_ANY_SIZE = ("blockiqa", "qualitynet")
# Photos of a micro-batch of REQA.
_REQA_BATCH = 5


def require_sense(recipe: Recipe) -> None:
    """Raise UsageError for values that cannot work together."""
    view, batch = recipe.input, recipe.optimiser.batch
    if min(view.height, view.width) < view.crop:
        msg = f"crops of {view.crop} do not fit a view of {view.width}×{view.height} pixels"
        raise UsageError(msg)
    if view.turn and not view.crop and view.height != view.width:
        msg = f"views of {view.width}×{view.height} cannot be turned: set input.crop, or turn=0"
        raise UsageError(msg)
    if view.crop and view.stride == 0 and recipe.family not in _ANY_SIZE:
        msg = f"{recipe.family} scores crops of one size: set input.stride to 1 to {view.crop}"
        raise UsageError(msg)
    if view.crop and view.stride > view.crop:
        msg = f"stride {view.stride} leaves gaps between crops of {view.crop}: 1 to {view.crop}"
        raise UsageError(msg)
    if recipe.family == "reqa" and batch < _REQA_BATCH:
        msg = f"a batch of {batch} is too small for reqa: {_REQA_BATCH} or more"
        raise UsageError(msg)
    for name, value in {
        "input.noise": view.noise,
        "monotonicity.weight": recipe.monotonicity.weight,
    }.items():
        if value and not recipe.is_cached:
            raise UsageError(_NOT_CACHED.format(name))
    if view.keep_aspect and (recipe.family not in KEEPING_ASPECT or (view.crop and view.stride)):
        msg = (
            f"input.keep_aspect is for networks that read views of any size, and for whole views: "
            f"use one of {', '.join(KEEPING_ASPECT)}, and input.stride=0"
        )
        raise UsageError(msg)
    _check_heads(recipe)
    _check_others(recipe)
    _check_full_size(recipe)


def _check_heads(recipe: Recipe) -> None:
    """Raise UsageError where one head is to learn alone, and there is but one."""
    trainable = recipe.optimiser.trainable
    has_two = recipe.network.get("flaws") and recipe.is_cached
    if trainable in ONE_HEAD and not has_two:
        msg = (
            f"optimiser.trainable={trainable} is for cached features of networks with a head for "
            "flaws: set network.flaws=true and input.crop=0, or optimiser.trainable=head"
        )
        raise UsageError(msg)


def _check_others(recipe: Recipe) -> None:
    """Raise UsageError where a recipe cannot learn from examples, or from other data sets."""
    examples, also = recipe.examples.weight, recipe.also.weight
    if (examples or also) and recipe.family != "qualitynet":
        msg = (
            f"{recipe.family} learns from no examples and no other data sets: only qualitynet does"
        )
        raise UsageError(msg)
    for name, value in {"examples": examples, "also": also}.items():
        if value and recipe.network.get("attention_first"):
            msg = (
                f"{name}.weight is for maps that are pooled first: set "
                f"network.attention_first=false, or {name}.weight=0"
            )
            raise UsageError(msg)
    if bool(recipe.network.get("flaws")) != bool(examples and recipe.examples.flaws_weight):
        raise UsageError(
            "flaws are learnt from examples, and examples teach flaws: set network.flaws, "
            "examples.weight and examples.flaws_weight together, or none of them"
        )


def _check_full_size(recipe: Recipe) -> None:
    view, squares = recipe.input, FullSize()
    side = isqrt(squares.squares) * squares.size
    if view.full_size and not (view.height == view.width == side and recipe.network.get("flaws")):
        msg = (
            f"input.full_size needs network.flaws=true and views of {side}×{side} pixels: "
            f"{squares.squares} squares of {squares.size} pixels at full size fill such a view"
        )
        raise UsageError(msg)
