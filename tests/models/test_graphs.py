"""The tensors that a graph takes are those that the onnx package reads from it."""

from pathlib import Path

import onnx
import pytest

from biqa_cli.errors import WeightsError
from biqa_cli.models import graphs
from biqa_cli.models.graphs import read_own_graph, tensors_of_graph, with_output_before
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


def _linear(kind: str, inputs: list[str]) -> onnx.ModelProto:
    """Return a graph of a linear layer, whose weight may be transposed first."""
    turned = [f"{name}.turned" if name == "head.weight" else name for name in inputs]
    nodes = [
        onnx.helper.make_node("Transpose", ["head.weight"], ["head.weight.turned"]),
        onnx.helper.make_node(kind, turned, ["score"]),
    ]
    score = onnx.helper.make_tensor_value_info("score", onnx.TensorProto.FLOAT, [1])
    return onnx.helper.make_model(onnx.helper.make_graph(nodes, "g", [], [score]))
