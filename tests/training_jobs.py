"""A job on twenty photos of random pixels, of 64 pixels a side."""

import math
from pathlib import Path

import numpy as np
from PIL import Image
from tiny_training import Listener, quick_recipe

from biqa_cli.datasets.base import Dataset, LabelScale, RatedImage
from biqa_cli.datasets.splits import Split, split_of_parts
from biqa_cli.images.view_store import FACTS, ViewStore
from biqa_cli.models.spec import InputContract, ScoreScale
from biqa_cli.models.trained import TrainedNetwork
from biqa_cli.recipes.record import Recipe
from biqa_cli.training.job import Job
from biqa_cli.training.photos import RatedPhotos

CONTRACT = InputContract(64, 64, (0.4, 0.5, 0.6), (0.2, 0.3, 0.25))
UNIT = ScoreScale(0.0, 1.0, higher_is_better=True, meaning="MOS")
TRAIN, VAL = tuple(range(5, 20)), (1, 3, 4)


def parted(home: Path, train: tuple[int, ...], val: tuple[int, ...]) -> tuple[Dataset, Split]:
    """Return a data set of images that nobody opens, and these parts of it."""
    images = tuple(RatedImage(f"{index}.png", index) for index in range(1 + max(*train, *val)))
    scale = LabelScale(0, 20, higher_is_better=True, meaning="MOS")
    dataset = Dataset("random", home, "authentic", scale, images)
    parts = {"train": train, "val": val}
    return dataset, split_of_parts(dataset, parts, protocol="image", seed=1)


def random_job(
    home: Path,
    recipe: Recipe,
    *,
    workers: int = 1,
    deadline: float = math.inf,
) -> Job:
    """Return a job whose photos 5 to 19 train and 1, 3, 4 validate; labels rise with the index."""
    pixels = np.random.default_rng(0).integers(0, 256, (20, 64, 64, 3), dtype=np.uint8)
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
    options = dict(recipe.network) | ({"input_size": 64} if recipe.family == "shdiqa" else {})
    trained = TrainedNetwork(recipe.family, recipe.backbones, options, CONTRACT, UNIT, "random")
    dataset, split = parted(home, TRAIN, VAL)
    return Job(recipe, trained, dataset, split, photos, home, "cpu", workers, deadline, Listener())


def flawed_job(home: Path, *settings: str) -> Job:
    """Return such a job that learns flaws from four examples; its photos are files."""
    flaws = ("network.flaws=true", "examples.weight=1", "examples.flaws_weight=1")
    flaws += ("examples.count=4", "examples.noise=0", "optimiser.batch=4", "monotonicity.weight=0")
    recipe = quick_recipe("input.height=64", "input.width=64", *flaws, *settings)
    job = random_job(home, recipe)
    for index in TRAIN:
        Image.fromarray(job.photos.store.view(index)).save(job.dataset.file(index))
    return job
