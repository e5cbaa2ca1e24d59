"""The tensors that a graph takes are those that the onnx package reads from it."""

from pathlib import Path

import numpy as np
import onnx
import onnx.parser
import pytest

from biqa_cli.errors import WeightsError
from biqa_cli.models import graphs
from biqa_cli.models.graph_content import part_behind, tensors_of_graph, with_output_before
from biqa_cli.models.graphs import read_own_graph
from biqa_cli.models.onnx_runtime import onnxruntime
from biqa_cli.weights.cache import locate
from biqa_cli.weights.manifest import WeightsFile, load_manifest

GRAPHS = [c.graph for c in load_manifest().checkpoints if c.graph is not None]


@pytest.mark.parametrize("file", GRAPHS, ids=[file.file for file in GRAPHS])
def test_names_and_shapes_are_those_that_onnx_reads(file: WeightsFile) -> None:
    path = locate(file)
    assert path is not None
    content = path.read_bytes()
    wanted = {
        tensor.name: tuple(tensor.dims)
        for tensor in onnx.load_from_string(content).graph.initializer
        if tensor.data_location == onnx.TensorProto.EXTERNAL
    }
    assert len(wanted) > 100
    assert tensors_of_graph(content, source="g") == wanted


def test_fields_that_later_versions_of_onnx_may_add_are_passed_over() -> None:
    path = locate(GRAPHS[0])
    assert path is not None
    content = path.read_bytes()
    # Number 99, of 8 bytes, of 4, of a varint and of a length.
    others = b"\x99\x06" + bytes(8) + b"\x9d\x06" + bytes(4) + b"\x98\x06\x01" + b"\x9a\x06\x01a"
    assert tensors_of_graph(others + content, source="g") == tensors_of_graph(content, source="g")


@pytest.mark.parametrize(
    "content", [b"no graph", b"\x3a\x05ab", b"\xff" * 30, b"\x3b", b"\x38\x01"]
)
def test_what_is_no_graph_is_refused(content: bytes) -> None:
    with pytest.raises(WeightsError, match="g is not an ONNX graph"):
        tensors_of_graph(content, source="g")


def test_a_graph_that_is_far_too_large_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / "g").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(WeightsError, match="is no graph: it has 1099511627776 bytes"):
        read_own_graph(tmp_path / "g")


def test_a_graph_of_the_most_that_is_allowed_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graphs, "_MOST_BYTES", 10)
    (tmp_path / "g").write_bytes(b"0123456789")
    assert read_own_graph(tmp_path / "g") == b"0123456789"
    (tmp_path / "g").write_bytes(b"0123456789a")
    with pytest.raises(WeightsError, match="it has 11 bytes"):
        read_own_graph(tmp_path / "g")


@pytest.mark.parametrize("kind", ["Gemm", "MatMul"])
@pytest.mark.parametrize("name", ["before", "before" * 40])
def test_what_a_linear_layer_reads_becomes_an_output(kind: str, name: str) -> None:
    content = _linear(kind, [name, "head.weight"]).SerializeToString()
    made, output = with_output_before(content, "head", source="g")
    read = onnx.load_from_string(made).graph
    assert output == name
    assert [value.name for value in read.output] == ["score", name]
    assert len(read.node) == 2


def test_sides_of_any_length_are_read() -> None:
    model, shape = _linear("Gemm", ["before", "head.weight"]), (0, 1, 127, 128, 300, 2**40)
    for name, place in (("outside", onnx.TensorProto.EXTERNAL), ("inside", 0)):
        model.graph.initializer.append(onnx.TensorProto(name=name, dims=shape, data_location=place))
    found = tensors_of_graph(model.SerializeToString(), source="g")
    assert found == {"outside": shape}


def test_a_layer_whose_weight_is_what_flows_has_no_input() -> None:
    content = _linear("MatMul", ["head.weight", "before"]).SerializeToString()
    with pytest.raises(WeightsError, match="g has no layer 'head'"):
        with_output_before(content, "head", source="g")


def _two_layers() -> bytes:
    """Return a graph of sums and products, of which `middle` is an output, too."""
    graph = onnx.parser.parse_model(
        """<ir_version: 10, opset_import: ["" : 20]>
        twice (float[b, 2] images) => (float[b, 2] middle, float[b, 2] scores)
        <float[2] shift = {1, 2}, float[2] factor = {3, 4}>
        { middle = Add(images, shift)  scores = Mul(middle, factor) }"""
    )
    return graph.SerializeToString()


def test_the_part_behind_a_value_computes_from_it_and_has_no_more_than_it_needs() -> None:
    part = part_behind(_two_layers(), ["middle"], ["scores"], source="g")
    graph = onnx.load_from_string(part).graph
    onnx.checker.check_model(onnx.load_from_string(part))
    assert [tensor.name for tensor in graph.initializer] == ["factor"]
    session = onnxruntime.InferenceSession(part, providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"middle": np.float32([[10, 100]])})
    assert found.tolist() == [[30, 400]]


def test_a_graph_that_cannot_be_cut_or_read_is_told() -> None:
    with pytest.raises(WeightsError, match="g cannot be cut in two: images would be missing"):
        part_behind(_two_layers(), ["other"], ["scores"], source="g")
    with pytest.raises(WeightsError, match="g is not an ONNX graph"):
        part_behind(b"no graph", ["middle"], ["scores"], source="g")
    # Its type is not known.
    with pytest.raises(WeightsError, match="g is not an ONNX graph"):
        part_behind(_two_layers(), ["middle", "other"], ["scores"], source="g")


def _linear(kind: str, inputs: list[str]) -> onnx.ModelProto:
    """Return a graph of a linear layer, whose weight may be transposed first."""
    turned = [f"{name}.turned" if name == "head.weight" else name for name in inputs]
    nodes = [
        onnx.helper.make_node("Transpose", ["head.weight"], ["head.weight.turned"]),
        onnx.helper.make_node(kind, turned, ["score"]),
    ]
    score = onnx.helper.make_tensor_value_info("score", onnx.TensorProto.FLOAT, [1])
    return onnx.helper.make_model(onnx.helper.make_graph(nodes, "g", [], [score]))
