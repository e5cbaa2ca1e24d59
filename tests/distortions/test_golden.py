"""What the kinds do at four levels: pinned, so that no change of a value goes unnoticed."""

import csv
import re
from pathlib import Path

import pytest
from tool_loading import load_tool

from biqa_cli.distortions.catalog import DISTORTIONS, LEVELS

_PAGE = Path(__file__).parents[2] / "docs" / "distortions.md"
# In bytes. Other versions of Pillow, SciPy or scikit-image may round a few pixels another way.
_TOLERANCE = 0.05


def test_every_kind_at_every_level_does_to_a_picture_what_it_always_did() -> None:
    with (Path(__file__).parent / "golden.csv").open(newline="", encoding="utf-8") as stream:
        expected = list(csv.DictReader(stream))
    found = list(load_tool("measure_distortions").measured())
    assert [row["kind"] for row in found] == [row["kind"] for row in expected]
    assert len(found) == len(DISTORTIONS) * len(LEVELS)
    for row, pinned in zip(found, expected, strict=True):
        numbers = {key: float(number) for key, number in pinned.items() if key != "kind"}
        kind, level = row.pop("kind"), row["level"]
        assert row == pytest.approx(numbers, abs=_TOLERANCE), f"{kind} at level {level:g}"
        assert row["value"] == numbers["value"], f"{kind} at level {level:g}"


def test_the_page_of_the_distortions_lists_the_values_of_the_table() -> None:
    row = re.compile(r"^\| *(\d+) *\| *`([a-z0-9-]+)` *\|.*\|[^|]*:([^|:]*)\|$", re.MULTILINE)
    listed = [
        # Brackets hold the mildest value of the source, which is not used.
        (int(number), name, tuple(map(float, re.sub(r"\(.*?\)", "", values).split(","))))
        for number, name, values in row.findall(_PAGE.read_text(encoding="utf-8"))
    ]
    assert listed == [(d.number, d.name, tuple(map(float, d.levels))) for d in DISTORTIONS]
