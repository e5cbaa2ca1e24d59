import math
import statistics
from dataclasses import replace
from typing import Any

import pytest
import scipy.stats
from small_studies import dataset, finished, result, study

from biqa_cli.studies.aggregation import numbers_of, significance_of
from biqa_cli.studies.ledger import Finished
from biqa_cli.studies.plan import Plan, plan_study

AB = [{"name": "A"}, {"name": "B"}]
PAPER: dict[str, Any] = {"where": "Table 1", "protocol": "80/20"}


def planned(names: str = "x", **values: Any) -> Plan:
    return plan_study(study(**values), [dataset(name) for name in names])


def test_a_cell_is_median_mean_and_deviation_over_the_seeds() -> None:
    plan = planned(seeds=[1, 2, 3], variants=AB)
    values = {("A", "x", 1): 0.5, ("A", "x", 2): 0.9, ("A", "x", 3): 0.6, ("B", "x", 1): 0.7}
    numbers = numbers_of(plan, finished(plan, values).values())
    assert numbers.rows == ("A", "B") and numbers.columns == ("x",)
    a, b = (numbers.measured[row, "x", "srcc"] for row in "AB")
    assert a.median == 0.6 and a.mean == pytest.approx(2 / 3)
    assert a.std == pytest.approx(statistics.stdev([0.5, 0.9, 0.6]))
    assert b.median == b.mean == 0.7 and math.isnan(b.std)


def test_the_average_over_sets_weighs_their_test_photos() -> None:
    plan = planned("xy", variants=AB, table={"average": True})
    done = finished(plan, {("A", "x", 1): 0.5, ("A", "y", 1): 0.9, ("B", "x", 1): 0.7})
    for key, run in done.items():
        if run.dataset == "y":
            done[key] = replace(run, results=({**run.results[0], "n": 8},))
    averages = numbers_of(plan, done.values()).averages
    # B lacks a set, so it has none.
    assert averages == {
        ("A", metric): pytest.approx((2 * 0.5 + 8 * 0.9) / 10) for metric in ("srcc", "plcc")
    }


def test_printed_numbers_stand_beside_and_other_methods_below() -> None:
    values = {"A": {"x": [0.8, 0.81], "z": [0.1, 0.1]}, "BRISQUE": {"x": [0.3, math.nan]}}
    plan = planned(variants=AB, printed={**PAPER, "values": values})
    numbers = numbers_of(plan, finished(plan, {("A", "x", 1): 0.5}).values())
    assert numbers.rows == ("A", "BRISQUE") and numbers.columns == ("x",)
    assert numbers.printed == {
        ("A", "x", "srcc"): 0.8,
        ("A", "x", "plcc"): 0.81,
        ("BRISQUE", "x", "srcc"): 0.3,
    }


def test_other_methods_are_columns_of_a_cross_database_table() -> None:
    values = {"x → y": {"A": [0.8], "PQR": [0.7]}, "y → x": {"A": [0.6]}}
    plan = planned(
        "xy",
        variants=[{"name": "A"}],
        pairs=[["x", "y"], ["y", "x"]],
        table={"rows": "dataset", "columns": "variant", "metrics": ["srcc"]},
        printed={**PAPER, "values": values},
    )
    numbers = numbers_of(plan, finished(plan, {("A", "x", 1): 0.5}).values())
    assert numbers.rows == ("x → y",) and numbers.columns == ("A", "PQR")
    assert numbers.printed == {("x → y", "A", "srcc"): 0.8, ("x → y", "PQR", "srcc"): 0.7}


def ranged(name: str) -> Finished:
    plan = planned(name, variants=[{"name": "A"}], per="range", table={"columns": "group"})
    groups = [{"by": "range", "name": "Bad", "n": 3, "srcc": None, "plcc": 0.2}]
    return Finished(plan.runs[0].key, "A", name, 1, (result(name, 0.5, groups=groups),), {})


def test_groups_are_columns_with_all_photos_after_them() -> None:
    printed = {**PAPER, "dataset": "x", "values": {"A": {"Bad": [0.1, 0.9]}}}
    table = {"columns": "group"}
    plan = planned(variants=[{"name": "A"}], per="range", table=table, printed=printed)
    run = replace(ranged("x"), key=plan.runs[0].key)
    numbers = numbers_of(plan, [run])
    assert numbers.columns == ("Bad", "all")
    assert numbers.measured["A", "Bad", "plcc"].values == (0.2,)
    assert math.isnan(numbers.measured["A", "Bad", "srcc"].median)
    assert numbers.printed["A", "Bad", "plcc"] == 0.9


def test_numbers_that_are_printed_of_one_set_do_not_stand_beside_another() -> None:
    printed = {**PAPER, "dataset": "koniq10k", "values": {"A": {"Bad": [0.1, 0.9]}}}
    table = {"columns": "group"}
    plan = planned(variants=[{"name": "A"}], per="range", table=table, printed=printed)
    assert not numbers_of(plan, [replace(ranged("x"), key=plan.runs[0].key)]).printed


def test_several_sets_tell_rows_apart_where_columns_are_groups() -> None:
    plan = planned("xy", variants=[{"name": "A"}], per="range", table={"columns": "group"})
    runs = [replace(ranged(r.dataset), key=r.key) for r in plan.runs]
    assert numbers_of(plan, runs).rows == ("A, x", "A, y")


def test_variants_are_told_apart_by_the_test_of_the_study() -> None:
    values = {"A": [0.80, 0.82, 0.81, 0.83], "B": [0.70, 0.71, 0.72, 0.70]}
    for test, oracle in (("welch", scipy.stats.ttest_ind), ("paired", scipy.stats.ttest_rel)):
        plan = planned(seeds=[1, 2, 3, 4], variants=AB, significance=test)
        runs = {(v, "x", s): x for v, xs in values.items() for s, x in enumerate(xs, 1)}
        (matrix,) = significance_of(plan, finished(plan, runs).values()).values()
        assert matrix.models == ("A", "B") and matrix.verdicts == ((0, 1), (-1, 0))
        equal = {"equal_var": False} if test == "welch" else {}
        expected = oracle(values["A"], values["B"], **equal).pvalue
        assert matrix.p_values[0][1] == pytest.approx(expected, rel=1e-9)


def test_two_runs_are_too_few_to_tell_variants_apart() -> None:
    plan = planned(seeds=[1, 2], variants=AB, significance="welch")
    runs = {(v, "x", s): 0.1 * s for v in "AB" for s in (1, 2)}
    assert significance_of(plan, finished(plan, runs).values()) == {}


def test_random_crops_are_a_variant_of_their_own() -> None:
    plan = planned(variants=[{"name": "A"}], test_crops=25)
    done = finished(plan, {("A", "x", 1): 0.5})
    (run,) = done.values()
    run.results[0]["crops"] = result("x", 0.6)
    numbers = numbers_of(plan, [run])
    assert numbers.rows == ("A", "A, 25 random crops")
    assert numbers.measured["A, 25 random crops", "x", "srcc"].values == (0.6,)
