"""Scoring with ONNX Runtime on the CPU, without torch."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from biqa_cli.errors import WeightsError
from biqa_cli.models.base import MAPS, OUTPUTS, POOLED, EngineName, Parts, Predictions, one_a_view
from biqa_cli.models.graph_content import part_behind, tensors_of_graph
from biqa_cli.models.onnx_runtime import onnxruntime

_BLANK = 64
"""Side of a view that is run to see how large maps are, where a graph takes any size."""


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
        self._session = _session(graph, tensors, threads=threads)
        self._threads = threads
        self.shapes: dict[str, list[Any]] = {
            value.name: value.shape
            for value in (*self._session.get_inputs(), *self._session.get_outputs())
        }
        """Of inputs and outputs; a side that may have any length has a name."""
        self._features = features
        self.asked = [name for name in OUTPUTS if name in self.shapes]
        """The outputs that `predict` asks for."""
        if features:
            self.asked.append(features)
        self._behind: tuple[bytes, Mapping[str, NDArray[np.float32]]] | None = None
        if pooled := [name for name in self.shapes if name.startswith(POOLED)]:
            source = "the ONNX graph"
            behind = part_behind(graph, pooled, self.asked, source=source)
            # Kept for whoever asks for parts: a map of a large photo does, a score does not.
            needed = tensors_of_graph(behind, source=source)
            self._behind = behind, {name: tensors[name] for name in needed}

    @property
    def tells_flaws(self) -> bool:
        """Whether the graph has all outputs, not the scores alone."""
        return set(OUTPUTS) <= set(self.asked)

    @cached_property
    def parts(self) -> Parts | None:
        """The network in two parts; None where the graph has no outputs to cut it at."""
        if self._behind is None:
            return None
        return OnnxParts(self, _session(*self._behind, threads=self._threads))

    def predict(self, views: NDArray[np.float32]) -> Predictions:
        """Map normalised views (B, 3, H, W) to what the network says of them."""
        return self.run([], views)[0]

    def run(
        self, further: Sequence[str], views: NDArray[np.float32]
    ) -> tuple[Predictions, list[NDArray[np.float32]]]:
        """Return what the network says of views (B, 3, H, W), and further outputs of the graph."""
        ran = self._session.run([*self.asked, *further], {"images": views})
        return self.told(ran[: len(self.asked)], count=len(views)), ran[len(self.asked) :]

    def told(self, ran: Sequence[NDArray[np.float32]], *, count: int) -> Predictions:
        """Return the outputs that are asked for as what the network says of so many views."""
        told = [np.asarray(output, dtype=np.float64) for output in ran]
        features = one_a_view(told.pop(), count) if self._features else None
        return replace(Predictions(*told), features=features)


class OnnxParts:
    """A graph cut in two where it pools its maps.

    Args:
        engine: That runs the whole graph, whose maps are outputs.
        head: What lies behind the pooled maps.
    """

    def __init__(self, engine: OnnxEngine, head: Any) -> None:  # noqa: ANN401  it has no types
        self._engine, self._head = engine, head
        self._pooled = {value.name: value.shape[1] for value in head.get_inputs()}
        self._maps = [name for name in engine.shapes if name.startswith(MAPS)]
        sides = [side if isinstance(side, int) else _BLANK for side in engine.shapes["images"][2:]]
        _, maps = self.maps(np.zeros((1, 3, *sides), np.float32))
        self.cell = sides[0] // min(each.shape[2] for each in maps)

    def maps(self, views: NDArray[np.float32]) -> tuple[Predictions, list[NDArray[np.float32]]]:
        """Return what the network says of views (B, 3, H, W), and its maps (B, C, h, w)."""
        return self._engine.run(self._maps, views)

    def from_pooled(self, pooled: NDArray[np.float32]) -> Predictions:
        """Return what the network says by means and deviations (B, F)."""
        ends = np.cumsum(list(self._pooled.values()))[:-1]
        split = np.split(pooled[:, :, None, None], ends, axis=1)
        given = {
            name: np.ascontiguousarray(each) for name, each in zip(self._pooled, split, strict=True)
        }
        return self._engine.told(self._head.run(self._engine.asked, given), count=len(pooled))


def _session(graph: bytes, tensors: Mapping[str, NDArray[np.float32]], *, threads: int) -> Any:  # noqa: ANN401  it has no types
    """Return a session of ONNX Runtime.

    Raises:
        WeightsError: If the graph and the tensors do not fit.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    # Idle threads would otherwise burn the cores that decode the next photos.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    names = list(tensors)
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(tensors[name]) for name in names]
    options.add_external_initializers(names, values)
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        # ONNX Runtime's own exceptions have no common base beside Exception.
        told = " ".join(str(error).split())[:300]
        msg = f"the ONNX graph does not fit the weights ({told}): run `biqa weights verify`"
        raise WeightsError(msg) from error
