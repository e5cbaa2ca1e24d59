from pathlib import Path

import pytest
from PIL import Image

from biqa_cli.errors import UsageError
from biqa_cli.evaluation.drawing import figure_at

# The first import of Matplotlib takes seconds.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


def test_the_folders_of_a_picture_are_made(tmp_path: Path) -> None:
    path = tmp_path / "plots" / "today" / "line.png"
    with figure_at(path, size=(2, 1)) as axes:
        axes.plot([0, 1], [0, 1])
    with Image.open(path) as image:
        assert image.size == (240, 120)
    with (
        pytest.raises(UsageError, match=r"cannot write .*line\.png"),
        figure_at(path / "line.png", size=(2, 1)),
    ):
        pass
