from typing import Any

from biqa_cli.evaluation.group_tables import group_tables, number


def _record(model: str, *groups: tuple[str, int, float | None], split: str = "all") -> Any:
    return {
        "model": model,
        "split": split,
        "groups": [
            {"by": "type", "name": name, "n": n, "srcc": srcc, "plcc": 0.5}
            for name, n, srcc in groups
        ],
    }


def test_a_number_has_four_decimals_and_what_is_not_defined_a_dash() -> None:
    assert (number(0.98765), number(-1.0), number(None)) == ("0.9877", "-1.0000", "–")


def test_without_groups_there_is_no_table() -> None:
    assert group_tables([_record("a"), _record("b")]) == []


def test_of_one_tool_each_group_has_a_row_with_both_correlations() -> None:
    table = (
        ("model", "by", "group", "n", "srcc", "plcc"),
        [("a", "type", "blur", "9", "0.8000", "0.5000"), ("a", "type", "jpeg", "7", "–", "0.5000")],
    )
    one = _record("a", ("blur", 9, 0.8), ("jpeg", 7, None))
    assert group_tables([one]) == [table]
    # One tool on two parts has the rows of both.
    (twice,) = group_tables([one, one])
    assert twice[1] == [*table[1], *table[1]]


def test_several_tools_stand_side_by_side_where_some_lack_a_group() -> None:
    records = [_record("a", ("blur", 9, 0.8)), _record("b", ("blur", 8, 0.7), ("jpeg", 7, 0.6))]
    assert group_tables(records) == [
        (
            ("SRCC", "n", "a", "b"),
            [("type blur", "9", "0.8000", "0.7000"), ("type jpeg", "7", "–", "0.6000")],
        )
    ]


def test_tools_that_do_not_fit_into_80_columns_go_into_further_tables() -> None:
    # 9 columns of the groups, 1 of their size, 2 beside each; then 20 and 2 for each tool.
    names = [f"{letter * 20}" for letter in "abcd"]
    records = [_record(name, ("blur", 9, 0.8)) for name in names]
    tables = group_tables(records)
    assert [table[0][2:] for table in tables] == [tuple(names[:3]), tuple(names[3:])]
    # As wide as its number, whatever its name.
    short = group_tables([_record(str(n), ("blur", 9, 0.8)) for n in range(8)])
    assert [len(table[0]) - 2 for table in short] == [7, 1]
    # A name that fills a table by itself has one.
    wide = group_tables([_record(letter * 100, ("blur", 9, 0.8)) for letter in "ab"])
    assert [len(table[0]) - 2 for table in wide] == [1, 1]
