import pytest

from biqa_cli.evaluation.text_tables import markdown, plain

COLUMNS = ("model", "srcc", "plcc")
ROWS = [("a-long-name", "0.8734 [0.860, 0.886]", "0.8801 [0.867, 0.891]"), ("b", "–", "–")]


def test_a_table_is_as_wide_as_its_cells_where_there_is_room() -> None:
    assert plain(COLUMNS, ROWS, width=None).splitlines() == [
        "model        srcc                   plcc",
        "a-long-name  0.8734 [0.860, 0.886]  0.8801 [0.867, 0.891]",
        "b            –                      –",
    ]
    assert plain(COLUMNS, ROWS, width=57) == plain(COLUMNS, ROWS, width=None)


def test_a_narrow_table_folds_before_an_interval_and_then_within() -> None:
    assert plain(COLUMNS, ROWS[:1], width=43).splitlines()[1:] == [
        "a-long-name  0.8734          0.8801",
        "             [0.860, 0.886]  [0.867, 0.891]",
    ]
    narrow = plain(COLUMNS, ROWS[:1], width=30).splitlines()
    assert narrow[1].split() == ["a-long-name", "0.8734", "0.8801"]
    assert max(map(len, narrow)) <= 30


@pytest.mark.parametrize("width", [1, 20, 60])
def test_no_word_is_broken_or_lost(width: int) -> None:
    words = plain(COLUMNS, ROWS, width=width).split()
    assert sorted(words) == sorted(
        " ".join(cell for row in (COLUMNS, *ROWS) for cell in row).split()
    )


def test_what_looks_like_markup_is_text() -> None:
    assert plain(("a",), [("[red]x[/red] :smile:",)], width=None).splitlines()[1] == (
        "[red]x[/red] :smile:"
    )


def test_markdown_escapes_bars() -> None:
    assert markdown(("a", "b"), [("x|y", "z")]) == "| a | b |\n| --- | --- |\n| x\\|y | z |"


def test_a_table_that_just_fits_is_not_folded() -> None:
    # Words of two letters beside a cell of five: 5 + 2 + 5 columns.
    rows = [("aa bb", "cc dd")]
    assert plain(("x", "y"), rows, width=12).splitlines()[1:] == ["aa bb  cc dd"]
    assert plain(("x", "y"), rows, width=11).splitlines()[1:] != ["aa bb  cc dd"]


def test_long_headers_fold_before_the_names_of_the_rows() -> None:
    names = ("all", "without contrastive", "without affinity", "without block tokens")
    rows = [(name, *"0" * 4) for name in names]
    lines = plain(("clive", *names), rows, width=80).splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.split("  ")[0] for line in lines[-4:]] == list(names)


@pytest.mark.parametrize("count", [2, 3, 5])
def test_cells_that_just_fit_keep_their_lists_together(count: int) -> None:
    # Words of two letters beside cells of six; two columns lie between each two cells.
    columns, rows = tuple("abcde"[:count]), [("aa, bb",) * count]
    whole = "  ".join(["aa, bb"] * count)
    assert plain(columns, rows, width=len(whole)).splitlines()[1:] == [whole]
    assert len(plain(columns, rows, width=len(whole) - 1).splitlines()) == 3
