"""Weights of a small network, to be tuned: with `use_tiny_backbones` it loads at once."""

from pathlib import Path

import torch

from biqa_cli.models.build import assemble_network
from biqa_cli.models.catalog import find_model
from biqa_cli.models.options import with_defaults
from biqa_cli.models.spec import InputContract
from biqa_cli.models.trained import TrainedNetwork
from biqa_cli.training.checkpoints import write_weights


def write_base(path: Path, *, seed: int = 0) -> Path:
    """Write a QualityNet with random weights and a view of 32 pixels; return the file."""
    torch.manual_seed(seed)
    spec = find_model("qualitynet-lite")
    options = with_defaults("qualitynet", {"chains": 1})
    backbones = ("efficientnet-lite0",) * 2
    trained = TrainedNetwork(
        family="qualitynet",
        backbones=backbones,
        options=options,
        input=InputContract(32, 32, spec.input.mean, spec.input.std),
        scale=spec.scale,
        dataset="csv:other.csv",
    )
    network = assemble_network("qualitynet", backbones, options=options)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            # Not below the scale, where all scores are alike.
            if name == "head.12.bias":
                parameter.fill_(0.5)
    write_weights(path, network, trained)
    return path
