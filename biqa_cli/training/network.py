"""From recipe and data set to the network: what it is, and the phases that train it."""

from collections.abc import Sequence
from pathlib import Path

from torch import nn

from biqa_cli.datasets.base import Dataset
from biqa_cli.errors import UsageError
from biqa_cli.models.build import Normalisation, assemble_network
from biqa_cli.models.catalog import IMAGENET_MEAN, IMAGENET_STD, MODELS
from biqa_cli.models.options import OPTIONS
from biqa_cli.models.spec import Crops, InputContract, OptionValue
from biqa_cli.models.trained import TrainedNetwork
from biqa_cli.training.backbones import backbone_slots, normalisation_of
from biqa_cli.training.families import PHASES
from biqa_cli.training.families.base import Phase, Setting
from biqa_cli.training.hints import with_hints
from biqa_cli.training.initial import set_starting_weights, trained_backbone
from biqa_cli.training.labels import score_scale
from biqa_cli.training.recipe import Recipe

_BLACK, _WHITE = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)


def describe_network(recipe: Recipe, dataset: Dataset, *, types: int) -> TrainedNetwork:
    """Return what the finished file says of itself.

    Args:
        recipe: Family, backbones, options and view.
        dataset: Whose labels it learns.
        types: Distortion types that the data set tells apart, for families that learn them.
    """
    view = recipe.input
    options: dict[str, OptionValue] = dict(recipe.network)
    follow = {"input_size": view.crop or view.height, "types": types}
    options |= {name: value for name, value in follow.items() if name in OPTIONS[recipe.family]}
    mean, std = _normalisation(recipe)
    # NLNet cuts the view itself, into patches side by side; a crop as large as the view is no crop.
    is_part = view.crop and (view.height, view.width) != (view.crop, view.crop)
    is_cut = is_part and view.stride and recipe.family != "nlnet"
    crops = Crops(view.crop, view.stride) if is_cut else None
    return TrainedNetwork(
        family=recipe.family,
        backbones=recipe.backbones,
        options=options,
        input=InputContract(view.height, view.width, mean, std, crops=crops),
        scale=score_scale(dataset, labels=view.labels),
        dataset=dataset.name,
    )


def make_phases(
    recipe: Recipe, trained: TrainedNetwork, starts: Sequence[str], *, hint: Path | None = None
) -> tuple[tuple[Phase, ...], list[str]]:
    """Return the phases of a training, and a sentence on each starting weight.

    Args:
        recipe: Of the training.
        trained: What the network is.
        starts: See `set_starting_weights`; none leaves all at random.
        hint: The checkpoint whose backbone is imitated, where the recipe has a hint_weight.

    Raises:
        UsageError: If the recipe has hints and there is nobody to give them, or the reverse.
        WeightsError: If the weights are missing or of another network.
    """
    notes: list[str] = []
    is_whole = False

    def build() -> nn.Module:
        nonlocal is_whole
        network = assemble_network(recipe.family, recipe.backbones, options=trained.options)
        if starts:
            slots = backbone_slots(recipe)
            is_whole, told = set_starting_weights(network, slots, starts, family=recipe.family)
            notes.extend(told)
        return network

    setting = Setting(
        recipe=recipe,
        contract=trained.input,
        label_span=trained.scale.highest - trained.scale.lowest,
        build=build,
        head_is_new=lambda: not is_whole,
    )
    phases = PHASES[recipe.family](setting)
    if hint is not None or recipe.hint.hint_weight:
        phases = _hinted(phases, recipe, hint, notes)
    return phases, notes


def _hinted(
    phases: tuple[Phase, ...], recipe: Recipe, hint: Path | None, notes: list[str]
) -> tuple[Phase, ...]:
    """Return the phases; those that score photos imitate the backbone of a checkpoint."""
    slots = backbone_slots(recipe)
    if hint is None:
        raise UsageError("hint_weight needs --hint FILE: whose backbone is imitated")
    if not recipe.hint.hint_weight:
        raise UsageError("--hint is for --set hint_weight=1, or another weight above 0")
    if len(slots) != 1 or recipe.optimiser.trainable == "head":
        raise UsageError(
            "hints are for one backbone that learns: set trainable to last, half or all"
        )
    if recipe.optimiser.trainable == "last" and recipe.network.get("blocks", 1) != 1:
        raise UsageError("hints for the last stage are for whole photos: set blocks=1")
    name, teacher = trained_backbone(hint)
    notes.append(f"{slots[0].backbone} imitates {name} of {hint}")
    return tuple(
        phase
        if phase.network is None
        else with_hints(
            phase,
            slots[0],
            teacher,
            name,
            weight=recipe.hint.hint_weight,
            trainable=recipe.optimiser.trainable,
        )
        for phase in phases
    )


def model_name(trained: TrainedNetwork) -> str:
    """Return the model of the catalogue to name with -m for these weights."""
    alike = [spec for spec in MODELS.values() if spec.family == trained.family]
    same = [spec for spec in alike if spec.backbones == trained.backbones]
    return (same or alike)[0].name


def _normalisation(recipe: Recipe) -> Normalisation:
    if recipe.family == "nlnet":
        return _BLACK, _WHITE
    expected = {normalisation_of(backbone) for backbone in recipe.backbones}
    return expected.pop() if len(expected) == 1 else (IMAGENET_MEAN, IMAGENET_STD)
