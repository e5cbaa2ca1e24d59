"""What a command line changes of a study."""

from dataclasses import dataclass

from msgspec import structs

from biqa_cli.errors import UsageError, did_you_mean
from biqa_cli.evaluation.parts import parse_seeds
from biqa_cli.studies.plan import variants_of
from biqa_cli.studies.record import Study, Variant


@dataclass(frozen=True, slots=True)
class Overrides:
    """What is asked for in place of a study's values; empty leaves them."""

    seeds: str | None = None
    protocol: str | None = None
    only: tuple[str, ...] = ()
    """Names of variants."""
    settings: tuple[str, ...] = ()
    """Of all recipes, after the study's own."""
    starts: tuple[str, ...] = ()


def changed(study: Study, wish: Overrides) -> Study:
    """Return a study with some values changed.

    Raises:
        UsageError: If a variant or a seed does not exist.
    """
    if wish.seeds is not None:
        study = structs.replace(study, seeds=parse_seeds(wish.seeds))
    if wish.starts:
        study = structs.replace(study, starts=wish.starts)
    # From here on the grid is spelt out.
    variants = variants_of(study)
    known = [variant.name for variant in variants]
    for name in wish.only:
        if name not in known:
            msg = f"the study has no variant {name!r}: {did_you_mean(name, known)}"
            raise UsageError(msg)
    if wish.only:
        variants = tuple(variant for variant in variants if variant.name in wish.only)
    if wish.protocol is not None:
        study = structs.replace(study, protocol=wish.protocol)
        variants = tuple(_split_by(variant, wish.protocol) for variant in variants)
    variants = tuple(_with(variant, wish.settings) for variant in variants)
    return structs.replace(study, variants=variants, grid={})


def _with(variant: Variant, settings: tuple[str, ...]) -> Variant:
    light = variant.settings if variant.light_settings is None else variant.light_settings
    return structs.replace(
        variant,
        settings=(*variant.settings, *settings),
        light_settings=(*light, *settings),
    )


def _split_by(variant: Variant, protocol: str) -> Variant:
    """Return a variant that is split by another protocol; its shares stay, if that names none."""
    _, at, shares = variant.protocol.partition("@")
    own = f"{protocol}@{shares}" if at and "@" not in protocol else ""
    return structs.replace(variant, protocol=own)
