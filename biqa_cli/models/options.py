"""What the papers vary in their networks: one table of options. Data only, no torch."""

from collections.abc import Mapping
from dataclasses import dataclass

from biqa_cli.errors import UsageError, did_you_mean
from biqa_cli.models.spec import Family, OptionValue


@dataclass(frozen=True, slots=True)
class Option:
    """One option of a family's network."""

    default: OptionValue
    choices: tuple[OptionValue, ...]
    """Empty: any whole number from `least` on."""
    source: str
    """Where the paper varies it."""
    least: int = 0


OPTIONS: dict[Family, dict[str, Option]] = {
    "blockiqa": {
        "blocks": Option(2, (1, 2, 3, 4), "Table 2; 1 is the row without blocks of Table 5"),
        "similarity": Option("gaussian", ("gaussian", "gaussian_fixed", "cosine"), "Tables 3, 4"),
        "use_afel": Option(True, (True, False), "Table 5"),
        "wiring": Option(
            "released", ("released", "fused"), "fused is eqs. 2, 8 and 9 read literally"
        ),
    },
    "qualitynet": {
        "chains": Option("both", (1, 2, "both"), "figure 15"),
        "attention": Option("SA+CA", ("none", "SA", "CA", "SA+CA"), "figure 15"),
        "attention_first": Option(False, (False, True), "the prose; false is eqs. 13 to 16"),
        "levels": Option("last", ("last", "all"), "all is our extension"),
        "pooling": Option("mean", ("mean", "mean+std"), "mean+std is our extension"),
        "flaws": Option(False, (False, True), "our extension: which flaws a photo has"),
    },
    "reqa": {
        "steps": Option(4, (2, 3, 4, 5), "Table V"),
        "feedback": Option(True, (True, False), "Table V"),
        "transformer": Option(True, (True, False), "Table V"),
        "read_out": Option("state", ("state", "gate"), "gate is eq. 1 literally"),
        "post_norm": Option(False, (False, True), "true is eq. 7 literally"),
        "input_size": Option(224, (), "the side of a crop"),
    },
    "shdiqa": {
        "partition": Option("vertical", ("vertical", "horizontal", "grid"), "supplement, Table 3"),
        "use_baf": Option(True, (True, False), "the network without it is DEIQT"),
        "patch": Option(16, (16, 32), "32 is our extension, for other backbones than the ViT"),
        "levels": Option("deep", ("deep", "all"), "all is our extension, likewise"),
        "encoder": Option("transformer", ("transformer", "means"), "means is our extension, too"),
        "depth": Option(0, (), "transformer blocks; 0 is 12 on the ViT, 2 on other backbones"),
        "width": Option(384, (), "of a token", least=1),
        "heads": Option(6, (), "of attention; they share the width", least=1),
        "input_size": Option(224, (), "the side of a crop"),
    },
    "nlnet": {
        "branches": Option("both", ("local", "nonlocal", "both"), "slides, local and non-local"),
        "patch": Option(112, (112, 224, 448), "the side of a patch; larger ones are our extension"),
        "head": Option("paper", ("paper", "deep"), "deep is our extension"),
        "nodes": Option(100, (), "superpixels of a patch", least=2),
        "pixels": Option(60, (), "of a superpixel", least=2),
        "dropout": Option(0.0, (0.0, 0.35), "0.35 in the released code"),
        "types": Option(0, (), "distortion types of the training set; 0 has no type head"),
    },
}

FOLLOW_THE_DATA = ("input_size", "types")
"""Options that nobody sets: the side of the crops, and the types of the training set."""


def check_option(family: Family, name: str, value: object) -> OptionValue:
    """Return the value of an option of a family.

    Raises:
        UsageError: If the family has no such option, or the option no such value.
    """
    known = OPTIONS[family]
    if name not in known:
        msg = f"{family} has no option {name!r}: {did_you_mean(name, known)}"
        raise UsageError(msg)
    option = known[name]
    # True == 1, so that the type counts too; but a whole number is a decimal one.
    for choice in option.choices:
        kinds = {float, int} if isinstance(choice, float) else {type(choice)}
        if choice == value and type(value) in kinds:
            return choice
    if not option.choices and type(value) is int and value >= option.least:
        return value
    from_on = f" from {option.least} on" if option.least else ""
    choices = ", ".join(str(choice) for choice in option.choices) or f"whole numbers{from_on}"
    msg = f"{name} of {family} cannot be {value!r}: it can be {choices}"
    raise UsageError(msg)


def with_defaults(family: Family, given: Mapping[str, object]) -> dict[str, OptionValue]:
    """Return the value of every option of a family.

    Raises:
        UsageError: If an option or its value does not exist.
    """
    defaults = {name: option.default for name, option in OPTIONS[family].items()}
    return defaults | {name: check_option(family, name, value) for name, value in given.items()}
