"""The photos that train besides the rated ones: which a recipe has, and what is known of them."""

import json

import numpy as np

from biqa_cli.distortions.blockwise import degrade_blocks, draw_blocks
from biqa_cli.distortions.catalog import SHDIQA_DISTORTIONS
from biqa_cli.distortions.examples import Example, draw_examples
from biqa_cli.distortions.versions import draw_versions
from biqa_cli.images.view_store import FACTS, Pixels, stamp_of
from biqa_cli.training.families.base import Blockwise
from biqa_cli.training.job import Job
from biqa_cli.training.photos import RatedPhotos
from biqa_cli.training.seen import Further, See
from biqa_cli.training.streams import Stream, numbers, numbers_of_choice


def degraded_photos(job: Job, see: See) -> Further:
    """Return training photos at two levels of one distortion, for monotonicity."""
    wanted, indices = job.recipe.monotonicity, job.photos.indices
    rng = numbers_of_choice(job.recipe.seed)
    drawn = draw_versions(indices, count=wanted.photos, rng=rng)

    def view(row: int) -> Pixels:
        number, level = divmod(row, 2)
        one = drawn[number]
        return one.view(job.photos.store.view(one.index), one.levels[level])

    facts = json.dumps([one.facts for one in drawn])
    values = see("degraded", facts, view, 2 * len(drawn))
    known = {
        "indices": np.array([one.index for one in drawn]),
        "levels": np.array([one.levels for one in drawn]),
    }
    return Further(values.reshape(len(drawn), 2, *values.shape[1:]), known)


def drawn_examples(job: Job) -> tuple[Example, ...]:
    """Return the examples of a training: what they are made from, and how."""
    scale, recipe = job.trained.scale, job.recipe
    rated = [
        (job.dataset.file(index), scale.to_share(label))
        for index, label in zip(job.photos.indices, job.photos.labels.tolist(), strict=True)
    ]
    return draw_examples(
        rated,
        job.clean,
        count=recipe.examples.count,
        clean_share=recipe.examples.clean_share,
        rng=lambda number: numbers(Stream.examples, recipe.seed, number),
        full_size=recipe.input.full_size,
    )


def example_photos(job: Job, see: See) -> Further:
    """Return photos that nobody has rated as they are, and what people would say of them."""
    drawn, size = drawn_examples(job), job.recipe.input.size
    stamps = {str(one.file): stamp_of(one.file) for one in drawn}
    facts = json.dumps([[one.facts for one in drawn], sorted(stamps.items())])
    scale = job.trained.scale
    known = {
        "labels": np.array([scale.from_share(one.share) for one in drawn], np.float32),
        "are_rated": np.array([one.is_rated for one in drawn]),
        "have_known_flaws": np.array([one.has_known_flaws for one in drawn]),
        "kept": np.array([one.kept for one in drawn], np.float32),
        "flaws": np.array([one.flaws for one in drawn], np.float32),
    }
    return Further(see("examples", facts, lambda row: drawn[row].view(size), len(drawn)), known)


def cached_others(photos: RatedPhotos, see: See) -> Further:
    """Return the training photos of another data set, of which a frozen backbone sees each once."""
    store, indices = photos.store, photos.indices
    facts = json.dumps([indices, (store.home / FACTS).read_text("utf-8")])
    values = see("also", facts, lambda row: store.view(indices[row]), len(indices))
    return Further(values, {"labels": photos.labels})


def viewed_others(photos: RatedPhotos) -> Further:
    """Return the training photos of another data set, as they are decoded."""
    rows = np.array([photos.store.rows[index] for index in photos.indices])
    return Further(photos.store.pixels, {"labels": photos.labels}, rows)


def blockwise_photos(job: Job, see: See, wanted: Blockwise) -> Further:
    """Return training photos with each block degraded in its own way, for SHDIQA's teacher."""
    seed, indices = job.recipe.seed, job.photos.indices
    order = numbers_of_choice(seed).permutation(len(indices))
    chosen = [indices[place] for place in order[: wanted.photos or None]]

    def draw(index: int) -> np.random.Generator:
        return numbers(Stream.degraded_blocks, seed, index)

    def view(row: int) -> Pixels:
        pixels = job.photos.store.view(chosen[row])
        return degrade_blocks(pixels, draw(chosen[row]), partition=wanted.partition)[0]

    values_of_levels = [distortion.levels for distortion in SHDIQA_DISTORTIONS]
    facts = json.dumps([wanted.partition, seed, chosen, values_of_levels])
    drawn = [draw_blocks(draw(index), wanted.partition) for index in chosen]
    types, levels = (np.stack(column) for column in zip(*drawn, strict=True))
    values = see("blockwise", facts, view, len(chosen))
    return Further(values, {"types": types, "levels": levels})
