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
from biqa_cli.recipes.checks import require_sense
from biqa_cli.recipes.record import LOSSES, Recipe, keys_of

RECIPES = Path(__file__).with_name("shipped")
_UNKNOWN = re.compile("unknown field `(.*?)`")
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
}
"""What msgspec calls kinds of values, in the words of TOML."""


def load_recipe(family: str, *, config: str | Path | None = None) -> Recipe:
    """Return the recipe of a family: the paper's, one of the package by its name, or a TOML file.

    Raises:
        UsageError: If there is no such family or file, or a key or value does not exist.
    """
    families: tuple[Family, ...] = get_args(Family)
    if family not in families:
        msg = f"there is no family {family!r}: {did_you_mean(family, families)}"
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
    for name in ("family", "base", "rounds"):
        if any(name in change for change in recipe.rounds):
            msg = f"a round cannot change {name}"
            raise UsageError(msg)
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


def _plain(family: str, config: str | Path, *above: Path, beside: Path = Path()) -> dict[str, Any]:
    """Return what a recipe says, laid over the recipe that it is based on.

    `above` are the files that are based on it; a relative name starts from the folder `beside`.
    """
    path = _find(config, beside)
    if path in above:
        msg = f"the recipe {config} is based on itself"
        raise UsageError(msg)
    own = _read(path)
    if own.get("family") != family:
        msg = f"{config} is a recipe for {own.get('family', 'no family')}, not for {family}"
        raise UsageError(msg)
    base = own.pop("base", None if path == RECIPES / f"{family}.toml" else family)
    if base is None:
        return own
    if not isinstance(base, str):
        msg = f"base cannot be {base!r}: it must be the name of a recipe or a TOML file"
        raise UsageError(msg)
    return _merged(_plain(family, base, path, *above, beside=path.parent), own)


def _recipe(plain: Mapping[str, Any]) -> Recipe:
    """Return the record of what TOML says, every value checked."""
    family: Family = plain["family"]
    given = plain.get("network", {})
    if not isinstance(given, dict):
        msg = f"network cannot be {given!r}: it must be a table"
        raise UsageError(msg)
    for name in FOLLOW_THE_DATA:
        if name in given:
            msg = f"network.{name} cannot be set: it follows from the crop and the data set"
            raise UsageError(msg)
    network = {n: v for n, v in with_defaults(family, given).items() if n not in FOLLOW_THE_DATA}
    try:
        loss = msgspec.convert(plain.get("loss", {}), LOSSES[family])
    except msgspec.ValidationError as error:
        raise UsageError(_explained(error, plain, family, within="loss")) from error
    try:
        recipe = msgspec.convert({**plain, "network": network, "loss": loss}, Recipe)
    except msgspec.ValidationError as error:
        raise UsageError(_explained(error, plain, family)) from error
    require_sense(recipe)
    if recipe.rounds:
        rounds_of(recipe)
    return recipe


def _explained(
    error: msgspec.ValidationError, plain: Mapping[str, Any], family: Family, *, within: str = ""
) -> str:
    """Return what msgspec refuses in our words: the key, its value, and what it must be.

    Its own are such as "Expected `int` >= 1 - at `$.schedule.epochs`", or without "schedule" if it
    was `within` that section.
    """
    what, _, where = str(error).partition(" - at `$")
    place = ".".join(part for part in (within, where.strip("`.")) if part)
    if found := _UNKNOWN.search(what):
        known = keys_of(family).get(place) or Recipe.__struct_fields__
        return f"{place or 'a recipe'} has no key {found[1]!r}: {did_you_mean(found[1], known)}"
    value: Any = plain
    for key in re.findall(r"\w+", place):
        value = value[key if isinstance(value, dict) else int(key)]
    if what.startswith("Invalid"):
        section, _, name = place.rpartition(".")
        kind = BackboneName if "backbones" in name else keys_of(family)[section][name]
        choices = [c for part in (kind, *get_args(kind)) for c in get_args(part)]
        hint = did_you_mean(str(value), [c for c in choices if isinstance(c, str)])
        return f"{place} cannot be {value!r}: {hint}"
    expected = what.partition(",")[0].removeprefix("Expected ")
    meant = re.sub(r"`(.+?)`", lambda kinds: _words(kinds[1]), expected)
    return f"{place} cannot be {value!r}: it must be {meant}"


def _words(kinds: str) -> str:
    return " or ".join(_KINDS.get(kind, kind) for kind in kinds.split(" | "))


def _hint(key: str, known: list[str]) -> str:
    """Return the key that is meant; one without its section is found by its last word."""
    section, _, name = key.rpartition(".")
    same = [each for each in known if each.rpartition(".")[2] == name]
    within = [each for each in known if each.startswith(f"{section}.")]
    return f"did you mean {same[0]!r}?" if same else did_you_mean(key, within or known)


def _merged(base: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tables of TOML with those of a change laid over them, section by section."""
    return dict(base) | {
        key: {**below, **value}
        if isinstance(value, dict) and isinstance(below := base.get(key, {}), dict)
        else value
        for key, value in change.items()
    }


def _find(config: str | Path, beside: Path) -> Path:
    path, named = (beside / config).resolve(), RECIPES / f"{config}.toml"
    if path.suffix != ".toml" and named.is_file():
        return named
    if not path.is_file():
        hint = did_you_mean(str(config), sorted(file.stem for file in RECIPES.glob("*.toml")))
        msg = f"there is no recipe {str(config)!r}: give a TOML file or a name, {hint}"
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
