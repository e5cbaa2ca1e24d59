"""A recipe: everything that a training depends on beside the photos. From TOML, and back.

Recipes of the papers lie in `recipes/<family>.toml`, shorter ones for two CPU cores in
`recipes/<family>-cpu.toml`. A recipe of one's own names a family and the keys that differ from
the paper's recipe of that family.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from biqa_cli.errors import UsageError
from biqa_cli.models.options import (
    FOLLOW_THE_DATA,
    OPTIONS,
    OptionValue,
    check_option,
    did_you_mean,
)
from biqa_cli.models.spec import Family, TrunkName

RECIPES = Path(__file__).with_name("recipes")

LossValue = bool | float | Literal["auto"]

LOSS_KEYS: dict[Family, dict[str, LossValue]] = {
    "blockiqa": {},
    "qualitynet": {"mae_weight": "auto", "plcc_weight": 10.0},
    "reqa": {"coarse": True, "fine": True},
    "shdiqa": {"contrastive_weight": 1.0, "affinity_weight": 1.0, "teacher_epochs": 9.0},
    "nlnet": {},
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
    """Of the grid of crops that scores a photo; without crops it means nothing."""
    val_crops: int
    """Crops of that grid that validation looks at, spread evenly; 0 is all."""
    flip: bool
    """Whether half of all crops are mirrored."""
    rotate: float
    """Crops are turned by up to so many degrees; corners become black."""
    labels: Literal["unit", "native", "percent"]
    """Labels from 0 to 1, as the data set has them, or from 0 to 100."""
    val_share: float
    """Of the training part, held out where the split has no part `val`."""


@dataclass(frozen=True, slots=True)
class OptimiserRecipe:
    """What changes the weights."""

    algorithm: Literal["adam", "adamw", "sgd"]
    batch: int
    rate: float
    """Of everything but the trunk."""
    trunk_rate: float
    weight_decay: float
    decay_all: bool
    """False: no decay of vectors, positions and learnt tokens."""
    clip: float
    """Longest gradient; 0 does not clip."""
    trainable: Literal["all", "last", "head"]
    """What of the trunk learns: all, its last stage, nothing."""
    ema: float
    """Decay of an exponential mean of the weights that is scored and kept; 0 is off."""
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
    trunks: tuple[TrunkName, ...]
    seed: int
    network: Mapping[str, OptionValue]
    """Options of the family, see `OPTIONS`."""
    loss: Mapping[str, LossValue]
    """Of `LOSS_KEYS`."""
    input: InputRecipe
    optimiser: OptimiserRecipe
    schedule: ScheduleRecipe

    def loss_number(self, key: str) -> float:
        """Return a number of the loss."""
        return float(self.loss[key])


_SECTIONS: dict[str, type] = {
    "input": InputRecipe,
    "optimiser": OptimiserRecipe,
    "schedule": ScheduleRecipe,
}
_TOP = ("family", "trunks", "seed")


def load_recipe(family: str, *, config: str | Path | None = None) -> Recipe:
    """Return the recipe of a family: the paper's, or what a file changes of it.

    Args:
        family: Such as "blockiqa".
        config: The name of a recipe in the package, such as "blockiqa-cpu", or a TOML file.

    Raises:
        UsageError: If there is no such family or file, or a key or value does not exist.
    """
    if family not in get_args(Family):
        msg = f"there is no family {family!r}: there are {', '.join(get_args(Family))}"
        raise UsageError(msg)
    paper = _read(RECIPES / f"{family}.toml")
    if config is None:
        return _recipe(paper, family)
    own = _read(_find(config))
    if own.get("family") != family:
        msg = f"{config} is a recipe for {own.get('family', 'no family')}, not for {family}"
        raise UsageError(msg)
    merged = paper | {
        key: paper[key] | value if isinstance(value, dict) and key in paper else value
        for key, value in own.items()
    }
    return _recipe(merged, family)


def with_settings(recipe: Recipe, settings: Iterable[str]) -> Recipe:
    """Return a recipe with some keys set anew.

    Args:
        recipe: What to change.
        settings: Such as "blocks=3" or "rate=1e-4"; values as in TOML, words without quotes.

    Raises:
        UsageError: If a setting is no key=value, or the family has no such key or value.
    """
    plain = to_plain(recipe)
    keys = set_keys(recipe.family)
    for setting in settings:
        key, equals, text = setting.partition("=")
        key = key.strip()
        if not equals:
            msg = f"--set {setting}: write key=value"
            raise UsageError(msg)
        if key not in keys:
            msg = f"--set {key}: {recipe.family} has no such key, {did_you_mean(key, keys)}"
            raise UsageError(msg)
        section = keys[key]
        (plain[section] if section else plain)[key] = _value_of(text.strip())
    return _recipe(plain, recipe.family)


def set_keys(family: Family) -> dict[str, str]:
    """Return the keys that can be set for a family, and the section of each ("" is the top)."""
    keys = {"seed": ""}
    keys |= {name: "network" for name in OPTIONS[family] if name not in FOLLOW_THE_DATA}
    keys |= dict.fromkeys(LOSS_KEYS[family], "loss")
    for section, kind in _SECTIONS.items():
        keys |= {field.name: section for field in fields(kind)}
    return keys


def with_trunks(recipe: Recipe, trunks: tuple[str, ...]) -> Recipe:
    """Return a recipe on other trunks.

    Raises:
        UsageError: If there is no such trunk.
    """
    return replace(recipe, trunks=_trunks(list(trunks)))


def to_plain(recipe: Recipe) -> dict[str, Any]:
    """Return a recipe as TOML would give it."""
    plain = {section: asdict(getattr(recipe, section)) for section in _SECTIONS}
    return {
        "family": recipe.family,
        "trunks": list(recipe.trunks),
        "seed": recipe.seed,
        "network": dict(recipe.network),
        "loss": dict(recipe.loss),
        **plain,
    }


def to_toml(recipe: Recipe) -> str:
    """Return a recipe as TOML that `load_recipe` reads back."""
    top: list[str] = []
    sections: list[str] = []
    for key, value in to_plain(recipe).items():
        if isinstance(value, dict):
            sections += ["", f"[{key}]", *(f"{name} = {_toml(v)}" for name, v in value.items())]
        else:
            top.append(f"{key} = {_toml(value)}")
    return "\n".join([*top, *sections]) + "\n"


def differing_keys(one: Recipe, other: Recipe) -> list[str]:
    """Return the keys in which two recipes differ."""
    a, b = _flat(to_plain(one)), _flat(to_plain(other))
    return [key for key in a | b if a.get(key) != b.get(key)]


def _flat(plain: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in plain.items():
        flat |= value if isinstance(value, dict) else {key: value}
    return flat


def _find(config: str | Path) -> Path:
    path = Path(config)
    named = RECIPES / f"{config}.toml"
    if path.suffix != ".toml" and named.is_file():
        return named
    if not path.is_file():
        names = ", ".join(sorted(file.stem for file in RECIPES.glob("*.toml")))
        msg = f"there is no recipe {str(config)!r}: give a TOML file, or one of {names}"
        raise UsageError(msg)
    return path


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        msg = f"cannot read the recipe {path}: {error}"
        raise UsageError(msg) from error


def _recipe(plain: Mapping[str, Any], family: Family) -> Recipe:
    known = dict.fromkeys([*_TOP, "network", "loss", *_SECTIONS])
    for key in plain:
        if key not in known:
            msg = f"a recipe has no key {key!r}: {did_you_mean(key, known)}"
            raise UsageError(msg)
    recipe = Recipe(
        family=family,
        trunks=_trunks(plain["trunks"]),
        seed=_checked("seed", plain["seed"], int),
        network=MappingProxyType(_network(family, plain["network"])),
        loss=MappingProxyType(_loss(family, plain["loss"])),
        input=InputRecipe(**_section("input", plain)),
        optimiser=OptimiserRecipe(**_section("optimiser", plain)),
        schedule=ScheduleRecipe(**_section("schedule", plain)),
    )
    _check_sense(recipe)
    return recipe


def _trunks(names: object) -> tuple[TrunkName, ...]:
    if not isinstance(names, list) or not names:
        msg = f"trunks must be a list of names, got {names!r}"
        raise UsageError(msg)
    known: dict[TrunkName, None] = dict.fromkeys(get_args(TrunkName))
    for name in names:
        if name not in known:
            msg = f"there is no trunk {name!r}: {did_you_mean(str(name), known)}"
            raise UsageError(msg)
    return tuple(names)


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
            keys = did_you_mean(name, known) if known else "it has none"
            msg = f"the loss of {family} has no key {name!r}: {keys}"
            raise UsageError(msg)
        if value == "auto" and known[name] == "auto":
            values[name] = "auto"
        elif isinstance(known[name], bool):
            values[name] = _checked(name, value, bool)
        else:
            values[name] = _checked(name, value, float)
    return values


def _section(section: str, plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return the checked values of a section.

    Raises:
        UsageError: If a key is unknown or missing, or a value of the wrong kind.
    """
    kinds = get_type_hints(_SECTIONS[section])
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
    if view.crop and not 1 <= view.stride <= view.crop:
        msg = f"stride {view.stride} leaves gaps between crops of {view.crop}: 1 to {view.crop}"
        raise UsageError(msg)
    least = {"reqa": 5}.get(recipe.family, 2)
    if optimiser.batch < least:
        msg = f"a batch of {optimiser.batch} is too small for {recipe.family}: {least} or more"
        raise UsageError(msg)
    if recipe.schedule.epochs < 1 or view.crops_per_photo < 1:
        raise UsageError("epochs and crops_per_photo must be 1 or more")
    if recipe.schedule.curve in ("step", "plateau") and recipe.schedule.every < 1:
        raise UsageError("every must be 1 or more for steps and plateaus")


def _value_of(text: str) -> object:
    """Return a value written as in TOML, a word without quotes as itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(_toml(item) for item in value)}]"
    # JSON's strings are TOML's; repr keeps every digit.
    return f'"{value}"' if isinstance(value, str) else repr(value)
