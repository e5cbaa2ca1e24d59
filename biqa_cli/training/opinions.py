"""What people would say of photos that nobody has rated as they are, as terms of a loss."""

import torch
from torch import Tensor
from torch.nn import functional

from biqa_cli.networks.qualitynet import QualityNet
from biqa_cli.training.batch import Batch
from biqa_cli.training.recipe import ExamplesRecipe


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
    kept, flaws = network.flaws_of(torch.cat([examples.unflawed, examples.inputs]))
    none = torch.zeros(len(examples.unflawed), examples.flaws.shape[1]).to(examples.flaws)
    found = {
        "unflawed": apart.square().sum() / max(len(labels), 1),
        "kept": _distance(kept, torch.cat([torch.ones_like(none[:, 0]), examples.kept])),
        "flaws": functional.binary_cross_entropy(flaws.float(), torch.cat([none, examples.flaws])),
    }
    total = (
        terms["loss"]
        + weights.unflawed_weight * found["unflawed"]
        + weights.weight * found["kept"]
        + weights.flaws_weight * found["flaws"]
    )
    return terms | found | {"loss": total}


def _distance(found: Tensor, wanted: Tensor) -> Tensor:
    return (found.float() - wanted).square().mean()
