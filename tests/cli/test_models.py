"""`biqa models`: every model on one line of 80 columns, and all that is known of one."""

import json

from typer.testing import CliRunner

from biqa_cli.cli import app
from biqa_cli.models.catalog import MODELS
from biqa_cli.weights.cache import locate
from biqa_cli.weights.manifest import load_manifest


def test_each_model_is_one_line_of_80_columns() -> None:
    result = CliRunner().invoke(app, ["models", "list"])
    heading, *rows = result.stdout.splitlines()
    assert heading.split()[:3] == ["name", "family", "view"]
    assert [row.split()[0] for row in rows] == list(MODELS)
    assert max(len(line) for line in (heading, *rows)) <= 80
    assert "the default is qualitynet-flaws" in result.stderr


def test_the_table_says_how_good_a_model_is_and_what_runs_it() -> None:
    rows = CliRunner().invoke(app, ["models", "list"]).stdout.splitlines()[1:]
    by_name = {row.split()[0]: row.split() for row in rows}
    assert by_name["reqa-lite"] == [
        "reqa-lite",
        "reqa",
        "448x448",
        "3.7",
        "M",
        "1.7",
        "G",
        "0.8798",
        "onnx",
    ]
    assert by_name["nlnet-lite"][-2:] == ["0.8550", "torch"]
    assert by_name["reqa"][-2:] == ["-", "torch"]


def test_json_holds_the_exact_numbers() -> None:
    facts = json.loads(CliRunner().invoke(app, ["models", "list", "-f", "json"]).stdout)
    assert [fact["name"] for fact in facts] == list(MODELS)
    for fact in facts:
        checkpoint = load_manifest().find(fact["name"])
        assert fact["parameters"] == MODELS[fact["name"]].parameters
        assert fact["srcc"] == (None if checkpoint is None else checkpoint.srcc)


def test_info_shows_the_origin_and_refuses_unknown_names() -> None:
    shown = CliRunner().invoke(app, ["models", "info", "blockiqa"]).stdout
    assert "ResNet-50, ImageNet, He et al." in shown and "doi.org" in shown
    assert CliRunner().invoke(app, ["models", "info", "blockiqqa"]).exit_code == 2


def test_info_shows_what_a_file_of_weights_declares() -> None:
    listed = load_manifest().find("reqa-lite")
    assert listed is not None
    path = locate(listed.weights)
    facts = json.loads(CliRunner().invoke(app, ["models", "info", str(path), "-f", "json"]).stdout)
    assert (facts["name"], facts["family"], facts["srcc"]) == (str(path), "reqa", None)
