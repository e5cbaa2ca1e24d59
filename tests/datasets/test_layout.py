from pathlib import Path

import pytest

from biqa_cli.datasets.layout import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    for name in ("A/x.PNG", "A/Y.png", "A/y.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return Layout(tmp_path, "a data set")


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("a/X.png", "A/x.PNG"),
        ("./A/./x.PNG", "A/x.PNG"),
        ("A", "A"),
        # Where both exist, the exact name wins.
        ("a/Y.png", "A/Y.png"),
        ("a/y.png", "A/y.png"),
        ("a/z.png", None),
        ("a/x.png/z", None),
        ("../a/x.png", None),
        ("/a/x.png", None),
        ("", None),
    ],
)
def test_names_are_found_whatever_their_case_and_only_below_the_root(
    name: str, found: str | None, layout: Layout
) -> None:
    assert layout.find(name) == found


def test_an_absolute_name_is_found_below_the_root_alone(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert layout.find(f"{tmp_path}/a/x.png") == "A/x.PNG"
    assert layout.find(str(tmp_path.parent / "x.png")) is None
    assert layout.find(f"{tmp_path}/A/../../x.png") is None
    monkeypatch.chdir(tmp_path)
    assert Layout(Path(), "here").find(f"{tmp_path}/a/x.png") == "A/x.PNG"
    assert Layout(Path("/"), "everywhere").find(f"{tmp_path}/A/y.png") == f"{tmp_path}/A/y.png"[1:]


def test_the_first_name_that_exists_is_taken(layout: Layout) -> None:
    assert layout.first_of(("b", "a")) == "A"
    assert layout.first_of(("b", "c")) == "b"
