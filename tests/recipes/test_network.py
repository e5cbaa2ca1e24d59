from dataclasses import replace
from pathlib import Path

import pytest

from biqa_cli.datasets.base import Dataset, LabelScale
from biqa_cli.errors import UsageError
from biqa_cli.models.catalog import IMAGENET_MEAN, IMAGENET_STD, LITE_MEAN, LITE_STD
from biqa_cli.models.spec import Crops
from biqa_cli.recipes.files import load_recipe, with_settings
from biqa_cli.recipes.network import describe_network

NOBODY = Dataset(
    "mini", Path(), "authentic", LabelScale(0, 1, higher_is_better=True, meaning="MOS"), ()
)


@pytest.mark.parametrize(
    ("family", "settings", "crops"),
    [
        ("reqa", (), Crops(224, 144)),
        (
            "reqa",
            ("input.height=448", "input.width=448", "input.crop=448", "input.stride=448"),
            None,
        ),
        (
            "reqa",
            ("input.height=448", "input.width=896", "input.crop=448", "input.stride=448"),
            Crops(448, 448),
        ),
        ("nlnet", (), None),
    ],
)
def test_a_photo_is_scored_by_crops_where_they_are_smaller_than_its_view(
    family: str, settings: tuple[str, ...], crops: Crops | None
) -> None:
    recipe = with_settings(load_recipe(family), settings)
    described = describe_network(recipe, NOBODY, types=0)
    assert described.input.crops == crops


def test_the_recipe_says_whether_photos_are_scored_at_their_own_aspect_ratio() -> None:
    for kept in (True, False):
        recipe = with_settings(load_recipe("qualitynet"), [f"input.keep_aspect={kept}".lower()])
        assert describe_network(recipe, NOBODY, types=0).input.keeps_aspect is kept


def test_flaws_lower_scores_of_a_scale_that_begins_at_0() -> None:
    settings = ["network.flaws=true", "examples.weight=1", "examples.flaws_weight=1"]
    native = with_settings(load_recipe("qualitynet"), [*settings, "input.labels=native"])
    for lowest, higher_is_better in ((1, True), (0, False)):
        scale = LabelScale(lowest, 5, higher_is_better=higher_is_better, meaning="MOS")
        with pytest.raises(UsageError, match="flaws lower a score towards 0, but its scale is"):
            describe_network(native, replace(NOBODY, scale=scale), types=0)
    scale = LabelScale(0, 5, higher_is_better=True, meaning="MOS")
    assert describe_network(native, replace(NOBODY, scale=scale), types=0).options["flaws"] is True


def test_the_side_of_the_crops_and_the_types_follow_the_data() -> None:
    reqa = with_settings(load_recipe("reqa"), ["input.crop=112", "input.stride=112"])
    assert describe_network(reqa, NOBODY, types=3).options["input_size"] == 112
    assert describe_network(load_recipe("nlnet"), NOBODY, types=3).options["types"] == 3


@pytest.mark.parametrize(
    ("family", "config", "mean", "std"),
    [
        ("blockiqa", "blockiqa", IMAGENET_MEAN, IMAGENET_STD),
        ("blockiqa", "blockiqa-cpu", LITE_MEAN, LITE_STD),
        ("qualitynet", "qualitynet-cpu", LITE_MEAN, LITE_STD),
        ("nlnet", "nlnet-cpu", (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
    ],
)
def test_pixels_are_normalised_as_the_backbones_were_trained(
    family: str, config: str, mean: tuple[float, ...], std: tuple[float, ...]
) -> None:
    recipe = load_recipe(family, config=config)
    view = describe_network(recipe, NOBODY, types=0).input
    assert (view.mean, view.std) == (mean, std)


def test_the_scale_is_that_of_the_labels_in_the_recipe() -> None:
    worse = LabelScale(1, 5, higher_is_better=False, meaning="DMOS")
    dataset = replace(NOBODY, scale=worse)
    ends = {}
    for labels in ("unit", "percent", "native"):
        recipe = with_settings(load_recipe("blockiqa"), [f"input.labels={labels}"])
        scale = describe_network(recipe, dataset, types=0).scale
        assert not scale.higher_is_better
        ends[labels] = (scale.lowest, scale.highest)
    assert ends == {"unit": (0, 1), "percent": (0, 100), "native": (1, 5)}
