"""`biqa study` as a user calls it, on the miniature set and networks of a few thousand numbers."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import scipy.stats
from fakes import brightness_model
from rated_miniature import rated_miniature, use_tiny_backbones
from rated_photos import rated_greys
from tiny_training import SHORT, SMALL
from typer.testing import CliRunner, Result

from biqa_cli.cli import app
from biqa_cli.errors import WeightsError
from biqa_cli.models.spec import Family
from biqa_cli.training.request import TrainingRequest

MINE = """
title = "Chains"
family = "qualitynet"
light_settings = ["network.levels=last", "monotonicity.weight=0", "network.attention=none"]
seeds = [1, 2]
protocol = "image"
significance = "paired"
figure = "bars"

[[variants]]
name = "chain 1"
settings = ["network.chains=1"]

[[variants]]
name = "chain 2"
settings = ["network.chains=2"]
"""
"""Two trainings of a fraction of a second, on two splits."""


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    use_tiny_backbones(monkeypatch)
    # Matplotlib takes longer than the trainings.
    monkeypatch.setattr("biqa_cli.training.summary.draw_curves", lambda *_: False)
    monkeypatch.setattr("biqa_cli.studies.figures.has_matplotlib", lambda: False)


@pytest.fixture(scope="module")
def ratings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rated_miniature(tmp_path_factory.mktemp("photos"), types=True)


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("study") / "mine.toml"
    path.write_text(MINE)
    return path


def biqa_study(which: object, out: Path, *more: str, family: Family = "qualitynet") -> Result:
    """Call `biqa study` with the recipe for two cores made smaller, from random weights."""
    settings = [f"--set={setting}" for setting in (*SHORT, *SMALL[family])]
    options = ["-o", str(out), "--light", "--init=none", "-d", "cpu", "-j", "1", *settings]
    return CliRunner().invoke(app, ["study", str(which), *options, *more])


def cells_of(out: Path) -> list[dict[str, Any]]:
    cells: list[dict[str, Any]] = json.loads((out / "table.json").read_text())["cells"]
    return cells


@pytest.mark.slow
def test_a_study_trains_every_variant_and_seed_and_leaves_its_tables(
    mine: Path, ratings: Path, tmp_path: Path
) -> None:
    result = biqa_study(mine, tmp_path, f"--dataset=csv:{ratings}", "--only=chain 1")
    assert result.exit_code == 0, result.output
    head, row, *_ = result.stdout.splitlines()
    assert head.split() == ["variant", "dataset", "runs", "srcc", "plcc"]
    assert row.split()[:4] == ["chain", "1", "csv:ratings.csv", "2"]
    assert "2 of 2 runs" in result.stdout
    for name in ("table.md", "table.tex", "table.csv", "table.json", "study.toml", "runs.jsonl"):
        assert (tmp_path / name).is_file(), name
    runs = [json.loads(line) for line in (tmp_path / "runs.jsonl").read_text().splitlines()]
    assert [run["facts"]["scored"] for run in runs] == ["cached features"] * 2
    # What only an interrupted training needs is gone, what scores photos is here.
    for run in runs:
        weights = tmp_path / run["facts"]["weights"]
        assert weights.is_file() and not list(weights.parent.glob("*st.safetensors"))


@pytest.mark.slow
def test_a_study_that_was_stopped_goes_on_and_ends_with_the_same_numbers(
    mine: Path, ratings: Path, tmp_path: Path
) -> None:
    data = (f"--dataset=csv:{ratings}", "--only=chain 1")
    whole = biqa_study(mine, tmp_path / "whole", *data)
    assert whole.exit_code == 0, whole.output
    for again in ((), ("--resume",), ("--resume",)):
        stopped = biqa_study(mine, tmp_path / "cut", *data, "--minutes=0", *again)
        assert stopped.exit_code == 3 and " left: " in stopped.stderr
    assert biqa_study(mine, tmp_path / "cut", *data, "--resume").exit_code == 0
    assert cells_of(tmp_path / "cut") == cells_of(tmp_path / "whole")
    refused = biqa_study(mine, tmp_path / "whole", *data)
    assert refused.exit_code == 2 and "go on with --resume, or name another -o" in refused.stderr
    known = biqa_study(mine, tmp_path / "whole", *data, "--resume")
    assert known.exit_code == 0 and "run 1" not in known.stderr
    assert known.stdout == whole.stdout


@pytest.mark.slow
def test_cached_features_give_the_scores_that_score_finds(
    mine: Path, ratings: Path, tmp_path: Path
) -> None:
    data = f"csv:{ratings}"
    options = (f"--dataset={data}", "--only=chain 1", "--seeds=1")
    assert biqa_study(mine, tmp_path, *options).exit_code == 0
    (run,) = (json.loads(line) for line in (tmp_path / "runs.jsonl").read_text().splitlines())
    weights = tmp_path / run["facts"]["weights"]
    lines = (weights.parent / "split.txt").read_text().splitlines()
    names = [line.split("\t")[1] for line in lines if line.startswith("test\t")]
    photos = [str(ratings.parent / name) for name in names]
    model = ["-m", str(weights), "-d", "cpu", "--no-store"]
    found = CliRunner().invoke(app, ["score", *photos, *model, "-f", "json"])
    said = [row["native_score"] for row in json.loads(found.stdout)["results"]]
    with ratings.open(newline="") as file:
        labels = {row["path"]: float(row["mos"]) for row in csv.DictReader(file)}
    expected = scipy.stats.pearsonr([labels[name] for name in names], said)[0]
    assert run["results"][0]["n"] == len(names) == 6
    # The backbone is stored in int8, and the cached features come from the one before.
    assert run["results"][0]["plcc"] == pytest.approx(expected, abs=0.01)


@pytest.mark.slow
def test_cross_database_trains_one_set_and_tests_another(ratings: Path, tmp_path: Path) -> None:
    other = ratings.with_name("other.csv")
    lines = ratings.read_text().splitlines()
    other.write_text("\n".join([lines[0], *lines[1::2]]) + "\n")
    sets = (f"--dataset=csv:{ratings}", f"--dataset=csv:{other}")
    few = ("--set=network.blocks=1", "--set=optimiser.batch=4", "--set=schedule.epochs=1")
    result = biqa_study("blockiqa-table6", tmp_path, *sets, *few, family="blockiqa")
    assert result.exit_code == 0, result.output
    rows = [cell["dataset"] for cell in cells_of(tmp_path)]
    assert rows == ["csv:ratings.csv → csv:other.csv", "csv:other.csv → csv:ratings.csv"]
    photos = [cell["photos"] for cell in cells_of(tmp_path)]
    assert photos == [16, 32]
    assert "LEAKY" in result.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "only", "family", "protocol"),
    [
        ("blockiqa-table5", "BP+AFEL", "blockiqa", "image"),
        ("qualitynet-figures11-13", "QualityNet", "qualitynet", "image"),
        ("shdiqa-table1", "60 %", "shdiqa", ""),
        ("reqa-table1", "REQA", "reqa", "image@60/20/20"),
        ("nlnet-types", "NLNet", "nlnet", "image"),
    ],
)
def test_a_shipped_study_of_each_paper_runs_on_ones_own_photos(
    name: str, only: str, family: Family, protocol: str, ratings: Path, tmp_path: Path
) -> None:
    options = [f"--dataset=csv:{ratings}", f"--only={only}", "--seeds=1", "--label-range=0:1"]
    options += [f"--protocol={protocol}"] if protocol else []
    options += ["--set=network.branches=local"] if family == "nlnet" else []
    result = biqa_study(name, tmp_path, *options, "-f", "csv", family=family)
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert "runs" in lines[0] and any(",1," in line for line in lines[1:])
    if name.startswith("qualitynet"):
        assert len(list((tmp_path / "runs").glob("*/plots/*.png"))) > 2
    if name == "nlnet-types":
        assert {line.split(",")[0] for line in lines[1:]} == {"blur", "noise", "all"}


@pytest.mark.slow
def test_a_run_that_fails_is_told_and_the_others_go_on(ratings: Path, tmp_path: Path) -> None:
    text = MINE.replace('"network.chains=1"', '"network.chains=1", "optimiser.rate=1e30"')
    study = tmp_path / "study.toml"
    study.write_text(text)
    result = biqa_study(study, tmp_path / "out", f"--dataset=csv:{ratings}", "--seeds=1")
    assert result.exit_code == 3, result.output
    assert "chain 1 on csv:ratings.csv, seed 1: " in result.stderr
    assert "1 run left: " in result.stderr
    assert "1 of 2 runs" in result.stdout and "chain 2" in result.stdout


@pytest.mark.slow
def test_the_list_fits_a_terminal_of_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    listed = CliRunner().invoke(app, ["study", "list"])
    head, *rows = listed.stdout.splitlines()
    assert head.split() == ["name", "about", "runs", "CPU", "h", "GPU", "h"]
    assert max(map(len, (*rows, *listed.stderr.splitlines()))) <= 80
    (table2,) = (row for row in rows if row.startswith("blockiqa-table2 "))
    assert "blocks per side" in table2


@pytest.mark.slow
def test_the_list_says_what_a_study_needs() -> None:
    result = CliRunner().invoke(app, ["study", "list", "-f", "json"])
    facts = {fact["name"]: fact for fact in json.loads(result.stdout)}
    assert facts["reqa-table4"]["datasets"] == ["clive", "bid", "koniq10k"]
    assert facts["reqa-table2"]["runs"] == 60 and facts["reqa-table2"]["gpu_hours"] > 0
    assert facts["models"]["light_hours"] == 0


def test_a_dry_run_prints_the_runs_and_makes_nothing(
    mine: Path, ratings: Path, tmp_path: Path
) -> None:
    result = biqa_study(mine, tmp_path / "out", f"--dataset=csv:{ratings}", "--dry-run")
    assert result.exit_code == 0
    assert [line.split()[:2] for line in result.stdout.splitlines()[1:]] == [
        ["chain", "1"],
        ["chain", "2"],
    ] * 2
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_without_a_folder_or_a_data_set_it_says_what_is_missing(mine: Path, ratings: Path) -> None:
    nothing = CliRunner().invoke(app, ["study", "reqa-table2"])
    assert nothing.exit_code == 2
    assert "--dataset NAME=ROOT; this study has clive, bid, koniq10k" in nothing.stderr
    no_folder = CliRunner().invoke(app, ["study", str(mine), f"--dataset=csv:{ratings}"])
    assert no_folder.exit_code == 2 and "name it with -o DIR" in no_folder.stderr


@pytest.mark.slow
def test_random_crops_score_beside_the_grid_and_the_same_each_time(
    ratings: Path, tmp_path: Path
) -> None:
    text = """
        title = "Crops"
        family = "reqa"
        test_crops = 3
        protocol = "image"
        settings = ["schedule.epochs=1", "optimiser.batch=10", "input.height=120",
            "input.width=128", "input.crop=112", "input.stride=8", "input.val_share=0.25"]
    """
    study = tmp_path / "study.toml"
    study.write_text(text)
    found = []
    for name in ("one", "two"):
        options = ["-o", str(tmp_path / name), "--init=none", "-d", "cpu", "-j", "1"]
        data = (f"--dataset=csv:{ratings}", "--label-range=0:1")
        result = CliRunner().invoke(app, ["study", str(study), *data, *options])
        assert result.exit_code == 0, result.output
        (line,) = (tmp_path / name / "runs.jsonl").read_text().splitlines()
        found.append(json.loads(line)["results"][0])
    assert found[0] == found[1]
    assert found[0]["crops"]["n"] == found[0]["n"] == 6
    assert found[0]["crops"]["rmse"] != found[0]["rmse"]


@pytest.mark.slow
def test_models_are_tested_as_they_are_and_nothing_is_trained(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    model = brightness_model()
    monkeypatch.setattr("biqa_cli.studies.running.load_model", lambda *_, **__: model)
    greys = rated_greys(tmp_path, {value: value / 50 for value in range(0, 250, 12)})
    options = [
        "--only=qualitynet-lite",
        "--only=reqa-lite",
        "--seeds=1-3",
        "-o",
        str(tmp_path / "o"),
    ]
    result = CliRunner().invoke(
        app, ["study", "models", f"--dataset=csv:{greys}", *options, "-d", "cpu", "-f", "csv"]
    )
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader(result.stdout.splitlines()))
    assert [row["variant"] for row in rows] == ["qualitynet-lite"] * 2 + ["reqa-lite"] * 2
    # Nothing is shuffled, so three seeds are one run.
    assert {(row["runs"], row["photos"]) for row in rows} == {("1", "21")}
    assert float(rows[0]["median"]) == pytest.approx(1)
    assert not (tmp_path / "o" / "runs").exists()


def test_offline_models_and_starting_weights_are_not_downloaded(
    monkeypatch: pytest.MonkeyPatch, mine: Path, ratings: Path, tmp_path: Path
) -> None:
    asked = list[bool]()

    def load(*_: Any, offline: bool, **__: Any) -> None:
        asked.append(offline)
        raise WeightsError("not here")

    def train(request: TrainingRequest, _: Any) -> None:
        asked.append(request.offline)
        raise WeightsError("not here")

    monkeypatch.setattr("biqa_cli.studies.running.load_model", load)
    monkeypatch.setattr("biqa_cli.studies.running.train", train)
    here = (f"--dataset=csv:{ratings}", "--seeds=1", "--offline")
    for which, name in (("models", "reqa-lite"), (mine, "chain 1")):
        result = biqa_study(which, tmp_path / name, *here, f"--only={name}")
        assert result.exit_code != 0 and "not here" in result.stderr
    assert asked == [True, True]


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
@pytest.mark.parametrize(
    ("protocol", "message"),
    [("imagge", "there is no protocol 'imagge'"), ("scene", "cannot be split by scene")],
)
def test_a_split_that_no_data_set_has_is_refused_before_the_first_run(
    mine: Path, ratings: Path, tmp_path: Path, protocol: str, message: str, more: tuple[str, ...]
) -> None:
    asked = (f"--dataset=csv:{ratings}", f"--protocol={protocol}", *more)
    result = biqa_study(mine, tmp_path / "out", *asked)
    assert result.exit_code == 2 and message in result.stderr
    assert not (tmp_path / "out").exists()
