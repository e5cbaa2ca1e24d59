"""What predictions are worth beyond people's own doubt: where labels have a spread and a count."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from biqa_cli.datasets.base import Dataset
from biqa_cli.errors import UsageError
from biqa_cli.evaluation.text_tables import Row
from biqa_cli.metrics.krasula import PairAccuracy, pair_accuracy
from biqa_cli.metrics.mapping import FittedMapping
from biqa_cli.metrics.measure import Measure, or_none
from biqa_cli.metrics.p1401 import (
    Bounded,
    label_intervals,
    outlier_ratio_interval,
    plcc_interval,
    rmse_interval,
    rmse_star,
)
from biqa_cli.reports.rows import printable

PARAMETERS = {"logistic4": 4, "logistic5": 5, "linear": 2, "none": 0}
"""d of ITU-T P.1401: what a mapping takes of the degrees of freedom."""


@dataclass(frozen=True, slots=True)
class BeyondDoubt:
    """Predictions against labels of which people's spread is known."""

    raters: int
    """Opinions on each image."""
    plcc: Bounded
    """After the mapping, as all of these; with intervals of 95 %."""
    rmse: Bounded
    """With N - d degrees of freedom."""
    rmse_star: Bounded
    """Of what errors exceed the intervals of the labels."""
    outlier_ratio: Bounded
    """Images beyond the interval of their label."""
    pairs: PairAccuracy


def beyond_doubt(
    mos: NDArray[np.float64],
    predicted: NDArray[np.float64],
    stds: NDArray[np.float64],
    *,
    mapping: FittedMapping,
    raters: int,
) -> BeyondDoubt:
    """Return the statistics of ITU-T P.1401 and of Krasula et al.

    Args:
        mos: Labels (n,).
        predicted: Predictions (n,).
        stds: Standard deviation of the opinions on each image (n,); nan where it is unknown.
        mapping: From predictions to labels.
        raters: Opinions on each image.

    Raises:
        UsageError: If there are fewer than 2 opinions on an image.
    """
    mapped, parameters = mapping.apply(predicted), PARAMETERS[mapping.used]
    intervals = label_intervals(stds, raters=raters)
    return BeyondDoubt(
        raters=raters,
        plcc=plcc_interval(mos, mapped),
        rmse=rmse_interval(mos, mapped, parameters=parameters),
        rmse_star=rmse_star(mos, mapped, intervals=intervals, parameters=parameters),
        outlier_ratio=outlier_ratio_interval(mos, mapped, intervals=intervals),
        # Raw: pairs need no scale, only a direction.
        pairs=pair_accuracy(mos, predicted, mos_error=stds / np.sqrt(raters)),
    )


def require_spread(dataset: Dataset, raters: int | None) -> None:
    """Refuse a number of opinions where no spread of them is known.

    Raises:
        UsageError: If that is so.
    """
    if raters is not None and all(math.isnan(image.std) for image in dataset.images):
        msg = (
            f"--raters needs the spread of the opinions, and {dataset.name} does not have it: add "
            "a column `std` to a file of your own, or leave --raters out"
        )
        raise UsageError(msg)


def as_facts(found: BeyondDoubt | None) -> dict[str, Any] | None:
    """Return it as plain data; what is undefined is None."""
    if found is None:
        return None
    facts: dict[str, Any] = {"raters": found.raters}
    for name in ("plcc", "rmse", "rmse_star", "outlier_ratio"):
        bounded: Bounded = getattr(found, name)
        values = {key: or_none(value) for key, value in asdict(bounded).items()}
        facts[name] = {"value": values["value"], "ci": [values["low"], values["high"]]}
    facts["pairs"] = {
        key: or_none(value) if isinstance(value, Measure) else value
        for key, value in asdict(found.pairs).items()
    }
    return facts


def doubt_table(records: Sequence[dict[str, Any]]) -> tuple[Row, list[Row]] | None:
    """Return the table of the records that have such statistics; None where none has."""
    rows = []
    for record in records:
        facts = record["beyond_doubt"]
        if facts is None:
            continue
        cells = [printable(record["model"]), printable(record["split"]), str(facts["raters"])]
        for name in ("rmse", "rmse_star", "outlier_ratio"):
            low, high = facts[name]["ci"]
            cells.append(_cell(facts[name]["value"], low, high))
        names = ("different_similar", "better_worse", "correct")
        cells += [_cell(facts["pairs"][name]) for name in names]
        rows.append(tuple(cells))
    head = ("model", "split", "raters", "RMSE", "RMSE*", "OR", "AUC DS", "AUC BW", "correct")
    return (head, rows) if rows else None


def _cell(value: float | None, low: float | None = None, high: float | None = None) -> str:
    if value is None:
        return "–"
    return f"{value:.4f}" if low is None or high is None else f"{value:.4f} [{low:.3f}, {high:.3f}]"
