"""Ratings and choices from the files that people and programs write."""

from pathlib import Path

import pytest
from fakes import grey_png

from biqa_cli.culling.xmp import Marks, merge
from biqa_cli.errors import UsageError
from biqa_cli.tuning.opinions import read_opinions

STARS = '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
STARS += 'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="{}"/></rdf:RDF>'


def write(folder: Path, *rows: str) -> Path:
    file = folder / "opinions.csv"
    file.write_text("\n".join([*rows, ""]), "utf-8")
    return file


def test_stars_are_those_that_a_person_has_given(tmp_path: Path) -> None:
    inside = tmp_path / "2026"
    inside.mkdir()
    for value in range(30):
        grey_png(inside / f"{value}.png", value)
    for value in range(25):
        (inside / f"{value}.xmp").write_text(STARS.format(value % 5 + 1))
    (inside / "25.xmp").write_text(STARS.format(0))
    (inside / "26.xmp").write_bytes(merge(None, Marks(rating=5)).data)  # biqa's own
    (inside / "27.xmp").write_text("no XMP")
    found = read_opinions(tmp_path, root=None, label_range=None).photos
    assert [image.mos for image in found.images] == [float(v % 5 + 1) for v in _sorted(range(25))]
    assert found.images[0].path == "2026/0.png" and found.file(0).is_file()
    assert (found.scale.lowest, found.scale.highest, found.scale.declared) == (1, 5, True)
    assert len(found.problems) == 1 and "27.xmp" in found.problems[0]
    (inside / "3.xmp").write_text(STARS.format(-1))
    rejected = read_opinions(tmp_path, root=None, label_range=None).photos
    assert min(image.mos for image in rejected.images) == rejected.scale.lowest == 0


def _sorted(values: range) -> list[int]:
    return sorted(values, key=lambda value: f"{value}.png")


def test_choices_and_decisions_become_pairs(tmp_path: Path) -> None:
    rows = [f"{i}.jpg,{i + 1}.jpg" for i in range(22)]
    found = read_opinions(write(tmp_path, "better,worse", *rows), root=None, label_range=None)
    assert found.pairs is not None and found.pairs.tolist()[:2] == [[0, 1], [1, 2]]
    assert found.photos.images[1].path == "1.jpg"
    rows = [f"{g}-{d}.jpg,{g},{d}" for g in range(12) for d in ("pick", "reject", "keep")]
    file = write(tmp_path, "path,group,decision", *rows)
    decided = read_opinions(file, root=None, label_range=None)
    assert decided.pairs is not None and len(decided.pairs) == 36
    assert decided.pairs[0].tolist() == [0, 1]


def test_rows_that_cannot_count_are_told(tmp_path: Path) -> None:
    rows = [f"{i}.jpg,{i + 1}.jpg" for i in range(22)]
    file = write(tmp_path, "better,worse", *rows, ",3.jpg", "4.jpg,", "5.jpg,5.jpg")
    found = read_opinions(file, root=None, label_range=None)
    assert found.pairs is not None and len(found.pairs) == 22
    assert "" not in [image.path for image in found.photos.images]
    assert [problem.split(": ")[1] for problem in found.photos.problems] == [
        "better is '', not another photo",
        "worse is '', not another photo",
        "worse is '5.jpg', not another photo",
    ]
    rows = [f"{g}-{d}.jpg,{g},{d}" for g in range(12) for d in ("Pick", "REJECT", "keep")]
    odd = ["x.jpg,1,rejct", "y.jpg,1,", "0-Pick.jpg,3,keep"]
    decided = read_opinions(
        write(tmp_path, "path,group,decision", *rows, *odd), root=None, label_range=None
    )
    assert decided.pairs is not None and len(decided.pairs) == 36
    assert [problem.split(": ")[1] for problem in decided.photos.problems] == [
        "decision is 'rejct', not pick, keep or reject",
        "decision is '', not pick, keep or reject",
        "path is '0-Pick.jpg', not a photo that no row before has",
    ]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["photo,rating", "a,1"], "needs a heading with `path` and `mos` for ratings"),
        (["path;mos", "a;1"], "with commas between them: it has path;mos"),
        (["path,decision", "a,pick"], "`path`, `group` and `decision`"),
        (["path,mos", *(f"{i}.png,{i}" for i in range(5))], "usable ratings: 5, at least 20"),
        (["path,mos", "0.png,1", "x.png,2"], "not used: 1, such as x.png: not found"),
        (["path,mos", *(f"{i}.png,3" for i in range(30))], "all 30 ratings .* are equal"),
        (["better,worse", "a,b", "b,b"], "two photos: 1, at least 20"),
    ],
)
def test_too_little_is_told(tmp_path: Path, rows: list[str], message: str) -> None:
    for value in range(30):
        grey_png(tmp_path / f"{value}.png", value)
    with pytest.raises(UsageError, match=message):
        read_opinions(write(tmp_path, *rows), root=None, label_range=None)
