from pathlib import Path

import pytest

from biqa_cli.errors import UsageError
from biqa_cli.evaluation.foreign import read_predictions

PATHS = ["a/one.png", "b/one.png", "b/two.png"]


def _file(folder: Path, text: str) -> Path:
    path = folder / "tool.csv"
    path.write_text(text, encoding="utf-8")
    return path


def _scores(folder: Path, text: str, paths: list[str] = PATHS) -> list[float | None]:
    return [p.score for p in read_predictions(_file(folder, text), paths).predictions]


def test_rows_find_their_image_whatever_the_order(tmp_path: Path) -> None:
    text = "path,score\nb/two.png,3\na/one.png,1\nb/one.png,2\n"
    assert _scores(tmp_path, text) == [1, 2, 3]


@pytest.mark.parametrize("name", ["two.png", "/data/set/b/TWO.png", "b\\two.png", "b/two.png"])
def test_a_row_may_name_less_or_more_of_the_path(tmp_path: Path, name: str) -> None:
    assert _scores(tmp_path, f"image,prediction\n{name},3\n") == [None, None, 3]


@pytest.mark.parametrize(
    "text",
    ["a/one.png 1\nb/one.png 2\n", "1 a/one.png\n2 b/one.png\n", "1;a/one.png\n2;b/one.png\n"],
)
def test_a_table_without_a_header_has_its_two_columns_in_any_order(
    tmp_path: Path, text: str
) -> None:
    assert _scores(tmp_path, text) == [1, 2, None]


def test_values_without_names_are_in_the_order_of_the_labels(tmp_path: Path) -> None:
    found = read_predictions(_file(tmp_path, "  1.5\n2\nnan\n\n"), PATHS)
    assert [p.score for p in found.predictions] == [1.5, 2, None] and found.by_order
    for text, count in (("1\n2\n", 2), ("1\n2\n3\n4\n", 4)):
        with pytest.raises(UsageError, match=f"has {count} values without names, .* list 3 images"):
            read_predictions(_file(tmp_path, text), PATHS)
    with pytest.raises(UsageError, match="has values alone, and no column 'ssim'"):
        read_predictions(_file(tmp_path, "1\n2\n3\n"), PATHS, column="ssim")


def test_a_column_of_numbers_names_no_images_beside_one_of_names(tmp_path: Path) -> None:
    text = "name,image,ref_img,score\ntwo.png,1,r.png,3\n"
    assert _scores(tmp_path, text) == [None, None, 3]
    assert _scores(tmp_path, "image_id,score\n12,3\n", ["12.png"]) == [3]
    assert _scores(tmp_path, "ref_img,dist_img,score\none.png,two.png,3\n") == [None, None, 3]


def test_a_name_that_means_two_images_means_none(tmp_path: Path) -> None:
    found = read_predictions(_file(tmp_path, "path,score\none.png,1\ntwo.png,2\n"), PATHS)
    assert [p.score for p in found.predictions] == [None, None, 2]
    assert found.unmatched == 1


def test_the_csv_of_biqa_score_is_read_and_its_error_rows_have_no_score(tmp_path: Path) -> None:
    text = (
        "path,score,low,high,native_score,model,width,height,status,error,note\n"
        "x/b/two.png,58.6,50.1,70.2,0.586,m,1,1,ok,,preview\n"
        "a/one.png,,,,,m,,,error,no such file,\n"
    )
    found = read_predictions(_file(tmp_path, text), PATHS)
    assert [p.score for p in found.predictions] == [None, None, 58.6]
    assert "no number" in found.predictions[0].error
    assert found.predictions[1].error == "tool.csv has no row for it"


@pytest.mark.parametrize("value", ["nan", "inf", "good", ""])
def test_what_is_no_finite_number_is_no_score(tmp_path: Path, value: str) -> None:
    found = read_predictions(_file(tmp_path, f"path,score\nb/two.png,{value}\n"), PATHS)
    assert found.predictions[2].score is None
    assert repr(value) in found.predictions[2].error


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,mos\na,1\n", "has the columns file, mos: expected one of score, .*--column"),
        ("a,b,c\nx,1,2\n", "has the columns a, b, c: expected one of path, .*--delimiter"),
        ("", "is empty: expected a heading"),
        ("path,score\nb/two.png,1\ntwo.png,2\n", "more than one row for b/two.png"),
        ("path,score\nb/two.png,0,71\n", "has 3 cells in row 1 below 2 columns: put quotes"),
        ("path,score\n\x00\n", "names no image of the data set clearly: it has such names as"),
        ("path,score\n", "names no image of the data set clearly: it has no row below its heading"),
    ],
)
def test_a_file_that_is_no_such_table_is_refused(tmp_path: Path, text: str, message: str) -> None:
    file = _file(tmp_path, text)
    with pytest.raises(UsageError, match=message):
        read_predictions(file, PATHS)


def test_a_file_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot read the predictions .*No such file"):
        read_predictions(tmp_path / "none.csv", PATHS)
    (tmp_path / "latin.csv").write_bytes(b"path,score\n\xff,1\n")
    with pytest.raises(UsageError, match="not a table in UTF-8"):
        read_predictions(tmp_path / "latin.csv", PATHS)
    (tmp_path / "cut.json").write_text('[{"image_id": "a"', "utf-8")
    with pytest.raises(UsageError, match="not JSON in UTF-8"):
        read_predictions(tmp_path / "cut.json", PATHS)
    (tmp_path / "other.json").write_text("[1, 2]", "utf-8")
    with pytest.raises(UsageError, match="neither a list of objects nor"):
        read_predictions(tmp_path / "other.json", PATHS)


FILES = {
    "pyiqa.csv": "a/one.png,0.5\nb/two.png,-2e-1\n",
    "pyiqa.txt": "a/one.png\t0.5\nb/two.png\t-0.2\n",
    "idealo.json": """[
        {"image_id": "a/one", "mean_score_prediction": 0.5},
        {"image_id": "two", "mean_score_prediction": -0.2}]""",
    "by_name.json": '{"a/one.png": 0.5, "two.png": -0.2}',
    "biqa.json": """{"run": {}, "results": [
        {"path": "a/one.png", "score": 0.5},
        {"path": "b/two.png", "score": -0.2},
        {"path": "b/one.png", "score": null}]}""",
    "biqa.ndjson": """{"path": "a/one.png", "score": 0.5}
        {"path": "two.png", "score": -0.2}""",
    "metric.csv": "filename,musiq\na/one.png,0.5\ntwo.png,-0.2\n",
    "semicolons.csv": "path;score\na/one.png;0,5\ntwo.png;-0,2\n",
    "bom.csv": "\ufeffpath,score\na/one.png,0.5\ntwo.png,-0.2\n",
    "crlf.csv": "path,score\r\na/one.png,0.5\r\n\r\ntwo.png,-0.2\r\n",
}


@pytest.mark.parametrize("name", FILES)
def test_what_the_tools_of_the_field_write_is_read(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(FILES[name].encode())
    found = read_predictions(tmp_path / name, PATHS)
    assert [p.score for p in found.predictions] == [0.5, None, -0.2]
    assert found.unmatched == 0


def test_a_column_and_a_delimiter_can_be_named(tmp_path: Path) -> None:
    file = _file(tmp_path, "path|brisque|NIQE\na/one.png|30|0,4\n")
    found = read_predictions(file, PATHS, column="niqe", delimiter="|").predictions
    assert found[0].score == 0.4
    with pytest.raises(UsageError, match="has no column 'musiq' .*: it has the columns path, br"):
        read_predictions(file, PATHS, column="musiq", delimiter="|")
    with pytest.raises(UsageError, match="is one character, or `tab`, not ', '"):
        read_predictions(file, PATHS, delimiter=", ")
    tabs = _file(tmp_path, "path\tscore\na/one;1.png\t3\n")
    assert read_predictions(tabs, ["a/one;1.png"], delimiter="tab").predictions[0].score == 3


def test_a_name_without_its_suffix_means_the_image_of_that_name_if_there_is_one(
    tmp_path: Path,
) -> None:
    text = "path,score\nb/two,3\n"
    assert _scores(tmp_path, text) == [None, None, 3]
    several = ["b/two.png", "b/two.jpg", "c.png"]
    assert _scores(tmp_path, f"{text}c.png,1\n", several) == [None, None, 1]
    assert _scores(tmp_path, text, ["b/two", "b/two.jpg"]) == [3, None]


def test_the_scores_are_the_only_column_beside_the_names_in_either_order(tmp_path: Path) -> None:
    assert _scores(tmp_path, "musiq,filename\n3,b/two.png\n") == [None, None, 3]
    for columns in ("musiq,niqe,filename", "mos,filename"):
        with pytest.raises(UsageError, match=f"has the columns {columns.replace(',', ', ')}: "):
            _scores(tmp_path, f"{columns}\n")


def test_the_row_that_has_too_many_cells_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has 3 cells in row 2 below 2 columns"):
        _scores(tmp_path, "path,score\na/one.png,1\nb/two.png,0,71\n")
