from collections import Counter

import pytest

from biqa_cli.distortions.catalog import SHDIQA_DISTORTIONS
from biqa_cli.distortions.kadid import KADID_CELLS


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (("gaussian-blur", 1), (1, 2)),
        (("gaussian-blur", 4), (1, 5)),
        (("jpeg", 1), (10, 1)),
        (("jpeg", 4), (10, 4)),
        (("mean-shift", 1), (18, 2)),
        (("mean-shift", 2), (18, 4)),
        (("mean-shift", 4), (18, 5)),
        (("contrast", 1), (25, 2)),
        (("contrast", 2), (25, 1)),
        (("few-colours", 3), (6, 5)),
        (("desaturated", 1), (7, 1)),
        (("jpeg2000", 4), (9, 5)),
    ],
)
def test_a_cell_has_the_level_of_kadid_that_has_its_value(
    cell: tuple[str, int], expected: tuple[int, int]
) -> None:
    assert KADID_CELLS[cell] == expected


def test_19_kinds_of_the_paper_are_cells_at_all_levels_and_three_of_the_others() -> None:
    levels = Counter(kind for kind, _ in KADID_CELLS)
    papers = {d.name for d in SHDIQA_DISTORTIONS} & set(levels)
    assert len(papers) == 19 and all(levels[kind] == 4 for kind in papers)
    assert {kind: levels[kind] for kind in set(levels) - papers} == {
        "few-colours": 3,
        "desaturated": 4,
        "jpeg2000": 4,
    }


def test_no_cell_of_kadid_is_taken_twice_and_its_other_kinds_have_none() -> None:
    assert len(set(KADID_CELLS.values())) == len(KADID_CELLS) == 87
    # Motion at any angle, a learned denoiser and Otsu's grey levels are other operations.
    assert not {3, 15, 22} & {number for number, _ in KADID_CELLS.values()}
