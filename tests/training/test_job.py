import pytest
import torch
from tiny_training import quick_recipe

from biqa_cli.training.job import autocast, is_mixed


@pytest.mark.parametrize(
    ("precision", "dtype"),
    [("auto", torch.float32), ("float32", torch.float32), ("bfloat16", torch.bfloat16)],
)
def test_the_cpu_mixes_precisions_only_where_it_is_asked_to(
    precision: str, dtype: torch.dtype
) -> None:
    with autocast(quick_recipe(f"optimiser.precision={precision}"), "cpu"):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype


@pytest.mark.parametrize(
    ("precision", "device", "mixed"),
    [
        ("auto", "cuda", True),
        ("auto", "mps", False),
        ("float32", "cuda", False),
        ("bfloat16", "cuda", True),
        ("bfloat16", "cpu", True),
    ],
)
def test_precisions_are_mixed_on_cuda_or_where_it_is_asked_for(
    precision: str, device: str, *, mixed: bool
) -> None:
    assert is_mixed(quick_recipe(f"optimiser.precision={precision}"), device) == mixed
