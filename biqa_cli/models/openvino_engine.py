"""Scoring with OpenVINO on the CPU, in bfloat16. Needs openvino and onnx (an extra)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from biqa_cli.errors import DependencyError, UsageError, WeightsError
from biqa_cli.models.base import OUTPUTS, EngineName, Predictions

_CPU_FLAGS = ("avx512_bf16", "amx_bf16")
"""As Linux calls the instructions without which bfloat16 saves no time."""


class OpenVinoEngine:
    """A graph without weights and the tensors of a checkpoint, compiled for bfloat16.

    Weights and activations of convolutions and matrix products have 8 bits of mantissa; sums are
    float32.

    Args:
        graph: The verified bytes of an ONNX file whose weights are external data.
        tensors: The checkpoint by name, in float32.
        threads: Threads of one forward pass; 0 is one for each core.

    Raises:
        DependencyError: If openvino or onnx is not installed.
        UsageError: If the CPU has no bfloat16.
        WeightsError: If the graph and the tensors do not fit.
    """

    name: EngineName = "openvino"
    device = "cpu"
    parts = None

    def __init__(
        self, graph: bytes, tensors: Mapping[str, NDArray[np.float32]], *, threads: int = 0
    ) -> None:
        openvino = require_openvino()
        core = openvino.Core()
        if "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
            raise UsageError("this CPU has no bfloat16 (AVX-512, AMX): use --precision float32")
        options: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": "bf16",
            "PERFORMANCE_HINT": "LATENCY",
        }
        if threads:
            options["INFERENCE_NUM_THREADS"] = threads
        try:
            network = core.read_model(_whole(graph, tensors))
            self._compiled = core.compile_model(network, "CPU", options)
        except Exception as error:
            # Neither onnx nor OpenVINO has a common base of errors beside Exception.
            told = " ".join(str(error).split())[:300]
            msg = f"the ONNX graph does not fit the weights ({told}): run `biqa weights verify`"
            raise WeightsError(msg) from error
        named = {name for output in self._compiled.outputs for name in output.names}
        self._outputs = [name for name in OUTPUTS if name in named]

    @property
    def tells_flaws(self) -> bool:
        """Whether the graph has all outputs, not the scores alone."""
        return len(self._outputs) == len(OUTPUTS)

    def predict(self, views: NDArray[np.float32]) -> Predictions:
        """Map normalised views (B, 3, H, W) to what the network says of them."""
        found = self._compiled({"images": views})
        return Predictions(*(np.asarray(found[name], dtype=np.float64) for name in self._outputs))


def require_openvino() -> Any:  # noqa: ANN401
    """Return the package of OpenVINO.

    Raises:
        DependencyError: If it is not installed, or onnx is not.
    """
    try:
        import onnx  # noqa: F401
        import openvino
    except ImportError as error:
        msg = "--precision bfloat16 needs OpenVINO: run `pip install 'biqa-cli[openvino]'`"
        raise DependencyError(msg) from error
    return openvino


def saves_time() -> bool:
    """Return whether bfloat16 is faster here: OpenVINO is installed, and the CPU has it."""
    try:
        require_openvino()
        flags = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except (DependencyError, OSError):
        return False
    return any(flag in flags for flag in _CPU_FLAGS)


def _whole(graph: bytes, tensors: Mapping[str, NDArray[np.float32]]) -> bytes:
    """Return a graph with its weights in it: what was verified is what runs."""
    import onnx
    from onnx import numpy_helper

    model = onnx.load_model_from_string(graph)
    for initializer in model.graph.initializer:
        if initializer.data_location == onnx.TensorProto.EXTERNAL:
            name = initializer.name
            values = np.ascontiguousarray(tensors[name])
            initializer.CopyFrom(numpy_helper.from_array(values, name))
    content: bytes = model.SerializeToString()
    return content
