"""Score a folder as idealo's image-quality-assessment does (NIMA on MobileNet), in TensorFlow.

The steps are those of its src/evaluater/predict.py: all names, batches of 64, photos scaled to
224 × 224 by Keras, the mean of ten classes. Its weights are not distributed as a package: here they
are random, so the time is right and the scores mean nothing. Prints one line of JSON a photo.
"""

import json
import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

BATCH, SIDE = 64, 224
mobilenet = tf.keras.applications.mobilenet


class Photos(tf.keras.utils.Sequence):
    """Batches of decoded photos."""

    def __init__(self, paths: list[Path]) -> None:
        super().__init__()
        self._paths = paths

    def __len__(self) -> int:
        return (len(self._paths) + BATCH - 1) // BATCH

    def __getitem__(self, index: int) -> np.ndarray:
        paths = self._paths[index * BATCH : (index + 1) * BATCH]
        loaded = [
            np.asarray(tf.keras.utils.load_img(path, target_size=(SIDE, SIDE))) for path in paths
        ]
        return mobilenet.preprocess_input(np.stack(loaded).astype(np.float32))


def main(folder: Path) -> None:
    """Print the scores."""
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    base = mobilenet.MobileNet(
        input_shape=(SIDE, SIDE, 3), weights=None, include_top=False, pooling="avg"
    )
    ten = tf.keras.layers.Dense(10, activation="softmax")(base.output)
    model = tf.keras.Model(base.inputs, ten)
    paths = sorted(folder.glob("*.jpg"))
    shares = model.predict(Photos(paths), verbose=0)
    for path, share in zip(paths, shares, strict=True):
        print(json.dumps([path.name, float(share @ np.arange(1, 11))]), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
