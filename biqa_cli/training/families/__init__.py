"""How each paper trains its network: its loss and its phases, one module a family."""

from collections.abc import Callable, Sequence

from biqa_cli.models.build import assemble_network
from biqa_cli.models.spec import Family
from biqa_cli.models.starting_weights import set_starting_weights
from biqa_cli.models.trained import TrainedNetwork
from biqa_cli.recipes.record import Recipe
from biqa_cli.training.families.base import Phase, Setting
from biqa_cli.training.families.blockiqa import BlockIQAPhase
from biqa_cli.training.families.nlnet import NLNetPhase
from biqa_cli.training.families.qualitynet import QualityNetPhase
from biqa_cli.training.families.reqa import REQAPhase
from biqa_cli.training.families.shdiqa import shdiqa_phases
from biqa_cli.training.freezing import slots_of

_ONE_PHASE: dict[Family, Callable[[Setting], Phase]] = {
    "blockiqa": BlockIQAPhase,
    "qualitynet": QualityNetPhase,
    "reqa": REQAPhase,
    "nlnet": NLNetPhase,
}


def make_phases(
    recipe: Recipe, trained: TrainedNetwork, starts: Sequence[str], *, offline: bool = False
) -> tuple[tuple[Phase, ...], list[str]]:
    """Return what trains a network, one phase or several in turn, and a sentence on each start.

    Args:
        recipe: Of the training.
        trained: What the finished file will say of the network.
        starts: Starting weights, see `set_starting_weights`; none where a state replaces them.
        offline: Whether none of them may be downloaded.

    Raises:
        WeightsError: If the weights are missing or of another network.
    """
    family = recipe.family
    network = assemble_network(family, recipe.backbones, options=trained.options)
    is_whole, notes = False, list[str]()
    if starts:
        slots = slots_of(recipe)
        is_whole, notes = set_starting_weights(
            network, slots, starts, family=family, offline=offline
        )
    setting = Setting(
        recipe=recipe,
        contract=trained.input,
        scale=trained.scale,
        network=network,
        head_is_new=not is_whole,
    )
    if family == "shdiqa":
        return shdiqa_phases(setting), notes
    return (_ONE_PHASE[family](setting),), notes
