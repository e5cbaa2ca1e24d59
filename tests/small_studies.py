"""Studies and results that nobody has run, for what depends on neither photos nor networks."""

from pathlib import Path
from typing import Any

import msgspec

from biqa_cli.datasets.base import Dataset, LabelScale, RatedImage
from biqa_cli.studies.ledger import Finished, Result
from biqa_cli.studies.plan import Plan
from biqa_cli.studies.record import Study

METRICS = ("srcc", "plcc", "krcc", "plcc_fitted", "rmse", "mae", "r2")
QUANTILES = tuple(f"quantile_{q}" for q in ("0.1", "0.5", "0.9"))


def study(**values: Any) -> Study:
    """Return a study of BlockIQA with these values."""
    return msgspec.convert({"title": "Mine", "family": "blockiqa", **values}, Study)


def dataset(name: str, photos: int = 10) -> Dataset:
    """Return a data set of photos that nobody opens."""
    images = tuple(RatedImage(f"{i}.jpg", i / photos) for i in range(photos))
    scale = LabelScale(0, 1, higher_is_better=True, meaning="MOS")
    return Dataset(name, Path("/nowhere"), "authentic", scale, images)


def result(name: str, value: float, *, n: int = 2, **more: Any) -> Result:
    """Return a result with this value of every metric."""
    numbers = dict.fromkeys((*METRICS, *QUANTILES), value)
    known = {"dataset": name, "n": n, "failed": 0, "groups": [], "leaks": [], "split": ""}
    return {**known, **numbers, "split_sha256": None, **more}


def finished(plan: Plan, values: dict[tuple[str, str, int], float]) -> dict[str, Finished]:
    """Return results of the runs of a plan: (variant, data set, seed) → value."""
    found = {}
    for run in plan.runs:
        at = (run.variant, run.dataset, run.seed)
        if at in values:
            names = [f"{run.dataset} → {test}" for test in run.tests] or [run.dataset]
            results = tuple(result(name, values[at]) for name in names)
            found[run.key] = Finished(run.key, *at, results, {})
    return found
