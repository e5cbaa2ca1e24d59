"""The similarity of blocks is what BlockIQA itself computes, as a photo is scored."""

from dataclasses import replace

import numpy as np
import pytest
from fakes import EXAMPLES

from biqa_cli.errors import UsageError
from biqa_cli.explain.similarity import similarity_of_file
from biqa_cli.models.build import build_network
from biqa_cli.models.loading import LoadedModel, load_model
from biqa_cli.models.torch_engine import TorchEngine
from biqa_cli.scoring import score_files


def with_blocks(model: LoadedModel, blocks: int) -> LoadedModel:
    """Return a BlockIQA with the same weights and so many blocks a side."""
    assert isinstance(model.engine, TorchEngine)
    spec = replace(model.spec, options={"blocks": blocks})
    state = model.engine.network.state_dict()
    # Checkpoints have no counts of batches.
    tensors = {n: t.numpy() for n, t in state.items() if not n.endswith("num_batches_tracked")}
    engine = TorchEngine(build_network(spec), tensors, device="cpu")
    return LoadedModel(spec, engine, model.weights_sha256)


@pytest.mark.slow
@pytest.mark.parametrize(("blocks", "side"), [(1, 2), (2, 2), (3, 3)])
def test_the_similarity_of_blocks_is_that_of_the_whole_record(blocks: int, side: int) -> None:
    model = with_blocks(load_model("blockiqa-lite", engine="torch", device="cpu"), blocks)
    path = str(EXAMPLES / "rocket.jpg")
    matrix = similarity_of_file(path, model)
    (whole,) = score_files([path], model)
    assert matrix.score == whole.score
    assert matrix.values.shape == (side**2, side**2)
    assert np.allclose(matrix.values, matrix.values.T, atol=1e-6)
    assert np.allclose(matrix.values.diagonal(), 1, atol=1e-6)
    # Eqs. 10 and 11 lead from the matrix to what the network says, the calibration to the score;
    # a network of one block is shown with the paper's 2 × 2.
    weights = matrix.values.mean(axis=1).reshape(side, side)
    assert np.allclose(matrix.block_weights, weights, atol=1e-6)
    native = float((matrix.block_scores * weights).mean())
    (of_blocks,) = score_files([path], with_blocks(model, side))
    assert model.spec.scale.to_percent(native) == pytest.approx(of_blocks.score, abs=1e-3)


def test_similarity_without_torch_is_explained() -> None:
    with pytest.raises(
        UsageError, match="needs a model of the family blockiqa on the engine torch"
    ):
        similarity_of_file(str(EXAMPLES / "rocket.jpg"), load_model("blockiqa-lite", engine="onnx"))
