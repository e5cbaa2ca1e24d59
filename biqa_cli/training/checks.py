"""From what TOML says to a recipe: every key known, every value of its kind, all of it sensible."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints

from biqa_cli.errors import UsageError, did_you_mean
from biqa_cli.models.options import FOLLOW_THE_DATA, OPTIONS, check_option
from biqa_cli.models.spec import BackboneName, Family, OptionValue
from biqa_cli.training.recipe import (
    LOSS_KEYS,
    SECTIONS,
    HintRecipe,
    InputRecipe,
    LossValue,
    OptimiserRecipe,
    OrderRecipe,
    Recipe,
    ScheduleRecipe,
)

_TOP = ("family", "backbones", "seed")
# Networks that score views of another size than the crops that they learn from.
_ANY_SIZE = ("blockiqa", "qualitynet")


def checked_recipe(plain: Mapping[str, Any], family: Family) -> Recipe:
    """Return a recipe.

    Args:
        plain: As TOML gives it; every section is there and complete.
        family: Whose recipe.

    Raises:
        UsageError: If a key or value does not exist, is missing, or does not fit another.
    """
    known = dict.fromkeys([*_TOP, "network", "loss", *SECTIONS])
    for key in plain:
        if key not in known:
            msg = f"a recipe has no key {key!r}: {did_you_mean(key, known)}"
            raise UsageError(msg)
    recipe = Recipe(
        family=family,
        backbones=checked_backbones(plain["backbones"]),
        seed=_checked("seed", plain["seed"], int),
        network=MappingProxyType(_network(family, plain["network"])),
        loss=MappingProxyType(_loss(family, plain["loss"])),
        input=InputRecipe(**_section("input", plain)),
        order=OrderRecipe(**_section("order", plain)),
        hint=HintRecipe(**_section("hint", plain)),
        optimiser=OptimiserRecipe(**_section("optimiser", plain)),
        schedule=ScheduleRecipe(**_section("schedule", plain)),
    )
    _check_sense(recipe)
    return recipe


def checked_backbones(names: object) -> tuple[BackboneName, ...]:
    """Return names of backbones.

    Raises:
        UsageError: If there is none of such a name.
    """
    if not isinstance(names, list) or not names:
        msg = f"backbones must be a list of names, got {names!r}"
        raise UsageError(msg)
    known: dict[str, None] = dict.fromkeys(get_args(BackboneName))
    for name in names:
        if name not in known:
            msg = f"there is no backbone {name!r}: {did_you_mean(str(name), known)}"
            raise UsageError(msg)
    return cast("tuple[BackboneName, ...]", tuple(names))


def _network(family: Family, given: Mapping[str, object]) -> dict[str, OptionValue]:
    for name in FOLLOW_THE_DATA:
        if name in given:
            msg = f"{name} cannot be set: it follows from the crop and the data set"
            raise UsageError(msg)
    defaults = {n: o.default for n, o in OPTIONS[family].items() if n not in FOLLOW_THE_DATA}
    return defaults | {name: check_option(family, name, value) for name, value in given.items()}


def _loss(family: Family, given: Mapping[str, object]) -> dict[str, LossValue]:
    known = LOSS_KEYS[family]
    values = dict(known)
    for name, value in given.items():
        if name not in known:
            msg = f"the loss of {family} has no key {name!r}: {did_you_mean(name, known)}"
            raise UsageError(msg)
        if value == "auto" and known[name] == "auto":
            values[name] = "auto"
        elif isinstance(known[name], bool):
            values[name] = _checked(name, value, bool)
        else:
            values[name] = _checked(name, value, float)
    return values


def _section(section: str, plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return the checked values of a section."""
    kinds = get_type_hints(SECTIONS[section])
    given = plain[section]
    for key in given:
        if key not in kinds:
            msg = f"[{section}] of a recipe has no key {key!r}: {did_you_mean(key, kinds)}"
            raise UsageError(msg)
    if missing := [key for key in kinds if key not in given]:
        msg = f"[{section}] of the recipe lacks {', '.join(missing)}"
        raise UsageError(msg)
    return {key: _checked(key, given[key], kind) for key, kind in kinds.items()}


def _checked(key: str, value: object, kind: Any) -> Any:  # noqa: ANN401  a type, and its value
    """Return a value of a kind: bool, int, float or a Literal of words; numbers are 0 or more."""
    if get_origin(kind) is Literal:
        if value in get_args(kind):
            return value
        msg = f"{key} cannot be {value!r}: it can be {', '.join(get_args(kind))}"
        raise UsageError(msg)
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind or (kind is not bool and not value >= 0):  # type: ignore[operator]  # a number
        words = {bool: "true or false", int: "a whole number, 0 or more", float: "0 or more"}
        msg = f"{key} must be {words[kind]}, got {value!r}"
        raise UsageError(msg)
    return value


def _check_sense(recipe: Recipe) -> None:
    """Raise UsageError for numbers that cannot work together."""
    view, optimiser = recipe.input, recipe.optimiser
    if min(view.height, view.width) < max(view.crop, 1):
        msg = f"crops of {view.crop} do not fit a view of {view.width}×{view.height} pixels"
        raise UsageError(msg)
    if view.crop and view.stride == 0 and recipe.family not in _ANY_SIZE:
        msg = f"{recipe.family} scores crops of one size: set stride to 1 to {view.crop}"
        raise UsageError(msg)
    if view.crop and view.stride > view.crop:
        msg = f"stride {view.stride} leaves gaps between crops of {view.crop}: 1 to {view.crop}"
        raise UsageError(msg)
    least = {"reqa": 5}.get(recipe.family, 2)
    if optimiser.batch < least:
        msg = f"a batch of {optimiser.batch} is too small for {recipe.family}: {least} or more"
        raise UsageError(msg)
    if optimiser.start_share > 1:
        msg = f"start_share must be 0 to 1, got {optimiser.start_share}"
        raise UsageError(msg)
    counts = (recipe.schedule.epochs, view.crops_per_photo, recipe.order.order_photos)
    if min(counts) < 1:
        raise UsageError("epochs, crops_per_photo and order_photos must be 1 or more")
    if recipe.schedule.curve in ("step", "plateau") and recipe.schedule.every < 1:
        raise UsageError("every must be 1 or more for steps and plateaus")
