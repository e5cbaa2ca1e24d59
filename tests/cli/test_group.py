import csv
import io
import json
from pathlib import Path

import pytest
from shoots import make_shoot
from typer.testing import CliRunner, Result

from biqa_cli.cli import app
from biqa_cli.models import loading


@pytest.fixture
def shoot(tmp_path: Path) -> Path:
    folder = tmp_path / "shoot"
    make_shoot(folder, scenes=2, frames=2)
    (folder / "0-1.DNG").unlink()
    return folder


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["group", *map(str, arguments)])


def test_moments_are_found_without_a_model(shoot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(loading, "load_model")
    result = _run(shoot)
    assert result.exit_code == 0, result.stderr
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [(Path(row["path"]).name, row["group"], row["time"]) for row in rows] == [
        ("0-0.JPG", "1", "2024-06-01T12:00:00"),
        ("0-1.JPG", "1", "2024-06-01T12:00:00.500"),
        ("1-0.JPG", "2", "2024-06-01T12:00:20"),
        ("1-1.JPG", "2", "2024-06-01T12:00:20.500"),
    ]
    assert "4 photos of 2 moments, 2 with several" in result.stderr


def test_the_gap_can_be_chosen(shoot: Path) -> None:
    records = json.loads(_run(shoot, "--gap", "0.4", "-f", "json").stdout)
    assert [record["group"] for record in records] == [1, 2, 3, 4]
    assert [tuple(record) for record in records] == [("path", "group", "time")] * 4


def test_a_file_that_cannot_be_read_is_a_group_of_its_own_and_told(shoot: Path) -> None:
    (shoot / "damaged.jpg").write_bytes(b"nothing")
    result = _run(shoot, "-f", "table", "-q")
    assert result.exit_code == 3
    assert "damaged.jpg: not an image in a known format" in result.stderr
    assert result.stdout.splitlines()[-1].split()[0] == "3"


def test_what_cannot_be_grouped_is_refused(tmp_path: Path) -> None:
    assert "nothing to group" in _run().stderr
    assert "no photos found in" in _run(tmp_path).stderr
    stdin = _run("-")
    assert stdin.exit_code == 2 and "standard input (-) cannot be read here" in stdin.stderr
    wrong = _run(tmp_path, "-o", tmp_path / "groups.xml")
    assert wrong.exit_code == 2 and "what format is 'groups.xml'?" in wrong.stderr
