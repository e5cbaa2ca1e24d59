"""Options of networks: what can be asked for, and what stands where nothing is."""

from typing import Any

import pytest
from rated_miniature import use_tiny_backbones

from biqa_cli.errors import UsageError
from biqa_cli.models.build import assemble_network
from biqa_cli.models.options import OPTIONS, check_option, with_defaults
from biqa_cli.models.spec import Family, OptionValue

EVERY = [(family, name) for family, options in OPTIONS.items() for name in options]


@pytest.mark.parametrize(("family", "name"), EVERY)
def test_choices_differ_and_each_of_them_can_be_asked_for(family: Family, name: str) -> None:
    option = OPTIONS[family][name]
    assert len({(type(choice), choice) for choice in option.choices}) == len(option.choices)
    for choice in (option.default, *option.choices):
        found = check_option(family, name, choice)
        assert (type(found), found) == (type(choice), choice)
    assert with_defaults(family, {})[name] == option.default


def test_without_options_a_network_is_that_of_its_paper() -> None:
    # BlockIQA, Table 2; REQA, Table V; the crops of both transformers; NLNet's patches.
    assert with_defaults("blockiqa", {})["blocks"] == 2
    assert with_defaults("reqa", {})["steps"] == 4
    assert with_defaults("reqa", {})["input_size"] == 224
    assert with_defaults("shdiqa", {})["input_size"] == 224
    assert with_defaults("shdiqa", {})["patch"] == 16
    assert with_defaults("nlnet", {})["patch"] == 112
    switches = [("reqa", "feedback"), ("reqa", "transformer"), ("shdiqa", "use_baf")]
    assert all(with_defaults(family, {})[name] is True for family, name in switches)  # type: ignore[arg-type]  # families


@pytest.mark.parametrize(
    ("family", "name", "value", "message"),
    [
        ("blockiqa", "blocks", 5, "blocks of blockiqa cannot be 5: it can be 1, 2, 3, 4"),
        ("blockiqa", "blocks", True, "blocks of blockiqa cannot be True"),
        ("shdiqa", "use_baf", 1, "use_baf of shdiqa cannot be 1: it can be True, False"),
        ("reqa", "input_size", -1, "input_size of reqa cannot be -1: it can be whole numbers"),
        ("reqa", "input_size", 1.5, "input_size of reqa cannot be 1.5"),
        ("nlnet", "nodes", 1, "nodes of nlnet cannot be 1: it can be whole numbers from 2 on"),
        ("nlnet", "dropout", 0.5, "dropout of nlnet cannot be 0.5: it can be 0.0, 0.35"),
        ("nlnet", "dropout", False, "dropout of nlnet cannot be False"),
        ("reqa", "step", 4, "reqa has no option 'step': did you mean 'steps'"),
    ],
)
def test_another_value_is_refused(family: Family, name: str, value: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_option(family, name, value)


def test_a_whole_number_is_a_decimal_one() -> None:
    found = check_option("nlnet", "dropout", 0)
    assert found == 0 and type(found) is float


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 100}, "a width of 100 cannot be shared by 6 heads: make it a multiple"),
        ({"encoder": "means", "depth": 2}, "has no transformer blocks: leave depth at 0"),
    ],
)
def test_sizes_of_shdiqa_that_do_not_fit_are_refused(
    options: dict[str, OptionValue], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_tiny_backbones(monkeypatch)
    with pytest.raises(UsageError, match=message):
        assemble_network("shdiqa", ["efficientnet-lite0"], options=options)


def test_sizes_that_the_docs_name_reach_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    use_tiny_backbones(monkeypatch)
    sizes: dict[str, OptionValue] = {"depth": 3, "width": 32, "heads": 4, "input_size": 64}
    shdiqa: Any = assemble_network("shdiqa", ["efficientnet-lite0"], options=sizes)
    assert len(shdiqa.encoder.vit.blocks) == 3
    assert shdiqa.encoder.vit.sizes["width"] == 32 and shdiqa.encoder.vit.sizes["heads"] == 4
    few: dict[str, OptionValue] = {"nodes": 5, "pixels": 7, "dropout": 0.35}
    nlnet: Any = assemble_network("nlnet", ["efficientnet-lite0"], options=few)
    assert (nlnet.nodes, nlnet.pixels) == (5, 7)
    assert nlnet.nonlocal_branch.stage1.dropout.p == 0.35


@pytest.mark.parametrize(
    ("encoder", "depth", "blocks"),
    [("transformer", 0, 2), ("transformer", 1, 1), ("transformer", 5, 5), ("means", 0, 0)],
)
def test_behind_a_cnn_there_are_two_blocks_unless_another_depth_or_none_is_asked_for(
    encoder: str, depth: int, blocks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_tiny_backbones(monkeypatch)
    options: dict[str, OptionValue] = {"encoder": encoder, "depth": depth, "width": 12}
    shdiqa: Any = assemble_network("shdiqa", ["efficientnet-lite0"], options=options)
    assert len(shdiqa.encoder.vit.blocks) == blocks


def test_a_network_says_how_many_backbones_it_needs() -> None:
    with pytest.raises(UsageError, match="reqa needs 1 backbone, got resnet50, vgg16"):
        assemble_network("reqa", ["resnet50", "vgg16"])
    with pytest.raises(UsageError, match="qualitynet needs 2 backbones, got vgg16"):
        assemble_network("qualitynet", ["vgg16"])


@pytest.mark.parametrize(
    ("family", "name", "default", "least"),
    [
        ("shdiqa", "depth", 0, 0),
        ("shdiqa", "width", 384, 1),
        ("shdiqa", "heads", 6, 1),
        ("nlnet", "nodes", 100, 2),
        ("nlnet", "pixels", 60, 2),
        ("nlnet", "types", 0, 0),
    ],
)
def test_a_whole_number_has_a_default_and_a_least_value(
    family: Family, name: str, default: int, least: int
) -> None:
    assert with_defaults(family, {})[name] == default
    assert check_option(family, name, least) == least
    with pytest.raises(UsageError, match=f"{name} of {family} cannot be {least - 1}"):
        check_option(family, name, least - 1)
