"""`biqa score --why`, with a model that tells flaws and looks at full size."""

import csv
import io
import json
from pathlib import Path

import pytest
from fakes import brightness_model
from flawed_model import flawed_model, photo_with_squares
from PIL import Image
from typer.testing import CliRunner, Result

from biqa_cli.cli import app
from biqa_cli.models import loading
from biqa_cli.models.catalog import MODELS
from biqa_cli.models.loading import LoadedModel
from biqa_cli.reports.rows import COLUMNS


@pytest.fixture(autouse=True)
def model(monkeypatch: pytest.MonkeyPatch) -> list[LoadedModel]:
    """Return a list whose last model is the one that scores."""
    models = [flawed_model()]
    monkeypatch.setattr(loading, "load_model", lambda *_, **__: models[-1])
    return models


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    photos = tmp_path / "photos"
    photos.mkdir()
    photo_with_squares((204, 204, 51), (255, 102, 255)).save(photos / "hidden.png")
    Image.new("RGB", (8, 8), (153, 0, 0)).save(photos / "clean.png")
    Image.new("RGB", (8, 8), (102, 0, 204)).save(photos / "flawed.png")
    return photos


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["score", *map(str, arguments)])


def _rows(result: Result) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(result.stdout)))


def test_csv_has_three_more_columns(folder: Path) -> None:
    result = _run(folder, "--why")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0] == ",".join(COLUMNS) + ",flaws,whole,full_size"
    clean, flawed, hidden = _rows(result)
    assert [row["flaws"] for row in (clean, flawed)] == ["", "blurred 0.8; motion 0.4"]
    assert clean["whole"] == clean["full_size"] == flawed["whole"] == ""
    assert hidden["flaws"] == "blurred 0.5"
    assert float(hidden["score"]) == pytest.approx(
        float(hidden["whole"]) * float(hidden["full_size"]), abs=0.01
    )


def test_without_why_no_report_changes(folder: Path, model: list[LoadedModel]) -> None:
    told = {kind: _run(folder, "-f", kind).stdout for kind in ("csv", "ndjson", "table")}
    assert told["csv"].splitlines()[0] == ",".join(COLUMNS)
    assert [list(json.loads(line)) for line in told["ndjson"].splitlines()] == [list(COLUMNS)] * 3
    assert "flaws" not in told["table"]
    model.append(brightness_model())
    assert "flaws" not in _run(folder, "-f", "table", "--why").stdout


@pytest.mark.parametrize("kind", ["json", "ndjson"])
def test_json_has_flaws_as_a_list_of_records(folder: Path, kind: str) -> None:
    text = _run(folder, "--why", "-f", kind).stdout
    rows = (
        json.loads(text)["results"] if kind == "json" else list(map(json.loads, text.splitlines()))
    )
    assert list(rows[0]) == [*COLUMNS, "flaws", "whole", "full_size"]
    assert [row["flaws"] for row in rows] == [
        [],
        [{"name": "blurred", "strength": 0.8}, {"name": "motion", "strength": 0.4}],
        [{"name": "blurred", "strength": 0.5}],
    ]
    assert rows[0]["whole"] is rows[0]["full_size"] is None
    assert 0.2 < rows[2]["full_size"] < 0.3 and rows[2]["whole"] > rows[2]["score"]


def test_a_table_has_a_column_of_flaws(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    header, *rows = _run(folder, "--why", "-f", "table").stdout.splitlines()[:4]
    assert header.split() == ["score", "low", "high", "native", "width", "height", "path", "flaws"]
    shown = [row[header.index("flaws") :].strip() for row in rows]
    assert shown == ["–", "blurred 0.8; motion 0.4", "blurred 0.5"]


def test_parquet_has_flaws_as_a_list_of_structs(folder: Path, tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    assert _run(folder, "--why", "-o", tmp_path / "a.parquet").exit_code == 0
    ndjson = _run(folder, "--why", "-f", "ndjson").stdout.splitlines()
    assert pq.read_table(tmp_path / "a.parquet").to_pylist() == list(map(json.loads, ndjson))


@pytest.mark.parametrize("suffix", ["csv", "ndjson"])
def test_rows_with_why_are_added_to_rows_with_why_only(
    folder: Path, tmp_path: Path, suffix: str
) -> None:
    plain, why = tmp_path / f"plain.{suffix}", tmp_path / f"why.{suffix}"
    one = folder / "clean.png"
    assert _run(one, "-o", plain).exit_code == _run(one, "--why", "-o", why).exit_code == 0
    refused = _run(folder, "--append", "-o", why)
    assert refused.exit_code == 2
    assert f"{why} was written with --why: add it, or name another file" in refused.stderr
    refused = _run(folder, "--append", "--why", "-o", plain)
    assert f"{plain} was written without --why: leave it out" in refused.stderr
    assert _run(folder, "--append", "--why", "-o", why).exit_code == 0
    assert _run(folder, "--append", "-o", plain).exit_code == 0
    assert why.read_text().splitlines() != plain.read_text().splitlines()
    _run(folder, "--why", "-o", tmp_path / f"whole.{suffix}")
    assert why.read_bytes() == (tmp_path / f"whole.{suffix}").read_bytes()


@pytest.mark.parametrize("suffix", ["csv", "ndjson"])
def test_a_row_with_why_is_replaced_once_its_photo_is_whole_or_another(
    folder: Path, tmp_path: Path, suffix: str
) -> None:
    output, whole = tmp_path / f"why.{suffix}", tmp_path / f"whole.{suffix}"
    content = (folder / "flawed.png").read_bytes()
    (folder / "flawed.png").write_bytes(b"half a")
    assert _run(folder, "--why", "--append", "-o", output).exit_code == 3
    (folder / "flawed.png").write_bytes(content)
    Image.new("RGB", (9, 9), (51, 0, 102)).save(folder / "clean.png")
    again = _run(folder, "--why", "--append", "-o", output)
    assert again.exit_code == 0 and "2 rows are replaced" in again.stderr
    assert _run(folder, "--why", "-o", whole).exit_code == 0
    assert sorted(output.read_text().splitlines()) == sorted(whole.read_text().splitlines())


def test_a_model_that_names_no_flaws_says_which_does(
    folder: Path, model: list[LoadedModel], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "names no flaws" not in _run(folder, "--why").stderr
    model.append(brightness_model())
    silent = {name: spec for name, spec in MODELS.items() if not spec.tells_flaws}
    for others, told in [
        ({}, "weights of one's own that were trained with flaws=true do"),
        ({"flawed": flawed_model().spec}, "-m flawed does"),
    ]:
        monkeypatch.setattr("biqa_cli.models.catalog.MODELS", silent | others)
        result = _run(folder, "--why")
        assert f"biqa: brightness names no flaws: {told}\n" in result.stderr
        assert [row["flaws"] for row in _rows(result)] == ["", "", ""]
    (row, *_) = map(json.loads, _run(folder, "--why", "-f", "ndjson").stdout.splitlines())
    assert row["flaws"] is None


def test_verbose_says_what_full_size_leaves(folder: Path) -> None:
    row = json.loads(_run(folder / "hidden.png", "--why", "-f", "ndjson").stdout)
    told = f"{row['whole']:.1f} as a whole, full size leaves {100 * row['full_size']:.0f} %"
    # Of a photo that the store knows, too.
    assert f"hidden.png: {told}" in _run(folder / "hidden.png", "-v").stderr
    assert "as a whole" not in _run(folder / "hidden.png").stderr
