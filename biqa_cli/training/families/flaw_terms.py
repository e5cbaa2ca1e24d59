"""What people would say of photos that nobody has rated as they are, as terms of a loss."""

import torch
from torch import Tensor
from torch.nn import functional

from biqa_cli.networks.qualitynet import QualityNet
from biqa_cli.recipes.record import ExamplesRecipe
from biqa_cli.training.batch import Batch


def with_examples(
    terms: dict[str, Tensor],
    network: QualityNet,
    rated: Tensor,
    batch: Batch,
    *,
    weights: ExamplesRecipe,
    label_span: float,
) -> dict[str, Tensor]:
    """Return the terms of a loss, with those of the examples of the batch if it has some.

    The ceiling of a photo of which flaws leave k of 1 is k times `weights.ceiling` of the span.

    The head that rates photos and the one that finds flaws learn apart: the ratings of photos that
    have hardly any flaws, and flaws that hardly any rated photo has, would otherwise blur each
    other.

    Args:
        terms: Of the rated samples.
        network: Its pooled features are the inputs of the batch.
        rated: Scores before flaws lower them, of all that `output_of` has scored.
        batch: Its labels count from 0, the worst.
        weights: Of the terms.
        label_span: Highest less lowest label.
    """
    examples = batch.examples
    if examples is None:
        return terms
    labels = examples.labels[examples.are_rated]
    apart = (batch.part(rated, "examples").float() - labels) / label_span
    inputs = torch.cat([examples.unflawed, examples.inputs[examples.have_known_flaws]])
    ceilings, flaws = network.flaws_of(inputs)
    none = torch.zeros(len(examples.unflawed), examples.flaws.shape[1]).to(examples.flaws)
    kept = torch.cat([torch.ones_like(none[:, 0]), examples.kept[examples.have_known_flaws]])
    made = torch.cat([none, examples.flaws[examples.have_known_flaws]])
    found = {
        "unflawed": apart.square().sum() / max(len(labels), 1),
        "ceilings": (ceilings.float() / label_span - weights.ceiling * kept).square().mean(),
        "flaws": functional.binary_cross_entropy(flaws.float(), made),
    }
    total = (
        terms["loss"]
        + weights.unflawed_weight * found["unflawed"]
        + weights.weight * found["ceilings"]
        + weights.flaws_weight * found["flaws"]
    )
    return terms | found | {"loss": total}
