"""The ways in which benchmarks/gpu.py runs a network, as one table, and how long each takes."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

Step = Callable[[Tensor], Tensor]
"""From views (B, 3, H, W) on the device to native scores (B,)."""


@dataclass(frozen=True, slots=True)
class Mode:
    """How a network runs."""

    bfloat16: Literal["", "autocast", "weights"] = ""
    """Autocast keeps the weights and sums in float32; "weights" turns the whole network over."""
    tf32: bool = True
    """Whether convolutions on cuda may round to TF32, as PyTorch does unless told otherwise."""
    fastest_kernels: bool = False
    """Whether cuDNN tries its kernels for each size and keeps the fastest."""
    compiled: str = ""
    """The mode of torch.compile; empty does not compile."""
    cuda_graph: bool = False
    """Whether the launches of one pass are recorded once and replayed."""


MODES = {
    "as shipped": Mode(),
    "float32": Mode(tf32=False),
    "bfloat16": Mode(bfloat16="autocast"),
    "bfloat16 weights": Mode(bfloat16="weights"),
    "bfloat16 weights, fastest kernels": Mode(bfloat16="weights", fastest_kernels=True),
    "CUDA graph": Mode(cuda_graph=True),
    "CUDA graph, bfloat16 weights": Mode(cuda_graph=True, bfloat16="weights"),
    "torch.compile": Mode(compiled="default"),
    "torch.compile, bfloat16 weights": Mode(compiled="default", bfloat16="weights"),
    # The compiler records CUDA graphs itself.
    "torch.compile with CUDA graphs, bfloat16 weights": Mode(
        compiled="reduce-overhead", bfloat16="weights"
    ),
}


class _Scores(nn.Module):
    """A network that returns its scores alone: graphs and compilers take tensors."""

    def __init__(self, network: nn.Module, dtype: torch.dtype) -> None:
        super().__init__()
        self.network, self.dtype = network, dtype

    def forward(self, views: Tensor) -> Tensor:
        return self.network(views.to(self.dtype)).scores


@contextmanager
def running(network: nn.Module, mode: Mode, example: Tensor) -> Iterator[Step]:
    """Run a network in a mode; afterwards it and PyTorch's settings are as they were.

    Args:
        network: In evaluation mode, on the device of the example.
        mode: Of the table.
        example: Views (B, 3, H, W) of the size that the step is for.
    """
    cudnn, device = torch.backends.cudnn, example.device.type
    before = cudnn.conv.fp32_precision, cudnn.benchmark
    cudnn.conv.fp32_precision = "tf32" if mode.tf32 else "ieee"
    cudnn.benchmark = mode.fastest_kernels
    whole = mode.bfloat16 == "weights"
    ours = deepcopy(network).bfloat16() if whole else network
    scores: Step = _Scores(ours, torch.bfloat16 if whole else torch.float32)
    if mode.compiled:
        scores = torch.compile(scores, mode=mode.compiled, dynamic=False)
    # Casts that are kept for the next call would be outside of a recorded graph.
    casting = torch.autocast(
        device, torch.bfloat16, enabled=mode.bfloat16 == "autocast", cache_enabled=False
    )
    try:
        with torch.inference_mode(), casting:
            # The compiler compiles in the first call, and may record a graph in the next ones.
            for _ in range(3 if mode.compiled else 0):
                scores(example)
            yield _recorded(scores, example) if mode.cuda_graph else scores
    finally:
        cudnn.conv.fp32_precision, cudnn.benchmark = before
        if mode.compiled:
            torch.compiler.reset()


def _recorded(step: Step, example: Tensor) -> Step:
    """Return a step as a CUDA graph for views of one size."""
    if example.device.type != "cuda":
        msg = f"CUDA graphs need a device of cuda, not {example.device.type}"
        raise RuntimeError(msg)
    given = example.clone(memory_format=torch.channels_last)
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step(given)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        found = step(given)

    def replay(views: Tensor) -> Tensor:
        given.copy_(views)
        graph.replay()
        return found

    return replay


def rate(work: Callable[[], object], count: int, *, seconds: float, device: str) -> float:
    """Return how many images a second some work does, `count` of them in each call.

    The first call warms up and does not count. The clock stops when the device is idle.
    """

    def taken(calls: int) -> float:
        start = time.perf_counter()
        for _ in range(calls):
            work()
        if device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - start

    taken(1)
    calls = max(1, round(seconds / taken(1)))
    return count * calls / taken(calls)
