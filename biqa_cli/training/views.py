"""Views of all that trains, for a backbone that learns: examples are made once and kept on disk."""

import hashlib
import json

import numpy as np

from biqa_cli.computed_arrays import computed_array
from biqa_cli.images.view_store import Pixels, stamp_of
from biqa_cli.training.examples import Example, draw_examples
from biqa_cli.training.job import Job, TimeIsUpError, go_on_until
from biqa_cli.training.seen import AlsoPhotos, ExamplePhotos, Seen

_AT_ONCE = 16


def views_of(job: Job) -> Seen:
    """Return the views of the photos of a training, and of what else its recipe learns from.

    Raises:
        TimeIsUpError: If the time is up; what is made is kept for the next run.
        UsageError: If the folder cannot be written.
    """
    store, also = job.photos.store, []
    if job.recipe.also.weight:
        for photos in job.also:
            rows = [photos.store.rows[index] for index in photos.indices]
            also.append(AlsoPhotos(photos.store.pixels, np.array(rows), photos.labels))
    return Seen(
        store.pixels[None],
        store.rows,
        also=tuple(also),
        examples=_examples(job) if job.recipe.examples.weight else None,
    )


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
        seed=recipe.seed,
        full_size=recipe.input.full_size,
    )


def facts_of(drawn: tuple[Example, ...]) -> str:
    """Return all that the pixels of examples depend on, as text."""
    stamps = {str(one.file): stamp_of(one.file) for one in drawn}
    return json.dumps([[one.facts for one in drawn], sorted(stamps.items())])


def _examples(job: Job) -> ExamplePhotos:
    drawn, size = drawn_examples(job), (job.recipe.input.height, job.recipe.input.width)

    def read(rows: range) -> list[Pixels]:
        return [drawn[row].view(*size) for row in rows]

    key = hashlib.sha256(f"{size} {facts_of(drawn)}".encode()).hexdigest()[:12]
    values = computed_array(
        job.photos.store.home / f"views-of-examples-{key}.npy",
        len(drawn),
        read=read,
        compute=np.stack,
        at_once=_AT_ONCE,
        workers=job.workers,
        go_on=go_on_until(job.deadline, job.watcher, "{} of {} examples are made"),
    )
    if values is None:
        raise TimeIsUpError
    return ExamplePhotos(drawn, values)
