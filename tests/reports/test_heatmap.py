import json
from dataclasses import replace

import numpy as np
import pytest
from fakes import brightness_model, photo
from PIL import Image
from skimage.color import rgb2lab

from biqa_cli.explain.local_blocks import BlockChoice
from biqa_cli.explain.local_scores import map_image
from biqa_cli.explain.records import BlockScore, ScoreMap, SimilarityMatrix
from biqa_cli.reports.colour_scale import ANCHORS, colour_bar, colour_of, colours_of
from biqa_cli.reports.heatmap import (
    HIGHEST,
    LOWEST,
    draw_heatmap,
    heatmap_facts,
    heatmap_told,
)
from biqa_cli.reports.similarity_matrix import draw_similarity, similarity_facts
from biqa_cli.scoring import run_info

SCORES = np.arange(0, 101, 5, dtype=float)
# Machado, Oliveira and Fernandes (2009), full severity, on linear RGB.
DEFICIENCIES = {
    "protan": [
        *([0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216]),
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        *([0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413]),
        [-0.011820, 0.042940, 0.968881],
    ],
}


def _map(values: np.ndarray, picture: Image.Image | None = None) -> ScoreMap:
    height, width = values.shape
    return ScoreMap(
        path="a.jpg",
        model="brightness",
        score=50.0,
        width=width,
        height=height,
        blocks=(BlockScore(0, 0, width, height, 80.0),),
        worst=(),
        values=values.astype(np.float32),
        picture=picture or Image.new("RGB", (width, height), (90, 90, 90)),
    )


def _with_worst(values: np.ndarray, *worst: BlockScore) -> ScoreMap:
    """Return a map with blocks of a median of 80 and the worst among them."""
    good = (BlockScore(0, 0, 10, 10, 80.0),) * (len(worst) + 1)
    return replace(_map(values), blocks=(*worst, *good), worst=worst)


def _colour(score: float) -> tuple[int, int, int]:
    return colour_of(score - LOWEST, highest=HIGHEST - LOWEST)


def _lightness(colours: np.ndarray) -> np.ndarray:
    return rgb2lab(colours[None].astype(float) / 255)[0, :, 0]


def test_the_scale_gets_lighter_by_even_steps() -> None:
    steps = np.diff(_lightness(colours_of(SCORES, highest=100)))
    assert steps.min() > 0.75 * steps.mean() and steps.max() < 1.25 * steps.mean()


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_the_scale_gets_lighter_for_people_who_see_fewer_colours(deficiency: str) -> None:
    colours = colours_of(SCORES, highest=100) / 255
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    seen = (linear @ np.array(DEFICIENCIES[deficiency]).T).clip(0, 1)
    shown = np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055)
    steps = np.diff(_lightness(shown * 255))
    assert steps.min() > 0.5 * steps.mean()


def test_the_scale_begins_and_ends_with_its_anchors_and_clips() -> None:
    assert colour_of(-3, highest=100) == colour_of(0, highest=100) == ANCHORS[0]
    assert colour_of(103, highest=100) == colour_of(100, highest=100) == ANCHORS[-1]
    bar = np.asarray(colour_bar(1000, 2))
    assert bar.shape == (2, 1000, 3)
    assert tuple(bar[0, 500]) == colour_of(50, highest=100)


def test_a_score_has_the_same_colour_in_every_picture() -> None:
    alone = draw_heatmap(_map(np.full((700, 800), 40.0)), legend=False)
    mixed = np.full((700, 800), 40.0)
    mixed[:, 400:] = 89
    assert alone.getpixel((3, 3)) == _colour(40)
    beside = draw_heatmap(_map(mixed), legend=False)
    assert beside.getpixel((399, 0)) == _colour(40)
    assert beside.getpixel((400, 699)) == _colour(89)


def test_the_photo_shows_through_and_leaves_the_mean_colour() -> None:
    found = _map(np.full((600, 800), 60.0), photo(800, 600))
    drawn = np.asarray(draw_heatmap(found, legend=False), float)
    assert drawn.std(axis=(0, 1)).min() > 3
    assert np.abs(drawn.mean(axis=(0, 1)) - _colour(60)).max() < 2


def test_frames_lie_on_the_edge_of_their_block() -> None:
    block = BlockScore(x=200, y=300, width=150, height=100, score=12.3)
    found = _with_worst(np.full((700, 800), 99.0), block)
    changed = np.asarray(draw_heatmap(found, legend=False)) != _colour(99)
    rows, columns = np.nonzero(changed.any(axis=2))
    assert (rows.min(), rows.max()) == (300, 399)
    assert (columns.min(), columns.max()) == (200, 349)


def test_beside_the_score_of_a_frame_stands_its_flaw() -> None:
    drawn = []
    for strength in (0.0, 0.4, 0.5):
        block = BlockScore(50, 50, 200, 100, 12.3, "oversharpened", strength)
        found = _with_worst(np.full((300, 400), 80.0), block)
        drawn.append(np.asarray(draw_heatmap(found, legend=False)))
    assert np.array_equal(drawn[0], drawn[1]) and not np.array_equal(drawn[0], drawn[2])


@pytest.mark.parametrize(("x", "y"), [(300, 300), (0, 0), (770, 670), (770, 0), (0, 670)], ids=str)
def test_a_label_wider_than_its_frame_lies_beside_it_in_the_picture(x: int, y: int) -> None:
    block = BlockScore(x, y, 30, 30, 12.3, "oversharpened", 0.9)
    drawn = np.asarray(draw_heatmap(_with_worst(np.full((700, 800), 40.0), block), legend=False))
    inside = drawn[y + 8 : y + 22, x + 8 : x + 22]
    assert (inside == _colour(40)).all()
    changed = (drawn != _colour(40)).any(axis=2)
    changed[y : y + 30, x : x + 30] = False
    rows, columns = np.nonzero(changed)
    assert np.ptp(columns) > 60 and np.ptp(rows) < 30


def test_labels_hide_no_other_frame() -> None:
    ground = np.full((700, 800), 40.0)
    blocks = [BlockScore(300, 300 + 30 * n, 30, 30, 10.0 + n, "noisy", 0.9) for n in range(3)]
    drawn = np.asarray(draw_heatmap(_with_worst(ground, *blocks), legend=False))
    for top in (300, 330, 360):
        assert (drawn[top + 8 : top + 22, 308:322] == _colour(40)).all()


@pytest.mark.parametrize(("score", "framed"), [(74.9, True), (75.0, False), (79.0, False)])
def test_of_an_even_photo_no_block_is_framed(score: float, framed: bool) -> None:
    block = BlockScore(50, 50, 200, 100, score)
    found = _with_worst(np.full((300, 400), 80.0), block)
    drawn = np.asarray(draw_heatmap(found, legend=False))
    assert (drawn != _colour(80)).any() == framed
    assert ("no block stands out" in heatmap_told(found)) == (not framed)


def test_a_line_tells_the_lowest_block_its_flaw_and_its_place() -> None:
    ground = np.full((300, 400), 80.0)
    blocks = [BlockScore(x, y, 40, 30, 14.26, "blurred", 0.5) for x, y in ((360, 0), (180, 130))]
    told = [heatmap_told(_with_worst(ground, block)) for block in blocks]
    assert told == [
        "50.0; lowest block 14.3, blurred, upper right (40 × 30 pixels at x 360, y 0)",
        "50.0; lowest block 14.3, blurred, middle (40 × 30 pixels at x 180, y 130)",
    ]
    assert heatmap_told(_map(ground)) == "50.0; no block stands out"


def test_small_photos_are_enlarged_by_a_whole_number() -> None:
    values = np.zeros((40, 50))
    values[10:20, 20:30] = 100
    drawn = np.asarray(draw_heatmap(_map(values), legend=False))
    assert drawn.shape == (480, 600, 3)
    light = (drawn == _colour(100)).all(axis=2)
    rows, columns = np.nonzero(light)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (120, 239, 240, 359)


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1), (2048, 90), (90, 2048), (640, 480)])
def test_the_legend_stands_below_whatever_the_shape(size: tuple[int, int]) -> None:
    found = _map(np.full(size[::-1], 30.0))
    bare, full = (draw_heatmap(found, legend=legend) for legend in (False, True))
    assert full.width >= 640 and full.height > bare.height
    left = (full.width - bare.width) // 2
    assert full.crop((left, 0, left + bare.width, bare.height)) == bare
    below = np.asarray(full.crop((0, bare.height, full.width, full.height)))
    assert (below == ANCHORS[-1]).all(axis=2).any() and (below < 60).all(axis=2).any()


@pytest.mark.parametrize(("size", "along"), [((800, 700), 0), ((1600, 700), 1), ((500, 900), 0)])
def test_the_photo_stands_beside_the_map_or_above_where_it_is_wide(
    size: tuple[int, int], along: int
) -> None:
    image = photo(*size)
    found = _map(np.full(size[::-1], 30.0), image)
    sheet = draw_heatmap(found, side_by_side=True, legend=False)
    assert sheet.crop((0, 0, *size)) == image
    assert sheet.size[1 - along] == size[1 - along]
    assert sheet.size[along] > 2 * size[along]
    box = (sheet.width - size[0], sheet.height - size[1], *sheet.size)
    assert sheet.crop(box) == draw_heatmap(found, legend=False)


def test_a_photo_is_not_drawn_upon() -> None:
    image = photo(700, 700)
    before = image.tobytes()
    draw_heatmap(map_image(image, brightness_model(), choice=BlockChoice(size=350)))
    assert image.tobytes() == before


def test_the_facts_are_json_and_say_how_map_and_score_relate() -> None:
    model = brightness_model()
    found = map_image(photo(), model, choice=BlockChoice(size=16, stride=16))
    facts = json.loads(json.dumps(heatmap_facts(found, run_info(model))))
    head = ["image", "model", "score", "width", "height", "note", "map", "worst", "blocks", "run"]
    assert list(facts) == head
    assert len(facts["blocks"]) == 12 and list(facts["blocks"][0]) == [
        *("x", "y", "width", "height", "score", "flaw", "strength")
    ]
    assert facts["worst"][0] in facts["blocks"]
    assert facts["map"]["mean"] == pytest.approx(facts["score"], abs=0.5)
    assert facts["map"]["mean_minus_score"] == pytest.approx(
        facts["map"]["mean"] - facts["score"], abs=1e-3
    )
    assert facts["run"]["model"] == "brightness"


def _matrix(side: int, picture: Image.Image) -> SimilarityMatrix:
    values = np.full((side**2, side**2), 0.25, np.float32)
    np.fill_diagonal(values, 1)
    return SimilarityMatrix(
        path="a.jpg",
        model="blockiqa",
        score=50.0,
        width=picture.width,
        height=picture.height,
        values=values,
        block_scores=np.full((side, side), 0.5, np.float32),
        block_weights=values.mean(axis=1).reshape(side, side),
        picture=picture,
    )


@pytest.mark.parametrize("side", [1, 2, 4])
def test_a_matrix_is_drawn_with_its_colours_beside_the_photo(side: int) -> None:
    matrix = _matrix(side, photo(80, 60))
    drawn = np.asarray(draw_similarity(matrix, legend=False))
    lit = (drawn == colour_of(1, highest=1)).all(axis=2).sum()
    dark = (drawn == colour_of(0.25, highest=1)).all(axis=2).sum()
    cells = side**4
    assert lit > 5000 / side**2
    assert (dark > 0) == (side > 1)
    if side > 1:
        assert dark / lit == pytest.approx((cells - side**2) / side**2, rel=0.35)
    facts = json.loads(json.dumps(similarity_facts(matrix, run_info(brightness_model()))))
    assert np.array(facts["similarity"]).shape == (side**2, side**2)
    assert draw_similarity(matrix).height > len(drawn)


@pytest.mark.parametrize("size", [(1, 1), (2000, 100), (100, 2000), (640, 400)])
def test_the_whole_photo_stands_with_its_matrix_whatever_its_shape(size: tuple[int, int]) -> None:
    sheet = draw_similarity(_matrix(2, Image.new("RGB", size, (1, 200, 3))), legend=False)
    shown = (np.asarray(sheet) == (1, 200, 3)).all(axis=2)
    rows, columns = np.nonzero(shown)
    assert max(np.ptp(rows), np.ptp(columns)) > 500
    assert (np.asarray(sheet) == colour_of(1, highest=1)).all(axis=2).sum() > 2000
