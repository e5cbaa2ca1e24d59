"""Weights that `biqa train` wrote say what they learnt from, and `biqa evaluate` marks it."""

import csv
import io
import json
import shlex
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from fakes import photo
from PIL import Image
from tiny_backbone import TinyBackbone
from typer.testing import CliRunner, Result

from biqa_cli.cli import app
from biqa_cli.models.trained import read_trained

REFERENCES, LEVELS = 12, (1, 2, 3)
SETTINGS = (
    *("input.height=64", "input.width=64", "network.chains=1", "optimiser.batch=8"),
    *("schedule.epochs=2", "input.val_share=0.25", "monotonicity.photos=4"),
)


@pytest.fixture(scope="module", autouse=True)
def tiny() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "biqa_cli.models.build._BACKBONES",
            dict.fromkeys(("efficientnet-lite0", "efficientnet-lite2"), TinyBackbone),
        )
        # Matplotlib takes longer than the training.
        patch.setattr("biqa_cli.training.summary.draw_curves", lambda *_: False)
        yield


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def train(out: Path, *options: object, code: int = 0) -> Result:
    settings = [f"--set={setting}" for setting in SETTINGS]
    common = ("--config", "qualitynet-cpu", "--out", out, "-d", "cpu", "-j", 1, *settings)
    started = () if "--init" in options else ("--init", "none")
    result = run("train", "qualitynet", *common, *started, *options)
    assert result.exit_code == code, result.output
    return result


def write_photos(folder: Path, *, seed: int = 0, of: str = "i") -> Path:
    """Write three versions each of twelve references, and their labels as CSV; return the CSV."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = ["path,mos,reference"]
    for reference in range(REFERENCES):
        base = photo(seed=100 * seed + reference)
        for level in LEVELS:
            name = f"{of}{reference:02}_{level}.png"
            base.resize((64 // level, 48 // level)).save(folder / name)
            rows.append(f"{name},{5 - level + reference / 50},{of}{reference:02}")
    table = folder / "ratings.csv"
    table.write_text("\n".join([*rows, ""]), encoding="utf-8")
    return table


@pytest.fixture(scope="module")
def ratings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # The space must be quoted in commands.
    return write_photos(tmp_path_factory.mktemp("photos") / "my photos")


@pytest.fixture(scope="module")
def trained(ratings: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return the folder of a training, and what it said."""
    out = tmp_path_factory.mktemp("trained") / "a run"
    return out, train(out, "--dataset", f"csv:{ratings}").stderr


def weights_of(out: Path) -> Path:
    (weights,) = out.glob("qualitynet-*.safetensors")
    return weights


def parts_of(out: Path) -> dict[str, list[str]]:
    parts: dict[str, list[str]] = {}
    for line in (out / "split.txt").read_text().splitlines():
        if not line.startswith("#"):
            part, name = line.split("\t")
            parts.setdefault(part, []).append(name)
    return parts


def evaluate(out: Path, *options: object, style: str = "json") -> Result:
    model = ("-m", weights_of(out), "-d", "cpu")
    result = run("evaluate", *model, "--resamples", 0, "-f", style, *options)
    assert result.exit_code == 0, result.output
    return result


def counts(result: Result) -> tuple[int, int]:
    """Return how many images were learnt from, and how many others show what was learnt."""
    record: Mapping[str, Any] = json.loads(result.stdout)
    found = record["learnt"], record["learnt_references"]
    assert record["leaky"] == any(found)
    return found


def printed_command(said: str) -> list[str]:
    (line,) = (line for line in said.splitlines() if "test with: " in line)
    program, *arguments = shlex.split(line.partition("test with: ")[2])
    assert program == "biqa"
    return arguments


def test_the_command_that_train_prints_at_its_end_is_clean(trained: tuple[Path, str]) -> None:
    out, said = trained
    result = run(*printed_command(said), "-f", "json", "--resamples", 0)
    assert result.exit_code == 0, result.output
    assert counts(result) == (0, 0)
    record = json.loads(result.stdout)
    assert (record["split"], record["n"]) == ("split.txt:test", len(parts_of(out)["test"]))
    # Seed and protocol agree by default.
    by_default = evaluate(out, "--dataset", printed_command(said)[2], "--split", "reference")
    assert counts(by_default) == (0, 0)
    assert json.loads(by_default.stdout)["srcc"] == record["srcc"]


def test_the_whole_set_is_leaky_in_every_format(trained: tuple[Path, str], ratings: Path) -> None:
    out, _ = trained
    whole = ("--dataset", f"csv:{ratings}")
    parts = parts_of(out)
    learnt = len(parts["train"]) + len(parts["val"])
    assert learnt + len(parts["test"]) == REFERENCES * len(LEVELS) and parts["val"]
    assert counts(evaluate(out, *whole)) == (learnt, 0)
    sentence = f"LEAKY: {learnt} of these 36 images were learnt from by {weights_of(out)}"
    for style in ("table", "markdown"):
        text = evaluate(out, *whole, style=style).stdout
        assert "all LEAKY" in text and sentence in text
    rows = csv.DictReader(io.StringIO(evaluate(out, *whole, "--per", "range", style="csv").stdout))
    first, *groups = rows
    assert (first["leaky"], first["learnt"], first["learnt_references"]) == (
        *("True", str(learnt)),
        "0",
    )
    assert groups and {group["learnt"] for group in groups} == {""}


@pytest.mark.parametrize("part", ["train", "val"])
def test_photos_are_known_under_other_names(
    part: str, trained: tuple[Path, str], ratings: Path, tmp_path: Path
) -> None:
    out, _ = trained
    known = parts_of(out)[part]
    rows = ["path,mos"]
    for number, name in enumerate([*known, *parts_of(out)["test"]]):
        shutil.copy(ratings.parent / name, tmp_path / f"{number}.png")
        rows.append(f"{number}.png,{number}")
    table = tmp_path / "moved.csv"
    table.write_text("\n".join(rows), encoding="utf-8")
    assert counts(evaluate(out, "--dataset", f"csv:{table}")) == (len(known), 0)


def test_other_versions_of_the_references_are_counted(
    trained: tuple[Path, str], tmp_path: Path
) -> None:
    out, _ = trained
    table = write_photos(tmp_path, seed=1)
    parts = parts_of(out)
    result = evaluate(out, "--dataset", f"csv:{table}")
    assert counts(result) == (0, len(parts["train"]) + len(parts["val"]))
    assert "show, by its name, a reference or a scene" in json.loads(result.stdout)["leaks"][0]
    others = write_photos(tmp_path / "others", seed=1, of="j")
    assert counts(evaluate(out, "--dataset", f"csv:{others}")) == (0, 0)


@pytest.mark.slow
def test_what_the_starting_weights_learnt_from_is_learnt_from(
    trained: tuple[Path, str], ratings: Path, tmp_path: Path
) -> None:
    table = write_photos(tmp_path / "photos", seed=2, of="k")
    start = weights_of(trained[0])
    train(tmp_path / "run", "--dataset", f"csv:{table}", "--init", start)
    before, after = (read_trained(weights_of(out)) for out in (trained[0], tmp_path / "run"))
    assert before and before.learnt and after and after.learnt
    assert len(after.learnt.photos) == 2 * len(before.learnt.photos)
    assert before.learnt.photos < after.learnt.photos
    assert before.learnt.references < after.learnt.references
    assert counts(evaluate(tmp_path / "run", "--dataset", f"csv:{ratings}")) == (
        len(before.learnt.photos),
        0,
    )


@pytest.mark.slow
def test_each_round_of_a_training_counts(ratings: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "rounds.toml"
    recipe.write_text(
        'family = "qualitynet"\nbase = "qualitynet-lite"\n'
        "rounds = [{ schedule = { epochs = 1 } }]\n"
    )
    train(tmp_path / "run", "--config", recipe, "--dataset", f"csv:{ratings}")
    learnt = set()
    for out in (tmp_path / "run" / "round-1", tmp_path / "run"):
        learnt |= {*parts_of(out)["train"], *parts_of(out)["val"]}
    last = read_trained(weights_of(tmp_path / "run"))
    assert last and last.learnt and len(last.learnt.photos) == len(learnt)
    assert counts(evaluate(tmp_path / "run", "--dataset", f"csv:{ratings}")) == (len(learnt), 0)


@pytest.mark.slow
def test_a_training_in_pieces_says_what_was_decoded_at_its_beginning(
    trained: tuple[Path, str], ratings: Path, tmp_path: Path
) -> None:
    photos = tmp_path / "photos"
    shutil.copytree(ratings.parent, photos)
    options = ("--dataset", f"csv:{photos / ratings.name}")
    train(tmp_path / "run", *options, "--minutes", 0, code=3)
    while not (tmp_path / "run" / "last.safetensors").exists():
        train(tmp_path / "run", *options, "--minutes", 0, "--resume", code=3)
    name = parts_of(tmp_path / "run")["train"][0]
    with (photos / name).open("ab") as file:
        file.write(b"changed")
    train(tmp_path / "run", *options, "--resume")
    found = read_trained(weights_of(tmp_path / "run"))
    expected = read_trained(weights_of(trained[0]))
    assert found and expected and expected.learnt and found.learnt == expected.learnt


@pytest.mark.slow
def test_a_named_set_is_marked_and_its_printed_command_is_clean(tmp_path: Path) -> None:
    root = tmp_path / "TID 2013"
    (root / "distorted_images").mkdir(parents=True)
    labels = []
    for reference in range(1, REFERENCES + 1):
        for level in LEVELS:
            name = f"i{reference:02}_08_{level}.bmp"
            photo(seed=10 * reference + level).save(root / "distorted_images" / name)
            labels.append(f"{6 - level + reference / 50} {name}\n")
    (root / "mos_with_names.txt").write_text("".join(labels))
    (root / "mos_std.txt").write_text("0.1\n" * len(labels))
    options = ("--dataset", "tid2013", "--root", root)
    said = train(tmp_path / "run", *options).stderr
    clean = run(*printed_command(said), "-f", "json", "--resamples", 0)
    assert clean.exit_code == 0, clean.output
    assert counts(clean) == (0, 0)
    assert counts(evaluate(tmp_path / "run", *options, "--split", "reference:test")) == (0, 0)
    tested = json.loads(clean.stdout)["n"]
    assert counts(evaluate(tmp_path / "run", *options)) == (len(labels) - tested, 0)
    # Photos that were saved anew have other content, and still their references.
    for file in (root / "distorted_images").iterdir():
        Image.open(file).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(file)
    assert counts(evaluate(tmp_path / "run", *options)) == (0, len(labels) - tested)


def test_weights_that_do_not_say_what_they_learnt_from_are_told(
    trained: tuple[Path, str], ratings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("biqa_cli.models.trained.learnt_of", lambda _: None)
    result = evaluate(trained[0], "--dataset", f"csv:{ratings}")
    assert counts(result) == (0, 0)
    assert f"{weights_of(trained[0])} does not say which photos it learnt from" in result.stderr


def test_damaged_hashes_are_one_line(
    trained: tuple[Path, str], ratings: Path, tmp_path: Path
) -> None:
    content = weights_of(trained[0]).read_bytes()
    mark = b'\\"photos\\": \\"'
    assert content.count(mark) == 1
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(content.replace(mark + content.split(mark)[1][:4], mark + b"zzzz"))
    options = ("-m", damaged, "-d", "cpu")
    result = run("evaluate", *options, "--dataset", f"csv:{ratings}")
    assert result.exit_code == 2, result.output
    (line,) = result.stderr.splitlines()
    assert "or is damaged (the photos that were learnt from are no sorted hashes" in line
