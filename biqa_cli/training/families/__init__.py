"""How a batch becomes a loss, one module a family."""

from collections.abc import Callable

from biqa_cli.models.spec import Family
from biqa_cli.training.families import blockiqa, nlnet, qualitynet, reqa, shdiqa
from biqa_cli.training.families.base import Phase, Setting

PHASES: dict[Family, Callable[[Setting], tuple[Phase, ...]]] = {
    "blockiqa": blockiqa.phases,
    "qualitynet": qualitynet.phases,
    "reqa": reqa.phases,
    "shdiqa": shdiqa.phases,
    "nlnet": nlnet.phases,
}
"""What trains each family: one phase, or several one after another."""
