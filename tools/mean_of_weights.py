"""Write the mean of two trained weights of one network, between what it knew and what it learnt.

Such a mean often agrees better with new data than either (Wortsman et al., "Robust fine-tuning of
zero-shot models", CVPR 2022). `biqa train … --resume` then calibrates and stores it.

Run:  python tools/mean_of_weights.py START/best.safetensors RUN/best.safetensors --share 0.5
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file


def mean(
    start: dict[str, NDArray[np.generic]], learnt: dict[str, NDArray[np.generic]], share: float
) -> dict[str, NDArray[np.generic]]:
    """Return (1 - share) · start + share · learnt; what is no float is as it was learnt.

    Raises:
        ValueError: If the two are not of one network.
    """
    shapes = [{name: tensor.shape for name, tensor in one.items()} for one in (start, learnt)]
    if shapes[0] != shapes[1]:
        raise ValueError("these are weights of two networks: give two runs of one recipe")
    return {
        name: ((1 - share) * start[name] + share * tensor).astype(tensor.dtype)
        if np.issubdtype(tensor.dtype, np.floating)
        else tensor
        for name, tensor in learnt.items()
    }


def main() -> None:
    """Replace the second file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("start", type=Path)
    parser.add_argument("learnt", type=Path)
    parser.add_argument("--share", type=float, default=0.5, help="of the second, 0 to 1")
    given = parser.parse_args()
    found = []
    for path in (given.start, given.learnt):
        with safe_open(path, framework="np") as file:
            metadata = file.metadata()
            found.append({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
    save_file(mean(*found, given.share), given.learnt, metadata)


if __name__ == "__main__":
    main()
