import csv
import io
import json
import math
from typing import Any

import pytest
from small_studies import dataset, finished, result, study

from biqa_cli.studies.figures import titled
from biqa_cli.studies.files import SHIPPED, load_study
from biqa_cli.studies.formats import Format
from biqa_cli.studies.ledger import Finished
from biqa_cli.studies.overrides import Overrides, changed
from biqa_cli.studies.plan import Plan, Run, plan_study
from biqa_cli.studies.tables import Report, render, report_of

NAMES = sorted(path.stem for path in SHIPPED.glob("*.toml"))
VALUES = {"A": {"clive": [0.8, 0.81]}, "50 % & more": {"clive": [0.3, math.nan]}}


@pytest.fixture
def report() -> Report:
    asked = study(
        seeds=[1, 2],
        datasets=["clive", "live"],
        variants=[{"name": "A"}, {"name": "B|C"}],
        printed={"where": "Table 1", "protocol": "80/20", "values": VALUES},
        notes=["A note."],
    )
    plan = plan_study(asked, [dataset("clive")])
    runs = {("A", "clive", 1): 0.5, ("A", "clive", 2): 0.6, ("B|C", "clive", 1): 0.7}
    return report_of(plan, finished(plan, runs))


def test_a_terminal_gets_a_line_for_each_cell_with_the_printed_number_beside(
    report: Report,
) -> None:
    assert render(report, style=Format.table).splitlines() == [
        "variant      dataset  runs  srcc             printed  plcc             printed",
        "A            clive    2     0.5500 ± 0.0707  0.8      0.5500 ± 0.0707  0.81",
        "B|C          clive    1     0.7000           –        0.7000           –",
        "50 % & more  clive    –     –                0.3      –                –",
        "",
        "Mine. Median ± standard deviation over the seeds; 3 of 4 runs.",
        "printed: Table 1, 80/20.",
        "Not run, as no --dataset names them: live.",
        "A note.",
    ]


def test_on_a_narrow_terminal_sentences_fold_between_words(report: Report) -> None:
    whole, narrow = (render(report, style=Format.table, width=w) for w in (None, 80))
    assert max(map(len, narrow.splitlines())) <= 80
    assert len(narrow.splitlines()) >= len(whole.splitlines())
    assert narrow.split() == whole.split()
    least = render(report, style=Format.table, width=50).split("\n\n")[1].splitlines()
    assert least[:2] == ["Mine. Median ± standard deviation over the seeds;", "3 of 4 runs."]


def test_markdown_and_latex_have_the_shape_of_the_paper(report: Report) -> None:
    assert render(report, style=Format.markdown).splitlines()[:5] == [
        "| variant | clive SRCC | clive PLCC |",
        "| --- | --- | --- |",
        "| A | 0.5500 ± 0.0707 (0.8) | 0.5500 ± 0.0707 (0.81) |",
        "| B\\|C | 0.7000 | 0.7000 |",
        "| 50 % & more | (0.3) | – |",
    ]
    text = render(report, style=Format.latex)
    assert r"A & 0.5500 $\pm$ 0.0707 (0.8) & 0.5500 $\pm$ 0.0707 (0.81) \\" in text
    assert r"50 \% \& more & (0.3) & -- \\" in text
    assert r"\begin{tabular}{lrr}" in text and "% A note." in text


def test_csv_and_json_have_the_numbers(report: Report) -> None:
    rows = list(csv.DictReader(io.StringIO(render(report, style=Format.csv))))
    assert [(r["variant"], r["metric"], r["runs"], r["printed"]) for r in rows[:3]] == [
        ("A", "srcc", "2", "0.8"),
        ("A", "plcc", "2", "0.81"),
        ("B|C", "srcc", "1", ""),
    ]
    assert float(rows[0]["median"]) == 0.55 and rows[2]["std"] == ""
    plain = json.loads(render(report, style=Format.json))
    assert plain["cells"][0]["values"] == [0.5, 0.6] and plain["cells"][2]["std"] is None
    assert (plain["runs"], plain["finished"]) == (4, 3)


def test_a_leak_and_a_verdict_are_told_below() -> None:
    asked = study(seeds=[1, 2, 3], variants=[{"name": "A"}, {"name": "B"}], significance="welch")
    plan = plan_study(asked, [dataset("clive")])
    runs = {("A", "clive", s): 0.8 + s / 100 for s in (1, 2, 3)}
    runs |= {("B", "clive", s): 0.5 + s / 100 for s in (1, 2, 3)}
    done = finished(plan, runs)
    first = next(iter(done.values()))
    first.results[0]["leaks"].append("2 of 3 scenes are on both sides")
    text = render(report_of(plan, done), style=Format.table)
    assert "clive  A   B\nA      0   +1\nB      -1  0" in text
    assert "+1 row better than column" in text and "welch test on SRCC" in text
    assert "LEAKY: 2 of 3 scenes are on both sides." in text


def invented(plan: Plan, run: Run) -> Finished:
    """Return a result of a run, with a group of each kind that there may be."""
    names = [f"{run.dataset} → {test}" for test in run.tests] or [run.dataset]
    by, one = plan.study.per, {"n": 3, "srcc": 0.4, "plcc": 0.4}
    groups: list[dict[str, Any]] = [] if by is None else [{"by": by, "name": "Bad", **one}]
    results = tuple(result(name, 0.5, groups=groups) for name in names)
    return Finished(run.key, run.variant, run.dataset, run.seed, results, {})


@pytest.mark.parametrize("name", NAMES)
def test_the_table_of_a_shipped_study_has_a_row_and_column_for_all_that_it_measures(
    name: str,
) -> None:
    asked = changed(load_study(name), Overrides(seeds="1-2"))
    sets = dict.fromkeys((*asked.datasets, *(n for pair in asked.pairs for n in pair)))
    plan = plan_study(asked, [dataset(each) for each in sets])
    made = report_of(plan, {run.key: invented(plan, run) for run in plan.runs})
    head, _, *rows = render(made, style=Format.markdown).split("\n\n")[0].splitlines()
    dims = {
        "variant": list(dict.fromkeys(run.variant for run in plan.runs)),
        "dataset": [" → ".join(pair) for pair in asked.pairs] or list(sets),
        "group": ["Bad", "all"],
    }
    labels = [row.split(" | ")[0].removeprefix("| ") for row in rows]
    for wanted in dims[asked.table.rows]:
        assert any(label.split(", ")[0] == wanted or label == wanted for label in labels), wanted
    for wanted in dims[asked.table.columns]:
        for metric in asked.table.metrics:
            assert f"{wanted} {titled(metric)}" in head
    assert any("0.5000" in row for row in rows) and made.finished == len(plan.runs)
