"""What people would say of photos that nobody has rated as they are, as terms of a loss."""

from typing import Any

from torch import Tensor
from torch.nn import functional

from biqa_cli.training.batch import Batch, Examples
from biqa_cli.training.recipe import ExamplesRecipe


def with_examples(
    terms: dict[str, Tensor],
    output: Any,  # noqa: ANN401  QualityNet's record
    batch: Batch,
    *,
    weights: ExamplesRecipe,
    label_span: float,
) -> dict[str, Tensor]:
    """Return the terms of a loss, with those of the examples of the batch if it has some.

    Args:
        terms: Of the rated samples.
        output: Of all that `output_of` has scored.
        batch: Its labels are on the scale of the scores.
        weights: Of the terms.
        label_span: Highest less lowest label.
    """
    examples = batch.examples
    if examples is None:
        return terms
    start = len(batch.labels) + (0 if batch.triples is None else 3 * len(batch.triples.inputs))
    here = slice(start, start + len(examples.labels))
    scores = output.scores[here].float()
    found = {"opinions": score_loss(scores, examples, label_span=label_span)}
    total = terms["loss"] + weights.weight * found["opinions"]
    if output.flaws is not None:
        found["kept"] = (output.kept[here].float() - examples.kept).square().mean()
        found["flaws"] = functional.binary_cross_entropy(output.flaws[here].float(), examples.flaws)
        total = total + weights.kept_weight * found["kept"] + weights.flaws_weight * found["flaws"]
    return terms | found | {"loss": total}


def score_loss(scores: Tensor, examples: Examples, *, label_span: float) -> Tensor:
    """Return the mean squared distance of scores (E,) to labels, in shares of the scale.

    Parts of a photo at full size have no score and do not count.

    Example:
        >>> import torch
        >>> nothing = torch.zeros(2)
        >>> examples = Examples(nothing, torch.tensor([1.0, 3.0]), nothing, nothing,
        ...                     is_full_size=torch.tensor([False, True]))
        >>> float(score_loss(torch.tensor([2.0, 9.0]), examples, label_span=2.0))
        0.25
    """
    counts = ~examples.is_full_size
    squares = ((scores - examples.labels) / label_span).square()
    return (squares * counts).sum() / counts.sum().clamp_min(1)
