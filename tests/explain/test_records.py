import numpy as np
from PIL import Image

from biqa_cli.explain.records import BlockScore, ScoreMap


def _map(*scores: float) -> ScoreMap:
    blocks = tuple(BlockScore(10 * n, 0, 10, 10, score) for n, score in enumerate(scores))
    values = np.array([scores], np.float32)
    picture = Image.new("RGB", (len(scores), 1))
    return ScoreMap("", "", 50.0, len(scores), 1, blocks, blocks[:3], values, picture)


def test_of_the_worst_those_clearly_below_the_median_are_framed() -> None:
    found = _map(44.9, 45, 45.1, 50, 50, 50, 80)
    assert found.median == 50
    assert found.framed == found.blocks[:1]


def test_the_mean_of_a_map_is_that_of_its_pixels() -> None:
    assert _map(10, 20, 90).mean == 40
