"""Recipes from TOML, and back.

Recipes of the papers lie in `recipes/<family>.toml`, shorter ones for two CPU cores in
`recipes/<family>-cpu.toml`. A recipe of one's own names a family and the keys that differ from
the paper's recipe of that family.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, get_args

from biqa_cli.errors import UsageError, did_you_mean
from biqa_cli.models.options import FOLLOW_THE_DATA, OPTIONS
from biqa_cli.models.spec import Family
from biqa_cli.training.checks import checked_backbones, checked_recipe
from biqa_cli.training.recipe import LOSS_KEYS, SECTIONS, Recipe

RECIPES = Path(__file__).with_name("recipes")


def load_recipe(family: str, *, config: str | Path | None = None) -> Recipe:
    """Return the recipe of a family: the paper's, or what a file changes of it.

    Args:
        family: Such as "blockiqa".
        config: The name of a recipe in the package, such as "blockiqa-cpu", or a TOML file.

    Raises:
        UsageError: If there is no such family or file, or a key or value does not exist.
    """
    families: tuple[Family, ...] = get_args(Family)
    known = next((name for name in families if name == family), None)
    if known is None:
        msg = f"there is no family {family!r}: there are {', '.join(families)}"
        raise UsageError(msg)
    paper = _read(RECIPES / f"{family}.toml")
    if config is None:
        return checked_recipe(paper, known)
    own = _read(_find(config))
    if own.get("family") != family:
        msg = f"{config} is a recipe for {own.get('family', 'no family')}, not for {family}"
        raise UsageError(msg)
    merged = paper | {
        key: paper[key] | value if isinstance(value, dict) and key in paper else value
        for key, value in own.items()
    }
    return checked_recipe(merged, known)


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
    return checked_recipe(plain, recipe.family)


def set_keys(family: Family) -> dict[str, str]:
    """Return the keys that can be set for a family, and the section of each ("" is the top)."""
    keys = {"seed": ""}
    keys |= {name: "network" for name in OPTIONS[family] if name not in FOLLOW_THE_DATA}
    keys |= dict.fromkeys(LOSS_KEYS[family], "loss")
    for section, kind in SECTIONS.items():
        keys |= {field.name: section for field in fields(kind)}
    return keys


def with_backbones(recipe: Recipe, backbones: tuple[str, ...]) -> Recipe:
    """Return a recipe on other backbones.

    Raises:
        UsageError: If there is no such backbone.
    """
    return replace(recipe, backbones=checked_backbones(list(backbones)))


def to_plain(recipe: Recipe) -> dict[str, Any]:
    """Return a recipe as TOML would give it."""
    plain = {section: asdict(getattr(recipe, section)) for section in SECTIONS}
    return {
        "family": recipe.family,
        "backbones": list(recipe.backbones),
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
