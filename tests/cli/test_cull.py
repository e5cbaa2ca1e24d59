"""`biqa cull` with a model that can be checked by hand: the brightest of a moment is the best."""

import csv
import io
import itertools
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from fakes import brightness_model, photo
from flawed_model import flawed_model
from page_photos import data_of
from PIL import Image, ImageEnhance
from shoots import contents, make_shoot, tree, write_photo
from sidecars import LIGHTROOM, keywords, value
from typer.testing import CliRunner, Result

from biqa_cli import scoring
from biqa_cli.cli import app
from biqa_cli.culling import carrying_out, decisions, performing, taking_back
from biqa_cli.culling import plan as planning
from biqa_cli.culling.actions import Action
from biqa_cli.culling.records import COLUMNS
from biqa_cli.culling.xmp import XMP
from biqa_cli.errors import ImageError, UsageError
from biqa_cli.explain import local_scores
from biqa_cli.models import loading
from biqa_cli.models.rater import rater_of
from biqa_cli.store.known_scores import Store

RATING, LABEL = f"{{{XMP}}}Rating", f"{{{XMP}}}Label"


pytestmark = pytest.mark.usefixtures("brightness")


@pytest.fixture
def shoot(tmp_path: Path) -> Path:
    folder = tmp_path / "shoot"
    make_shoot(folder)
    return folder


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["cull", *map(str, arguments)])


def _load_nothing(*_: object, **__: object) -> None:
    pytest.fail("a model was loaded")


def _rows(result: Result) -> dict[str, dict[str, str]]:
    return {Path(r["path"]).name: r for r in csv.DictReader(io.StringIO(result.stdout))}


def _journal() -> Path:
    (journal,) = Path(os.environ["BIQA_JOURNALS"]).glob("*.jsonl")
    return journal


def test_without_apply_decisions_are_printed_and_nothing_is_touched(shoot: Path) -> None:
    before = tree(shoot)
    result = _run(shoot, "--rejects", shoot / "rejects", "--move", "--xmp")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.splitlines()[0] == ",".join(COLUMNS)
    rows = _rows(result)
    assert {name: (row["decision"], row["rank"]) for name, row in rows.items()} == {
        "0-0.JPG": ("pick", "1"),
        "0-1.JPG": ("reject", "2"),
        "0-1.DNG": ("reject", "2"),
        "0-2.JPG": ("reject", "3"),
        "1-0.JPG": ("pick", "1"),
        "1-1.JPG": ("reject", "2"),
        "1-2.JPG": ("reject", "3"),
        "2-0.JPG": ("pick", "1"),
        "2-1.JPG": ("reject", "2"),
        "2-2.JPG": ("reject", "3"),
    }
    assert rows["0-1.DNG"]["reason"] == "it goes with 0-1.JPG"
    assert "9 photos of 3 moments: 3 pick, 0 keep, 6 reject" in result.stderr
    assert "nothing is touched; --apply would write" in result.stderr
    assert tree(shoot) == before


def test_scores_are_those_of_biqa_score(shoot: Path) -> None:
    scored = CliRunner().invoke(app, ["score", str(shoot), "--exclude", "*.DNG"]).stdout
    wanted = {Path(r["path"]).name: r["score"] for r in csv.DictReader(io.StringIO(scored))}
    rows = _rows(_run(shoot))
    assert {name: rows[name]["score"] for name in wanted} == wanted


def test_json_and_tables_can_be_asked_for(shoot: Path, tmp_path: Path) -> None:
    assert _run(shoot, "-o", tmp_path / "cull.json", "-q").stderr == ""
    records = json.loads((tmp_path / "cull.json").read_text())
    assert [tuple(record) for record in records] == [COLUMNS] * 10
    first = _run(shoot, "-f", "table").stdout.splitlines()[0]
    assert first.split() == ["group", "rank", "score", "stars", "decision", "path", "reason"]


def test_rejects_move_with_their_raw_files_and_sidecars_and_come_back(shoot: Path) -> None:
    before, rejects = tree(shoot), shoot / "rejects"
    result = _run(shoot, "--rejects", rejects, "--move", "--xmp", "--mark-rejects", "--apply")
    assert result.exit_code == 0, result.stderr
    moved = {"0-1.JPG", "0-1.DNG", "0-1.DNG.pp3", "0-1.xmp", "0-1.DNG.xmp", "0-2.JPG", "1-1.JPG"}
    assert moved <= {path.name for path in rejects.iterdir()}
    assert not any((shoot / name).exists() for name in moved)
    assert value((rejects / "0-2.xmp").read_bytes(), RATING) == "-1"
    assert value((rejects / "0-1.xmp").read_bytes(), LABEL) == "Red"
    # darktable's has a star that a person gave.
    assert value((rejects / "0-1.DNG.xmp").read_bytes(), RATING) == "1"
    assert value((shoot / "1-0.xmp").read_bytes(), LABEL) == "Green"
    assert not (shoot / "1-0.JPG.xmp").exists() and (shoot / "0-0.JPG.xmp").exists()
    assert f"biqa cull --undo {_journal()} takes it back" in result.stderr.replace("`", "")
    undone = _run("--undo", _journal())
    assert undone.exit_code == 0 and "all is as it was" in undone.stderr
    assert tree(shoot) == before


@pytest.mark.parametrize("how", ["--copy", "--link"])
def test_picks_are_copied_or_linked_once(shoot: Path, tmp_path: Path, how: str) -> None:
    before, picks = tree(tmp_path), tmp_path / "a" / "picks"
    command = (shoot, "--picks", picks, how, "--apply")
    assert _run(*command).exit_code == 0
    assert sorted(path.name for path in picks.iterdir()) == [
        "0-0.JPG",
        "1-0.JPG",
        "1-0.xmp",
        "2-0.JPG",
    ]
    first = tree(tmp_path)
    assert {name: first[name] for name in before} == before
    again = _run(*command)
    assert "there is nothing to do" in again.stderr and tree(tmp_path) == first
    assert _run("--undo", _journal()).exit_code == 0
    assert tree(tmp_path) == before


def test_moved_picks_stay_the_picks_of_their_moments(shoot: Path) -> None:
    command = (shoot, "--picks", shoot / "picks", "--move", "--apply")
    assert _run(*command).exit_code == 0
    first = tree(shoot)
    again = _run(*command)
    assert tree(shoot) == first
    assert _rows(again)["0-0.JPG"]["reason"] == "it lies in the folder for picks"
    assert _rows(again)["0-1.JPG"]["decision"] == "reject"


def test_a_better_frame_than_a_moved_pick_is_kept_where_it_lies(shoot: Path) -> None:
    folders = ("--picks", shoot / "picks", "--rejects", shoot / "rejects")
    command = (shoot, *folders, "--move", "--apply")
    assert _run(*command).exit_code == 0
    brighter = ImageEnhance.Brightness(photo(96, 64, seed=0)).enhance(1.1)
    write_photo(shoot / "0-9.JPG", brighter, seconds=0.2)
    before = tree(shoot)
    again = _rows(_run(*command))
    assert (again["0-9.JPG"]["decision"], again["0-9.JPG"]["rank"]) == ("keep", "1")
    assert again["0-9.JPG"]["reason"] == "better than the pick of its moment"
    assert again["0-0.JPG"]["decision"] == "pick" and tree(shoot) == before


def test_a_name_that_is_taken_is_not_overwritten(shoot: Path) -> None:
    rejects = shoot / "rejects"
    rejects.mkdir()
    (rejects / "0-1.jpg").write_bytes(b"somebody else's")
    before = tree(shoot)
    assert _run(shoot, "--rejects", rejects, "--move", "--apply").exit_code == 0
    names = {path.name for path in rejects.iterdir()}
    # All files of the photo get the new name.
    assert {"0-1-2.JPG", "0-1-2.DNG", "0-1-2.DNG.xmp", "0-1-2.xmp", "0-1-2.DNG.pp3"} <= names
    assert (rejects / "0-1.jpg").read_bytes() == b"somebody else's"
    assert _run("--undo", _journal()).exit_code == 0
    assert tree(shoot) == before


def test_what_was_changed_since_is_not_undone_and_told(shoot: Path, tmp_path: Path) -> None:
    picks = tmp_path / "picks"
    assert _run(shoot, "--picks", picks, "--copy", "--xmp", "--apply").exit_code == 0
    (picks / "0-0.JPG").write_bytes(b"retouched")
    sidecar = shoot / "1-0.xmp"
    sidecar.write_bytes(sidecar.read_bytes().replace(b"wedding", b"party"))
    undone = _run("--undo", _journal())
    assert undone.exit_code == 3
    assert "0-0.JPG stays: it is not what" in undone.stderr
    assert "1-0.xmp has changed since" in undone.stderr
    assert (picks / "0-0.JPG").read_bytes() == b"retouched"
    # The copy of a sidecar that has changed is the only one of what it was.
    assert sorted(path.name for path in picks.iterdir()) == ["0-0.JPG", "1-0.xmp"]


def test_a_photo_that_cannot_be_scored_stays_where_it_is(shoot: Path) -> None:
    (shoot / "0-0.JPG").write_bytes(b"not a photo")
    result = _run(shoot, "--rejects", shoot / "r", "--move", "--xmp", "--apply")
    assert result.exit_code == 3
    row = _rows(result)["0-0.JPG"]
    assert (row["decision"], row["score"], row["rank"], row["stars"]) == ("keep", "", "", "")
    assert "not an image" in row["reason"]
    assert (shoot / "0-0.JPG").read_bytes() == b"not a photo" and not (shoot / "0-0.xmp").exists()


def test_a_damaged_sidecar_stays_and_is_told(shoot: Path) -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aa">]><x>&a;</x>'
    (shoot / "1-0.xmp").write_bytes(bomb)
    result = _run(shoot, "--xmp", "--apply")
    assert result.exit_code == 3
    assert "1-0.xmp stays as it is: it has a document type" in result.stderr
    assert (shoot / "1-0.xmp").read_bytes() == bomb
    assert value((shoot / "2-0.xmp").read_bytes(), LABEL) == "Green"


def test_sidecars_that_are_up_to_date_are_not_written_again(shoot: Path) -> None:
    assert _run(shoot, "--xmp", "--apply").exit_code == 0
    again = _run(shoot, "--xmp", "--apply")
    assert "there is nothing to do" in again.stderr
    # darktable's has a star.
    assert "what a person rated is kept in 1 sidecar\n" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "nothing to cull"),
        (("{}", "--picks", "p"), "say how photos get into --picks or --rejects"),
        (("{}", "--copy"), "--copy where to?"),
        (("{}", "--picks", "p", "--copy", "--move"), "exclude each other"),
        (("{}", "--mark-rejects"), "add --xmp"),
        (("{}", "--apply"), "nothing to apply"),
        (("{}", "--stars", "gold"), "--stars cannot be 'gold'"),
        (("{}", "-"), "standard input (-) cannot be read here"),
        (("{}", "--report-heatmaps"), "add --report FILE.html"),
        (("{}", "--journal", "j.jsonl"), "--journal is about what is applied: add --apply"),
        (("--undo", "j.jsonl", "{}"), "leave out the photos"),
        (("--undo", "j.jsonl", "--apply", "-j", "2"), "leave out --apply, --workers"),
        (
            ("--finish", "j.jsonl", "{}"),
            "--finish does what its journal says: leave out the photos",
        ),
        (("--finish", "{}/notes.txt"), "is not a journal of `biqa cull`"),
        (("{}", "--xmp", "--apply", "--journal", "{}/notes.txt"), "notes.txt is there already"),
        (("{}", "--picks", "{}/notes.txt/p", "--copy"), "notes.txt is not a folder"),
        (("{}", "--report", "{}/notes.txt/r.html"), "cannot write {}/notes.txt/r.html"),
        (("--undo", "no-such.jsonl"), "cannot read the journal no-such.jsonl"),
        (("--undo", "{}/notes.txt"), "is not a journal of `biqa cull`"),
        (("{}", "-o", "{}/0-0.JPG", "-f", "csv"), "is a file that is read"),
        (("{}", "--rejects", "{}/notes.txt", "--move"), "is not a folder"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_touched(
    shoot: Path, arguments: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "load_model", _load_nothing)
    before = tree(shoot)
    result = _run(*(argument.format(shoot) for argument in arguments))
    assert result.exit_code == 2 and said.format(shoot) in result.stderr
    assert tree(shoot) == before


def test_links_to_another_disk_are_refused_before_anything_is_scored(
    shoot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def one_disk(_: Path, folder: Path) -> None:
        msg = f"{folder} is on another disk"
        raise UsageError(msg)

    monkeypatch.setattr(loading, "load_model", _load_nothing)
    monkeypatch.setattr(planning, "_require_one_disk", one_disk)
    result = _run(shoot, "--picks", tmp_path / "p", "--link")
    assert result.exit_code == 2 and "p is on another disk" in result.stderr


def test_where_nothing_else_is_told_the_journal_is(shoot: Path) -> None:
    done = _run(shoot, "--xmp", "--apply", "-q")
    assert done.stderr == f"done; `biqa cull --undo {_journal()}` takes it back\n"
    undone = _run("--undo", _journal(), "-q")
    assert (undone.exit_code, undone.stderr) == (0, "")


def test_a_journal_is_not_overwritten_and_may_be_undone_twice(
    shoot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, journal = tree(shoot), tmp_path / "journal.jsonl"
    command = (shoot, "--rejects", shoot / "r", "--move", "--apply", "--journal", journal)
    assert _run(*command).exit_code == 0
    written = journal.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(loading, "load_model", _load_nothing)
        refused = _run(shoot, "--xmp", "--apply", "--journal", journal)
    assert refused.exit_code == 2 and "a journal is never overwritten" in refused.stderr
    assert journal.read_bytes() == written
    assert "there is nothing to finish" in _run("--finish", journal).stderr
    assert _run("--undo", journal).exit_code == 0
    twice = _run("--undo", journal)
    assert twice.exit_code == 0
    assert re.fullmatch(r"all is as it was; \d+ steps taken back before\n", twice.stderr)
    assert tree(shoot) == before


def _interrupted(patch: pytest.MonkeyPatch, *arguments: object) -> str:
    """Run a command that Ctrl-C ends after some steps, and return what it says."""
    left = itertools.count()

    def stopping(action: Action, **options: Any) -> None:
        if next(left) == 4:
            raise KeyboardInterrupt
        performing.perform(action, **options)

    with patch.context() as context:
        context.setattr(carrying_out, "perform", stopping)
        result = _run(*arguments)
    assert result.exit_code == 130
    return result.stderr


@pytest.mark.parametrize("named", [False, True])
def test_an_interrupted_run_is_in_the_way_until_it_is_finished_or_undone(
    shoot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: bool
) -> None:
    plain = tmp_path / "plain"
    shutil.copytree(shoot, plain)
    wishes = ("--rejects", "r", "--move", "--apply")
    monkeypatch.chdir(plain)
    assert _run(".", *wishes).exit_code == 0
    monkeypatch.chdir(shoot)
    before = tree(shoot)
    journal = tmp_path / "my.journal" if named else None
    told = _interrupted(monkeypatch, ".", *wishes, *(("--journal", journal) if journal else ()))
    journal = journal or max(
        Path(os.environ["BIQA_JOURNALS"]).glob("*.jsonl"), key=os.path.getmtime
    )
    ways = (f"`biqa cull --finish {journal}`", f"`biqa cull --undo {journal}`")
    assert told.startswith("9 photos") and all(way in told for way in ways)
    half = tree(shoot)
    assert half != before
    # Another command, the same one, and one over a part of the photos: none decides for the user.
    for command in ((".", "--xmp", "--apply"), (".", *wishes), ("0-0.JPG", "--xmp", "--apply")):
        with monkeypatch.context() as patch:
            patch.setattr(loading, "load_model", _load_nothing)
            refused = _run(*command)
        assert refused.exit_code == 2 and refused.stderr.count("\n") == 1
        assert "was interrupted" in refused.stderr and all(way in refused.stderr for way in ways)
    assert tree(shoot) == half
    assert _run("--finish", journal).exit_code == 0
    assert tree(shoot) == tree(plain)
    assert _run("--undo", journal).exit_code == 0
    assert tree(shoot) == before


def test_an_interrupted_undo_is_in_the_way_and_only_undone_again(
    shoot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wishes = (".", "--rejects", "r", "--move", "--apply")
    monkeypatch.chdir(shoot)
    before = tree(shoot)
    assert _run(*wishes).exit_code == 0
    journal, left = _journal(), itertools.count()

    def stopping(action: Action, **options: Any) -> str | None:
        if next(left) == 3:
            raise KeyboardInterrupt
        return taking_back.take_back(action, **options)

    with monkeypatch.context() as patch:
        patch.setattr(carrying_out, "take_back", stopping)
        interrupted = _run("--undo", journal)
    half, again = tree(shoot), f"`biqa cull --undo {journal}` takes back the rest"
    assert interrupted.exit_code == 130 and f"interrupted: {again}" in interrupted.stderr
    for command in (wishes, ("--finish", journal)):
        refused = _run(*command)
        assert refused.exit_code == 2 and refused.stderr.count("\n") == 1
        assert again in refused.stderr
    assert tree(shoot) == half != before
    assert _run("--undo", journal).exit_code == 0
    assert tree(shoot) == before
    assert _run(*wishes).exit_code == 0


def test_what_an_undo_has_left_is_not_in_the_way(
    shoot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wishes = (".", "--rejects", "r", "--move", "--apply")
    monkeypatch.chdir(shoot)
    assert _run(*wishes).exit_code == 0
    next((shoot / "r").rglob("*.JPG")).write_bytes(b"changed since")
    journal = _journal()
    assert _run("--undo", journal).exit_code == 3
    assert "nothing to finish" in _run("--finish", journal).stderr
    again = _run(*wishes)
    assert again.exit_code == 0 and "takes it back" in again.stderr


def test_a_run_that_is_finished_writes_the_page_that_was_asked_for(
    shoot: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = tmp_path / "other" / "shoot"
    shutil.copytree(shoot, plain)
    wishes = ("--rejects", "shoot/r", "--move", "--apply", "--report", "r.html")
    monkeypatch.chdir(plain.parent)
    assert _run("shoot", *wishes, "--reject-under", 20).exit_code == 0
    monkeypatch.chdir(shoot.parent)
    _interrupted(monkeypatch, "shoot", *wishes, "--reject-under", 20)
    assert not Path("r.html").exists()
    monkeypatch.chdir(plain)
    journal = max(Path(os.environ["BIQA_JOURNALS"]).glob("*.jsonl"), key=os.path.getmtime)
    finished = _run("--finish", journal)
    assert finished.exit_code == 0 and "r.html" in finished.stderr
    page, wanted = (data_of((root / "r.html").read_text()) for root in (tmp_path, plain.parent))
    for photo_of_page in (*page["photos"], *wanted["photos"]):
        del photo_of_page["path"], photo_of_page["command"]
    assert page == wanted
    assert all((shoot.parent / photo["photo"]).is_file() for photo in page["photos"])


def test_a_page_that_somebody_has_edited_in_a_journal_is_told(
    shoot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = (shoot, "--xmp", "--apply", "--report", shoot.parent / "r.html")
    _interrupted(monkeypatch, *command)
    journal = _journal()
    journal.write_bytes(journal.read_bytes().replace(b'"native_scale"', b'"x"'))
    finished = _run("--finish", journal)
    assert finished.exit_code == 2 and "does not say what is on the page" in finished.stderr


def test_of_two_runs_at_once_the_second_waits_or_sees_what_is_left(
    shoot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = (shoot, "--rejects", shoot / "r", "--move", "--apply")
    others: list[Result] = []

    def meanwhile(action: Action, **options: Any) -> None:
        performing.perform(action, **options)
        if not others:
            others.append(_run(*command))

    with monkeypatch.context() as patch:
        patch.setattr(carrying_out, "perform", meanwhile)
        assert _run(*command).exit_code == 0
    assert others[0].exit_code == 2
    assert "another run of biqa works on these photos" in others[0].stderr
    assert "run this one again when it has ended" in others[0].stderr
    assert "nothing to do" in _run(*command).stderr


def test_what_a_run_has_moved_while_another_scored_is_told(
    shoot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = (shoot, "--rejects", shoot / "r", "--move", "--apply")
    decided = decisions.decide

    def slowly(*arguments: Any, **options: Any) -> Any:
        monkeypatch.setattr(decisions, "decide", decided)
        assert _run(*command).exit_code == 0
        return decided(*arguments, **options)

    monkeypatch.setattr(decisions, "decide", slowly)
    late = _run(*command)
    assert late.exit_code == 3
    assert "0-1.JPG is not there any more: nothing is done with it" in late.stderr
    assert "there is nothing to do" in late.stderr
    assert _run(*command).exit_code == 0


def test_a_sidecar_is_written_through_its_link_which_stays_one(shoot: Path, tmp_path: Path) -> None:
    kept = tmp_path / "sidecars" / "1-0.xmp"
    kept.parent.mkdir()
    (shoot / "1-0.xmp").rename(kept)
    (shoot / "1-0.xmp").symlink_to(kept)
    before = kept.read_bytes()
    assert _run(shoot, "--xmp", "--apply").exit_code == 0
    assert (shoot / "1-0.xmp").readlink() == kept
    assert value(kept.read_bytes(), LABEL) == "Green"
    assert _run("--undo", _journal()).exit_code == 0
    assert (shoot / "1-0.xmp").readlink() == kept and kept.read_bytes() == before


def test_links_that_cannot_be_written_through_stay_and_are_told(shoot: Path) -> None:
    (shoot / "1-0.xmp").unlink()
    (shoot / "1-0.xmp").symlink_to("nowhere.xmp")
    (shoot / "2-0.xmp").symlink_to(shoot / "2-1.xmp")
    (shoot / "2-1.xmp").write_text(LIGHTROOM, encoding="utf-8")
    (shoot / "2-2.xmp").mkdir()
    before = {name: (shoot / name).readlink() for name in ("1-0.xmp", "2-0.xmp")}
    result = _run(shoot, "--xmp", "--apply")
    assert result.exit_code == 3
    assert "1-0.xmp stays as it is: it is no file, or a link that leads to none" in result.stderr
    assert "2-2.xmp stays as it is: it is no file" in result.stderr
    assert "2-1.xmp stays as it is: it is the sidecar of" in result.stderr
    assert {name: (shoot / name).readlink() for name in before} == before
    # The usual second sidecar is written all the same.
    assert value((shoot / "1-0.JPG.xmp").read_bytes(), LABEL) == "Green"


def test_nothing_is_lost_where_the_shoot_spans_folders_with_equal_names(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        make_shoot(tmp_path / folder, scenes=2)
    before = contents(tmp_path)
    names = (tmp_path / "one", tmp_path / "two")
    assert _run(*names, "--rejects", tmp_path / "r", "--move", "--apply").exit_code == 0
    assert contents(tmp_path) == before
    assert len(list((tmp_path / "r").glob("*-2.*"))) > 3


def test_a_report_shows_groups_and_decisions_where_photos_lie_now(shoot: Path) -> None:
    page = shoot.parent / "shoot.html"
    done = _run(shoot, "--rejects", shoot / "r", "--move", "--apply", "--report", page)
    assert done.exit_code == 0
    photos = data_of(page.read_text(encoding="utf-8"))["photos"]
    rows = _rows(done)
    assert len(photos) == len({Path(path).stem for path in rows})
    rejects = [photo for photo in photos if photo["decision"] == "reject"]
    assert rejects and all(photo["photo"].startswith("./shoot/r/") for photo in rejects)
    assert all((shoot.parent / photo["photo"]).is_file() for photo in photos)
    assert {photo["group"] for photo in photos} == {int(row["group"]) for row in rows.values()}


def test_relative_names_of_moved_photos_lead_to_their_pictures_and_maps(
    shoot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shoot.parent)
    options = ("--picks", "shoot/p", "--rejects", "shoot/r", "--move", "--apply")
    done = _run("shoot", *options, "--report", "r.html", "--report-heatmaps")
    assert done.exit_code == 0, done.stderr
    photos = data_of(Path("r.html").read_text(encoding="utf-8"))["photos"]
    assert {photo["path"].rpartition("/")[0] for photo in photos} == {"shoot/p", "shoot/r"}
    assert all(Path(photo["photo"]).is_file() and photo["thumbnail"] for photo in photos)
    picks = [photo for photo in photos if photo["decision"] == "pick"]
    assert len(picks) == 3 and all(Path(photo["heatmap"]).is_file() for photo in picks)


def test_a_map_that_fails_is_told_and_the_exit_code_is_3(
    shoot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ImageError("it cannot be mapped")

    monkeypatch.setattr(local_scores, "map_file", fail)
    done = _run(shoot, "--report", shoot.parent / "r.html", "--report-heatmaps")
    assert done.exit_code == 3 and "0-0.JPG: it cannot be mapped" in done.stderr
    assert (shoot.parent / "r.html").is_file()


def test_a_second_run_over_known_photos_decodes_none(
    shoot: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = _run(shoot)
    monkeypatch.setattr(scoring, "reading_photo", None)
    again = _run(shoot)
    assert again.exit_code == 0 and again.stdout == first.stdout


def test_exact_copies_are_told_from_photos_that_only_score_the_same(shoot: Path) -> None:
    (shoot / "web").mkdir()
    shutil.copy(shoot / "2-0.JPG", shoot / "web" / "2-0.JPG")
    # The same pixels in another file.
    (shoot / "web" / "z.jpg").write_bytes((shoot / "2-0.JPG").read_bytes() + b"\0")
    rows = {row["path"]: row["reason"] for row in csv.DictReader(io.StringIO(_run(shoot).stdout))}
    assert rows[str(shoot / "2-0.JPG")] == "the best of 5"
    copied = "number 2 of 5, an exact copy of shoot/2-0.JPG"
    assert rows[str(shoot / "web" / "2-0.JPG")] == copied
    assert rows[str(shoot / "web" / "z.jpg")] == "number 3 of 5, 0.0 points under the best"


def test_known_scores_are_not_computed_again(shoot: Path, tmp_path: Path) -> None:
    store = tmp_path / "scores.sqlite"
    first = _run(shoot, "--store", store)
    again = _run(shoot, "--store", store)
    assert again.stdout == first.stdout
    with Store(store) as known:
        found = known.find(rater_of(brightness_model()), str(shoot / "0-0.JPG"))
    assert found.score is not None


def test_flaws_that_a_model_names_reach_reason_keywords_and_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "load_model", lambda *_, **__: flawed_model())
    clean, flawed = tmp_path / "clean.jpg", tmp_path / "flawed.jpg"
    Image.new("RGB", (64, 64), (204, 0, 0)).save(clean)
    Image.new("RGB", (64, 64), (51, 0, 204)).save(flawed)
    page = tmp_path / "page.html"
    result = _run(clean, flawed, "--reject-under", "30", "--xmp", "--apply", "--report", page)
    assert result.exit_code == 0, result.output
    rows = _rows(result)
    assert rows["flawed.jpg"]["reason"] == "its score is under 30 (blurred, motion)"
    found = {path.name: keywords(path.read_bytes()) for path in tmp_path.glob("*.jpg.xmp")}
    assert found == {
        "clean.jpg.xmp": [],
        "flawed.jpg.xmp": ["flaw: blurred", "flaw: motion"],
    }
    facts = {Path(f["path"]).name: f for f in data_of(page.read_text())["photos"]}
    assert facts["flawed.jpg"]["flaws"] == [["blurred", 0.8], ["motion", 0.4]]
    assert "flaws" not in facts["clean.jpg"]
    # A run that decodes nothing knows them, too.
    monkeypatch.setattr(scoring, "reading_photo", None)
    assert _rows(_run(clean, flawed, "--reject-under", "30")) == rows
