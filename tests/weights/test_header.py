import json
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from biqa_cli.errors import WeightsError
from biqa_cli.weights.header import (
    _MOST_DIMENSIONS,
    _MOST_HEADER_BYTES,
    header_of,
    read_header,
    require_shapes,
)

GOOD = {"w": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}


def _file(path: Path, header: Any, *, data: int = 24, length: int | None = None) -> Path:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(
        struct.pack("<Q", len(text) if length is None else length) + text + b"\0" * data
    )
    return path


def test_names_and_shapes_are_told_without_scales_and_counts(tmp_path: Path) -> None:
    tensors = {
        "w": np.zeros((2, 3), np.int8),
        "w.scale": np.ones(2, np.float32),
        "bn.num_batches_tracked": np.zeros((), np.int64),
        "b": np.zeros(2, np.float16),
    }
    content = save(tensors, metadata={"biqa": "{}"})
    (tmp_path / "w").write_bytes(content)
    header = read_header(tmp_path / "w")
    assert header.shapes == {"w": (2, 3), "b": (2,)}
    assert (header.metadata, header.bytes) == ({"biqa": "{}"}, len(content))
    assert header_of(content, source="memory") == header


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"dtype": "F8"}, "is of type F8, there can be"),
        ({"dtype": 3}, "is of type 3"),
        ({"dtype": "F64"}, "24 bytes for the shape (2, 3)"),
        ({"shape": [2, 4]}, "24 bytes for the shape (2, 4)"),
        ({"shape": [-2, -3]}, "no shape or no place"),
        ({"shape": [2.0, 3]}, "no shape or no place"),
        ({"shape": [True, 6]}, "no shape or no place"),
        ({"shape": None}, "header is wrong"),
        ({"shape": [1] * 2000}, "no shape or no place"),
        ({"data_offsets": [0, 20]}, "20 bytes for the shape"),
        ({"data_offsets": [0]}, "header is wrong"),
        ({"data_offsets": [24, 48]}, "its header speaks of"),
        ({"shape": [2**40, 2**40], "data_offsets": [0, 2**82]}, "its header speaks of"),
    ],
)
def test_a_wrong_entry_is_refused(tmp_path: Path, change: dict[str, Any], reason: str) -> None:
    path = _file(tmp_path / "w", {"w": GOOD["w"] | change})
    with pytest.raises(WeightsError, match="is not a safetensors file") as caught:
        read_header(path)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b"\xff\xfe",
        b'{"w": 3}',
        b"[" * 100_000,
        b'{"__metadata__": {"biqa": 3}}',
        b'{"__metadata__": []}',
        b'{"w": %s, "w": %s}' % ((json.dumps(GOOD["w"]).encode(),) * 2),
    ],
)
def test_a_wrong_header_is_refused(tmp_path: Path, header: bytes) -> None:
    with pytest.raises(WeightsError, match="is not a safetensors file"):
        read_header(_file(tmp_path / "w", header))


@pytest.mark.parametrize("length", [0, 1, 10**6, 2**62, 2**64 - 1])
def test_a_wrong_length_of_the_header_is_refused(tmp_path: Path, length: int) -> None:
    with pytest.raises(WeightsError, match="is not a safetensors file"):
        read_header(_file(tmp_path / "w", GOOD, length=length))


def test_the_longest_header_is_read_and_a_longer_one_is_refused(tmp_path: Path) -> None:
    text = json.dumps(GOOD).encode().ljust(_MOST_HEADER_BYTES)
    assert read_header(_file(tmp_path / "w", text)).shapes == {"w": (2, 3)}
    with pytest.raises(WeightsError, match="it has no header"):
        read_header(_file(tmp_path / "w", text + b" "))


@pytest.mark.parametrize("data", [0, 23, 25])
def test_a_file_that_is_cut_or_longer_is_refused(tmp_path: Path, data: int) -> None:
    with pytest.raises(WeightsError, match=r"it has \d+ bytes, its header speaks of"):
        read_header(_file(tmp_path / "w", GOOD, data=data))


def test_a_pipe_a_device_and_a_folder_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises(WeightsError, match="not a regular file"):
            read_header(path)
    with pytest.raises(WeightsError, match="cannot read"):
        read_header(Path("a\0b"))


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"a": (1,)}, "f is of another network: it lacks 'b' and 1 more"),
        ({"a": (1,), "b": (2,), "c": (3,), "d": (4,)}, "the network has no 'd'"),
        ({"a": (1,), "b": (3,), "c": (3,)}, r"'b' is \(3,\), expected \(2,\)"),
    ],
)
def test_tensors_of_another_network_are_refused(
    found: dict[str, tuple[int, ...]], message: str
) -> None:
    with pytest.raises(WeightsError, match=message):
        require_shapes(found, {"a": (1,), "b": (2,), "c": (3,)}, source="f")


@pytest.mark.parametrize(
    "kind", [np.float64, np.float32, np.float16, np.int64, np.int32, np.int8], ids=str
)
def test_every_type_that_can_be_there_has_its_size(tmp_path: Path, kind: type[np.generic]) -> None:
    (tmp_path / "w").write_bytes(save({"w": np.zeros((2, 3), kind)}))
    assert read_header(tmp_path / "w").shapes == {"w": (2, 3)}


def test_the_most_dimensions_are_read_and_one_more_is_refused(tmp_path: Path) -> None:
    for dimensions, is_read in ((_MOST_DIMENSIONS, True), (_MOST_DIMENSIONS + 1, False)):
        shape = [1] * dimensions
        header = {"x": {"dtype": "F32", "shape": shape, "data_offsets": [0, 4]}}
        path = _file(tmp_path / f"{dimensions}.safetensors", header, data=4)
        if is_read:
            assert read_header(path).shapes == {"x": tuple(shape)}
        else:
            with pytest.raises(WeightsError, match="'x' has no shape or no place"):
                read_header(path)


def test_one_wrong_tensor_is_named_alone_and_of_several_the_number_is_told() -> None:
    wanted = {"a": (1,), "b": (1,), "c": (1,)}
    for found, told in (({"a": (2,)}, "expected (1,)"), ({"a": (2,), "b": (2,)}, "and 1 more")):
        with pytest.raises(WeightsError) as caught:
            require_shapes(wanted | found, wanted, source="own.safetensors")
        assert str(caught.value).endswith(told)


def test_a_file_that_is_not_there_is_told_in_the_words_of_the_system(tmp_path: Path) -> None:
    path = tmp_path / "none.safetensors"
    with pytest.raises(WeightsError) as caught:
        read_header(path)
    assert str(caught.value) == f"cannot read {path}: No such file or directory"
