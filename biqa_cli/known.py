"""What is known of photos under one model: the store, asked on behalf of a run."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from biqa_cli.images.limits import Limits
from biqa_cli.images.reading import Photo
from biqa_cli.models.loading import LoadedModel
from biqa_cli.models.rater import rater_of
from biqa_cli.results import NATIVE_DIGITS
from biqa_cli.sources.entry import FileOrImage
from biqa_cli.store.known_scores import Store
from biqa_cli.store.records import Finding, Lookup, Rater

_Seen = TypeVar("_Seen")


@dataclass(frozen=True, slots=True)
class Looking(Generic[_Seen]):
    """What else is seen of a photo than its score, while it is decoded for that, and kept."""

    see: Callable[[FileOrImage, Photo], _Seen]
    """Called in the threads that read, with what was read and the decoded photo, which must not be
    kept. What it raises becomes the photo's error."""
    key: str
    """The same for two of them only if they see the same in a file."""
    pack: Callable[[_Seen], bytes]
    """Makes of it what the store keeps beside the score."""
    unpack: Callable[[bytes], _Seen]


@dataclass(frozen=True, slots=True)
class Recall:
    """A store and the rater whose scores are asked for."""

    store: Store
    rater: Rater
    looking: str = ""
    """The key of what else is to be seen of photos; empty where nothing is."""

    def find(self, path: str, limits: Limits) -> Lookup:
        """Return what is known of a file; a photo over the limit of this run is not known."""
        return _within(limits, self.store.find(self.rater, path, looking=self.looking))

    def find_content(self, name: str, content: bytes, limits: Limits) -> Lookup:
        """Return what is known of a photo that is no file, by what it holds."""
        found = self.store.find_content(self.rater, name, content, looking=self.looking)
        return _within(limits, found)

    def denies(self, path: str, native: float) -> bool:
        """Return whether a score is not that of a file any more, as far as the store knows.

        Args:
            path: Of the file.
            native: On the scale of the labels, rounded as reports have it.
        """
        score = self.store.find(self.rater, path).score
        if score is not None:
            return round(score.judgement.native, NATIVE_DIGITS) != native
        return self.store.has_changed(path)

    def keep(self, found: Iterable[Finding]) -> None:
        """Keep what is found out of files, but for scores that are no number."""
        numbers = [one for one in found if one.score is None or one.score.judgement.is_finite()]
        self.store.keep(self.rater, numbers, looking=self.looking)


def _within(limits: Limits, found: Lookup) -> Lookup:
    score = found.score
    if score is not None and score.width * score.height > limits.max_pixels:
        return Lookup(found.file)
    return found


def recall_of(store: Store, model: LoadedModel, *, looking: str = "") -> Recall:
    """Return what a store knows under a model, and what else was seen of photos."""
    return Recall(store, rater_of(model), looking)
