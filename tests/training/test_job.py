import math
import time

import pytest
import torch
from tiny_training import Listener, quick_recipe

from biqa_cli.training.job import autocast, go_on_until, is_mixed


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


def test_work_is_told_about_eight_times_and_at_its_end() -> None:
    listener = Listener()
    go_on = go_on_until(math.inf, listener, "{} of {} are done")
    assert all(go_on(done, 100) for done in range(1, 101))
    assert 8 <= len(listener.lines) <= 9
    assert listener.lines[0] == "13 of 100 are done"
    assert listener.lines[-1] == "100 of 100 are done"


def test_work_stops_at_its_deadline() -> None:
    assert not go_on_until(time.monotonic(), Listener(), "{} {}")(1, 2)
    assert go_on_until(time.monotonic() + 60, Listener(), "{} {}")(1, 2)
