"""`biqa tune`, and the personal model wherever a model's name may stand."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import photo
from PIL import Image
from rated_miniature import use_tiny_backbones
from safetensors.numpy import load_file, save_file
from tiny_base import write_base
from typer.testing import CliRunner, Result

from biqa_cli import scoring
from biqa_cli.cli import app
from biqa_cli.weights.header import read_header

RATED, OTHERS = 40, 8


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def reddish(number: int) -> Image.Image:
    pixels = np.asarray(photo(48, 32, seed=number), np.float64)
    strength = np.random.default_rng(number).uniform(0.2, 1)
    return Image.fromarray((pixels * [strength, 1, 1]).astype(np.uint8))


@pytest.fixture(scope="module", autouse=True)
def _tiny() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_backbones(patch)
        yield


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with photos that are rated by their redness, others, and a base."""
    folder = tmp_path_factory.mktemp("desk")
    rows = ["path,mos"]
    for number in range(RATED + OTHERS):
        picture = reddish(number)
        picture.save(folder / f"{number:02}.png")
        red = float(np.asarray(picture, np.float64)[..., 0].mean() / 255)
        if number < RATED:
            rows.append(f"{number:02}.png,{1 + 4 * red:.3f}")
    (folder / "ratings.csv").write_text("\n".join([*rows, ""]))
    write_base(folder / "base.safetensors")
    return folder


@pytest.fixture(scope="module")
def tuned(desk: Path) -> tuple[Path, Result]:
    """Return a personal model, and what was said when it was made."""
    path = desk / "mine.safetensors"
    options = ("-m", desk / "base.safetensors", "--label-range", "1:5", "-d", "cpu", "--no-store")
    return path, run("tune", desk / "ratings.csv", "-o", path, *options, "-f", "json")


def scored(model: Path, photos: Path, *options: object) -> list[dict[str, str]]:
    result = run("score", photos, "-m", model, "-d", "cpu", "-f", "csv", *options)
    assert result.exit_code == 0, result.output
    return list(csv.DictReader(io.StringIO(result.stdout)))


def test_a_taste_is_learnt_and_shown_on_ratings_held_out(tuned: tuple[Path, Result]) -> None:
    path, result = tuned
    assert result.exit_code == 0, result.output
    record: dict[str, Any] = json.loads(result.stdout)
    assert (record["file"], record["ratings"], record["fallback"]) == (str(path), RATED, "")
    srcc, rmse = record["held_out"]["srcc"], record["held_out"]["rmse"]
    assert srcc["tuned"]["estimate"] > srcc["untuned"]["estimate"] + 0.1
    assert srcc["tuned"]["ci"][0] < srcc["tuned"]["estimate"] < srcc["tuned"]["ci"][1]
    assert rmse["tuned"]["estimate"] < rmse["untuned"]["estimate"]
    assert f"±{record['half_width']:.3g} of your ratings (csv:ratings.csv), 1 to 5" in result.stderr
    assert f"score with: biqa score PHOTOS -m {path}" in result.stderr


def test_the_file_scores_new_photos_on_the_users_scale_with_intervals(
    tuned: tuple[Path, Result], desk: Path
) -> None:
    rows = scored(tuned[0], desk)
    assert {row["model"] for row in rows} == {str(tuned[0])}
    width = json.loads(tuned[1].stdout)["half_width"]
    for row in rows[RATED:]:
        picture = reddish(int(Path(row["path"]).stem))
        red = 1 + 4 * np.asarray(picture, np.float64)[..., 0].mean() / 255
        score, native = float(row["score"]), float(row["native_score"])
        assert native == pytest.approx(red, abs=2 * width)
        assert score == pytest.approx(np.clip(25 * (native - 1), 0, 100), abs=1e-3)
        ends = np.clip([score - 25 * width, score + 25 * width], 0, 100)
        assert [float(row["low"]), float(row["high"])] == pytest.approx(ends, abs=0.02)


def test_an_evaluation_on_what_it_has_learnt_from_is_leaky(
    tuned: tuple[Path, Result], desk: Path
) -> None:
    common = ("evaluate", "--dataset", f"csv:{desk / 'ratings.csv'}", "-d", "cpu", "-f", "json")
    options = ("--label-range", "1:5", "--resamples", 0)
    result = run(*common, *options, "-m", tuned[0], "-m", desk / "base.safetensors")
    mine, base = json.loads(result.stdout)
    assert (mine["learnt"], mine["leaky"], base["learnt"]) == (RATED, True, 0)
    assert f"{RATED} of these {RATED} images were learnt from by {tuned[0]}" in mine["leaks"]
    assert mine["srcc"] > base["srcc"]


@pytest.mark.slow
def test_base_and_personal_model_are_two_raters(tuned: tuple[Path, Result], desk: Path) -> None:
    first = scored(tuned[0], desk), scored(desk / "base.safetensors", desk)
    assert [row["score"] for row in first[0]] != [row["score"] for row in first[1]]
    again = scored(tuned[0], desk), scored(desk / "base.safetensors", desk)
    assert first == again
    batches = scored(tuned[0], desk, "--no-store", "--batch-size", 5)
    assert [float(row["score"]) for row in batches] == pytest.approx(
        [float(row["score"]) for row in first[0]], abs=1e-3
    )


@pytest.mark.slow
def test_a_second_tuning_decodes_no_photo_and_is_the_same(
    desk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    common = ("tune", desk / "ratings.csv", "-m", desk / "base.safetensors", "-d", "cpu")
    first, second = tmp_path / "1.safetensors", tmp_path / "2.safetensors"
    assert run(*common, "-o", first).exit_code == 0
    monkeypatch.setattr(scoring, "reading_photo", None)
    result = run(*common, "-o", second)
    assert result.exit_code == 0, result.output
    assert np.array_equal(load_file(first)["weights"], load_file(second)["weights"])
    assert "the ends of the scale are those found" in result.stderr


@pytest.mark.slow
def test_choices_give_an_order_and_no_interval(desk: Path, tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO((desk / "ratings.csv").read_text())))
    pairs = [
        sorted((rows[i], rows[(i * 7 + k) % RATED]), key=lambda row: -float(row["mos"]))
        for k in (1, 3, 5)
        for i in range(RATED)
        if i != (i * 7 + k) % RATED
    ]
    choices = tmp_path / "choices.csv"
    lines = [f"{better['path']},{worse['path']}" for better, worse in pairs]
    choices.write_text("\n".join(["better,worse", *lines, ""]))
    path = tmp_path / "mine.safetensors"
    common = ("tune", choices, "--root", desk, "-m", desk / "base.safetensors", "-d", "cpu")
    result = run(*common, "-o", path)
    assert result.exit_code == 0, result.output
    assert f"made of all {len(pairs)} choices: they give an order, and no interval" in result.stderr
    assert result.stdout.splitlines()[1].startswith("foretold")
    found = {Path(row["path"]).name: row for row in scored(path, desk)}
    assert all(row["low"] == row["high"] == "" for row in found.values())
    said = [float(found[row["path"]]["score"]) for row in rows]
    assert np.corrcoef(said, [float(row["mos"]) for row in rows])[0, 1] > 0.7


@pytest.mark.slow
def test_photos_that_cannot_be_read_are_told_and_left_out(desk: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no photo")
    table = tmp_path / "ratings.csv"
    names = [f"{number:02}.png" for number in range(22)]
    for name in names:
        (tmp_path / name).write_bytes((desk / name).read_bytes())
    rows = [f"{name},{number % 5}" for number, name in enumerate([*names, "broken.png"])]
    table.write_text("\n".join(["path,mos", *rows, "gone.png,3", ""]))
    common = ("tune", table, "-o", tmp_path / "m.safetensors", "-m", desk / "base.safetensors")
    result = run(*common, "-d", "cpu")
    assert result.exit_code == 3
    assert "gone.png: not found" in result.stderr and "broken.png: not an image" in result.stderr
    assert "the order stays the untuned model's: held-out ratings do not follow" in result.stderr
    table.write_text("\n".join(["path,mos", *rows, *[",3"] * 30, ""]))
    many = run(*common, "-d", "cpu")
    assert many.exit_code == 3
    assert "biqa: and 11 more photos or rows that do not count\n" in many.stderr
    assert many.stderr.count("path is ''") == 20


@pytest.mark.slow
def test_maps_show_the_taste_and_what_only_the_base_has_is_refused(
    tuned: tuple[Path, Result], desk: Path, tmp_path: Path
) -> None:
    options = ("-m", tuned[0], "-d", "cpu", "--block-size", 16, "--json", tmp_path / "a.json")
    assert run("heatmap", desk / "00.png", "-o", tmp_path / "a.png", *options).exit_code == 0
    refused = run("heatmap", desk / "00.png", "-m", tuned[0], "--kind", "gradcam")
    assert refused.exit_code == 2 and "base.safetensors: use -m " in refused.stderr
    exported = run("export", tuned[0], "-o", tmp_path / "a.onnx")
    assert exported.exit_code == 2 and "is tuned and has no network of its own" in exported.stderr
    again = run("tune", desk / "ratings.csv", "-m", tuned[0], "-o", tmp_path / "b.safetensors")
    assert again.exit_code == 2 and "is tuned already: tune what it was made of" in again.stderr
    known = json.loads(run("models", "info", tuned[0], "-f", "json").stdout)
    assert known["base"].endswith("base.safetensors") and "your ratings" in known["native_scale"]


def test_a_personal_model_is_refused_without_the_base_it_was_made_of(
    tuned: tuple[Path, Result], desk: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "mine.safetensors"
    moved.write_bytes(tuned[0].read_bytes())
    alone = run("score", desk / "00.png", "-m", moved, "-d", "cpu")
    assert alone.exit_code == 2
    assert f"{moved} needs the file that it was tuned on (cannot read" in alone.stderr
    write_base(tmp_path / "base.safetensors", seed=1)
    other = run("score", desk / "00.png", "-m", moved, "-d", "cpu")
    assert other.exit_code == 2
    assert "was tuned on other weights of ./base.safetensors than those that are" in other.stderr


def test_a_base_that_cannot_be_one_is_one_line(
    tuned: tuple[Path, Result], desk: Path, tmp_path: Path
) -> None:
    path = tmp_path / "mine.safetensors"
    weights, told = load_file(tuned[0]), json.loads(read_header(tuned[0]).metadata["biqa-tuned"])
    for base, message in (
        ("./mine.safetensors", "which is tuned itself: tune what that was made of"),
        ("older-model", "was tuned on a model that this version of biqa lacks: there is no model"),
    ):
        save_file(weights, path, metadata={"biqa-tuned": json.dumps({**told, "base": base})})
        for command in (("score", desk / "00.png", "-m", path), ("models", "info", path)):
            result = run(*command)
            assert result.exit_code == 2 and message in result.stderr, result.output
            assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda _: {"other": np.zeros(3)}, "is damaged: a tuned model holds one tensor"),
        (lambda w: {"weights": w * np.nan}, "holds numbers that are not finite"),
        (
            lambda w: {"weights": w[:-3]},
            "cannot be used: the network fails on any view (it corrects",
        ),
    ],
)
def test_damaged_personal_models_are_one_line(
    tuned: tuple[Path, Result], desk: Path, change: Any, message: str
) -> None:
    path = desk / "damaged.safetensors"
    metadata = dict(read_header(tuned[0]).metadata)
    save_file(change(load_file(tuned[0])["weights"]), path, metadata=metadata)
    result = run("score", desk / "00.png", "-m", path, "-d", "cpu")
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr and result.stderr.count("\n") == 1


def test_wrong_names_are_told_before_any_work(desk: Path) -> None:
    for output, message in (
        ("mine.onnx", "end it in .safetensors"),
        (desk / "base.safetensors", "is a file that is read"),
        (desk / "00.png" / "mine.safetensors", "00.png is a file, not a folder"),
    ):
        result = run("tune", desk / "ratings.csv", "-o", output, "-m", desk / "base.safetensors")
        assert result.exit_code == 2 and message in result.stderr
