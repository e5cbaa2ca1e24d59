"""`biqa rate` on the terminal, and its table in `biqa tune`."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fakes import photo
from rated_miniature import use_tiny_backbones
from tiny_base import write_base
from typer.testing import CliRunner, Result

from biqa_cli.cli import app
from biqa_cli.tuning import page
from biqa_cli.tuning.page import RatingServer


@pytest.fixture(scope="module", autouse=True)
def _tiny() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_backbones(patch)
        yield


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_base(tmp_path_factory.mktemp("base") / "base.safetensors")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(6):
        photo(48, 32, seed=number).save(tmp_path / f"{number}.png")
    return tmp_path


def _run(*arguments: object, said: str = "") -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=said)


def test_a_session_on_the_terminal_goes_on_where_it_ended(folder: Path, base: Path) -> None:
    table = folder / "ratings.csv"
    common = ("rate", folder, "-o", table, "-m", base, "-d", "cpu", "-q")
    first = _run(*common, said="5\nx\ns\n2\nb\n3\nq\n")
    assert first.exit_code == 0, first.output
    assert "'x' is no answer: give 1 to 5, skip or back" in first.stderr
    assert f"2 answers in {table}; a model from 20 on: biqa tune {table}" in first.stderr
    heading, *rows = table.read_text().splitlines()
    assert heading == "path,mos" and [row.split(",")[1] for row in rows] == ["5", "3"]
    again = _run(*common, said="1\n" * 6)
    assert again.exit_code == 0
    names = [row.split(",")[0] for row in table.read_text().splitlines()[1:]]
    assert len(names) == len(set(names)) == 6
    assert all((folder / name).is_file() for name in names)
    done = _run(*common)
    assert done.exit_code == 0
    assert "all that could be asked is answered\n6 answers in" in done.stderr


def test_pairs_are_choices_with_a_range_of_their_own(folder: Path, base: Path) -> None:
    table = folder / "choices.csv"
    run = _run(
        *("rate", folder, "-o", table, "--pairs", "--count", 4, "-m", base, "-d", "cpu", "-q"),
        said="1\n2\n1\n2\n",
    )
    assert run.exit_code == 0, run.output
    rows = [row.split(",") for row in table.read_text().splitlines()]
    assert rows[0] == ["better", "worse"] and len(rows) == 5
    assert all(better != worse for better, worse in rows[1:])
    assert "1: " in run.stderr and "2: " in run.stderr and "--label-range" not in run.stderr


def test_ctrl_c_on_the_page_ends_it_and_tells_what_was_answered(
    folder: Path, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answered(server: RatingServer, *, when_ready: Callable[[str], None]) -> None:
        with server:
            when_ready(server.address)
            server.session.give("4")
        raise KeyboardInterrupt

    monkeypatch.setattr(page, "serve", answered)
    run = _run("rate", folder, "-o", folder / "r.csv", "-m", base, "-d", "cpu", "-q", "--page")
    assert run.exit_code == 0, run.output
    assert run.stdout.startswith("http://127.0.0.1:")
    assert f"1 answer in {folder / 'r.csv'}; a model from 20 on" in run.stderr


def test_photos_that_cannot_be_asked_about_are_told(folder: Path, base: Path) -> None:
    for number in range(1, 6):
        (folder / f"{number}.png").write_bytes(b"no photo")
    name = os.fsdecode(b"\xff.png")
    photo(48, 32).save(folder / "6.png")
    try:
        (folder / "6.png").rename(folder / name)
    except OSError:
        pytest.skip("this file system has names in UTF-8 only")
    run = _run("rate", folder, "-o", folder / "r.csv", "-m", base, "-d", "cpu", "-q")
    assert run.exit_code == 2
    assert run.stderr.count("not an image in a known format") == 5
    assert "\\udcff.png: is left out: a table needs names in UTF-8: rename it" in run.stderr
    assert "only 1 of the photos can be read: name more" in run.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--scale", "5:1"), "is no range of whole numbers"),
        (("-o", "0.png"), "is a file that is read"),
        (("-o", "0.png/r.csv"), "cannot write 0.png/r.csv: 0.png is a file, not a folder"),
    ],
)
def test_wrong_options_are_one_line(
    folder: Path,
    base: Path,
    options: tuple[str, ...],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(folder)
    run = _run("rate", ".", "-o", "r.csv", "-m", base, "-d", "cpu", *options)
    assert run.exit_code == 2 and message in run.stderr and run.stderr.count("\n") == 1
