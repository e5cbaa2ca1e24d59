import json
from pathlib import Path
from typing import get_args

import pytest
from own_recipes import differing, own

from biqa_cli.errors import UsageError
from biqa_cli.models.build import backbone_count
from biqa_cli.models.spec import Family
from biqa_cli.recipes.files import (
    RECIPES,
    load_recipe,
    rounds_of,
    settable_keys,
    to_plain,
    to_toml,
    with_settings,
)

NAMES = sorted(path.stem for path in RECIPES.glob("*.toml"))
FAMILIES: tuple[Family, ...] = get_args(Family)


def test_every_family_has_the_recipe_of_its_paper_and_one_for_two_cores() -> None:
    assert {*FAMILIES, *(f"{family}-cpu" for family in FAMILIES)} <= set(NAMES)


def test_every_value_of_the_shipped_recipes_is_what_it_was() -> None:
    # A default that changes would change what repeats a shipped checkpoint or a paper's training.
    # If a recipe is meant to change: write the file anew from `to_plain`, and read its diff.
    pinned = json.loads(Path(__file__).with_name("shipped_recipes.json").read_text("utf-8"))
    found = {name: to_plain(load_recipe(name.partition("-")[0], config=name)) for name in NAMES}
    assert json.loads(json.dumps(found)) == pinned


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_recipe_loads_and_is_read_back_as_it_was_written(
    name: str, tmp_path: Path
) -> None:
    family = name.partition("-")[0]
    recipe = load_recipe(family, config=name)
    assert recipe.family == family and len(recipe.backbones) == backbone_count(recipe.family)
    assert len(rounds_of(recipe)) == 1 + len(recipe.rounds)
    assert load_recipe(family, config=own(tmp_path, to_toml(recipe))) == recipe


def test_the_recipes_hold_the_papers_numbers() -> None:
    blockiqa = to_plain(load_recipe("blockiqa"))
    assert blockiqa["optimiser"]["rate"] == blockiqa["optimiser"]["backbone_rate"] == 1e-4
    assert (blockiqa["optimiser"]["weight_decay"], blockiqa["optimiser"]["batch"]) == (1e-5, 16)
    assert (blockiqa["schedule"]["every"], blockiqa["schedule"]["factor"]) == (10, 0.8)
    assert (blockiqa["schedule"]["patience"], blockiqa["input"]["rotate"]) == (20, 10)
    assert blockiqa["input"]["labels"] == "unit" and blockiqa["network"]["blocks"] == 2

    qualitynet = to_plain(load_recipe("qualitynet"))
    assert (qualitynet["optimiser"]["batch"], qualitynet["optimiser"]["rate"]) == (10, 1e-4)
    assert (qualitynet["schedule"]["curve"], qualitynet["schedule"]["every"]) == ("plateau", 2)
    assert (qualitynet["schedule"]["factor"], qualitynet["schedule"]["lowest"]) == (0.4, 1e-8)
    assert qualitynet["loss"] == {"mae_weight": "auto", "plcc_weight": 10}
    assert qualitynet["schedule"]["select"] == "plcc"

    reqa = to_plain(load_recipe("reqa"))
    assert (reqa["optimiser"]["backbone_rate"], reqa["optimiser"]["rate"]) == (2e-5, 2e-4)
    assert (reqa["optimiser"]["weight_decay"], reqa["schedule"]["epochs"]) == (5e-4, 40)
    assert (reqa["schedule"]["every"], reqa["schedule"]["factor"]) == (10, 0.1)
    assert reqa["input"]["labels"] == "percent" and reqa["network"]["steps"] == 4

    shdiqa = to_plain(load_recipe("shdiqa"))
    assert (shdiqa["optimiser"]["algorithm"], shdiqa["optimiser"]["weight_decay"]) == (
        "adamw",
        0.05,
    )
    assert (shdiqa["optimiser"]["clip"], shdiqa["optimiser"]["decay_all"]) == (5, False)
    assert (shdiqa["schedule"]["epochs"], shdiqa["schedule"]["warmup"]) == (9, 3)
    assert (shdiqa["input"]["crops_per_photo"], shdiqa["loss"]["teacher_epochs"]) == (10, 9)

    nlnet = to_plain(load_recipe("nlnet"))
    assert (nlnet["optimiser"]["batch"], nlnet["optimiser"]["weight_decay"]) == (4, 5e-4)
    schedule = nlnet["schedule"]
    assert (schedule["every"], schedule["factor"], schedule["epochs"]) == (20, 0.5, 100)
    assert (nlnet["input"]["crop"], nlnet["input"]["labels"]) == (112, "native")


def test_a_file_of_ones_own_changes_the_papers_recipe_key_by_key(tmp_path: Path) -> None:
    file = own(tmp_path, 'family = "blockiqa"\n[network]\nblocks = 3\n[schedule]\nepochs = 7\n')
    mine, paper = load_recipe("blockiqa", config=file), load_recipe("blockiqa")
    assert differing(to_plain(mine), to_plain(paper)) == ["network.blocks", "schedule.epochs"]
    assert mine.network["blocks"] == 3 and mine.schedule.epochs == 7


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("netwrok = {}", "no key 'netwrok': did you mean 'network'"),
        ("[network]\nblock = 3", "no option 'block': did you mean 'blocks'"),
        ("[network]\ntypes = 3", "network.types cannot be set"),
        ("[network]\ninput_size = 3", "network.input_size cannot be set: it follows from the crop"),
        ("[network]\nblocks = true", "blocks of blockiqa cannot be True"),
        ("network = 3", "network cannot be 3: it must be a table"),
        ("[input]\nhieght = 3", "input has no key 'hieght': did you mean 'height'"),
        ("[input]\nflip = 1", "input.flip cannot be 1: it must be true or false"),
        ("[input]\nwidth = 0", "input.width cannot be 0: it must be a whole number >= 1"),
        ("[loss]\nfine = true", "loss has no key 'fine'"),
        ("loss = 3", "loss cannot be 3: it must be a table"),
        ('[loss]\nplcc_weight = "a"', "loss.plcc_weight cannot be 'a': it must be a number"),
        ("[optimiser]\nbatch = 1", "optimiser.batch cannot be 1: it must be a whole number >= 2"),
        (
            '[schedule]\ncurve = "constant"',
            "schedule.curve cannot be 'constant': there are step, cosine, ",
        ),
        ('[schedule]\nselect = "mae"', "schedule.select cannot be 'mae': there are srcc, plcc"),
        (
            'backbones = ["resnet51"]',
            r"backbones\[0\] cannot be 'resnet51': did you mean 'resnet50'",
        ),
        ("backbones = []", r"backbones cannot be \[\]: it must be a list of length >= 1"),
        ("backbones = [5]", r"backbones\[0\] cannot be 5: it must be text"),
        ("base = 3", "base cannot be 3: it must be the name of a recipe or a TOML file"),
        ("rounds = [3]", r"rounds\[0\] cannot be 3: it must be a table"),
        ("rounds = 3", "rounds cannot be 3: it must be a list"),
    ],
)
def test_what_a_recipe_cannot_say_is_refused_with_the_key_that_is_meant(
    text: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=message):
        load_recipe("blockiqa", config=own(tmp_path, f'family = "blockiqa"\n{text}'))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('family = "reqa"', "is a recipe for reqa, not for blockiqa"),
        ("", "is a recipe for no family, not for blockiqa"),
        ("family", "cannot read the recipe"),
    ],
)
def test_a_recipe_of_another_family_or_none_is_refused(
    text: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=message):
        load_recipe("blockiqa", config=own(tmp_path, text))


def test_families_and_recipes_that_do_not_exist_are_refused_with_those_that_do() -> None:
    with pytest.raises(UsageError, match="there is no family 'blockiqua': did you mean 'blockiqa'"):
        load_recipe("blockiqua")
    with pytest.raises(UsageError, match="there is no recipe 'nothing': .* blockiqa-cpu, "):
        load_recipe("blockiqa", config="nothing")
    with pytest.raises(UsageError, match="'blockiqa-cpuu': .* did you mean 'blockiqa-cpu'"):
        load_recipe("blockiqa", config="blockiqa-cpuu")


@pytest.mark.parametrize("family", FAMILIES)
def test_every_settable_key_is_one_of_the_recipe(family: Family) -> None:
    plain = to_plain(load_recipe(family))
    for key in settable_keys(family):
        section, _, name = key.rpartition(".")
        assert name in (plain[section] if section else plain), key


ROUNDS = """family = "blockiqa"
[schedule]
epochs = 7
[[rounds]]
schedule.epochs = 3
optimiser.trainable = "last"
[[rounds]]
loss.plcc_weight = 2.0
"""


def test_each_round_changes_the_first_and_not_the_one_before(tmp_path: Path) -> None:
    recipe = load_recipe("blockiqa", config=own(tmp_path, ROUNDS))
    rounds = rounds_of(recipe)
    assert [one.schedule.epochs for one in rounds] == [7, 3, 7]
    assert [one.optimiser.trainable for one in rounds] == ["all", "last", "all"]
    assert [to_plain(one)["loss"]["plcc_weight"] for one in rounds] == [0, 0, 2]
    assert all(one.rounds == () for one in rounds)
    again = load_recipe("blockiqa", config=own(tmp_path, to_toml(recipe)))
    assert again == recipe and rounds_of(again) == rounds


def test_a_setting_holds_in_all_rounds(tmp_path: Path) -> None:
    recipe = load_recipe("blockiqa", config=own(tmp_path, ROUNDS))
    rounds = rounds_of(with_settings(recipe, ["schedule.epochs=2", "seed=4"]))
    assert [(one.schedule.epochs, one.seed) for one in rounds] == [(2, 4)] * 3
    assert [one.optimiser.trainable for one in rounds] == ["all", "last", "all"]


def test_rounds_share_the_photos_that_validate_and_know_only_keys_that_exist(
    tmp_path: Path,
) -> None:
    recipe = tmp_path / "mine.toml"
    for change, text in (
        ("seed = 2", "must be the same in all rounds"),
        ("input = { val_share = 0.3 }", "must be the same in all rounds"),
        ("optimiser = { ratte = 1 }", "has no key 'ratte': did you mean 'rate'"),
    ):
        recipe.write_text(f'family = "reqa"\n[[rounds]]\n{change}\n')
        with pytest.raises(UsageError, match=text):
            load_recipe("reqa", config=recipe)


def test_a_base_is_found_beside_the_recipe_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "first.toml").write_text('family = "reqa"\nbase = "../second.toml"\n')
    second = 'family = "reqa"\nbase = "reqa-cpu"\n[schedule]\nepochs = 77\n'
    (tmp_path / "second.toml").write_text(second)
    # Neither the working directory nor a file there of the same name matters.
    monkeypatch.chdir(tmp_path)
    (tmp_path.parent / "second.toml").write_text("no recipe")
    recipe = load_recipe("reqa", config="inner/first.toml")
    assert recipe.schedule.epochs == 77
    (tmp_path / "inner" / "first.toml").write_text('family = "reqa"\nbase = "second.toml"\n')
    with pytest.raises(UsageError, match="there is no recipe 'second.toml'"):
        load_recipe("reqa", config="inner/first.toml")


def test_a_recipe_that_is_based_on_itself_is_refused(tmp_path: Path) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text(f'family = "reqa"\nbase = "{recipe}"\n')
    with pytest.raises(UsageError, match="is based on itself"):
        load_recipe("reqa", config=str(recipe))
