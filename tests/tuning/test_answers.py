"""Answers are on disk as they come, and a session goes on where it was."""

from pathlib import Path

import pytest

from biqa_cli.errors import OutputError, UsageError
from biqa_cli.tuning import answers
from biqa_cli.tuning.answers import CHOICES, RATINGS, Answers, folder_of
from biqa_cli.tuning.session import BACK, SKIP, Session


def test_each_answer_is_on_disk_at_once_and_can_be_taken_back(tmp_path: Path) -> None:
    table = tmp_path / "ratings.csv"
    photos = [("a.jpg",), ("b, c.jpg",), ("d.jpg",)]
    session = Session(photos, Answers(table, RATINGS), ("1", "2", "3"))
    session.give("3")
    assert table.read_text() == "path,mos\na.jpg,3\n"
    session.give("1")
    assert table.read_text() == 'path,mos\na.jpg,3\n"b, c.jpg",1\n'
    session.give(BACK)
    session.give(SKIP)
    assert table.read_text() == "path,mos\na.jpg,3\n" and session.question == ("d.jpg",)
    session.give(BACK)
    session.give(BACK)
    assert table.read_text() == "path,mos\n" and session.place == 0
    with pytest.raises(UsageError, match="there is nothing to take back"):
        session.give(BACK)
    with pytest.raises(UsageError, match="'4' is no answer: give 1 to 3, skip or back"):
        session.give("4")


def test_an_answer_that_cannot_be_written_was_not_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session([("a.jpg",)], Answers(tmp_path / "r.csv", RATINGS), ("1", "2"))

    def full(*_: object) -> None:
        raise OutputError("cannot write r.csv: No space left on device")

    monkeypatch.setattr(answers, "write_whole", full)
    with pytest.raises(OutputError, match="No space left"):
        session.give("2")
    assert (session.done, session.place) == (0, 0)


def test_a_table_is_not_gone_on_with_on_another_scale_or_where_nothing_can_be_written(
    tmp_path: Path,
) -> None:
    table = tmp_path / "ratings.csv"
    table.write_text("path,mos\na.jpg,3\n")
    assert Answers(table, RATINGS, allowed=("1", "2", "3")).rows == [("a.jpg", "3")]
    with pytest.raises(UsageError, match="has a rating of '3', which --scale does not"):
        Answers(table, RATINGS, allowed=("1", "2"))
    with pytest.raises(UsageError, match="cannot write "):
        Answers(table / "x" / "r.csv", RATINGS)
    Answers(tmp_path / "new.csv", RATINGS)
    assert [path.name for path in tmp_path.iterdir()] == ["ratings.csv"]


def test_a_choice_is_a_row_with_the_better_photo_first(tmp_path: Path) -> None:
    table = tmp_path / "choices.csv"
    session = Session([("a", "b"), ("c", "d")], Answers(table, CHOICES), ("1", "2"))
    session.give("1")
    session.give("2")
    assert table.read_text() == "better,worse\na,b\nd,c\n" and session.question is None
    again = Answers(table, CHOICES)
    assert again.asked() == {("a", "b"), ("c", "d")}
    with pytest.raises(UsageError, match="has the columns better, worse, expected path, mos"):
        Answers(table, RATINGS)


def test_names_are_relative_to_the_table_or_to_the_folder_of_all_photos(tmp_path: Path) -> None:
    photos = [str(tmp_path / "in" / "a" / "1.jpg"), str(tmp_path / "in" / "b" / "2.jpg")]
    assert folder_of(photos, output=tmp_path / "x.csv") == tmp_path
    assert folder_of(photos, output=tmp_path / "else" / "x.csv") == tmp_path / "in"
