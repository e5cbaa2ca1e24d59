import pickle
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

from biqa_cli.errors import WeightsError
from biqa_cli.weights.cache import sha256_of
from biqa_cli.weights.checkpoint import encode_checkpoint, read_checkpoint


def _round_trip(folder: Path, tensors: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    path = folder / "c.safetensors"
    path.write_bytes(encode_checkpoint(tensors))
    return dict(read_checkpoint(path, sha256=sha256_of(path)))


@given(st.integers(0, 1000), st.floats(1e-6, 1e3))
def test_int8_rounds_each_output_channel_to_254_steps(seed: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    weight = rng.normal(0, spread, (5, 3, 2, 2)).astype(np.float32)
    with TemporaryDirectory() as folder:
        read = _round_trip(Path(folder), {"w": weight})["w"]
    step = np.abs(weight).reshape(5, -1).max(axis=1) / 127
    error = np.abs(read - weight).reshape(5, -1).max(axis=1)
    # Half a step, what float16 takes from the step, and half of the smallest float16 step.
    assert (error <= 0.6 * step + 3.1e-5).all()


def test_vectors_keep_their_exact_values_and_zeros_stay_zero(tmp_path: Path) -> None:
    bias = np.array([1e-7, -3.0, 1e6], np.float32)
    read = _round_trip(tmp_path, {"bias": bias, "w": np.zeros((2, 3), np.float32)})
    assert np.array_equal(read["bias"], bias)
    assert not read["w"].any()
    assert set(read) == {"bias", "w"}


def test_plain_tensors_are_read_too(tmp_path: Path) -> None:
    path = tmp_path / "plain.safetensors"
    path.write_bytes(save({"w": np.ones((2, 2), np.float16)}))
    assert read_checkpoint(path, sha256=None)["w"].dtype == np.float32


def test_a_changed_byte_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "c.safetensors"
    path.write_bytes(encode_checkpoint({"w": np.ones((2, 2), np.float32)}))
    expected = sha256_of(path)
    changed = bytearray(path.read_bytes())
    changed[-1] ^= 1
    path.write_bytes(changed)
    with pytest.raises(WeightsError, match="is not the file that weights.toml lists"):
        read_checkpoint(path, sha256=expected)


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    class Planted:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "ran",))

    path = tmp_path / "model.pth"
    path.write_bytes(pickle.dumps(Planted()))
    with pytest.raises(WeightsError, match="pickled checkpoints are never opened"):
        read_checkpoint(path, sha256=None)
    assert not (tmp_path / "ran").exists()


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="cannot read .*No such file"):
        read_checkpoint(tmp_path / "gone", sha256=None)
