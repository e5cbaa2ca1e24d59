"""A job on twenty photos of random pixels, of 64 pixels a side."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tiny_training import Listener

from biqa_cli.blocks.grid import Block
from biqa_cli.images.view_store import FACTS, ViewStore
from biqa_cli.models.spec import InputContract, ScoreScale
from biqa_cli.models.trained import TrainedNetwork
from biqa_cli.training.job import Job, RatedPhotos
from biqa_cli.training.recipe import Recipe

CONTRACT = InputContract(64, 64, (0.4, 0.5, 0.6), (0.2, 0.3, 0.25))
TRAIN, VAL = tuple(range(5, 20)), (1, 3, 4)


def random_job(
    home: Path,
    recipe: Recipe,
    *,
    workers: int = 1,
    deadline: float = math.inf,
    higher_is_better: bool = True,
    scale: Sequence[float] = (0.0, 1.0),
    side: int = 64,
) -> Job:
    """Return a job whose photos 5 to 19 train and 1, 3, 4 validate; labels rise with the index."""
    pixels = np.random.default_rng(0).integers(0, 256, (20, side, side, 3), dtype=np.uint8)
    (home / FACTS).write_text("[[1, ''], [2, '']]")
    store = ViewStore(home, pixels, {index: index for index in range(20)}, {})
    photos = RatedPhotos(
        store=store,
        indices=TRAIN,
        labels=np.array(TRAIN, np.float32) / 20,
        types=np.array(TRAIN) % 3,
        val=VAL,
        val_labels=np.array(VAL, np.float32) / 20,
    )
    lowest, highest = scale
    known = ScoreScale(lowest, highest, higher_is_better=higher_is_better, meaning="MOS")
    options = dict(recipe.network) | ({"input_size": side} if recipe.family == "shdiqa" else {})
    trained = TrainedNetwork(recipe.family, recipe.backbones, options, CONTRACT, known, "random")
    blocks = (Block(0, 0, side, side),)
    return Job(recipe, trained, photos, blocks, home, "cpu", workers, deadline, Listener())
