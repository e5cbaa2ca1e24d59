"""What `--set` changes of a recipe, and what it refuses."""

from pathlib import Path

import pytest
from own_recipes import differing, own

from biqa_cli.errors import UsageError
from biqa_cli.recipes.files import (
    load_recipe,
    to_plain,
    with_settings,
)


def test_settings_reach_every_section_of_a_recipe() -> None:
    settings = [
        *("network.blocks=3", "network.similarity=cosine", "network.use_afel=false"),
        *("optimiser.rate=1e-3", "schedule.epochs=4", "seed=9", "input.flip=false"),
        *("loss.plcc_weight=2", "monotonicity.photos=50", 'backbones=["efficientnet-lite2"]'),
    ]
    recipe = load_recipe("blockiqa")
    changed = with_settings(recipe, settings)
    keys = [setting.partition("=")[0] for setting in settings]
    assert sorted(differing(to_plain(changed), to_plain(recipe))) == sorted(keys)
    wanted = {"blocks": 3, "similarity": "cosine", "use_afel": False, "wiring": "released"}
    assert dict(changed.network) == wanted
    assert (changed.optimiser.rate, changed.schedule.epochs, changed.seed) == (1e-3, 4, 9)
    assert changed.backbones == ("efficientnet-lite2",) and not changed.input.flip


@pytest.mark.parametrize(
    ("family", "setting"),
    [
        ("qualitynet", "network.chains=2"),
        ("qualitynet", "network.attention=SA"),
        ("qualitynet", "loss.mae_weight=10"),
        ("reqa", "network.steps=3"),
        ("reqa", "loss.coarse=false"),
        ("shdiqa", "network.partition=grid"),
        ("shdiqa", "loss.affinity_weight=0"),
        ("nlnet", "network.branches=local"),
    ],
)
def test_the_papers_ablations_are_settings_of_their_family_alone(family: str, setting: str) -> None:
    key, _, _ = setting.partition("=")
    recipe = load_recipe(family)
    assert differing(to_plain(with_settings(recipe, [setting])), to_plain(recipe)) == [key]
    with pytest.raises(UsageError, match="blockiqa has no such key"):
        with_settings(load_recipe("blockiqa"), [setting])


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("schedule.epochs", "write section.key=value, such as optimiser.rate=1e-4"),
        ("ema=0.9", "blockiqa has no such key, did you mean 'optimiser.ema'"),
        ("optimiser.emma=0.9", "blockiqa has no such key, did you mean 'optimiser.ema'"),
        ("network.input_size=3", "blockiqa has no such key"),
        ("rounds=[]", "blockiqa has no such key"),
        ("optimiser.rate=fast", "optimiser.rate cannot be 'fast': it must be a number"),
        ("optimiser.rate=-1", "optimiser.rate cannot be -1: it must be a number >= 0.0"),
        ("network.blocks=7", "blocks of blockiqa cannot be 7: it can be 1, 2, 3"),
        ("input.crop=600", "crops of 600 do not fit a view of 224×224 pixels"),
        ("input.val_share=2", "input.val_share cannot be 2: it must be a number <= 1"),
    ],
)
def test_settings_that_cannot_be_are_refused_with_a_hint(setting: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        with_settings(load_recipe("blockiqa"), [setting])


@pytest.mark.parametrize(
    ("family", "settings", "message"),
    [
        ("reqa", ["input.stride=0"], "reqa scores crops of one size: set input.stride to 1 to 224"),
        ("reqa", ["input.stride=225"], "stride 225 leaves gaps between crops of 224"),
        (
            "blockiqa",
            ["input.crop=0", "input.height=300", "input.turn=0.5"],
            "cannot be turned: set",
        ),
        ("reqa", ["optimiser.batch=4"], "a batch of 4 is too small for reqa: 5 or more"),
        ("qualitynet", ["network.flaws=true"], "flaws are learnt from examples, and"),
        ("qualitynet", ["input.full_size=true"], "needs network.flaws=true and views of 448×448"),
        (
            "reqa",
            ["input.keep_aspect=true"],
            "input.keep_aspect is for networks that read views of",
        ),
        (
            "qualitynet",
            ["optimiser.trainable=flaws"],
            "trainable=flaws is for cached features of networks with a head for flaws: set network",
        ),
        (
            "qualitynet",
            ["input.keep_aspect=true", "input.crop=224", "input.stride=112"],
            "for whole views: use one of qualitynet, and input.stride=0",
        ),
        (
            "qualitynet",
            ["also.weight=1", "network.attention_first=true"],
            "also.weight is for maps that are pooled first: set network.attention_first=false, or",
        ),
    ],
)
def test_values_that_do_not_work_together_are_refused(
    family: str, settings: list[str], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        with_settings(load_recipe(family), settings)


def test_a_word_of_a_choice_or_a_number_is_refused_with_what_it_can_be() -> None:
    message = "loss.mae_weight cannot be 'all': there are auto"
    with pytest.raises(UsageError, match=message):
        with_settings(load_recipe("qualitynet"), ["loss.mae_weight=all"])
    with pytest.raises(UsageError, match=r"loss.mae_weight cannot be \[\]: it must be a number or"):
        with_settings(load_recipe("qualitynet"), ["loss.mae_weight=[]"])


@pytest.mark.parametrize(
    ("family", "settings"),
    [
        ("qualitynet", ["input.crop=32"]),
        ("qualitynet", ["input.rotate=10"]),
        ("qualitynet", ["input.crops_per_photo=2"]),
        ("qualitynet", ["optimiser.trainable=last"]),
        ("qualitynet", ["network.attention_first=true"]),
        ("reqa", ["optimiser.trainable=head", "input.crop=0"]),
    ],
)
@pytest.mark.parametrize("key", ["input.noise", "monotonicity.weight"])
def test_what_needs_cached_features_is_refused_without(
    key: str, family: str, settings: list[str]
) -> None:
    recipe = load_recipe(family, config=f"{family}-cpu")
    off = ["input.noise=0", "monotonicity.weight=0"]
    assert not with_settings(recipe, [*off, *settings]).is_cached
    message = f"{key} is for cached features of whole photos: .*, or {key}=0"
    with pytest.raises(UsageError, match=message):
        with_settings(recipe, [*off, *settings, f"{key}=0.5"])


def test_a_round_that_needs_cached_features_is_refused_with_the_recipe(tmp_path: Path) -> None:
    text = 'family = "blockiqa"\nbase = "blockiqa-cpu"\n[[rounds]]\noptimiser.trainable = "all"'
    with pytest.raises(UsageError, match="input.noise is for cached features"):
        load_recipe("blockiqa", config=own(tmp_path, text))
