"""ONNX graphs as bytes: which tensors they take, and parts of them, without the package onnx."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from biqa_cli.errors import WeightsError
from biqa_cli.weights.header import Shape

# Fields of ModelProto, GraphProto, TensorProto, NodeProto and ValueInfoProto, from onnx.proto.
_IR_VERSION, _GRAPH, _OPERATORS = 1, 7, 8
_NAME_OF_GRAPH, _INITIALIZER, _INPUT = 2, 5, 11
_DIMS, _NAME, _DATA_LOCATION = 1, 8, 14
_EXTERNAL = 1
_NODE, _OUTPUT = 1, 12
_NODE_INPUT, _NODE_OUTPUT, _NODE_OPERATOR, _NAME_OF_VALUE = 1, 2, 4, 1
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

_Value = int | memoryview


def tensors_of_graph(graph: bytes, *, source: str) -> dict[str, Shape]:
    """Return the names and shapes of the tensors that a graph takes from a checkpoint.

    ONNX Runtime cannot tell them, and loading a checkpoint to find that it does not fit would
    cost the memory of whatever its header claims.

    Raises:
        WeightsError: If it is no ONNX file.
    """
    with _reading(source):
        tensors = (_tensor(value) for number, value in _body(graph) if number == _INITIALIZER)
        return {name: shape for name, shape, is_external in tensors if is_external}


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
    with _reading(source):
        nodes = [_node(value) for number, value in _body(graph) if number == _NODE]
    weights = {f"{layer}.weight"}
    for kind, inputs, outputs in nodes:
        if kind == "Transpose" and weights.intersection(inputs):
            weights.update(outputs)
        elif kind in ("Gemm", "MatMul") and weights.intersection(inputs[1:2]):
            value_info = _message(_NAME_OF_VALUE, inputs[0].encode())
            return graph + _message(_GRAPH, _message(_OUTPUT, value_info)), inputs[0]
    msg = f"{source} has no layer {layer!r} of which features could be read"
    raise WeightsError(msg)


def part_behind(
    graph: bytes, cut: Collection[str], outputs: Collection[str], *, source: str
) -> bytes:
    """Return a graph of that part of a graph which computes outputs from values inside it.

    Args:
        graph: Of a network.
        cut: The values that become inputs. They are outputs of the graph, which tells their types.
        outputs: What the part computes, outputs of the graph as well.
        source: Of the graph, for errors.

    Raises:
        WeightsError: If it is no ONNX file, or outputs depend on more than the cut.
    """
    with _reading(source):
        body = [(number, _bytes(value)) for number, value in _body(graph)]
        needed, nodes = set(outputs), list[memoryview]()
        for node in reversed([value for number, value in body if number == _NODE]):
            _, inputs, made = _node(node)
            if needed.intersection(made).difference(cut):
                nodes.append(node)
                needed.update(inputs)
        values = {_name_of(value): value for number, value in body if number == _OUTPUT}
        weights = {
            name: value
            for number, value in body
            if number == _INITIALIZER and (name := _tensor(value)[0]) in needed
        }
        made_inside = {name for node in nodes for name in _node(node)[2]}
        if unknown := needed - set(cut) - made_inside - set(weights) - {""}:
            msg = f"{source} cannot be cut in two: {min(unknown)} would be missing"
            raise WeightsError(msg)
        part = [
            _message(_NAME_OF_GRAPH, b"part"),
            *(_message(_NODE, bytes(node)) for node in reversed(nodes)),
            *(_message(_INITIALIZER, bytes(value)) for value in weights.values()),
            *(_message(_INPUT, bytes(values[name])) for name in cut),
            *(_message(_OUTPUT, bytes(values[name])) for name in outputs),
        ]
        head = b"".join(
            _written(number << 3 | _VARINT) + _written(value)
            if isinstance(value, int)
            else _message(number, bytes(value))
            for number, value in _fields(memoryview(graph))
            if number in (_IR_VERSION, _OPERATORS)
        )
    return head + _message(_GRAPH, b"".join(part))


@contextmanager
def _reading(source: str) -> Iterator[None]:
    """Turn whatever fails on bytes that are no graph into our error."""
    try:
        yield
    except (IndexError, KeyError, TypeError, ValueError) as error:
        msg = f"{source} is not an ONNX graph: delete it, then download or export it again"
        raise WeightsError(msg) from error


def _body(graph: bytes) -> Iterator[tuple[int, _Value]]:
    """Yield the fields of the GraphProto in a model."""
    for kind, content in _fields(memoryview(graph)):
        if kind == _GRAPH:
            yield from _fields(_bytes(content))


def _name_of(value_info: memoryview) -> str:
    names = [value for number, value in _fields(value_info) if number == _NAME_OF_VALUE]
    return bytes(_bytes(names[0])).decode()


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
