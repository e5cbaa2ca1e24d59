"""`biqa train` as a user calls it, on the miniature set and networks of a few thousand numbers."""

import csv
import json
import random
from pathlib import Path
from typing import Any, get_args

import pytest
import scipy.stats
from rated_miniature import rated_miniature, use_tiny_backbones
from rated_photos import rated_greys
from tiny_training import SHORT, SMALL, assert_same_training
from typer.testing import CliRunner, Result

from biqa_cli.cli import app
from biqa_cli.models.spec import Family
from biqa_cli.models.trained import read_trained

QUICK = ("--set=network.chains=1",)
FAMILIES: tuple[Family, ...] = get_args(Family)


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    use_tiny_backbones(monkeypatch)


@pytest.fixture
def no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Matplotlib takes longer than the training."""
    monkeypatch.setattr("biqa_cli.training.summary.draw_curves", lambda *_: False)


@pytest.fixture(scope="module")
def ratings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rated_miniature(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module")
def decoded(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"--photos={tmp_path_factory.mktemp('decoded')}"


def biqa_train(family: str, ratings: Path, out: Path, *more: str) -> Result:
    """Call `biqa train` with nothing but these options, on one thread, from random weights."""
    options = [f"--dataset=csv:{ratings}", f"--out={out}", "-d", "cpu", "-j", "1", "--init=none"]
    return CliRunner().invoke(app, ["train", family, *options, *more])


def small(family: Family, ratings: Path, out: Path, *more: str) -> Result:
    settings = [f"--set={setting}" for setting in (*SHORT, *SMALL[family])]
    return biqa_train(family, ratings, out, f"--config={family}-cpu", *settings, *more)


def summary_of(out: Path) -> dict[str, Any]:
    summary: dict[str, Any] = json.loads((out / "summary.json").read_text())
    return summary


def labels_of(ratings: Path) -> dict[str, float]:
    with ratings.open(newline="") as file:
        return {row["path"]: float(row["mos"]) for row in csv.DictReader(file)}


def part_of(out: Path, part: str) -> list[str]:
    lines = (out / "split.txt").read_text().splitlines()
    return [line.split("\t")[1] for line in lines if line.startswith(f"{part}\t")]


def scored(photos: list[str], out: Path) -> list[dict[str, Any]]:
    """Return what `biqa score` says of photos with the weights of a training."""
    (weights,) = out.glob("*-*.safetensors")
    model = ["-m", str(weights), "-d", "cpu"]
    result = CliRunner().invoke(app, ["score", *photos, *model, "-f", "json"])
    assert result.exit_code == 0, result.output
    rows: list[dict[str, Any]] = json.loads(result.stdout)["results"]
    return rows


@pytest.mark.slow
@pytest.mark.usefixtures("no_picture")
@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_trains_and_its_file_scores_as_validation_did(
    family: Family, ratings: Path, decoded: str, tmp_path: Path
) -> None:
    local = ("--set=network.branches=local",) if family == "nlnet" else ()
    result = small(family, ratings, tmp_path, decoded, *local)
    assert result.exit_code == 0, result.output
    weights = tmp_path / f"{family}-ratings.safetensors"
    assert result.stdout.strip() == str(weights)
    assert "the stored weights score 6 validation photos" in result.stderr
    assert "not calibrated: 6 photos are too few, 100 are needed" in result.stderr
    summary = summary_of(tmp_path)
    assert summary["finished"] and summary["model"] == f"{family}-lite"
    assert f"-m {weights}" in result.stderr
    assert sum(summary["split"]["photos"].values()) == 32

    val, labels = part_of(tmp_path, "val"), labels_of(ratings)
    rows = scored([str(ratings.parent / name) for name in val], tmp_path)
    native = [row["native_score"] for row in rows]
    agreement = scipy.stats.spearmanr([labels[name] for name in val], native)[0]
    assert agreement == pytest.approx(summary["val_of_stored_weights"]["srcc"], abs=1e-9)
    assert all(row["low"] is None and row["high"] is None for row in rows)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_the_recipe_for_two_cores_runs_as_it_is(family: str, tmp_path: Path) -> None:
    table = rated_miniature(tmp_path)
    lines = table.read_text().splitlines()
    table.write_text("\n".join([lines[0], *lines[1::3]]) + "\n")
    result = biqa_train(family, table, tmp_path / "out", f"--config={family}-cpu")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "out" / f"{family}-ratings.safetensors").is_file()
    assert (tmp_path / "out" / "curves.png").is_file()


@pytest.mark.slow
@pytest.mark.usefixtures("no_picture")
def test_a_trained_file_is_calibrated_and_scores_with_intervals(tmp_path: Path) -> None:
    noise = random.Random(0)
    labels = {value: value / 64 + 1 + noise.gauss(0, 0.2) for value in range(256)}
    table = rated_greys(tmp_path, labels)
    settings = ("input.val_share=0.5", "schedule.epochs=10", "optimiser.rate=0.01")
    more = (*QUICK, *(f"--set={setting}" for setting in settings))
    result = small("qualitynet", table, tmp_path / "out", *more)
    assert result.exit_code == 0, result.output
    assert "not calibrated" not in result.stderr
    val = part_of(tmp_path / "out", "val")
    calibration = summary_of(tmp_path / "out")["calibration"]
    assert calibration["photos"] == len(val) >= 100
    known = labels_of(table)
    low, high = min(known.values()), max(known.values())
    rows = scored([str(tmp_path / name) for name in val], tmp_path / "out")
    within, wanted = 0, []
    for name, row in zip(val, rows, strict=True):
        assert 0 <= row["low"] <= row["score"] <= row["high"] <= 100 and row["low"] < row["high"]
        wanted.append(100 * (known[name] - low) / (high - low))
        within += row["low"] <= wanted[-1] <= row["high"]
    assert 0.88 <= within / len(val) <= 1
    # What people said, not what the network says: the mean of both is the same.
    said = [row["score"] for row in rows]
    assert sum(said) / len(said) == pytest.approx(sum(wanted) / len(wanted), abs=4)


@pytest.mark.slow
@pytest.mark.usefixtures("no_picture")
def test_a_training_whose_time_is_up_says_so_and_goes_on(
    ratings: Path, decoded: str, tmp_path: Path
) -> None:
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    assert small("qualitynet", ratings, whole, decoded, *QUICK).exit_code == 0
    stopped = small("qualitynet", ratings, pieces, decoded, *QUICK, "--minutes=0")
    assert stopped.exit_code == 3 and stopped.stdout == ""
    assert "the time was up: the same command with --resume goes on" in stopped.stderr
    # Without --config and --set the recipe is the one that began.
    resumed = biqa_train("qualitynet", ratings, pieces, decoded, "--resume")
    assert resumed.exit_code == 0, resumed.output
    assert_same_training(whole, pieces)


@pytest.mark.usefixtures("no_picture")
def test_a_training_is_not_resumed_with_another_recipe_or_overwritten(
    ratings: Path, decoded: str, tmp_path: Path
) -> None:
    options = (decoded, *QUICK, "--set=schedule.epochs=1")
    assert small("qualitynet", ratings, tmp_path, *options).exit_code == 0
    again = small("qualitynet", ratings, tmp_path, *options)
    assert again.exit_code == 2
    assert "continue with --resume, or name another --out" in again.stderr
    other = small("qualitynet", ratings, tmp_path, *options, "--resume", "--set=loss.plcc_weight=3")
    assert other.exit_code == 2 and "the training began with another recipe" in other.stderr
    ended = biqa_train("qualitynet", ratings, tmp_path, decoded, "--finish")
    assert ended.exit_code == 0 and "qualitynet-ratings.safetensors" in ended.stdout
    split = small("qualitynet", ratings, tmp_path, *options, "--resume", "--split=scene")
    assert split.exit_code == 2 and "cannot be split by scene" in split.stderr


@pytest.mark.usefixtures("no_picture")
def test_a_recipe_of_two_rounds_is_run_from_a_file(
    ratings: Path, decoded: str, tmp_path: Path
) -> None:
    recipe = tmp_path / "mine.toml"
    settings = [setting.replace("=", " = ") for setting in (*SHORT, *SMALL["qualitynet"])]
    head = 'family = "qualitynet"\nbackbones = ["efficientnet-lite0", "resnet50"]'
    rounds = "[[rounds]]\nschedule.epochs = 1"
    recipe.write_text("\n".join([head, *settings, rounds]) + "\n")
    more = (decoded, "--set=optimiser.trainable=head", *QUICK)
    result = biqa_train("qualitynet", ratings, tmp_path / "out", f"--config={recipe}", *more)
    assert result.exit_code == 0, result.output
    assert "round 1 of 2" in result.stderr and "round 2 of 2" in result.stderr
    assert summary_of(tmp_path / "out" / "round-1")["epochs"] == 2
    assert summary_of(tmp_path / "out")["epochs"] == 1


@pytest.mark.usefixtures("no_picture")
def test_the_user_says_how_far_the_labels_of_a_file_reach(
    ratings: Path, decoded: str, tmp_path: Path
) -> None:
    wanted = ("--label-range=-10:40", "--set=input.labels=native", "--set=schedule.epochs=1")
    options = (decoded, *QUICK, *wanted)
    assert small("qualitynet", ratings, tmp_path, *options).exit_code == 0
    trained = read_trained(tmp_path / "best.safetensors")
    assert trained is not None
    assert (trained.scale.lowest, trained.scale.highest) == (-10, 40)
    other = biqa_train("qualitynet", ratings, tmp_path, "--resume", decoded)
    assert other.exit_code == 2 and "began with other photos or ratings" in other.stderr


@pytest.mark.usefixtures("no_picture")
def test_quiet_says_nothing_but_the_name_of_the_file(
    ratings: Path, decoded: str, tmp_path: Path
) -> None:
    options = (decoded, *QUICK, "--set=schedule.epochs=1", "-q")
    result = small("qualitynet", ratings, tmp_path, *options)
    assert result.exit_code == 0
    assert result.stdout.split() == [str(tmp_path / "qualitynet-ratings.safetensors")]
    assert result.stderr == ""


@pytest.mark.parametrize("option", ["--split=scene", "--init=gone.safetensors"])
def test_a_training_that_is_refused_leaves_no_folder(
    option: str, ratings: Path, tmp_path: Path
) -> None:
    assert small("qualitynet", ratings, tmp_path / "run", option).exit_code == 2
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["blockiqua"], "there is no family 'blockiqua'"),
        (["blockiqa", "--set=network.blocs=3"], "did you mean 'network.blocks'"),
        (["blockiqa", "--set=blocks=3"], "did you mean 'network.blocks'"),
        (["blockiqa", "--set=network.partition=grid"], "blockiqa has no such key"),
        (["blockiqa", "--set=optimiser.rate=fast"], "optimiser.rate cannot be 'fast': it must"),
        (["blockiqa", "--config=nothing"], "there is no recipe 'nothing'"),
        (["blockiqa", "--config=reqa-cpu"], "is a recipe for reqa, not for blockiqa"),
        (["blockiqa", '--set=backbones=["resnet51"]'], "did you mean 'resnet50'?"),
        (["qualitynet", '--set=backbones=["resnet50"]'], "qualitynet needs 2 backbones"),
        (["shdiqa", "--config=shdiqa-cpu", "--set=loss.teacher_epochs=0"], "nothing to distil"),
        (["blockiqa", "--dataset=csv:gone.csv"], "gone.csv"),
    ],
)
def test_what_cannot_be_is_refused_with_a_hint(
    arguments: list[str], text: str, ratings: Path, tmp_path: Path
) -> None:
    family, *more = arguments
    result = biqa_train(family, ratings, tmp_path / "out", *more)
    assert result.exit_code == 2 and text in result.stderr, result.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "option",
    ["--hint=x", "--trunk=resnet50", "--backbone=resnet50", "--freeze-trunk", "--prepare-only"],
)
def test_options_of_earlier_versions_are_gone(option: str, ratings: Path, tmp_path: Path) -> None:
    result = small("blockiqa", ratings, tmp_path, option)
    assert result.exit_code == 2 and "No such option" in result.stderr
