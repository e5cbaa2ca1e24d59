import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from biqa_cli.blocks.grid import covering_grid
from biqa_cli.errors import UsageError
from biqa_cli.models.build import build_network
from biqa_cli.models.catalog import DEFAULT_MODEL, MODELS, find_model
from biqa_cli.models.spec import ScoreScale
from biqa_cli.models.trained import read_trained
from biqa_cli.weights.cache import locate
from biqa_cli.weights.manifest import load_manifest


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_declared_parameters_and_macs_are_those_of_the_network(name: str) -> None:
    spec = MODELS[name]
    height, width, count = spec.input.height, spec.input.width, 1
    if crops := spec.input.crops:
        grid = covering_grid(height, width, size=crops.size, stride=crops.stride)
        height, width, count = grid.height, grid.width, len(grid)
    # Shapes suffice to count, so that the largest costs no time; NLNet needs pixels to cut.
    with torch.device("cpu" if spec.family == "nlnet" else "meta"):
        network = build_network(spec).eval()
        image = torch.zeros(1, 3, height, width)
    assert sum(parameter.numel() for parameter in network.parameters()) == spec.parameters
    # Fused attention would not be counted.
    unfused = sdpa_kernel(SDPBackend.MATH)
    with FlopCounterMode(display=False) as counter, torch.inference_mode(), unfused:
        network(image)
    assert count * counter.get_total_flops() // 2 == spec.macs


def test_the_key_of_the_table_is_the_name_of_the_model() -> None:
    assert all(name == spec.name for name, spec in MODELS.items())
    assert DEFAULT_MODEL in MODELS


def test_every_checkpoint_belongs_to_a_model() -> None:
    assert {checkpoint.name for checkpoint in load_manifest().checkpoints} <= MODELS.keys()


def test_a_misspelt_model_names_the_closest() -> None:
    with pytest.raises(UsageError, match="did you mean 'blockiqa-lite'"):
        find_model("blockiqa-light")
    with pytest.raises(UsageError, match="there are blockiqa-lite"):
        find_model("zzz")


@pytest.mark.parametrize(
    ("scale", "native", "percent"),
    [
        (ScoreScale(0, 1, higher_is_better=True, meaning="MOS"), 0.25, 25),
        (ScoreScale(1, 5, higher_is_better=True, meaning="MOS"), 2, 25),
        (ScoreScale(0, 100, higher_is_better=False, meaning="DMOS"), 20, 80),
        (ScoreScale(0, 1, higher_is_better=True, meaning="MOS"), 1.5, 100),
        (ScoreScale(0, 1, higher_is_better=True, meaning="MOS"), -0.5, 0),
    ],
)
def test_the_common_scale_is_0_to_100_and_higher_is_better(
    scale: ScoreScale, native: float, percent: float
) -> None:
    assert scale.to_percent(native) == pytest.approx(percent)


def test_crops_cover_the_view_to_its_edges() -> None:
    for spec in MODELS.values():
        if crops := spec.input.crops:
            assert crops.stride <= crops.size == spec.options.get("input_size", 224)
            assert (spec.input.height - crops.size) % crops.stride == 0
            assert (spec.input.width - crops.size) % crops.stride == 0


def test_what_a_shipped_checkpoint_was_trained_for_is_what_the_table_declares() -> None:
    for checkpoint in load_manifest().checkpoints:
        spec, file = MODELS[checkpoint.name], locate(checkpoint.weights)
        trained = None if file is None else read_trained(file)
        assert trained is not None and trained.input == spec.input
        scale = trained.scale
        assert (scale.lowest, scale.highest, scale.higher_is_better) == (
            spec.scale.lowest,
            spec.scale.highest,
            spec.scale.higher_is_better,
        )
