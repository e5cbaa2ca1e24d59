import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from biqa_cli.blocks.grid import Block, covering_grid
from biqa_cli.errors import UsageError
from biqa_cli.models.catalog import DEFAULT_MODEL, MODELS, find_model
from biqa_cli.models.loading import build_network
from biqa_cli.models.spec import ScoreScale
from biqa_cli.weights.manifest import load_manifest


@pytest.mark.parametrize("name", MODELS)
def test_declared_parameters_and_macs_are_those_of_the_network(name: str) -> None:
    spec = MODELS[name]
    view, crops = (spec.input.height, spec.input.width), spec.input.crops
    grid = (
        covering_grid(*view, size=crops.size, stride=crops.stride)
        if crops
        else [Block(0, 0, *view)]
    )
    first, *_ = grid
    # Shapes are all that counts, so that the largest network costs no time and no memory; but
    # superpixels need pixels. Fused attention would not be counted.
    with torch.device("cpu" if spec.family == "nlnet" else "meta"):
        network = build_network(spec).eval()
        unfused = sdpa_kernel(SDPBackend.MATH)
        with FlopCounterMode(display=False) as counter, torch.inference_mode(), unfused:
            network(torch.zeros(1, 3, first.height, first.width))
    assert sum(parameter.numel() for parameter in network.parameters()) == spec.parameters
    assert counter.get_total_flops() // 2 * len(grid) == spec.macs


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
