import json
from pathlib import Path

import pytest
from msgspec import structs, to_builtins

from biqa_cli.recipes.record import LOSSES, InputRecipe, Recipe, Section, keys_of

DEFAULTS = json.loads((Path(__file__).parent / "default_recipe.json").read_text("utf-8"))


def test_what_no_recipe_sets_means_the_same_in_every_version() -> None:
    # A folder that a training left is continued, and a recipe of one's own is run again.
    kinds = [field.type for field in structs.fields(Recipe)]
    sections = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, Section)]
    sections += LOSSES.values()
    assert {section.__name__: to_builtins(section()) for section in sections} == DEFAULTS


@pytest.mark.parametrize(
    ("changes", "is_whole"),
    [
        ({}, True),
        ({"flip": False}, True),
        ({"noise": 0.3}, True),
        ({"crop": 64}, False),
        ({"rotate": 5.0}, False),
        ({"crops_per_photo": 2}, False),
    ],
)
def test_a_view_is_whole_where_every_epoch_sees_the_same(
    changes: dict[str, float], *, is_whole: bool
) -> None:
    assert structs.replace(InputRecipe(), **changes).is_whole == is_whole


def test_the_keys_of_a_loss_are_those_of_its_family() -> None:
    for family in LOSSES:
        sections = keys_of(family)
        shared = {"input", "monotonicity", "examples", "also", "optimiser", "schedule"}
        assert sections.keys() == {"loss", *shared}
        assert "epochs" in sections["schedule"] and "batch" in sections["optimiser"]
    assert tuple(keys_of("reqa")["loss"]) == ("coarse", "fine", "first_stage")
