from dataclasses import replace
from pathlib import Path

import pytest
from sidecars import keywords, value

from biqa_cli.culling.actions import Action, How, MakeFolder, Transfer, WriteSidecar
from biqa_cli.culling.decisions import decide
from biqa_cli.culling.plan import Wishes, plan
from biqa_cli.culling.records import CullRow, Shot
from biqa_cli.culling.xmp import XMP
from biqa_cli.errors import UsageError
from biqa_cli.results import Flaw, ImageResult

RATING = f"{{{XMP}}}Rating"


def _rows(*paths: Path, flaws: tuple[Flaw, ...] | None = None) -> list[CullRow]:
    """Return rows of photos that are each the pick of a moment."""
    shots = [
        Shot(ImageResult(str(path), 50.0, None, None, None, "m", 8, 8, "ok"), group, flaws=flaws)
        for group, path in enumerate(paths)
    ]
    return decide(shots)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "a.jpg"
    path.parent.mkdir()
    path.write_bytes(b"a photo")
    return path


def _targets(actions: list[Action]) -> list[str]:
    return [str(action.target) for action in actions if isinstance(action, Transfer)]


def test_flaws_that_a_model_names_become_keywords(photo: Path) -> None:
    flaws = (Flaw("motion blur", 0.8), Flaw("noise", 0.3))
    planned = plan(_rows(photo, flaws=flaws), Wishes(xmp=True))
    first, second = planned.actions
    assert isinstance(first, WriteSidecar) and isinstance(second, WriteSidecar)
    assert [first.path.name, second.path.name] == ["a.xmp", "a.jpg.xmp"]
    assert keywords(first.new) == ["flaw: motion blur", "flaw: noise"]
    assert value(first.new, RATING) == "3" and first.new == second.new


def test_a_photo_that_is_gone_meanwhile_is_told_and_others_are_planned(
    photo: Path, tmp_path: Path
) -> None:
    gone = photo.with_name("gone.jpg")
    planned = plan(_rows(gone, photo), Wishes(How.move, picks=tmp_path / "p", xmp=True))
    assert planned.problems == [f"{gone} is not there any more: nothing is done with it"]
    assert str(tmp_path / "p" / "a.jpg") in _targets(planned.actions)


def test_sidecars_that_are_written_go_along(photo: Path, tmp_path: Path) -> None:
    planned = plan(_rows(photo), Wishes(How.move, picks=tmp_path / "p", xmp=True))
    names = [Path(target).name for target in _targets(planned.actions)]
    assert sorted(names) == ["a.jpg", "a.jpg.xmp", "a.xmp"]


def test_folders_are_made_once_with_those_above_them(photo: Path, tmp_path: Path) -> None:
    other = photo.with_name("b.jpg")
    other.write_bytes(b"another")
    planned = plan(_rows(photo, other), Wishes(How.copy, picks=tmp_path / "x" / "y"))
    made = [action.path for action in planned.actions if isinstance(action, MakeFolder)]
    assert made == [tmp_path / "x", tmp_path / "x" / "y"]


def test_photos_of_one_name_get_names_of_their_own(photo: Path, tmp_path: Path) -> None:
    twin = tmp_path / "other" / "A.JPG"
    twin.parent.mkdir()
    twin.write_bytes(b"another")
    planned = plan(_rows(photo, twin), Wishes(How.copy, picks=tmp_path / "p"))
    # Some disks do not tell a.jpg from A.JPG.
    assert [Path(target).name for target in _targets(planned.actions)] == ["a.jpg", "A-2.JPG"]


def test_a_photo_that_lies_there_already_stays(photo: Path) -> None:
    assert plan(_rows(photo), Wishes(How.move, picks=photo.parent)).actions == []


def test_a_link_is_not_moved_and_told(photo: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked.jpg"
    linked.symlink_to(photo)
    planned = plan(_rows(linked), Wishes(How.move, picks=tmp_path / "p"))
    (problem,) = planned.problems
    assert "linked.jpg is a link" in problem and planned.actions == []
    copied = plan(_rows(linked), Wishes(How.copy, picks=tmp_path / "p"))
    assert _targets(copied.actions) == [str(tmp_path / "p" / "linked.jpg")]


def test_rows_without_a_score_and_companions_are_not_planned(photo: Path) -> None:
    (row,) = _rows(photo)
    raw = replace(row, path=str(photo.with_suffix(".cr2")))
    unscored = replace(row, score=None)
    assert plan([raw, unscored], Wishes(xmp=True)).actions == []


def test_nothing_gets_anywhere_without_a_way(photo: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--copy, --move or --link"):
        plan(_rows(photo), Wishes(picks=tmp_path / "p"))
