"""Blocks between those that are read have the scores that reading them would give."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from fakes import EXAMPLES, BrightnessEngine, brightness_model, photo
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from tiny_backbone import TinyBackbone

from biqa_cli.blocks.grid import Block, covering_grid
from biqa_cli.distortions.flaws import FLAWS
from biqa_cli.explain.block_scores import block_scores
from biqa_cli.explain.local_blocks import BlockChoice
from biqa_cli.explain.local_scores import map_image
from biqa_cli.explain.quarters import halves, pooled_of, quarter_moments
from biqa_cli.models.base import Parts, Predictions
from biqa_cli.models.loading import LoadedModel, load_model
from biqa_cli.models.torch_engine import TorchEngine
from biqa_cli.networks.qualitynet import QualityNet

VIEW = 16
WEIGHTS = np.array([0.2, 0.4, 0.1, 0.3, -0.5, 0.7])


class EdgelessParts:
    """A network whose maps are the means of 2 × 2 pixels: no edge is padded."""

    cell = 2

    def __init__(self, *, error: float) -> None:
        self.error = error
        self.read = 0

    def maps(self, views: NDArray[np.float32]) -> tuple[Predictions, list[NDArray[np.float32]]]:
        self.read += len(views)
        cells = views.reshape(len(views), 3, VIEW // 2, 2, VIEW // 2, 2).mean(axis=(3, 5))
        maps = [cells[:, :1], cells[:, 1:]]
        pooled = []
        for each in maps:
            pooled += [each.mean(axis=(2, 3)), each.std(axis=(2, 3))]
        return self._said(np.concatenate(pooled, axis=1)), maps

    def from_pooled(self, pooled: NDArray[np.float32]) -> Predictions:
        found = self._said(pooled)
        return replace(found, scores=found.scores + self.error * np.sin(1e4 * found.scores))

    def _said(self, pooled: NDArray[np.float32]) -> Predictions:
        scores = pooled.astype(np.float64) @ WEIGHTS
        return Predictions(scores, flaws=scores[:, None] / np.arange(1, len(FLAWS) + 1))


class EdgelessEngine(BrightnessEngine):
    """Either in two parts or, to compare with, not."""

    def __init__(self, *, cut: bool = True, error: float = 0) -> None:
        super().__init__()
        self.network = EdgelessParts(error=error)
        self.parts: Parts | None = self.network if cut else None

    def predict(self, views: NDArray[np.float32]) -> Predictions:
        return self.network.maps(views)[0]


def model_of(engine: EdgelessEngine) -> LoadedModel:
    return LoadedModel(brightness_model(height=VIEW, width=VIEW).spec, engine, "0" * 64)


@given(st.integers(16, 400), st.sampled_from([2, 8, 16]))
def test_what_lies_between_consists_of_halves_of_what_is_read(length: int, size: int) -> None:
    starts = covering_grid(length, length, size=size, stride=size // 2).xs
    read, firsts = halves(starts, size=size)
    where = [start + half for start in read for half in (0, size // 2)]
    assert [where[first] for first in firsts] == list(starts)
    assert all(where[first + 1] == where[first] + size // 2 for first in firsts)
    # Of neighbours on the raster one is read, but for the last three.
    assert len(read) <= len(starts) // 2 + 2
    assert all(later - earlier == size for earlier, later in pairwise(read[:-2]))


@pytest.mark.parametrize("size", [(32, 32), (61, 44), (40, 100), (37, 79)])
def test_without_edges_the_scores_are_those_of_reading_every_block(
    size: tuple[int, int],
) -> None:
    image = photo(*size)
    cut = EdgelessEngine()
    found = block_scores(image, model_of(cut))
    every = EdgelessEngine(cut=False)
    expected = block_scores(image, model_of(every))
    assert found.blocks == expected.blocks
    assert found.natives == pytest.approx(expected.natives, abs=1e-5)
    assert found.flaws is not None and expected.flaws is not None
    assert found.flaws == pytest.approx(expected.flaws, abs=1e-5)
    assert np.array_equal(found.detail, expected.detail)
    assert cut.network.read < every.network.read


def test_of_a_large_photo_little_more_than_a_quarter_of_the_blocks_is_read() -> None:
    engine = EdgelessEngine()
    found = block_scores(photo(400, 300), model_of(engine))
    assert engine.network.read < 0.3 * len(found.blocks)


def test_the_lowest_block_and_those_that_are_framed_are_read() -> None:
    image, engine = photo(150, 120), EdgelessEngine(error=0.05)
    exact = block_scores(image, model_of(EdgelessEngine(cut=False)))
    found = block_scores(image, model_of(engine))
    assert np.abs(found.natives - exact.natives).max() > 0.03
    assert found.natives.min() == pytest.approx(exact.natives[found.natives.argmin()], abs=1e-6)
    by_place = dict(zip(exact.blocks, exact.percent(model_of(engine).spec.scale), strict=True))
    framed = map_image(image, model_of(engine)).worst
    assert framed
    for block in framed:
        expected = by_place[Block(block.y, block.x, block.height, block.width)]
        assert block.score == pytest.approx(expected, abs=1e-3)
    # The others are not.
    assert engine.network.read < len(exact.blocks)


@pytest.mark.parametrize("batch_size", [1, 3])
def test_no_batch_has_more_views_than_wanted(
    monkeypatch: pytest.MonkeyPatch, batch_size: int
) -> None:
    engine = EdgelessEngine(error=0.05)
    most, maps = list[int](), engine.network.maps

    def counted(views: NDArray[np.float32]) -> tuple[Predictions, list[NDArray[np.float32]]]:
        most.append(len(views))
        return maps(views)

    monkeypatch.setattr(engine.network, "maps", counted)
    block_scores(photo(150, 120), model_of(engine), batch_size=batch_size)
    assert max(most) == batch_size and len(most) > 6


def test_maps_that_have_no_whole_quarters_are_not_quartered() -> None:
    engine = EdgelessEngine()
    engine.network.cell = VIEW
    found = block_scores(photo(), model_of(engine))
    assert engine.network.read == len(found.blocks)


@pytest.mark.parametrize("batch_size", [1, 7, 1000])
def test_the_scores_do_not_depend_on_the_batch_of_views(batch_size: int) -> None:
    image = photo(200, 150)
    alone = block_scores(image, model_of(EdgelessEngine()), batch_size=2)
    other = block_scores(image, model_of(EdgelessEngine()), batch_size=batch_size)
    assert np.allclose(other.natives, alone.natives, atol=1e-6)


@pytest.mark.parametrize(
    "choice",
    [
        BlockChoice(size=VIEW, stride=4),
        BlockChoice(size=VIEW, stride=3 * VIEW // 4),
        BlockChoice(size=12),
        BlockChoice(size=20),
    ],
)
def test_other_blocks_are_all_read(choice: BlockChoice) -> None:
    engine = EdgelessEngine()
    if choice.size != VIEW:
        # Only whole blocks have maps here.
        engine.predict = lambda views: Predictions(np.zeros(len(views)))  # type: ignore[method-assign]
        block_scores(photo(), model_of(engine), choice=choice)
        assert engine.network.read == 0
    else:
        found = block_scores(photo(), model_of(engine), choice=choice)
        assert engine.network.read == len(found.blocks)


@pytest.mark.parametrize("size", [(6, 8), (2, 2)])
def test_quarters_of_a_block_make_its_own_statistics(size: tuple[int, int]) -> None:
    maps = np.random.default_rng(0).normal(5, 2, (3, 4, *size)).astype(np.float32)
    before = maps.copy()
    pooled = pooled_of(quarter_moments([maps]), channels=[4])
    assert pooled.shape == (3, 8)
    assert np.array_equal(maps, before)
    assert pooled[:, :4] == pytest.approx(maps.mean(axis=(2, 3)), rel=1e-5)
    assert pooled[:, 4:] == pytest.approx(maps.std(axis=(2, 3)), rel=1e-5)


def _engine(network: QualityNet) -> TorchEngine:
    tensors = {n: t.numpy() for n, t in network.state_dict().items() if "num_batches" not in n}
    return TorchEngine(network.eval(), tensors, device="cpu")


@pytest.mark.parametrize("flaws", [True, False])
def test_qualitynet_reads_means_and_deviations_of_its_own_maps(flaws: bool) -> None:
    torch.manual_seed(0)
    network = QualityNet(
        TinyBackbone(), TinyBackbone(), levels="all", pooling="mean+std", flaws=flaws
    )
    parts = _engine(network).parts
    assert parts is not None and parts.cell == 32
    views = np.random.default_rng(0).normal(size=(2, 3, 64, 64)).astype(np.float32)
    told, maps = parts.maps(views)
    pooled = pooled_of(
        quarter_moments(maps),
        channels=[each.shape[1] for each in maps],
    )
    again = parts.from_pooled(pooled)
    assert again.scores == pytest.approx(told.scores, abs=1e-5)
    assert (told.flaws is None) == (again.flaws is None) != flaws
    if told.flaws is not None:
        assert again.flaws == pytest.approx(told.flaws, abs=1e-5)


@pytest.mark.parametrize("gated_first", [True, False])
def test_a_network_that_reads_other_than_means_and_deviations_is_not_cut(gated_first: bool) -> None:
    network = QualityNet(TinyBackbone(), TinyBackbone(), attention_first=gated_first)
    assert _engine(network).parts is None


@pytest.mark.slow
def test_both_engines_give_large_photos_the_same_map() -> None:
    image = Image.open(EXAMPLES / "raccoon.jpg").convert("RGB").resize((1130, 900))
    found = [
        block_scores(image, load_model(engine=engine, device="cpu"))  # type: ignore[arg-type]
        for engine in ("onnx", "torch")
    ]
    assert len(found[0].blocks) == 5 * 4
    assert found[0].natives == pytest.approx(found[1].natives, abs=1e-5)
    assert found[0].flaws == pytest.approx(found[1].flaws, abs=1e-4)
