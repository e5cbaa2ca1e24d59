"""What the process does with the memory of large tensors."""

import platform
import subprocess
import sys

import numpy as np
import pytest
from fakes import EXAMPLES

from biqa_cli.models import memory
from biqa_cli.models.catalog import DEFAULT_MODEL
from biqa_cli.models.onnx_engine import OnnxEngine
from biqa_cli.weights.cache import locate
from biqa_cli.weights.checkpoint import read_checkpoint
from biqa_cli.weights.manifest import load_manifest

_FAULTS = """
import resource
import numpy as np
from biqa_cli.models.memory import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(20):
        np.ones(2**23)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

before = faults()
assert keep_freed_memory()
faults()
print(before, faults())
"""


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="a setting of glibc")
def test_large_arrays_are_not_mapped_anew() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FAULTS], capture_output=True, text=True, check=True
    )
    before, after = map(int, done.stdout.split())
    assert before > 20 * after


@pytest.mark.parametrize(
    ("accepts", "said"), [((1, 1, 1), True), ((1, 0, 1), False), (None, False)]
)
def test_freed_memory_is_kept_where_the_c_library_has_such_settings(
    monkeypatch: pytest.MonkeyPatch, accepts: tuple[int, ...] | None, *, said: bool
) -> None:
    answers, asked = iter(accepts or ()), list[tuple[int, int]]()

    def mallopt(name: int, value: int) -> int:
        asked.append((name, value))
        return next(answers)

    monkeypatch.setattr(memory, "_of_glibc", {"mallopt": accepts and mallopt}.get)
    assert memory.keep_freed_memory() == said
    # M_MMAP_MAX, M_TRIM_THRESHOLD and M_TOP_PAD of malloc.h.
    settings = [(-4, 0), (-1, 2**31 - 1), (-2, 2**28)]
    assert asked == settings[: len(asked)] and (not said or len(asked) == 3)


def test_freed_memory_is_given_back_where_the_c_library_can_be_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []
    monkeypatch.setattr(memory, "_of_glibc", {"malloc_trim": asked.append}.get)
    assert memory.give_back_freed_memory() and asked == [0]
    monkeypatch.setattr(memory, "_of_glibc", {}.get)
    assert not memory.give_back_freed_memory()


# 234 to 251 MB were measured: the peak depends on how threads happen to be scheduled.
_PEAK = """
import re, sys
from biqa_cli.cli import app
app(["score", sys.argv[1], "-d", "cpu", "-q"], standalone_mode=False)
print(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1])
"""


@pytest.mark.slow
@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="asks glibc, reads /proc")
def test_one_photo_is_scored_in_less_than_280_megabytes() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PEAK, str(EXAMPLES / "coffee.jpg")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout.split()[-1]) / 1024 < 280


@pytest.mark.slow
def test_the_cpu_engine_has_a_copy_of_the_weights() -> None:
    checkpoint = load_manifest().find(DEFAULT_MODEL)
    assert checkpoint is not None and checkpoint.graph is not None
    weights, graph = locate(checkpoint.weights), locate(checkpoint.graph)
    assert weights is not None and graph is not None
    tensors = read_checkpoint(weights, sha256=None)
    writable = {name: tensor.copy() for name, tensor in tensors.items()}
    engine = OnnxEngine(graph.read_bytes(), writable, threads=1)
    views = np.random.default_rng(0).normal(size=(1, 3, 448, 448)).astype(np.float32)
    before = engine.predict(views).scores
    for tensor in writable.values():
        tensor[...] = np.nan
    assert np.array_equal(engine.predict(views).scores, before)
