from pathlib import Path

import pytest
from PIL import Image

from biqa_cli.training.log import draw_curves, write_log

ROWS = [
    {"phase": "teacher", "epoch": 1, "loss": 2.0},
    {"phase": "student", "epoch": 1, "loss": 1.0, "srcc": 0.5, "plcc": 0.4, "krcc": 0.3},
    {"phase": "student", "epoch": 2, "loss": 0.5, "srcc": 0.7, "plcc": 0.6, "krcc": 0.5},
]


def test_a_column_that_a_phase_does_not_have_is_empty_there(tmp_path: Path) -> None:
    write_log(tmp_path / "log.csv", ROWS)
    assert (tmp_path / "log.csv").read_text() == (
        "phase,epoch,loss,srcc,plcc,krcc\n"
        "teacher,1,2.0,,,\n"
        "student,1,1.0,0.5,0.4,0.3\n"
        "student,2,0.5,0.7,0.6,0.5\n"
    )


@pytest.mark.slow
def test_the_curves_are_drawn_and_a_teacher_alone_has_no_correlations(tmp_path: Path) -> None:
    pictures = []
    for number, rows in enumerate((ROWS, ROWS[:1])):
        path = tmp_path / f"{number}.png"
        assert draw_curves(path, rows)
        with Image.open(path) as picture:
            assert picture.size == (1200, 480)
            pictures.append(picture.convert("RGB").tobytes())
    # The right half has lines only where there are correlations.
    assert pictures[0] != pictures[1]
