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


@given(st.integers(0, 1000), st.floats(1e-12, 1e6))
def test_large_tensors_are_rounded_to_254_steps_in_each_output_channel(
    seed: int, spread: float
) -> None:
    weight = np.random.default_rng(seed).normal(0, spread, (5, 20_000)).astype(np.float32)
    with TemporaryDirectory() as folder:
        read = _round_trip(Path(folder), {"w": weight})["w"]
    step = np.abs(weight).max(axis=1) / 127
    assert (np.abs(read - weight).max(axis=1) <= 0.501 * step).all()


def test_an_output_channel_of_zeros_stays_zero_beside_others(tmp_path: Path) -> None:
    weight = np.ones((2, 20_000), np.float32)
    weight[1] = 0
    assert np.array_equal(_round_trip(tmp_path, {"w": weight})["w"], weight)


def test_small_tensors_keep_three_digits(tmp_path: Path) -> None:
    weight = np.random.default_rng(0).normal(0, 3, (5, 3, 2, 2)).astype(np.float32)
    assert np.allclose(_round_trip(tmp_path, {"w": weight})["w"], weight, rtol=1e-3)
    huge = np.full((2, 2), 1e6, np.float32)
    assert np.allclose(_round_trip(tmp_path, {"w": huge})["w"], huge)


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


def test_a_checkpoint_is_half_as_large_as_float16() -> None:
    weight = np.random.default_rng(0).normal(size=(64, 64, 3, 3)).astype(np.float32)
    assert len(encode_checkpoint({"w": weight})) < 1.02 * weight.size


@pytest.mark.parametrize(
    ("tensors", "reason"),
    [
        ({"w.scale": np.ones(2, np.float32)}, "'w.scale' is the scale of a tensor that is not"),
        ({"w": np.ones((2, 3), np.int8)}, "'w' is int8 .* with no scales"),
        (
            {"w": np.ones((2, 3), np.int8), "w.scale": np.ones(3, np.float32)},
            r"with scales of float32 \(3,\), expected floats, or int8 with a scale for each row",
        ),
        (
            {"w": np.ones((2, 3), np.int8), "w.scale": np.array([1, -0.5], np.float32)},
            "with scales of float32 .*none below 0",
        ),
        (
            {"w": np.ones((2, 3), np.float32), "w.scale": np.ones(2, np.float32)},
            "'w' is float32 .* with scales",
        ),
        ({"w": np.ones((2, 3), np.int32)}, "'w' is int32 .* with no scales"),
        ({"w": np.array([[1, np.nan]], np.float32)}, "'w' holds numbers that are not finite"),
        (
            {"w": np.full((2, 3), 127, np.int8), "w.scale": np.full(2, 3e38, np.float32)},
            "'w' holds numbers that are not finite",
        ),
    ],
)
def test_tensors_that_are_no_weights_are_refused(
    tmp_path: Path, tensors: dict[str, np.ndarray], reason: str
) -> None:
    path = tmp_path / "c.safetensors"
    path.write_bytes(save(tensors))
    with pytest.raises(WeightsError, match=reason):
        read_checkpoint(path, sha256=None)
