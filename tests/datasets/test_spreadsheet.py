import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from biqa_cli.datasets import spreadsheet
from biqa_cli.datasets.spreadsheet import sheet_rows
from biqa_cli.errors import UsageError

BOOK = '<workbook xmlns:r="r"><sheets><sheet name="S" r:id="i"/></sheets></workbook>'
RELATIONS = '<Relationships><Relationship Id="i" Target="/xl/one.xml"/></Relationships>'


def _write(path: Path, rows: str, **parts: str) -> Path:
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("xl/workbook.xml", parts.get("book", BOOK))
        book.writestr("xl/_rels/workbook.xml.rels", RELATIONS)
        book.writestr("xl/one.xml", f"<worksheet><sheetData>{rows}</sheetData></worksheet>")
        if "strings" in parts:
            book.writestr("xl/sharedStrings.xml", parts["strings"])
    return path


def test_every_kind_of_cell_becomes_text(tmp_path: Path) -> None:
    strings = (
        "<sst><si><t>plain</t></si><si><r><t>ri</t></r><r><t>ch</t></r><rPh><t>x</t></rPh></si>"
        '<si><t xml:space="preserve"> kept </t></si></sst>'
    )
    rows = (
        '<row r="2"><c r="A2" t="s"><v>0</v></c><c r="B2" t="s"><v>1</v></c>'
        '<c r="D2" t="s"><v>2</v></c><c r="AA2"><v>0.25</v></c></row>'
        '<row><c t="inlineStr"><is><t>inline</t></is></c><c t="str"><f>A1</f><v>formula</v></c>'
        '<c t="e"><v>#REF!</v></c><c t="b"><v>1</v></c><c/></row>'
    )
    assert list(sheet_rows(_write(tmp_path / "b.xlsx", rows, strings=strings))) == [
        (2, ["plain", "rich", "", " kept ", *[""] * 22, "0.25"]),
        (3, ["inline", "formula", "#REF!", "1", ""]),
    ]


def test_a_sheet_is_chosen_by_name(tmp_path: Path, write_workbook: Callable[..., None]) -> None:
    path = tmp_path / "b.xlsx"
    write_workbook(path, {"One": [[1]], "Two & more": [[2, None, "x"]]})
    assert list(sheet_rows(path)) == [(1, ["1"])]
    assert list(sheet_rows(path, sheet="two & MORE")) == [(1, ["2", "", "x"])]
    with pytest.raises(UsageError, match="has no sheet 'Three': it has One, Two & more"):
        list(sheet_rows(path, sheet="Three"))


def test_a_bomb_of_entities_is_refused(tmp_path: Path) -> None:
    bomb = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">]>' + BOOK
    with pytest.raises(UsageError, match="declares a DOCTYPE"):
        list(sheet_rows(_write(tmp_path / "b.xlsx", "", book=bomb)))
    utf16 = bomb.replace('"1.0"', '"1.0" encoding="UTF-16"')
    path = tmp_path / "u.xlsx"
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("xl/workbook.xml", utf16.encode("utf-16"))
    with pytest.raises(UsageError, match="declares a DOCTYPE"):
        list(sheet_rows(path))


def test_a_bomb_of_compression_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spreadsheet, "_LARGEST", 1000)
    path = _write(tmp_path / "b.xlsx", "<row/>" * 1000)
    with pytest.raises(UsageError, match="unpacks to 60.. bytes"):
        list(sheet_rows(path))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ('<row><c r="XFE1"><v>1</v></c></row>', "outside any sheet"),
        ('<row><c r="1"><v>1</v></c></row>', "outside any sheet"),
        ('<row><c t="s"><v>0</v></c></row>', "out of range"),
        ("<row>", "mismatched tag"),
    ],
)
def test_a_broken_sheet_is_told(rows: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"as an Excel workbook .*{message}"):
        list(sheet_rows(_write(tmp_path / "b.xlsx", rows)))


def test_a_file_that_is_no_workbook_is_told(tmp_path: Path) -> None:
    path = tmp_path / "b.xlsx"
    with pytest.raises(UsageError, match="as an Excel workbook"):
        list(sheet_rows(path))
    path.write_bytes(b"image,dmos\n")
    with pytest.raises(UsageError, match="as an Excel workbook .*not a zip file"):
        list(sheet_rows(path))
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("other", "")
    with pytest.raises(UsageError, match="as an Excel workbook .*xl/workbook.xml"):
        list(sheet_rows(path))


@given(flips=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=4))
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_is_read_or_told_and_never_crashes(
    flips: list[tuple[int, int]], tmp_path: Path, write_workbook: Callable[..., None]
) -> None:
    path = tmp_path / "b.xlsx"
    write_workbook(path, {"S": [["name", "MOS"], ["a.jpg", 1.5], ["b.jpg", 2.5]]})
    content = bytearray(path.read_bytes())
    for place, value in flips:
        content[place % len(content)] = value
    path.write_bytes(content)
    try:
        rows = list(sheet_rows(path))
    except UsageError as error:
        assert "as an Excel workbook" in str(error)
    else:
        assert all(isinstance(cell, str) for _, cells in rows for cell in cells)
