"""Scoring with ONNX Runtime on the CPU, without torch."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from biqa_cli.errors import WeightsError
from biqa_cli.models.base import OUTPUTS, EngineName, Predictions, one_a_view
from biqa_cli.models.onnx_runtime import onnxruntime


class OnnxEngine:
    """A graph without weights and the tensors of a checkpoint, joined in memory.

    The graph names the tensors; both engines thus read the same safetensors file.

    Args:
        graph: The verified bytes of an ONNX file whose weights are external data.
        tensors: The checkpoint by name, in float32.
        threads: Threads of one forward pass; 0 is one for each core.
        features: The output of the graph that holds the features; empty where none does.

    Raises:
        WeightsError: If the graph and the tensors do not fit.
    """

    name: EngineName = "onnx"
    device = "cpu"

    def __init__(
        self,
        graph: bytes,
        tensors: Mapping[str, NDArray[np.float32]],
        *,
        threads: int = 0,
        features: str = "",
    ) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        # Idle threads would otherwise burn the cores that decode the next photos.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        names = list(tensors)
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(tensors[name]) for name in names]
        options.add_external_initializers(names, values)
        try:
            self._session = onnxruntime.InferenceSession(
                graph, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            # ONNX Runtime's own exceptions have no common base beside Exception.
            told = " ".join(str(error).split())[:300]
            msg = f"the ONNX graph does not fit the weights ({told}): run `biqa weights verify`"
            raise WeightsError(msg) from error
        outputs = {output.name for output in self._session.get_outputs()}
        self._outputs = [name for name in OUTPUTS if name in outputs]
        self._features = features

    @property
    def tells_flaws(self) -> bool:
        """Whether the graph has all outputs, not the scores alone."""
        return len(self._outputs) == len(OUTPUTS)

    def predict(self, views: NDArray[np.float32]) -> Predictions:
        """Map normalised views (B, 3, H, W) to what the network says of them."""
        asked = [*self._outputs, *([self._features] if self._features else ())]
        ran = self._session.run(asked, {"images": views})
        told = [np.asarray(output, dtype=np.float64) for output in ran]
        features = one_a_view(told.pop(), len(views)) if self._features else None
        return replace(Predictions(*told), features=features)
