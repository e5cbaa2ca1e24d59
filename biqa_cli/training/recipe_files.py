"""Recipes from TOML and command lines, and back."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, get_args

import msgspec
import tomli_w

from biqa_cli.errors import UsageError, did_you_mean
from biqa_cli.models.options import FOLLOW_THE_DATA, OPTIONS, with_defaults
from biqa_cli.models.spec import BackboneName, Family
from biqa_cli.training.recipe import LOSSES, Recipe, keys_of

RECIPES = Path(__file__).with_name("recipes")
_UNKNOWN = re.compile("unknown field `(.*?)`")
# The families whose networks score views of another size than the crops that they learn from.
_ANY_SIZE = ("blockiqa", "qualitynet")


def load_recipe(family: str, *, config: str | Path | None = None) -> Recipe:
    """Return the recipe of a family: the paper's, or that with the changes of a file.

    Args:
        family: Such as "blockiqa".
        config: The name of a recipe in the package, such as "blockiqa-cpu", or a TOML file.

    Raises:
        UsageError: If there is no such family or file, or a key or value does not exist.
    """
    families: tuple[Family, ...] = get_args(Family)
    if family not in families:
        msg = f"there is no family {family!r}: there are {', '.join(families)}"
        raise UsageError(msg)
    return _recipe(_plain(family, config or family))


def with_settings(recipe: Recipe, settings: Iterable[str]) -> Recipe:
    """Return a recipe with some values changed, in all of its rounds.

    Args:
        recipe: What to change.
        settings: Such as "network.blocks=3", "optimiser.rate=1e-4" or "seed=1"; values as in TOML,
            words also without quotes.

    Raises:
        UsageError: If a setting is not key=value, or the family has no such key or value.
    """
    plain = to_plain(recipe)
    for setting in settings:
        key, equals, text = setting.partition("=")
        key = key.strip()
        section, dot, name = key.rpartition(".")
        if not equals:
            msg = f"--set {setting}: write section.key=value, such as optimiser.rate=1e-4"
            raise UsageError(msg)
        known = settable_keys(recipe.family)
        if key not in known:
            msg = f"--set {key}: {recipe.family} has no such key, {_hint(key, known)}"
            raise UsageError(msg)
        change = {section: {name: _value_of(text)}} if dot else {name: _value_of(text)}
        plain = _merged(plain, change)
        plain["rounds"] = [_merged(each, change) for each in plain["rounds"]]
    return _recipe(plain)


def settable_keys(family: Family) -> list[str]:
    """Return the keys that `--set` takes for a family."""
    network = [f"network.{name}" for name in OPTIONS[family] if name not in FOLLOW_THE_DATA]
    sections = keys_of(family).items()
    others = [f"{section}.{name}" for section, names in sections for name in names]
    return ["seed", "backbones", *network, *others]


def rounds_of(recipe: Recipe) -> list[Recipe]:
    """Return the recipe of each round of a training: the first, then what follows it.

    Raises:
        UsageError: If a round changes what does not exist, or which photos validate.
    """
    plain = to_plain(recipe) | {"rounds": []}
    rounds = [_recipe(_merged(plain, change)) for change in ({}, *recipe.rounds)]
    # What validates a round must not have trained the one before.
    if len({(each.seed, each.input.val_share) for each in rounds}) > 1:
        raise UsageError("seed and input.val_share must be the same in all rounds of a recipe")
    return rounds


def to_plain(recipe: Recipe) -> dict[str, Any]:
    """Return a recipe as TOML gives it."""
    plain: dict[str, Any] = msgspec.to_builtins(recipe)
    return plain


def to_toml(recipe: Recipe) -> str:
    """Return a recipe as TOML that `load_recipe` reads back."""
    return tomli_w.dumps(to_plain(recipe))


def _plain(family: str, config: str | Path, *above: str | Path) -> dict[str, Any]:
    """Return what a recipe says, laid over the recipe that it is based on."""
    if config in above:
        msg = f"the recipe {config} is based on itself"
        raise UsageError(msg)
    own = _read(_find(config))
    if own.get("family") != family:
        msg = f"{config} is a recipe for {own.get('family', 'no family')}, not for {family}"
        raise UsageError(msg)
    base = own.pop("base", None if config == family else family)
    return own if base is None else _merged(_plain(family, base, config, *above), own)


def _recipe(plain: Mapping[str, Any]) -> Recipe:
    """Return the record of what TOML says, every value checked."""
    family: Family = plain["family"]
    given = plain.get("network", {})
    if not isinstance(given, dict):
        msg = f"network: Expected object, got {type(given).__name__}"
        raise UsageError(msg)
    for name in FOLLOW_THE_DATA:
        if name in given:
            msg = f"network.{name} cannot be set: it follows from the crop and the data set"
            raise UsageError(msg)
    network = {n: v for n, v in with_defaults(family, given).items() if n not in FOLLOW_THE_DATA}
    try:
        loss = msgspec.convert(plain.get("loss", {}), LOSSES[family])
    except msgspec.ValidationError as error:
        raise UsageError(_explained(str(error), family, within="loss")) from error
    try:
        recipe = msgspec.convert({**plain, "network": network, "loss": loss}, Recipe)
    except msgspec.ValidationError as error:
        raise UsageError(_explained(str(error), family)) from error
    _check_sense(recipe)
    if recipe.rounds:
        rounds_of(recipe)
    return recipe


def _explained(text: str, family: Family, *, within: str = "") -> str:
    """Return msgspec's words without its syntax, with what is meant or allowed."""
    what, _, where = text.partition(" - at `$")
    place = ".".join(part for part in (within, where.strip("`.")) if part)
    section, _, name = place.rpartition(".")
    if found := _UNKNOWN.search(what):
        known = keys_of(family).get(place) or Recipe.__struct_fields__
        return f"{place or 'a recipe'} has no key {found[1]!r}: {did_you_mean(found[1], known)}"
    kind = (
        BackboneName
        if name.startswith("backbones[")
        else keys_of(family).get(section, {}).get(name)
    )
    choices = get_args(kind)
    allowed = f": it can be {', '.join(map(str, choices))}" if what.startswith("Invalid") else ""
    return f"{place or 'the recipe'}: {what.replace('`', '')}{allowed}"


def _hint(key: str, known: list[str]) -> str:
    """Return the key that is meant; one without its section is found by its last word."""
    section, _, name = key.rpartition(".")
    same = [each for each in known if each.rpartition(".")[2] == name]
    within = [each for each in known if each.startswith(f"{section}.")]
    return f"did you mean {same[0]!r}?" if same else did_you_mean(key, within or known)


def _merged(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tables of TOML with those of a change laid over them, section by section."""
    return dict(base) | {
        key: {**base.get(key, {}), **value} if isinstance(value, dict) else value
        for key, value in change.items()
    }


def _find(config: str | Path) -> Path:
    path, named = Path(config), RECIPES / f"{config}.toml"
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


def _value_of(text: str) -> object:
    """Return a value written as in TOML, a word without quotes as itself."""
    try:
        return tomllib.loads(f"value = {text.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        return text.strip()


def _check_sense(recipe: Recipe) -> None:
    """Raise UsageError for values that cannot work together."""
    view, batch = recipe.input, recipe.optimiser.batch
    if min(view.height, view.width) < view.crop:
        msg = f"crops of {view.crop} do not fit a view of {view.width}×{view.height} pixels"
        raise UsageError(msg)
    if view.crop and view.stride == 0 and recipe.family not in _ANY_SIZE:
        msg = f"{recipe.family} scores crops of one size: set input.stride to 1 to {view.crop}"
        raise UsageError(msg)
    if view.crop and view.stride > view.crop:
        msg = f"stride {view.stride} leaves gaps between crops of {view.crop}: 1 to {view.crop}"
        raise UsageError(msg)
    least = {"reqa": 5}.get(recipe.family, 2)
    if batch < least:
        msg = f"a batch of {batch} is too small for {recipe.family}: {least} or more"
        raise UsageError(msg)
