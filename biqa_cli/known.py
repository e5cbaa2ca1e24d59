"""What is known of photos under one model: the store, asked on behalf of a run."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from biqa_cli.images.limits import Limits
from biqa_cli.models.loading import LoadedModel
from biqa_cli.models.rater import rater_of
from biqa_cli.results import NATIVE_DIGITS
from biqa_cli.store.files import FileState
from biqa_cli.store.known_scores import KnownScore, Lookup, Rater, Store


@dataclass(frozen=True, slots=True)
class Recall:
    """A store and the rater whose scores are asked for."""

    store: Store
    rater: Rater

    def find(self, path: str, limits: Limits) -> Lookup:
        """Return what is known of a file; a photo over the limit of this run is not known."""
        found = self.store.find(self.rater, path)
        score = found.score
        if score is not None and score.width * score.height > limits.max_pixels:
            return Lookup(found.file)
        return found

    def denies(self, path: str, native: float) -> bool:
        """Return whether a score is not that of a file any more, as far as the store knows.

        Args:
            path: Of the file.
            native: On the scale of the labels, rounded as reports have it.
        """
        score = self.store.find(self.rater, path).score
        if score is not None:
            return round(score.native, NATIVE_DIGITS) != native
        return self.store.has_changed(path)

    def keep(self, made: Iterable[tuple[FileState, KnownScore]]) -> None:
        """Keep the scores of files, but for those that are no number."""
        self.store.keep(
            self.rater, [(file, score) for file, score in made if math.isfinite(score.native)]
        )


def recall_of(store: Store, model: LoadedModel) -> Recall:
    """Return what a store knows under a model."""
    return Recall(store, rater_of(model))
