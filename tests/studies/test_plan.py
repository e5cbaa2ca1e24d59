from dataclasses import replace

import pytest
from small_studies import dataset, study

from biqa_cli.errors import UsageError
from biqa_cli.studies.overrides import Overrides, changed
from biqa_cli.studies.plan import plan_study, variants_of

TWO = [{"name": "n=1", "settings": ["network.blocks=1"]}, {"name": "n=2"}]


def test_every_set_variant_and_seed_is_a_run_and_the_first_seed_comes_first() -> None:
    plan = plan_study(study(seeds=[1, 2], variants=TWO), [dataset("a"), dataset("b")])
    runs = [(run.seed, run.dataset, run.variant) for run in plan.runs]
    assert runs == [(s, d, v) for s in (1, 2) for d in "ab" for v in ("n=1", "n=2")]
    assert len({run.key for run in plan.runs}) == len({run.folder for run in plan.runs}) == 8
    recipes = [run.recipe for run in plan.runs if run.recipe]
    assert [(r.seed, r.network["blocks"]) for r in recipes[:2]] == [(1, 1), (1, 2)]


def test_light_takes_the_recipe_and_the_settings_for_two_cores() -> None:
    asked = study(settings=["schedule.epochs=7"], light_settings=["schedule.epochs=2"])
    paper, light = (plan_study(asked, [dataset("a")], light=is_light) for is_light in (False, True))
    assert [run.recipe.backbones for run in (*paper.runs, *light.runs) if run.recipe] == [
        ("resnet50",),
        ("efficientnet-lite0",),
    ]
    epochs = [run.recipe.schedule.epochs for run in (*paper.runs, *light.runs) if run.recipe]
    assert epochs == [7, 2]


def test_the_recipe_of_a_study_is_not_that_of_another_family() -> None:
    asked = study(
        light="blockiqa-lite", variants=[{"name": "B"}, {"name": "Q", "family": "qualitynet"}]
    )
    plan = plan_study(asked, [dataset("a")], light=True)
    families = [run.recipe.family for run in plan.runs if run.recipe]
    assert families == ["blockiqa", "qualitynet"]


def test_a_grid_is_every_combination() -> None:
    asked = study(grid={"network.blocks": [1, 2], "schedule.epochs": [3, 4]})
    assert [variant.name for variant in variants_of(asked)] == [
        "blocks=1, epochs=3",
        "blocks=1, epochs=4",
        "blocks=2, epochs=3",
        "blocks=2, epochs=4",
    ]
    (_, second, *_) = plan_study(asked, [dataset("a")]).runs
    assert second.recipe and second.recipe.network["blocks"] == 1
    assert second.recipe.schedule.epochs == 4


def test_cross_database_trains_each_set_once_and_tests_the_others() -> None:
    asked = study(pairs=[["a", "b"], ["a", "c"], ["b", "a"]], is_crossed=True)
    plan = plan_study(asked, [dataset("a"), dataset("b")])
    assert [(run.dataset, run.tests, run.protocol) for run in plan.runs] == [
        ("a", ("b",), "all"),
        ("b", ("a",), "all"),
    ]
    assert plan.missing == ("c",)


def test_sets_of_ones_own_are_paired_each_with_each_other() -> None:
    asked = study(pairs=[["a", "b"]], is_crossed=True)
    plan = plan_study(asked, [dataset("x"), dataset("y")])
    assert [(run.dataset, run.tests) for run in plan.runs] == [("x", ("y",)), ("y", ("x",))]


def test_without_a_data_set_the_error_names_those_it_needs() -> None:
    with pytest.raises(UsageError, match="--dataset NAME=ROOT; this study has live, clive"):
        plan_study(study(datasets=["live", "clive"]), [])


def test_other_ratings_are_another_run() -> None:
    before = dataset("a")
    moved = replace(before.images[3], mos=0.9)
    after = replace(before, images=(*before.images[:3], moved, *before.images[4:]))
    keys = [plan_study(study(), [data]).runs[0].key for data in (before, before, after)]
    assert keys[0] == keys[1] != keys[2]


def test_a_model_on_a_published_list_is_one_run_whatever_the_seeds() -> None:
    asked = study(seeds=[1, 2], variants=[{"name": "m", "model": "qualitynet-lite"}])
    assert len(plan_study(asked, [dataset("a")]).runs) == 1
    shuffled = changed(asked, Overrides(protocol="image"))
    assert len(plan_study(shuffled, [dataset("a")]).runs) == 2


def test_a_command_line_changes_seeds_settings_split_and_variants() -> None:
    shares = [{"name": "20 %", "protocol": "image@20/0/20"}, {"name": "plain"}]
    asked = changed(
        study(variants=shares),
        Overrides("3,4", "scene", ("20 %",), ("schedule.epochs=2",), ("none",)),
    )
    plan = plan_study(asked, [dataset("a")])
    assert [(run.seed, run.protocol) for run in plan.runs] == [
        (3, "scene@20/0/20"),
        (4, "scene@20/0/20"),
    ]
    assert all(run.recipe and run.recipe.schedule.epochs == 2 for run in plan.runs)
    assert plan.runs[0].starts == ("none",)
    with pytest.raises(UsageError, match="no variant 'plian': did you mean 'plain'"):
        changed(study(variants=shares), Overrides(only=("plian",)))


def test_settings_of_one_data_set_are_those_of_its_runs_alone() -> None:
    asked = study(
        settings=["schedule.epochs=7"], dataset_settings={"b": ["schedule.epochs=9"]}, test_crops=5
    )
    sets = [dataset("a"), dataset("b")]
    plan = plan_study(asked, sets)
    assert [run.recipe.schedule.epochs for run in plan.runs if run.recipe] == [7, 9]
    light = plan_study(asked, sets, light=True)
    assert [run.recipe.schedule.epochs for run in light.runs if run.recipe] == [7, 7]
    assert (plan.study.test_crops, light.study.test_crops) == (5, 0)
