"""Score a folder with a metric of pyiqa as its documentation does: one file after the other.

Prints one line of JSON for each photo. Without --pretrained, nothing is downloaded: parameters are
random, of the published shapes, so that the time is right and the scores mean nothing.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import pyiqa
import scipy.io
import torch

SUPPORT_VECTORS, FEATURES = 774, 36
"""Of BRISQUE's published model; NIQE has as many features."""


def options(metric: str, folder: Path) -> dict[str, object]:
    """Return what lets a metric start without a download."""
    made = folder / metric
    if metric == "brisque":
        torch.save((torch.randn(SUPPORT_VECTORS), torch.randn(SUPPORT_VECTORS, FEATURES)), made)
        return {"pretrained_model_path": str(made)}
    if metric == "niqe":
        parameters = {"mu_prisparam": np.ones((1, FEATURES)), "cov_prisparam": np.eye(FEATURES)}
        scipy.io.savemat(made, parameters, appendmat=False)
        return {"pretrained_model_path": str(made)}
    return {"pretrained": False, "backbone_pretrain": False}


def main(arguments: argparse.Namespace) -> None:
    """Print the scores."""
    with tempfile.TemporaryDirectory() as name:
        chosen = {} if arguments.pretrained else options(arguments.metric, Path(name))
        metric = pyiqa.create_metric(arguments.metric, device=torch.device("cpu"), **chosen)
    for path in sorted(arguments.folder.iterdir()):
        print(json.dumps([path.name, float(metric(str(path)))]), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("metric", help="brisque, niqe, topiq_nr")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pretrained", action="store_true", help="download the parameters")
    main(parser.parse_args())
