"""A study: everything that its runs and its table depend on besides the photos, as one record.

Each value is declared here once, with its default. `shipped/<name>.toml` are the studies of the
papers' tables and figures.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from biqa_cli.evaluation.formats import GroupBy
from biqa_cli.metrics.significance import RunsTest
from biqa_cli.models.spec import Family

Dimension = Literal["variant", "dataset", "group"]
"""What a number of a table may belong to."""
Metric = Literal[
    "srcc",
    "plcc",
    "plcc_fitted",
    "krcc",
    "rmse",
    "mae",
    "r2",
    "quantile_0.1",
    "quantile_0.5",
    "quantile_0.9",
]
Statistic = Literal["median", "mean"]
Figure = Literal["none", "bars", "lines", "matrix"]
Name = Annotated[str, Meta(min_length=1)]

OWN_SET = "own"
"""What runs are tested on: the test part of the set that they train on."""


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A part of a study."""


class Variant(Section, frozen=True):
    """One row of options: what differs from the other runs."""

    name: Name
    family: Family | None = None
    """Whose recipe it trains; None is the study's."""
    config: str = ""
    """Of a recipe; empty is the study's."""
    light: str = ""
    """The recipe in its place for two CPU cores (`--light`); empty is the study's."""
    settings: tuple[str, ...] = ()
    """Such as "network.blocks=3", as `biqa train --set`."""
    light_settings: tuple[str, ...] | None = None
    """In place of `settings` with `--light`; None takes those."""
    protocol: str = ""
    """How the data sets are split; empty is the study's."""
    model: str = ""
    """Of the catalogue: it is evaluated as it is, and nothing is trained."""


class Table(Section, frozen=True):
    """How the numbers stand side by side."""

    rows: Dimension = "variant"
    columns: Dimension = "dataset"
    metrics: Annotated[tuple[Metric, ...], Meta(min_length=1)] = ("srcc", "plcc")
    statistic: Statistic = "median"
    """Over the seeds."""
    average: bool = False
    """Whether there is also the average over data sets, weighted by their test photos."""


class Printed(Section, frozen=True):
    """What the paper prints at the same places."""

    where: Name
    protocol: str
    """How the paper came to its numbers, in words."""
    values: dict[str, dict[str, tuple[float, ...]]]
    """Row → column → one number for each metric of the table; nan where it prints none. Rows that
    no variant has are other methods'."""
    dataset: str = ""
    """Of the numbers, where neither rows nor columns are data sets."""


class Study(Section, frozen=True):
    """A study as its file has it."""

    title: Name
    paper: str = ""
    """Table or figure that it repeats; empty for one of your own."""
    family: Family | None = None
    """Whose recipes it trains, where a variant names none."""
    config: str = ""
    """Of the recipe; empty is the paper's of the family."""
    light: str = ""
    """The recipe for two CPU cores; empty is `<family>-cpu`."""
    settings: tuple[str, ...] = ()
    """Of all variants, before their own; with `light_settings` likewise."""
    light_settings: tuple[str, ...] | None = None
    dataset_settings: dict[str, tuple[str, ...]] = {}
    """Of the recipes on one data set, after all others; not with `--light`."""
    datasets: tuple[Name, ...] = ()
    """What the paper has; `--dataset` names others."""
    roots: dict[str, str] = {}
    """Folders of the data sets, where the file knows them."""
    protocol: str = ""
    """As `biqa train --split`; empty is the default of each data set."""
    seeds: Annotated[tuple[int, ...], Meta(min_length=1)] = (1,)
    starts: Annotated[tuple[str, ...], Meta(min_length=1)] = ("imagenet",)
    """Starting weights, as `biqa train --init`."""
    variants: tuple[Variant, ...] = ()
    grid: dict[str, Annotated[tuple[Any, ...], Meta(min_length=1)]] = {}
    """Key of a recipe → its values: every combination of them is a variant, of each variant."""
    pairs: tuple[tuple[Name, Name], ...] = ()
    """Cross-database: (trained on, tested on). The whole of either set."""
    is_crossed: bool = False
    """Whether data sets of your own are paired, each with each other."""
    per: GroupBy | None = None
    """Also each type, level or range of quality."""
    significance: RunsTest | None = None
    """Which test says whether variants differ over their seeds; None does not ask."""
    figure: Figure = "none"
    test_crops: Annotated[int, Meta(ge=0)] = 0
    """How many random crops also score a test photo, where a network reads crops of a view; they
    become variants of their own. 0: the fixed grid alone."""
    plots: bool = False
    """Whether each run is drawn as by `biqa evaluate --plots`."""
    table: Table = Table()
    printed: Printed | None = None
    notes: tuple[str, ...] = ()
    """What a reader must know, a sentence each."""
