import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook
from openpyxl.cell.rich_text import CellRichText

from biqa_cli.datasets import spreadsheet
from biqa_cli.datasets.spreadsheet import sheet_rows
from biqa_cli.errors import UsageError

_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def test_every_kind_of_cell_becomes_text(tmp_path: Path) -> None:
    book = Workbook()
    page = book.active
    page["A2"], page["B2"], page["D2"] = "plain", CellRichText("ri", "ch"), " kept "
    page["A3"], page["B3"], page["AA3"] = 1600, 3.34364303351907, "#REF!"
    page["A5"] = "=1/0"
    book.save(tmp_path / "b.xlsx")
    # The formula was never computed, so no value was saved with it.
    assert sheet_rows(tmp_path / "b.xlsx") == [
        (2, ["plain", "rich", "", " kept "]),
        (3, ["1600", "3.34364303351907", *[""] * 24, "#REF!"]),
    ]


def test_a_sheet_is_chosen_by_name(tmp_path: Path, write_workbook: Callable[..., None]) -> None:
    path = tmp_path / "b.xlsx"
    write_workbook(path, {"One": [[1]], "Two & more": [[2, None, "x"]]})
    assert sheet_rows(path) == [(1, ["1"])]
    assert sheet_rows(path, sheet="two & MORE") == [(1, ["2", "", "x"])]
    with pytest.raises(UsageError, match="has no sheet 'Three': it has One, Two & more"):
        sheet_rows(path, sheet="Three")


def test_a_sheet_of_one_far_cell_is_not_filled_up(tmp_path: Path) -> None:
    book = Workbook()
    book.active["A1"], book.active["XFD1048576"] = "MOS", 3
    book.save(tmp_path / "b.xlsx")
    (first, last) = sheet_rows(tmp_path / "b.xlsx")
    assert first == (1, ["MOS"])
    assert (last[0], len(last[1]), last[1][-1]) == (1_048_576, 16_384, "3")


def _replace(path: Path, part: str, content: str) -> None:
    """Write one part of a workbook anew."""
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    with zipfile.ZipFile(path, "w") as book:
        for name, old in parts.items():
            book.writestr(name, content if name == part else old)


def test_a_bomb_of_entities_is_refused(tmp_path: Path, write_workbook: Callable[..., None]) -> None:
    path = tmp_path / "b.xlsx"
    write_workbook(path, {"S": [[1]]})
    entities = '<!ENTITY e0 "aaaaaaaaaa">' + "".join(
        f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12)
    )
    _replace(
        path,
        "xl/worksheets/sheet1.xml",
        f'<?xml version="1.0"?><!DOCTYPE x [{entities}]><worksheet {_MAIN}><sheetData><row>'
        '<c t="str"><v>&e11;</v></c></row></sheetData></worksheet>',
    )
    with pytest.raises(UsageError, match="as an Excel workbook .*amplification"):
        sheet_rows(path)


def test_a_bomb_of_compression_is_refused(
    tmp_path: Path, write_workbook: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spreadsheet, "_LARGEST", 1000)
    write_workbook(tmp_path / "b.xlsx", {"S": [[1]]})
    with pytest.raises(UsageError, match="unpacks to [0-9]+ bytes"):
        sheet_rows(tmp_path / "b.xlsx")


@pytest.mark.parametrize(
    "sheet",
    [
        "<row>",
        f'<worksheet {_MAIN}><sheetData><row><c t="s"><v>99</v></c></row></sheetData></worksheet>',
    ],
    ids=["cut", "a string that is not there"],
)
def test_a_broken_sheet_is_told(
    sheet: str, tmp_path: Path, write_workbook: Callable[..., None]
) -> None:
    path = tmp_path / "b.xlsx"
    write_workbook(path, {"S": [[1]]})
    _replace(path, "xl/worksheets/sheet1.xml", sheet)
    with pytest.raises(UsageError, match="as an Excel workbook"):
        sheet_rows(path)


def test_a_file_that_is_no_workbook_is_told(tmp_path: Path) -> None:
    path = tmp_path / "b.xlsx"
    with pytest.raises(UsageError, match="as an Excel workbook .*No such file"):
        sheet_rows(path)
    path.write_bytes(b"image,dmos\n")
    with pytest.raises(UsageError, match="as an Excel workbook .*not a zip file"):
        sheet_rows(path)
    with zipfile.ZipFile(path, "w") as book:
        book.writestr("other", "")
    with pytest.raises(UsageError, match="as an Excel workbook .*Content_Types"):
        sheet_rows(path)


@given(flips=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=4))
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
        rows = sheet_rows(path)
    except UsageError as error:
        assert "as an Excel workbook" in str(error)
    else:
        assert all(isinstance(cell, str) for _, cells in rows for cell in cells)
