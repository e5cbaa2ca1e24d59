import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from biqa_cli.cli import app
from biqa_cli.datasets.catalog import DATASETS


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["datasets", *map(str, arguments)])


KADID = [
    f"I{r:02d}_{t:02d}_0{v}.png" for r in range(1, 82) for t in range(1, 26) for v in range(1, 6)
]


@pytest.fixture(scope="module")
def whole_kadid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("kadid10k")
    rows = (f"{name},{name[:3]}.png,{int(name[8])},0.5" for name in KADID)
    (root / "dmos.csv").write_text("\n".join(["dist_img,ref_img,dmos,var", *rows]))
    (root / "images").mkdir()
    return root


@pytest.fixture
def kadid(whole_kadid: Path) -> Path:
    """Return a whole copy; what an earlier test has deleted is there again."""
    here = {path.name for path in (whole_kadid / "images").iterdir()}
    for name in KADID:
        if name not in here:
            (whole_kadid / "images" / name).touch()
    return whole_kadid


def test_the_list_is_one_line_a_data_set() -> None:
    result = _run("list")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["name", *DATASETS]
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "live" in result.stdout and "-2.7 to 111.8  lower" in result.stdout
    assert "no images come with biqa" in result.stderr


def test_json_has_what_scripts_may_rely_on() -> None:
    facts = json.loads(_run("list", "-f", "json").stdout)
    assert {fact["name"]: fact["images"] for fact in facts} == {
        "live": 779,
        "csiq": 866,
        "tid2013": 3000,
        "kadid10k": 10125,
        "clive": 1162,
        "koniq10k": 10073,
        "agiqa3k": 2982,
        "bid": 586,
        "spaq": 11125,
        "cid2013": 474,
        "biq2021": 12000,
    }
    assert [fact["name"] for fact in facts if not fact["higher_is_better"]] == ["live", "csiq"]


@pytest.mark.parametrize("name", DATASETS)
def test_info_tells_where_from_and_under_which_terms(name: str) -> None:
    shown = _run("info", name).stdout
    facts = json.loads(_run("info", name, "-f", "json").stdout)
    for key in ("source", "terms", "citation", "layout"):
        assert facts[key] and facts[key] in shown


@pytest.mark.slow
def test_a_whole_copy_exits_with_0(kadid: Path) -> None:
    result = _run("check", "kadid10k", "--root", kadid, "-f", "json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert (found["images"], found["images_expected"]) == (10125, 10125)
    assert (found["references"], found["references_expected"]) == (81, 81)
    assert (found["label_lowest"], found["label_highest"], found["whole"]) == (1, 5, True)
    assert found["problems"] == []


@pytest.mark.slow
def test_missing_images_are_named_and_exit_with_3(kadid: Path) -> None:
    for version in range(1, 6):
        for kind in range(1, 6):
            (kadid / "images" / f"I07_{kind:02d}_0{version}.png").unlink()
    result = _run("check", "kadid10k", "--root", kadid)
    assert result.exit_code == 3
    assert "10100" in result.stdout and "10125" in result.stdout
    lines = result.stderr.splitlines()
    assert lines[0] == "biqa: images/I07_01_01.png: not found"
    assert lines[-1] == "biqa: and 5 more problems: `-f json` lists them all"
    assert len(lines) == 21
    result = _run("check", "kadid10k", "--root", kadid, "-f", "json")
    assert result.exit_code == 3 and len(json.loads(result.stdout)["problems"]) == 25


def test_a_wrong_root_exits_with_2_and_says_what_was_expected(tmp_path: Path) -> None:
    result = _run("check", "live", "--root", tmp_path)
    assert result.exit_code == 2 and result.stdout == ""
    assert f"expected {tmp_path / 'dmos_realigned.mat'}" in result.stderr
    assert "`biqa datasets info live` says where to get it" in result.stderr
    assert _run("check", "live").exit_code == 2
    assert _run("info", "life").exit_code == 2


def test_a_table_of_ones_own_is_checked(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("path,mos,reference\n1.png,3,a\n2.png,4,b\n")
    (tmp_path / "1.png").touch()
    (tmp_path / "2.png").touch()
    result = _run("check", f"csv:{tmp_path / 'mine.csv'}", "-f", "json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert (found["images"], found["images_expected"], found["references"]) == (2, None, 2)
