import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import brightness_model
from rated_photos import rated_greys
from typer.testing import CliRunner, Result

from biqa_cli.cli import app
from biqa_cli.models.loading import LoadedModel

GREYS = dict.fromkeys(range(0, 250, 10), 1.0)


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the model `bright` score brightness, and `dark` the opposite."""
    bright = brightness_model()
    scale = replace(bright.spec.scale, higher_is_better=not bright.spec.scale.higher_is_better)
    dark = replace(bright, spec=replace(bright.spec, name="dark", scale=scale))

    def load(name: str, **_: Any) -> LoadedModel:
        return dark if name == "dark" else bright

    monkeypatch.setattr("biqa_cli.models.loading.load_model", load)


def biqa_gmad(folder: Path, *more: str) -> Result:
    options = ["-m", "bright", "-m", "dark", "--no-store", "-q"]
    return CliRunner().invoke(app, ["gmad", str(folder), *options, *more])


@pytest.mark.usefixtures("two")
def test_each_model_attacks_the_other_on_photos_that_it_finds_alike(tmp_path: Path) -> None:
    rated_greys(tmp_path, GREYS)
    result = biqa_gmad(tmp_path, "--levels=2", "--tolerance=10", "-f", "json")
    assert result.exit_code == 0, result.output
    pairs = json.loads(result.stdout)
    sides = [(pair["defender"], pair["attacker"]) for pair in pairs]
    assert sides == [*[("bright", "dark")] * 2, *[("dark", "bright")] * 2]
    for pair in pairs:
        assert 0 < pair["defender_differs"] <= 10
        # The models are each other's opposite: whatever differs, differs for both alike.
        assert pair["attacker_differs"] == pytest.approx(pair["defender_differs"], abs=0.1)
        better, worse = (int(Path(pair[side]).stem) for side in ("better", "worse"))
        assert (better < worse) == (pair["attacker"] == "dark")


@pytest.mark.usefixtures("two")
def test_a_broken_photo_is_told_and_the_others_compete(tmp_path: Path) -> None:
    rated_greys(tmp_path, GREYS)
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff no photo")
    result = biqa_gmad(tmp_path, "--tolerance=10", "-f", "csv")
    assert result.exit_code == 3 and "broken.jpg" in result.stderr
    assert "broken.jpg" not in result.stdout and len(result.stdout.splitlines()) > 1


@pytest.mark.usefixtures("two")
def test_a_terminal_of_80_columns_shows_the_models_and_the_photos_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rated_greys(tmp_path, GREYS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    result = biqa_gmad(Path(), "--levels=2", "--tolerance=10", "-f", "table")
    first, second = result.stdout.split("\n\n")
    assert first.startswith("bright (defender) finds alike, dark (attacker) does not:\n")
    assert second.startswith("dark (defender) finds alike, bright (attacker) does not:\n")
    for line in result.stdout.splitlines():
        assert len(line) <= 80 and "…" not in line
    assert first.splitlines()[1].split() == ["level", "defender", "attacker", "better", "worse"]
    assert [row.split()[-1].endswith(".png") for row in first.splitlines()[2:]] == [True, True]


def test_one_model_has_nobody_to_compete_with(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["gmad", str(tmp_path), "-m", "bright"])
    assert result.exit_code == 2 and "two models or more: -m NAME -m NAME" in result.stderr


def test_the_pairs_are_never_written_over_weights_that_compete(tmp_path: Path) -> None:
    mine = tmp_path / "mine.safetensors"
    mine.write_bytes(b"weights")
    models = ["-m", "bright", "-m", str(mine)]
    result = CliRunner().invoke(app, ["gmad", str(tmp_path), *models, "-f", "csv", "-o", str(mine)])
    assert result.exit_code == 2 and "is a file that is read" in result.stderr
    assert mine.read_bytes() == b"weights"
