"""How each paper trains its network: its loss and its phases, one module a family."""

from collections.abc import Callable

from biqa_cli.models.spec import Family
from biqa_cli.training.families.base import Phase, Setting
from biqa_cli.training.families.blockiqa import BlockIQAPhase
from biqa_cli.training.families.nlnet import NLNetPhase
from biqa_cli.training.families.qualitynet import QualityNetPhase
from biqa_cli.training.families.reqa import REQAPhase
from biqa_cli.training.families.shdiqa import shdiqa_phases

_ONE_PHASE: dict[Family, Callable[[Setting], Phase]] = {
    "blockiqa": BlockIQAPhase,
    "qualitynet": QualityNetPhase,
    "reqa": REQAPhase,
    "nlnet": NLNetPhase,
}


def phases_of(setting: Setting) -> tuple[Phase, ...]:
    """Return what trains a family: one phase, or several one after another."""
    family = setting.recipe.family
    return shdiqa_phases(setting) if family == "shdiqa" else (_ONE_PHASE[family](setting),)
