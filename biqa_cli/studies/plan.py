"""From a study to its runs: each data set × variant × seed, and what tells them apart."""

import hashlib
import itertools
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import msgspec

from biqa_cli.datasets.base import Dataset
from biqa_cli.errors import UsageError
from biqa_cli.evaluation.parts import choose_parts
from biqa_cli.recipes.files import load_recipe, to_toml, with_settings
from biqa_cli.recipes.record import Recipe
from biqa_cli.studies.record import Study, Variant

DEFAULT = "default"
"""What the only variant of a study without variants is called."""
ARROW = " → "
"""Between the data set that trains and the one that tests."""


@dataclass(frozen=True, slots=True)
class Run:
    """One training and its tests, or one model's tests."""

    variant: str
    dataset: str
    """That it trains on, or is tested on where nothing is trained."""
    tests: tuple[str, ...]
    """Other data sets, whole, that it is tested on; empty is its own test part."""
    protocol: str | None
    """None is the default of the data set."""
    seed: int
    recipe: Recipe | None = None
    """None where nothing is trained."""
    starts: tuple[str, ...] = ()
    model: str = ""
    """Of the catalogue, where nothing is trained."""
    key: str = field(default="")
    """Of all that its numbers depend on."""

    @property
    def folder(self) -> str:
        """The name of its folder."""
        words = f"{self.dataset}-{self.variant}-seed{self.seed}".removeprefix("csv:")
        safe = "".join(c if (c.isascii() and c.isalnum()) or c in "-=." else "-" for c in words)
        return f"{safe[:80]}-{self.key[:8]}"

    def describe_sets(self) -> str:
        """Return the data set that it trains on, and those that it is tested on."""
        return f"{self.dataset}{ARROW}{', '.join(self.tests)}" if self.tests else self.dataset

    def describe(self) -> str:
        """Return the run in a few words."""
        return f"{self.variant} on {self.describe_sets()}, seed {self.seed}"


@dataclass(frozen=True, slots=True)
class Plan:
    """A study with the data sets that are here, and its runs in order."""

    study: Study
    datasets: dict[str, Dataset]
    runs: tuple[Run, ...]
    missing: tuple[str, ...] = ()
    """Data sets of the study whose root nobody has named."""


def plan_study(study: Study, datasets: Sequence[Dataset], *, light: bool = False) -> Plan:
    """Return the runs of a study on the data sets that are here, the first seed of all first.

    Args:
        study: What to run.
        datasets: Those that are here, whole (`load_dataset(keep_missing=True)`). Sets that the
            study does not name run like its own.
        light: Whether recipes are those for two CPU cores.

    Raises:
        UsageError: If a recipe does not exist, or no run is left.
    """
    here = {dataset.name: dataset for dataset in datasets}
    if light:
        # Two cores would score random crops for longer than they train.
        study = msgspec.structs.replace(study, test_crops=0)
    runs = [
        _with_key(study, run, here)
        for seed in study.seeds
        for name, tests in _tested(study, tuple(here))
        for variant in variants_of(study)
        for run in [_run(study, variant, name, tests, seed, light=light)]
    ]
    wanted = dict.fromkeys((*study.datasets, *itertools.chain.from_iterable(study.pairs)))
    missing = tuple(name for name in wanted if name not in here)
    if not runs:
        need = ", ".join(missing) or "two data sets"
        msg = f"nothing to run: name data sets with --dataset NAME=ROOT; this study has {need}"
        raise UsageError(msg)
    # A published list is the same split for every seed: a model that is there has one result.
    unique = {run.key: run for run in runs}
    return Plan(study, here, tuple(unique.values()), missing)


def require_splits(plan: Plan) -> None:
    """Refuse a study of which no data set can be split as it asks: every run of it would fail.

    Raises:
        UsageError: If that is so; why, of the first data set.
    """
    problems = []
    for run in {(run.dataset, run.protocol): run for run in reversed(plan.runs)}.values():
        try:
            choose_parts(plan.datasets[run.dataset], split=run.protocol, seeds=(run.seed,))
        except UsageError as error:
            problems.append(error)
        else:
            return
    raise problems[-1]


def variants_of(study: Study) -> tuple[Variant, ...]:
    """Return the variants of a study, each with every combination of its grid."""
    base = study.variants or (Variant(name=DEFAULT),)
    if not study.grid:
        return base
    found = []
    for variant in base:
        for values in itertools.product(*study.grid.values()):
            pairs = list(zip(study.grid, values, strict=True))
            settings = tuple(f"{key}={_as_toml(value)}" for key, value in pairs)
            name = ", ".join(f"{key.rpartition('.')[2]}={value}" for key, value in pairs)
            light = variant.light_settings
            found.append(
                msgspec.structs.replace(
                    variant,
                    name=name if variant.name == DEFAULT else f"{variant.name}, {name}",
                    settings=(*variant.settings, *settings),
                    light_settings=None if light is None else (*light, *settings),
                )
            )
    return tuple(found)


def _as_toml(value: object) -> str:
    return json.dumps(value)


def _tested(study: Study, here: Sequence[str]) -> Iterable[tuple[str, tuple[str, ...]]]:
    """Return each data set that trains, and what it is tested on beside its own test part."""
    if not (study.pairs or study.is_crossed):
        return [(name, ()) for name in here]
    pairs = [pair for pair in study.pairs if set(pair) <= set(here)]
    known = set(itertools.chain.from_iterable(study.pairs))
    if study.is_crossed and set(here) - known:
        pairs += [p for p in itertools.permutations(here, 2) if p not in pairs]
    return [
        (name, tuple(test for train, test in pairs if train == name))
        for name in dict.fromkeys(train for train, _ in pairs)
    ]


def _run(
    study: Study, variant: Variant, name: str, tests: tuple[str, ...], seed: int, *, light: bool
) -> Run:
    protocol = variant.protocol or study.protocol or None
    shared = Run(variant.name, name, tests, "all" if tests else protocol, seed)
    if variant.model:
        return replace(shared, model=variant.model)
    recipe = recipe_of(study, variant, light=light)
    if not light:
        recipe = with_settings(recipe, study.dataset_settings.get(name, ()))
    return replace(
        shared, recipe=with_settings(recipe, [f"seed={seed}"]), starts=tuple(study.starts)
    )


def recipe_of(study: Study, variant: Variant, *, light: bool) -> Recipe:
    """Return the recipe of a variant, for any seed."""
    family = variant.family or study.family
    assert family is not None, "checked when it was read"  # noqa: S101  our invariant
    # The study's recipe is that of its family alone.
    own = family == study.family
    if light:
        config = variant.light or (study.light if own else "") or f"{family}-cpu"
    else:
        config = variant.config or (study.config if own else "") or family
    settings: list[str] = []
    for part in (study, variant):
        chosen = part.light_settings if light and part.light_settings is not None else part.settings
        settings += chosen
    return with_settings(load_recipe(family, config=config), settings)


def _with_key(study: Study, run: Run, here: dict[str, Dataset]) -> Run:
    known: list[object] = [run.dataset, run.tests, run.protocol, run.starts, run.model]
    known += [run.variant, None if run.recipe is None else to_toml(run.recipe)]
    known += [run.seed] if run.recipe or not _is_fixed(run) else []
    known += [study.test_crops] if study.test_crops else []
    # Ratings that have changed are other ratings.
    known += [[(i.path, i.mos) for i in here[n].images] for n in (run.dataset, *run.tests)]
    text = json.dumps(known, default=str)
    digest = hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()
    return replace(run, key=digest[:16])


def _is_fixed(run: Run) -> bool:
    return run.protocol in (None, "official", "clean", "all")
