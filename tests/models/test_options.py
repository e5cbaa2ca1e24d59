"""Options of networks: what can be asked for, and what stands where nothing is."""

import pytest

from biqa_cli.errors import UsageError
from biqa_cli.models.build import assemble_network
from biqa_cli.models.options import OPTIONS, check_option, with_defaults
from biqa_cli.models.spec import Family

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
        ("reqa", "step", 4, "reqa has no option 'step': did you mean 'steps'"),
    ],
)
def test_another_value_is_refused(family: Family, name: str, value: object, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        check_option(family, name, value)


def test_a_network_says_how_many_backbones_it_needs() -> None:
    with pytest.raises(UsageError, match="reqa needs 1 backbone, got resnet50, vgg16"):
        assemble_network("reqa", ["resnet50", "vgg16"])
    with pytest.raises(UsageError, match="qualitynet needs 2 backbones, got vgg16"):
        assemble_network("qualitynet", ["vgg16"])
