from pathlib import Path

import pytest

from biqa_cli.errors import UsageError
from biqa_cli.models.build import backbone_count
from biqa_cli.training.config import (
    RECIPES,
    differing_keys,
    load_recipe,
    set_keys,
    to_toml,
    with_backbones,
    with_settings,
)

NAMES = sorted(path.stem for path in RECIPES.glob("*.toml"))


def test_every_family_has_the_recipe_of_its_paper_and_one_for_two_cores() -> None:
    families = ("blockiqa", "qualitynet", "reqa", "shdiqa", "nlnet")
    assert {*families, *(f"{family}-cpu" for family in families)} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_recipe_is_read_back_as_it_was_written(name: str, tmp_path: Path) -> None:
    recipe = load_recipe(name.partition("-")[0], config=name)
    assert len(recipe.backbones) == backbone_count(recipe.family)
    file = tmp_path / "recipe.toml"
    file.write_text(to_toml(recipe))
    assert load_recipe(recipe.family, config=file) == recipe
    assert differing_keys(recipe, recipe) == []


def test_the_recipes_hold_the_papers_numbers() -> None:
    blockiqa = load_recipe("blockiqa")
    assert blockiqa.optimiser.rate == blockiqa.optimiser.backbone_rate == 1e-4
    assert (blockiqa.optimiser.weight_decay, blockiqa.optimiser.batch) == (1e-5, 16)
    assert (blockiqa.schedule.every, blockiqa.schedule.factor) == (10, 0.8)
    assert (blockiqa.schedule.patience, blockiqa.input.rotate) == (20, 10)
    assert blockiqa.input.labels == "unit" and blockiqa.network["blocks"] == 2

    qualitynet = load_recipe("qualitynet")
    assert (qualitynet.optimiser.batch, qualitynet.optimiser.rate) == (10, 1e-4)
    assert (qualitynet.schedule.curve, qualitynet.schedule.every) == ("plateau", 2)
    assert (qualitynet.schedule.factor, qualitynet.schedule.lowest) == (0.4, 1e-8)
    assert qualitynet.loss["plcc_weight"] == 10 and qualitynet.schedule.select == "plcc"

    reqa = load_recipe("reqa")
    assert (reqa.optimiser.backbone_rate, reqa.optimiser.rate) == (2e-5, 2e-4)
    assert (reqa.optimiser.weight_decay, reqa.schedule.epochs) == (5e-4, 40)
    assert (reqa.schedule.every, reqa.schedule.factor) == (10, 0.1)
    assert reqa.input.labels == "percent" and reqa.network["steps"] == 4

    shdiqa = load_recipe("shdiqa")
    assert (shdiqa.optimiser.algorithm, shdiqa.optimiser.weight_decay) == ("adamw", 0.05)
    assert (shdiqa.optimiser.clip, shdiqa.optimiser.decay_all) == (5, False)
    assert (shdiqa.schedule.epochs, shdiqa.schedule.warmup) == (9, 3)
    assert (shdiqa.input.crops_per_photo, shdiqa.loss["teacher_epochs"]) == (10, 9)

    nlnet = load_recipe("nlnet")
    assert (nlnet.optimiser.batch, nlnet.optimiser.weight_decay) == (4, 5e-4)
    assert (nlnet.schedule.every, nlnet.schedule.factor, nlnet.schedule.epochs) == (20, 0.5, 100)
    assert (nlnet.input.crop, nlnet.input.labels) == (112, "native")


def test_a_file_of_ones_own_changes_the_papers_recipe_key_by_key(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('family = "blockiqa"\n[network]\nblocks = 3\n[schedule]\nepochs = 7\n')
    mine, paper = load_recipe("blockiqa", config=file), load_recipe("blockiqa")
    assert sorted(differing_keys(mine, paper)) == ["blocks", "epochs"]
    assert mine.network["blocks"] == 3 and mine.schedule.epochs == 7


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('family = "blockiqa"\nnetwrok = {}', "no key 'netwrok': did you mean 'network'"),
        ('family = "blockiqa"\n[network]\nblock = 3', "no option 'block': did you mean 'blocks'"),
        ('family = "blockiqa"\n[input]\nhieght = 3', "no key 'hieght': did you mean 'height'"),
        ('family = "blockiqa"\n[loss]\nfine = true', "loss of blockiqa has no key 'fine'"),
        ('family = "blockiqa"\n[input]\nflip = 1', "flip must be true or false, got 1"),
        ('family = "blockiqa"\n[network]\nblocks = true', "blocks of blockiqa cannot be True"),
        ('family = "reqa"', "is a recipe for reqa, not for blockiqa"),
        ("family", "cannot read the recipe"),
    ],
)
def test_what_a_recipe_cannot_say_is_refused_with_the_closest_name(
    text: str, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(UsageError, match=message):
        load_recipe("blockiqa", config=file)


def test_settings_reach_every_section_of_a_recipe() -> None:
    settings = ["blocks=3", "similarity=cosine", "use_afel=false", "rate=1e-3", "epochs=4"]
    recipe = with_settings(load_recipe("blockiqa"), [*settings, "seed=9", "flip=false"])
    assert dict(recipe.network) == {"blocks": 3, "similarity": "cosine", "use_afel": False}
    assert (recipe.optimiser.rate, recipe.schedule.epochs, recipe.seed) == (1e-3, 4, 9)
    assert not recipe.input.flip


@pytest.mark.parametrize(
    ("family", "setting"),
    [
        ("qualitynet", "chains=2"),
        ("qualitynet", "attention=SA"),
        ("qualitynet", "mae_weight=10"),
        ("reqa", "steps=3"),
        ("reqa", "coarse=false"),
        ("shdiqa", "partition=grid"),
        ("shdiqa", "affinity_weight=0"),
        ("nlnet", "branches=local"),
    ],
)
def test_the_papers_ablations_are_settings_of_their_family_alone(family: str, setting: str) -> None:
    key, _, _ = setting.partition("=")
    recipe = load_recipe(family)
    assert differing_keys(with_settings(recipe, [setting]), recipe) == [key]
    with pytest.raises(UsageError, match="blockiqa has no such key"):
        with_settings(load_recipe("blockiqa"), [setting])


def test_no_key_has_two_meanings() -> None:
    for family in ("blockiqa", "qualitynet", "reqa", "shdiqa", "nlnet"):
        recipe = load_recipe(family)
        keys = set_keys(recipe.family)
        in_sections = [
            key
            for section in (recipe.network, recipe.loss)
            for key in section
            if keys[key] not in ("network", "loss")
        ]
        assert in_sections == []


def test_another_backbone_is_one_word() -> None:
    recipe = with_backbones(load_recipe("blockiqa"), ("efficientnet-lite2",))
    assert differing_keys(recipe, load_recipe("blockiqa")) == ["backbones"]
