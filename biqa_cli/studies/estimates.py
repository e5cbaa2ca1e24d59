"""How long the runs of a study take: from counts, and from what was measured on two cores."""

from collections.abc import Sequence
from dataclasses import dataclass

from biqa_cli.datasets.catalog import DATASETS
from biqa_cli.models.spec import Family
from biqa_cli.recipes.record import Recipe, SHDIQALoss
from biqa_cli.studies.plan import recipe_of, variants_of
from biqa_cli.studies.record import Study, Variant

_GMACS: dict[Family, float] = {
    "blockiqa": 4.1,
    "qualitynet": 9.4,
    "reqa": 4.3,
    "shdiqa": 4.35,
    "nlnet": 3.9,
}
"""Billion multiply-accumulates of one sample of the papers' recipes; training takes three times
as many."""
GPU_TMACS = 10.0
"""Trillion multiply-accumulates a second, of a GPU of a data centre in training: assumed."""

_LIGHT: dict[Family, tuple[float, float]] = {
    "blockiqa": (0.076, 0.0018),
    "qualitynet": (0.16, 0.0014),
    "reqa": (0.02, 0.053),
    "shdiqa": (0.085, 0.026),
    "nlnet": (0.22, 0.029),
}
"""Seconds of two cores, as measured for docs/training.md: for a view before the first epoch, and
for a sample of an epoch."""
_DEFAULT_TRAIN = 0.8


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a study costs on the data sets of the paper."""

    runs: int
    light_hours: float
    """With `--light`, on two cores."""
    gpu_hours: float
    """With the papers' recipes on a GPU of `GPU_TMACS`: computed, not measured."""


def estimate(study: Study) -> Estimate:
    """Return what a study costs with the sets that it names, photos counted from their catalogue.

    Models that are evaluated as they are count as runs that take no time.
    """
    trained = [train for train, _ in study.pairs] if study.pairs else list(study.datasets)
    sets = list(dict.fromkeys(trained))
    photos = [DATASETS[name].count for name in sets if name in DATASETS]
    variants, seeds = variants_of(study), len(study.seeds)
    shares = [1.0 if study.pairs else _train_share(study, variant) for variant in variants]
    networks = list(zip(variants, shares, strict=True))
    light = sum(_light_seconds(study, v, s, photos, seeds) for v, s in networks if not v.model)
    light += _views(study, variants, photos)
    gpu = sum(_gpu_seconds(study, v, s, photos, seeds) for v, s in networks if not v.model)
    return Estimate(len(sets) * len(variants) * seeds, light / 3600, gpu / 3600)


def _train_share(study: Study, variant: Variant) -> float:
    shares = (variant.protocol or study.protocol).partition("@")[2]
    return float(shares.split("/")[0]) / 100 if shares else _DEFAULT_TRAIN


def _samples(recipe: Recipe, photos: float) -> float:
    epochs = recipe.schedule.epochs
    epochs += recipe.loss.teacher_epochs if isinstance(recipe.loss, SHDIQALoss) else 0
    trained = photos * (1 - recipe.input.val_share)
    return epochs * trained * recipe.input.crops_per_photo


def _light_seconds(
    study: Study, variant: Variant, share: float, photos: Sequence[int], seeds: int
) -> float:
    recipe = recipe_of(study, variant, light=True)
    return seeds * sum(_samples(recipe, share * n) for n in photos) * _LIGHT[recipe.family][1]


def _views(study: Study, variants: Sequence[Variant], photos: Sequence[int]) -> float:
    """Return the time of what runs share: the views of a set, once for each kind of feature."""
    recipes = [recipe_of(study, v, light=True) for v in variants if not v.model]
    looked = {(r.family, r.network.get("blocks"), r.network.get("use_afel")) for r in recipes}
    return sum(photos) * sum(_LIGHT[family][0] for family, _, _ in looked)


def _gpu_seconds(
    study: Study, variant: Variant, share: float, photos: Sequence[int], seeds: int
) -> float:
    recipe = recipe_of(study, variant, light=False)
    gmacs = 3 * _GMACS[recipe.family] * sum(_samples(recipe, share * n) for n in photos)
    return seeds * gmacs / (1000 * GPU_TMACS)
