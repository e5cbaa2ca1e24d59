import doctest
from types import SimpleNamespace

import pytest
import torch
from torch.nn import functional

from biqa_cli.training import opinions
from biqa_cli.training.batch import Batch, Examples
from biqa_cli.training.opinions import with_examples
from biqa_cli.training.recipe import ExamplesRecipe

WEIGHTS = ExamplesRecipe(weight=2.0, kept_weight=3.0, flaws_weight=5.0)


def test_the_examples_of_the_docs_are_right() -> None:
    assert doctest.testmod(opinions).failed == 0


def _batch(examples: Examples | None) -> Batch:
    labels = torch.zeros(2)
    return Batch(torch.zeros(2, 1), labels, labels, 0, torch.Generator(), examples=examples)


def _examples() -> Examples:
    return Examples(
        inputs=torch.zeros(3, 1),
        labels=torch.tensor([10.0, 50.0, 80.0]),
        kept=torch.tensor([0.1, 0.5, 0.9]),
        flaws=torch.tensor([[0.9, 0.0], [0.0, 0.5], [0.0, 0.1]]),
        is_full_size=torch.tensor([False, False, True]),
    )


def test_scores_and_flaws_of_the_last_inputs_are_compared_with_opinions() -> None:
    scores = torch.tensor([0.0, 0.0, 20.0, 40.0, 0.0])
    kept, flaws = torch.full((5,), 0.4), torch.full((5, 2), 0.25)
    output = SimpleNamespace(scores=scores, kept=kept, flaws=flaws)
    terms = {"loss": torch.tensor(1.0)}
    found = with_examples(terms, output, _batch(_examples()), weights=WEIGHTS, label_span=100.0)
    # The third shows parts at full size: its score does not count, what is kept does.
    assert found["opinions"].item() == pytest.approx((0.1**2 + 0.1**2) / 2)
    assert found["kept"].item() == pytest.approx((0.3**2 + 0.1**2 + 0.5**2) / 3)
    entropy = functional.binary_cross_entropy(flaws[:3], _examples().flaws)
    assert found["flaws"].item() == pytest.approx(entropy.item())
    expected = 1 + 2 * found["opinions"] + 3 * found["kept"] + 5 * found["flaws"]
    assert found["loss"].item() == pytest.approx(expected.item())


def test_without_flaws_the_scores_alone_count() -> None:
    output = SimpleNamespace(scores=torch.zeros(5), kept=None, flaws=None)
    found = with_examples(
        {"loss": torch.tensor(0.0)}, output, _batch(_examples()), weights=WEIGHTS, label_span=100.0
    )
    assert set(found) == {"loss", "opinions"}


def test_without_examples_nothing_is_added() -> None:
    terms = {"loss": torch.tensor(1.0)}
    output = SimpleNamespace(scores=torch.zeros(2), kept=None, flaws=None)
    assert with_examples(terms, output, _batch(None), weights=WEIGHTS, label_span=1.0) == terms
