"""`biqa study`: a paper's table, or one's own: data sets × options × seeds, aggregated."""

import math
import shlex
import sys
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING

import typer

from biqa_cli.cli import _options, _output
from biqa_cli.cli import _study_options as _own
from biqa_cli.cli._boundary import SOME_FAILED
from biqa_cli.cli._progress import TrainingTalk
from biqa_cli.errors import UsageError
from biqa_cli.studies.formats import Format

if TYPE_CHECKING:
    from biqa_cli.datasets.base import Dataset
    from biqa_cli.studies.plan import Plan
    from biqa_cli.studies.record import Study

_LIST = "list"


def study(
    which: _own.Which,
    out: _own.Out = None,
    dataset: _own.Datasets = None,
    label_range: _options.LabelRange = None,
    light: _own.Light = False,
    seeds: _own.Seeds = None,
    protocol: _own.Protocol = None,
    only: _own.Only = None,
    setting: _own.Setting = None,
    start: _own.Start = None,
    resume: _own.Resume = False,
    dry_run: _own.DryRun = False,
    minutes: _own.Minutes = None,
    photos: _own.Photos = None,
    format: _own.StudyFormat = Format.table,  # noqa: A002
    device: _options.Device = "auto",
    workers: _options.Workers = None,
    offline: _options.Offline = False,
    quiet: _options.Quiet = False,
    verbose: _options.Verbose = 0,
) -> None:
    """Repeat a table of a paper, or run a study of your own.

    Trains and tests every variant on every data set with every seed, prints the table with the
    paper's numbers beside it, and leaves it in -o as Markdown, LaTeX, CSV, JSON and pictures.

    Exit codes: 0 all runs have finished, 2 it cannot be run, 3 some runs have not.

    Example: biqa study blockiqa-table2 --light --dataset biq2021=DIR -o table2
    """
    from biqa_cli.models.installed_torch import require_torch

    _output.set_up_logging(verbose)
    if which == _LIST:
        _list(format)
        return
    require_torch("a study")
    from biqa_cli.models.devices import resolve_device
    from biqa_cli.studies.ledger import finished_runs
    from biqa_cli.studies.overrides import Overrides, changed
    from biqa_cli.studies.running import Means, run_study
    from biqa_cli.studies.tables import render, report_of, write_tables
    from biqa_cli.threads import default_workers

    asked, data = _asked(which, dataset or (), label_range)
    wish = Overrides(seeds, protocol, tuple(only or ()), tuple(setting or ()), tuple(start or ()))
    plan = _planned(changed(asked, wish), data, light=light)
    if dry_run:
        _output.print_table(
            ("variant", "data set", "split", "seed"),
            [(r.variant, r.describe_sets(), r.protocol or "default", r.seed) for r in plan.runs],
        )
        return
    if out is None:
        raise UsageError("a study leaves its runs and tables in a folder: name it with -o DIR")
    talk = TrainingTalk(quiet=quiet)
    means = Means(
        device=resolve_device(device),
        workers=workers or default_workers(),
        minutes=math.inf if minutes is None else minutes,
        resume=resume,
        photos=photos,
        offline=offline,
    )
    ended = run_study(plan, out, means, talk)
    report = report_of(plan, finished_runs(out))
    written = write_tables(report, out)
    with _output.report_stream(None) as stream:
        width = get_terminal_size().columns if stream.isatty() else None
        stream.write(render(report, style=format, width=width))
    talk.say(f"written: {', '.join(map(str, written))}")
    for sentence in ended.failed:
        _output.problem(sentence)
    if ended.left:
        again = shlex.join(["biqa", *sys.argv[1:]]).removesuffix(" --resume")
        _output.say(f"{_output.counted(ended.left, 'run')} left: {again} --resume goes on")
        raise typer.Exit(SOME_FAILED)


def _asked(
    which: str, given: "list[str] | tuple[()]", label_range: str | None
) -> "tuple[Study, list[Dataset]]":
    """Return the study and the data sets that are here."""
    from biqa_cli.datasets.loading import load_dataset
    from biqa_cli.studies.files import load_study

    asked = load_study(which)
    named = [each.partition("=")[::2] for each in given] or list(asked.roots.items())
    sets = []
    for name, root in named:
        found = load_dataset(name, Path(root) if root else None, keep_missing=True)
        ranged = label_range is not None and not found.scale.declared
        sets.append(found.with_label_range(label_range) if ranged else found)
    return asked, sets


def _planned(asked: "Study", data: "list[Dataset]", *, light: bool) -> "Plan":
    from biqa_cli.studies.plan import plan_study, require_splits

    plan = plan_study(asked, data, light=light)
    require_splits(plan)
    return plan


def _list(format: Format) -> None:  # noqa: A002
    from biqa_cli.studies.listing import facts_of_studies

    facts = facts_of_studies()
    if format is Format.json:
        _output.print_json(facts)
        return
    columns = ("name", "about", "data sets", "runs", "CPU h", "GPU h")
    rows = [
        (
            fact["name"],
            # The name says which paper and table.
            fact["title"].partition(": ")[2] or fact["title"],
            ", ".join(fact["datasets"]),
            fact["runs"],
            round(fact["light_hours"], 1),
            round(fact["gpu_hours"], 1),
        )
        for fact in facts
    ]
    _output.print_table(columns, rows, may_go=("data sets",))
    _output.say("CPU: two cores, --light, at measured rates; GPU: computed, at 10 trillion MAC/s")
    _output.say("for all data sets and seeds: --dataset, --seeds and --only make it less")
