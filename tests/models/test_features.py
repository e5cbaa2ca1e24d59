"""Features: what the head of a network reads, the same from both engines; scores do not change."""

import numpy as np
import pytest

from biqa_cli.errors import UsageError, WeightsError
from biqa_cli.models.graph_content import with_output_before
from biqa_cli.models.loading import load_model


def _views(side: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(2, 3, side, side)).astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "count"),
    [("qualitynet-flaws", 992), ("blockiqa-lite", 1152), ("reqa-lite", None), ("shdiqa-lite", 384)],
)
def test_a_shipped_graph_tells_the_features_that_pytorch_reads(
    name: str, count: int | None
) -> None:
    found = {}
    for engine in ("onnx", "torch"):
        model = load_model(name, engine=engine, device="cpu", features=True)  # type: ignore[arg-type]
        found[engine] = model.engine.predict(_views(model.spec.input.height))
    plain = load_model(name, engine="onnx", device="cpu")
    before = plain.engine.predict(_views(plain.spec.input.height))
    assert before.features is None
    assert np.array_equal(before.scores, found["onnx"].scores)
    features = found["onnx"].features, found["torch"].features
    assert features[0] is not None and features[1] is not None
    assert features[0].shape == features[1].shape == (2, count or features[0].shape[1])
    spread = features[1].std()
    assert np.abs(features[0] - features[1]).max() < 1e-3 * max(spread, 1)


def test_a_family_without_features_is_refused_in_words() -> None:
    with pytest.raises(UsageError, match="nlnet-lite has no features that can be read: use a mode"):
        load_model("nlnet-lite", device="cpu", features=True)


def test_what_is_no_graph_or_lacks_the_layer_is_told() -> None:
    with pytest.raises(WeightsError, match=r"x.onnx is not an ONNX graph"):
        with_output_before(b"no graph", "head.0", source="x.onnx")
    with pytest.raises(WeightsError, match=r"x.onnx has no layer 'head.0'"):
        with_output_before(b"", "head.0", source="x.onnx")


def test_features_are_told_in_float32_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("biqa_cli.models.openvino_engine.saves_time", lambda: True)
    for precision in ("auto", "float32"):
        model = load_model("shdiqa-lite", device="cpu", features=True, precision=precision)  # type: ignore[arg-type]
        assert model.engine.name == "onnx"
    with pytest.raises(UsageError, match="a tuned model computes in float32: leave out"):
        load_model("shdiqa-lite", device="cpu", features=True, precision="bfloat16")
