"""`--report` of `biqa score`, and the maps that a report may have."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from fakes import brightness_model, grey_png
from page_photos import data_of
from PIL import Image
from rated_photos import rated_greys
from typer.testing import CliRunner, Result

from biqa_cli.cli import app
from biqa_cli.cli._page_of_cull import maps_of_picks
from biqa_cli.datasets.base import LabelScale, RatedImage
from biqa_cli.evaluation.page import photos_of
from biqa_cli.evaluation.predictions import Prediction
from biqa_cli.evaluation.run import Evaluated
from biqa_cli.evaluation.tools import Tool
from biqa_cli.images.limits import DEFAULT_LIMITS
from biqa_cli.reports.page.records import PagePhoto

pytestmark = pytest.mark.usefixtures("brightness")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    photos = tmp_path / "photos"
    photos.mkdir()
    for name, value in {"a": 51, "b": 204, "c": 102}.items():
        grey_png(photos / f"{name}.png", value)
    (photos / "d.png").write_bytes(b"no photo")
    return photos


def _score(*arguments: object, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(app, ["score", *map(str, arguments)], input=stdin)


def test_a_report_has_every_photo_with_its_score_or_its_error(folder: Path) -> None:
    page = folder.parent / "A day out.html"
    result = _score(folder, "--report", page, "--fail-under", 30)
    assert result.exit_code == 1
    assert f"wrote {page}" in result.stderr.replace("\n", "")
    assert len(result.stdout.splitlines()) == 5
    text = page.read_text(encoding="utf-8")
    assert "<h1>A day out</h1>" in text and "on cpu" in text
    data = data_of(text)
    assert (data["model"], data["threshold"]) == ("brightness", 30)
    assert [facts.get("score") for facts in data["photos"]] == [20.0, 80.0, 40.0, None]
    assert [facts.get("photo") for facts in data["photos"]] == [
        "./photos/a.png",
        "./photos/b.png",
        "./photos/c.png",
        None,
    ]
    assert "not an image in a known format" in data["photos"][3]["error"]


def test_a_report_shows_what_the_table_shows(folder: Path) -> None:
    page = folder.parent / "out.html"
    _score(folder, "--report", page, "--top", 2)
    data = data_of(page.read_text(encoding="utf-8"))
    assert [facts["score"] for facts in data["photos"]] == [80.0, 40.0]


def test_a_picture_on_stdin_is_in_the_report_without_a_picture(folder: Path) -> None:
    page = folder.parent / "out.html"
    result = _score("-", "--report", page, stdin=(folder / "b.png").read_bytes())
    assert result.exit_code == 0
    (facts,) = data_of(page.read_text(encoding="utf-8"))["photos"]
    assert facts["path"] == "-" and facts["score"] == 80.0 and "photo" not in facts


def test_a_wrong_name_is_refused_before_anything_is_scored(folder: Path) -> None:
    result = _score(folder, "--report", folder.parent / "out.csv")
    assert result.exit_code == 2 and result.stdout == ""
    assert "does not end in .html" in result.stderr


def test_a_photo_is_never_overwritten_by_the_report(folder: Path) -> None:
    photo = folder / "e.html"
    (folder / "a.png").rename(photo)
    result = _score(photo, "--report", photo)
    assert result.exit_code == 2 and "is a file that is read" in result.stderr
    with Image.open(photo) as untouched:
        assert untouched.size == (8, 8)


def test_only_picks_have_maps_and_one_that_fails_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("RGB", (300, 200), (90, 90, 90)).save(folder / "a.png")
    failed: list[str] = []
    draw = maps_of_picks(brightness_model(), limits=DEFAULT_LIMITS, failed=failed)
    picture = draw(PagePhoto(str(folder / "a.png"), 35.0, decision="pick"))
    # No legend: the map lies over the photo.
    assert picture is not None and picture.width * 200 == picture.height * 300
    assert draw(PagePhoto(str(folder / "a.png"), 35.0, decision="keep")) is None
    assert failed == []
    assert draw(PagePhoto(str(folder / "d.png"), 35.0, decision="pick")) is None
    assert failed == [str(folder / "d.png")]
    assert "not an image in a known format" in capsys.readouterr().err


LABELS = {0: 1.0, 60: 2.0, 120: 3.0, 180: 4.5, 240: 4.0}


def _evaluate(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


def test_an_evaluation_has_a_page_with_labels_on_the_scale_of_the_scores(tmp_path: Path) -> None:
    labels, page = rated_greys(tmp_path, LABELS), tmp_path / "out.html"
    result = _evaluate(
        "--dataset", f"csv:{labels}", "--label-range", "1:5", "--resamples", 20, "--report", page
    )
    assert result.exit_code == 0, result.stderr
    text = page.read_text(encoding="utf-8")
    photos = {facts["path"]: facts for facts in data_of(text)["photos"]}
    first = photos[str(labels.parent / "60.png")]
    assert (first["score"], first["label"]) == (pytest.approx(60 / 2.55, abs=0.01), 25.0)
    assert "<caption>brightness on " in text and '<th scope="col">srcc</th>' in text
    assert "<td>0.900 [" in text


def test_labels_of_which_a_higher_one_is_worse_are_turned_around() -> None:
    scale = LabelScale(0.0, 10.0, higher_is_better=False, meaning="DMOS")
    image = RatedImage("a.jpg", mos=2.0)
    tool = Tool("m", percent=True, predict=iter)
    part = SimpleNamespace(part=SimpleNamespace(indices=(0,)))
    evaluated = Evaluated(tool, {0: Prediction("a.jpg", 70.0)}, (part,))  # type: ignore[arg-type]
    dataset = SimpleNamespace(images=[image], scale=scale, root=Path("photos"))
    (photo,) = photos_of(evaluated, dataset)  # type: ignore[arg-type]
    assert photo == PagePhoto(str(Path("photos") / "a.jpg"), 70.0, label=80.0)


def test_a_page_of_an_evaluation_needs_one_model_and_ends_of_the_labels(tmp_path: Path) -> None:
    labels, page = rated_greys(tmp_path, LABELS), tmp_path / "out.html"
    common = ("--dataset", f"csv:{labels}", "--report", page)
    without = _evaluate(*common)
    assert without.exit_code == 2 and "give its ends with --label-range" in without.stderr
    tool = tmp_path / "tool.csv"
    tool.write_text("path,score\n0.png,1\n", encoding="utf-8")
    foreign = _evaluate(*common, "--predictions", tool)
    assert foreign.exit_code == 2 and "the photos of one model" in foreign.stderr
