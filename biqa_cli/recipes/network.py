"""From a recipe and a data set to what the trained file will say of its network."""

from biqa_cli.datasets.base import Dataset
from biqa_cli.errors import UsageError
from biqa_cli.models.build import Normalisation
from biqa_cli.models.catalog import IMAGENET_MEAN, IMAGENET_STD, LITE_MEAN, LITE_STD
from biqa_cli.models.options import OPTIONS
from biqa_cli.models.spec import Crops, FullSize, InputContract, OptionValue
from biqa_cli.models.trained import TrainedNetwork
from biqa_cli.recipes.labels import score_scale
from biqa_cli.recipes.record import Recipe

_BLACK, _WHITE = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)


def describe_network(recipe: Recipe, dataset: Dataset, *, types: int) -> TrainedNetwork:
    """Return what the finished file says of itself; `types` of distortion are told apart."""
    view = recipe.input
    options: dict[str, OptionValue] = dict(recipe.network)
    follow = {"input_size": view.crop or view.height, "types": types}
    options |= {name: value for name, value in follow.items() if name in OPTIONS[recipe.family]}
    mean, std = _normalisation(recipe)
    # NLNet cuts the view itself, into patches side by side; a crop as large as the view is no crop.
    is_part = view.crop and (view.height, view.width) != (view.crop, view.crop)
    is_cut = is_part and view.stride and recipe.family != "nlnet"
    crops = Crops(view.crop, view.stride) if is_cut else None
    scale = score_scale(dataset, labels=view.labels)
    if recipe.network.get("flaws") and (scale.lowest != 0 or not scale.higher_is_better):
        msg = (
            f"flaws lower a score towards 0, but its scale is {scale.describe()}: set "
            "input.labels=unit, on labels of which higher is better"
        )
        raise UsageError(msg)
    return TrainedNetwork(
        family=recipe.family,
        backbones=recipe.backbones,
        options=options,
        input=InputContract(
            view.height,
            view.width,
            mean,
            std,
            crops=crops,
            full_size=FullSize() if view.full_size else None,
            keeps_aspect=view.keep_aspect,
        ),
        scale=scale,
        dataset=dataset.name,
    )


def _normalisation(recipe: Recipe) -> Normalisation:
    """Return what the published weights of the backbones expect; ImageNet's where they differ."""
    if recipe.family == "nlnet":
        return _BLACK, _WHITE
    if all(name.startswith("efficientnet-lite") for name in recipe.backbones):
        return LITE_MEAN, LITE_STD
    return IMAGENET_MEAN, IMAGENET_STD
