"""How alike BlockIQA finds the blocks of a photo, and what it makes of each.

Reference:
    Pang et al., ICMR 2025, eqs. 1 to 3 and 9 to 11 (`biqa_cli/networks/blockiqa.py`).
"""

import copy

from biqa_cli.errors import UsageError
from biqa_cli.explain.local_scores import map_picture
from biqa_cli.explain.records import SimilarityMatrix
from biqa_cli.images.limits import DEFAULT_LIMITS, Limits
from biqa_cli.images.reading import read_photo
from biqa_cli.models.loading import LoadedModel
from biqa_cli.models.torch_engine import TorchEngine
from biqa_cli.models.views import view_of
from biqa_cli.networks.blockiqa import BlockIQA, BlockIQAOutput

# One block is like itself; the paper has 2 × 2.
_FEWEST_ALIKE = 2


def similarity_of_file(
    source: str | bytes, model: LoadedModel, *, limits: Limits = DEFAULT_LIMITS
) -> SimilarityMatrix:
    """Return how alike BlockIQA finds the blocks of its view of a photo.

    A model that sees the photo as one block is asked about the paper's 2 × 2: no weight depends
    on their number.

    Args:
        source: A file that `read_photo` reads, or what is in it.
        model: BlockIQA, from `load_model` with engine="torch": an ONNX graph gives scores only.
        limits: What reading may cost; a photo that would cost more is refused.

    Raises:
        ImageError: If the photo cannot be read.
        UsageError: If the model is of another family or runs on another engine.
    """
    if model.spec.family != "blockiqa" or not isinstance(model.engine, TorchEngine):
        msg = (
            f"the similarity of blocks needs a model of the family blockiqa on the engine torch, "
            f"got {model.spec.name} ({model.spec.family}) on {model.engine.name}"
        )
        raise UsageError(msg)
    contract = model.spec.input
    photo = read_photo(source, at_least=contract.decode_size, limits=limits)
    view = view_of(photo.image, contract)
    network = model.engine.network
    assert isinstance(network, BlockIQA), "the family says so"  # noqa: S101
    several = copy.copy(network)
    several.blocks = max(_FEWEST_ALIKE, network.blocks)
    output = model.engine.outputs(view[None], network=several)
    assert isinstance(output, BlockIQAOutput), "the family says so"  # noqa: S101
    similarity, scores, weights = (
        tensor[0].float().cpu().numpy()
        for tensor in (output.similarity, output.block_scores, output.block_weights)
    )
    native = float(model.engine.predict(view[None]).scores[0])
    return SimilarityMatrix(
        path=source if isinstance(source, str) else "",
        model=model.spec.name,
        score=round(model.spec.scale.to_percent(native), 4),
        width=photo.width,
        height=photo.height,
        values=similarity,
        block_scores=scores,
        block_weights=weights,
        picture=map_picture(photo.image),
        note=photo.note,
    )
