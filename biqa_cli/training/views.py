"""Views of all that trains, for a backbone that learns: those of examples are made once."""

import hashlib
from collections.abc import Callable

import numpy as np

from biqa_cli.images.view_store import Pixels
from biqa_cli.training.further import example_photos, viewed_others
from biqa_cli.training.job import Job, kept_on_disk
from biqa_cli.training.seen import Seen


def views_of(job: Job) -> Seen:
    """Return the views of the photos of a training, and of what else its recipe learns from.

    Raises:
        TimeIsUpError: If the time is up; what is made is kept for the next run.
        UsageError: If the folder cannot be written.
    """

    def see(kind: str, facts: str, view: Callable[[int], Pixels], count: int) -> Pixels:
        size = job.recipe.input.size
        key = hashlib.sha256(f"{size} {facts}".encode()).hexdigest()[:12]
        name, said = f"views-of-{kind}-{key}", f"{{}} of {{}} {kind} are made"
        return kept_on_disk(job, name, view, count, compute=np.stack, said=said)

    return Seen(
        job.photos.store.pixels[None],
        job.photos.store.rows,
        also=tuple(viewed_others(photos) for photos in job.also),
        examples=example_photos(job, see) if job.recipe.examples.weight else None,
    )
