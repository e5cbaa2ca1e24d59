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


def test_the_first_name_that_exists_is_taken(layout: Layout) -> None:
    assert layout.first_of(("b", "a")) == "A"
    assert layout.first_of(("b", "c")) == "b"
