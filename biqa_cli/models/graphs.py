"""ONNX graphs without weights: where one's own lies, and which tensors a graph takes."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

from biqa_cli import __version__
from biqa_cli.errors import WeightsError
from biqa_cli.models.options import with_defaults
from biqa_cli.models.spec import ModelSpec
from biqa_cli.weights.header import Shape, open_regular

# A graph without weights has some hundred kilobytes.
_MOST_BYTES = 64_000_000

# Fields of ModelProto, GraphProto, TensorProto, NodeProto and ValueInfoProto, from onnx.proto.
_GRAPH, _INITIALIZER = 7, 5
_DIMS, _NAME, _DATA_LOCATION = 1, 8, 14
_EXTERNAL = 1
_NODE, _OUTPUT = 1, 12
_NODE_INPUT, _NODE_OUTPUT, _NODE_OPERATOR, _NAME_OF_VALUE = 1, 2, 4, 1
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

_Value = int | memoryview


def own_graph(weights: Path, spec: ModelSpec) -> Path:
    """Return where `biqa export` puts the graph of one's own weights: beside them.

    Whoever could plant a graph there could as well replace the weights, which are trusted
    because the user names them. A cache that several people write to has no such file.

    The name changes with everything that the graph depends on, so that none is ever out of date.
    """
    view, crops = spec.input, spec.input.crops
    size = [view.height, view.width] if crops is None else [crops.size, crops.size]
    options = with_defaults(spec.family, spec.options)
    known = [__version__, spec.family, spec.backbones, sorted(options.items()), size]
    key = hashlib.sha256(json.dumps(known).encode()).hexdigest()[:12]
    return weights.with_name(f"{weights.stem}-graph-{key}.onnx")


def read_own_graph(path: Path) -> bytes:
    """Return the content of a graph of one's own.

    Raises:
        WeightsError: If it is no regular file, or far larger than a graph.
    """
    descriptor, size = open_regular(path)
    with open(descriptor, "rb") as file:  # noqa: PTH123  a descriptor has no Path
        if size > _MOST_BYTES:
            msg = f"{path} is no graph: it has {size} bytes, delete it and run `biqa export` again"
            raise WeightsError(msg)
        return file.read(_MOST_BYTES)


def tensors_of_graph(graph: bytes, *, source: str) -> dict[str, Shape]:
    """Return the names and shapes of the tensors that a graph takes from a checkpoint.

    ONNX Runtime cannot tell them, and loading a checkpoint to find that it does not fit would
    cost the memory of whatever its header claims.

    Raises:
        WeightsError: If it is no ONNX file.
    """
    try:
        tensors = (
            _tensor(initializer)
            for number, body in _fields(memoryview(graph))
            if number == _GRAPH
            for kind, initializer in _fields(_bytes(body))
            if kind == _INITIALIZER
        )
        return {name: shape for name, shape, is_external in tensors if is_external}
    except (IndexError, TypeError, ValueError) as error:
        msg = f"{source} is not an ONNX graph: delete it, then download or export it again"
        raise WeightsError(msg) from error


def with_output_before(graph: bytes, layer: str, *, source: str) -> tuple[bytes, str]:
    """Return a graph with one more output, what a linear layer reads, and the output's name.

    Protocol Buffers join a message that follows another of its field: the output is appended, and
    nothing that was there changes.

    Args:
        graph: Of a network.
        layer: The name of the layer, whose weight the graph takes from the checkpoint.
        source: Of the graph, for errors.

    Raises:
        WeightsError: If it is no ONNX file, or has no such layer.
    """
    try:
        nodes = [
            _node(node)
            for number, body in _fields(memoryview(graph))
            if number == _GRAPH
            for kind, node in _fields(_bytes(body))
            if kind == _NODE
        ]
    except (IndexError, TypeError, ValueError) as error:
        msg = f"{source} is not an ONNX graph: delete it, then download or export it again"
        raise WeightsError(msg) from error
    weights = {f"{layer}.weight"}
    for kind, inputs, outputs in nodes:
        if kind == "Transpose" and weights.intersection(inputs):
            weights.update(outputs)
        elif kind in ("Gemm", "MatMul") and weights.intersection(inputs[1:2]):
            value_info = _message(_NAME_OF_VALUE, inputs[0].encode())
            return graph + _message(_GRAPH, _message(_OUTPUT, value_info)), inputs[0]
    msg = f"{source} has no layer {layer!r} of which features could be read"
    raise WeightsError(msg)


def _node(node: _Value) -> tuple[str, list[str], list[str]]:
    """Return the operator of a node, its inputs and its outputs."""
    kind, inputs, outputs = "", list[str](), list[str]()
    for number, value in _fields(_bytes(node)):
        if number == _NODE_INPUT:
            inputs.append(bytes(_bytes(value)).decode())
        elif number == _NODE_OUTPUT:
            outputs.append(bytes(_bytes(value)).decode())
        elif number == _NODE_OPERATOR:
            kind = bytes(_bytes(value)).decode()
    return kind, inputs, outputs


def _message(number: int, content: bytes) -> bytes:
    """Return a field that holds bytes, as Protocol Buffers write it."""
    return _written(number << 3 | _BYTES) + _written(len(content)) + content


def _written(value: int) -> bytes:
    """Return a whole number in groups of seven bits, the lowest first."""
    groups = bytearray()
    while value > 0x7F:  # noqa: PLR2004  the highest bit says that more follows
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])


def _tensor(initializer: _Value) -> tuple[str, Shape, bool]:
    name, shape, is_external = "", list[int](), False
    for number, value in _fields(_bytes(initializer)):
        if number == _NAME:
            name = bytes(_bytes(value)).decode()
        elif number == _DIMS:
            # Alone, or all of them packed into one field.
            shape += [value] if isinstance(value, int) else list(_varints(value))
        elif number == _DATA_LOCATION:
            is_external = value == _EXTERNAL
    return name, tuple(shape), is_external


def _bytes(value: _Value) -> memoryview:
    if isinstance(value, int):
        raise TypeError("a number stands where a message belongs")
    return value


def _fields(data: memoryview) -> Iterator[tuple[int, _Value]]:
    """Yield the number and the value of each field of a message of Protocol Buffers."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield number, value
            continue
        if kind == _BYTES:
            size, at = _varint(data, at)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            msg = f"there is no kind {kind} of field"
            raise ValueError(msg)
        if size > len(data) - at:
            raise ValueError("a field ends after its message")
        yield number, data[at : at + size]
        at += size


def _varints(data: memoryview) -> Iterator[int]:
    at = 0
    while at < len(data):
        value, at = _varint(data, at)
        yield value


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004  the highest bit says that more follows
            return value, at
        shift += 7
        if shift > 63:  # noqa: PLR2004  a number has 64 bits
            raise ValueError("a number is too long")
