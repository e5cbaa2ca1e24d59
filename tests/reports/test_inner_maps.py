import json

import numpy as np
import pytest
from fakes import brightness_model, photo
from PIL import Image

from biqa_cli.explain.records import InnerKind, InnerMaps, Panel
from biqa_cli.reports.colour_scale import ANCHORS, colour_of
from biqa_cli.reports.inner_maps import colour_ranges, draw_inner_maps, inner_map_facts
from biqa_cli.scoring import run_info


def _maps(
    *values: np.ndarray,
    kind: InnerKind = "feedback",
    columns: int = 1,
    scores: tuple[float | None, ...] = (),
    picture: Image.Image | None = None,
) -> InnerMaps:
    height, width = values[0].shape
    scored = scores or (None,) * len(values)
    return InnerMaps(
        path="a.jpg",
        model="reqa-lite",
        kind=kind,
        score=50.0,
        width=width,
        height=height,
        columns=columns,
        panels=tuple(
            Panel(f"map {n}", each.astype(np.float32), score)
            for n, (each, score) in enumerate(zip(values, scored, strict=True))
        ),
        picture=picture or Image.new("RGB", (width, height), (90, 120, 90)),
    )


def _spot(low: float, high: float) -> np.ndarray:
    values = np.full((30, 40), float(low))
    values[:15, 20:] = high
    return values


def test_each_row_has_its_own_range_and_a_value_lies_where_it_belongs() -> None:
    maps = _maps(_spot(1, 2), _spot(1, 3), _spot(0.01, 0.02), columns=2)
    assert colour_ranges(maps) == [(1, 3), (pytest.approx(0.01), pytest.approx(0.02))]
    drawn = np.asarray(draw_inner_maps(maps, legend=False))
    light = (drawn == ANCHORS[-1]).all(axis=2)
    rows, columns = np.nonzero(light)
    # The second map of the first row and the first map of the second row have the maximum.
    assert light.sum() == 2 * 320 * 240
    upper = rows < len(drawn) / 2
    assert columns[upper].min() == columns[~upper].min() + 640 + 12
    assert np.ptp(columns[upper]) == 319 and np.ptp(rows[upper]) == 239


def test_attention_that_is_nearly_even_looks_so() -> None:
    even = _maps(_spot(0.99, 1.01), kind="attention")
    assert colour_ranges(even) == [(0, 2)]
    drawn = np.asarray(draw_inner_maps(even, legend=False))
    assert (drawn[-1, 0] == colour_of(0.99, highest=2)).all()
    peaked = _maps(_spot(0.5, 9), _spot(0.5, 1), kind="attention")
    assert colour_ranges(peaked) == [(0, 9), (0, 9)]


def test_the_photo_is_grey_where_there_is_no_value() -> None:
    maps = _maps(_spot(1, np.nan), kind="attention")
    drawn = draw_inner_maps(maps, legend=False)
    red, green, blue = drawn.getpixel((drawn.width - 1, drawn.height // 4))
    assert (
        red
        == green
        == blue
        == Image.new("RGB", (1, 1), (90, 120, 90)).convert("L").getpixel((0, 0))
    )
    assert drawn.getpixel((0, drawn.height - 1)) == colour_of(1, highest=2)


def test_a_flat_row_is_dark_and_not_an_error() -> None:
    maps = _maps(np.zeros((30, 40)), kind="gradcam")
    assert draw_inner_maps(maps, legend=False).getpixel((300, 300)) == ANCHORS[0]


def test_scores_stand_below_their_maps() -> None:
    bare = draw_inner_maps(_maps(_spot(0, 1)), legend=False)
    scored = draw_inner_maps(_maps(_spot(0, 1), scores=(63.2,)), legend=False)
    assert scored.height > bare.height
    assert scored.crop((0, 0, *bare.size)) == bare
    below = np.asarray(scored.crop((0, bare.height, *scored.size)))
    assert (below < 60).all(axis=2).any()


@pytest.mark.parametrize("size", [(1, 1), (640, 10), (10, 640), (640, 480)])
@pytest.mark.parametrize("columns", [1, 4])
def test_legend_and_photo_are_options_whatever_the_shape(
    size: tuple[int, int], columns: int
) -> None:
    image = photo(*size)
    maps = _maps(*[np.ones(size[::-1])] * 4, columns=columns, picture=image)
    before = image.tobytes()
    bare = draw_inner_maps(maps, legend=False)
    assert draw_inner_maps(maps).height > bare.height
    both = draw_inner_maps(maps, side_by_side=True, legend=False)
    assert both.width > bare.width or both.height > bare.height
    assert image.tobytes() == before


def test_the_facts_are_json_with_a_range_for_each_map() -> None:
    maps = _maps(_spot(1, 2), _spot(0.5, np.nan), scores=(None, 44.5))
    facts = json.loads(json.dumps(inner_map_facts(maps, run_info(brightness_model()))))
    assert list(facts) == [
        *("image", "model", "kind", "score", "width", "height", "note", "panels", "run"),
    ]
    assert facts["panels"] == [
        {"title": "map 0", "value": None, "min": 1, "max": 2},
        {"title": "map 1", "value": 44.5, "min": 0.5, "max": 0.5},
    ]
