"""Which results a report shows, and in which order."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from biqa_cli.results import ComputedIn, ImageResult


class SortKey(StrEnum):
    """How results are sorted."""

    path = "path"
    score = "score"


def select(
    results: Iterable[ImageResult], *, order: SortKey | None = None, top: int | None = None
) -> Iterator[ImageResult]:
    """Yield the results to show.

    Args:
        results: As they come. Without `order` and `top` they pass one by one, nothing is kept.
        order: By path, or by score with the best first and failures last.
        top: Only so many of the best; failures are left out.
    """
    if top is not None:
        scored = (result for result in results if result.score is not None)
        results = heapq.nlargest(top, scored, key=_goodness)
        order = order or SortKey.score
    if order is SortKey.path:
        yield from sorted(results, key=lambda result: result.path)
    elif order is SortKey.score:
        yield from sorted(results, key=_goodness, reverse=True)
    else:
        yield from results


def _goodness(result: ImageResult) -> float:
    return -1.0 if result.score is None else result.score


@dataclass(slots=True)
class Tally:
    """Counts results that pass by."""

    images: int = 0
    scored: int = 0
    below: int = 0
    """Scored lower than the threshold."""
    first_failed: ImageResult | None = None

    @property
    def failed(self) -> int:
        """How many could not be scored."""
        return self.images - self.scored

    def summary(
        self,
        seconds: float,
        *,
        threshold: float | None = None,
        known: int = 0,
        before: int = 0,
        again: int = 0,
        precision: ComputedIn = "float32",
    ) -> str:
        """Return how it went, in a line.

        Args:
            seconds: That it took.
            threshold: As in `count`.
            known: Scores that the store knew.
            before: Photos that the report had before.
            again: Photos that it had before in rows that are replaced.
            precision: What the network has computed in; float32 goes without saying.
        """
        photos = "1 photo" if self.images == 1 else f"{self.images} photos"
        parts = [f"{photos} in {seconds:.1f} s ({self.images / max(seconds, 1e-9):.1f} a second)"]
        if precision != "float32":
            parts.append(f"in {precision}")
        if known:
            parts.append(f"{known} known")
        if before:
            parts.append(f"{before} {'was' if before == 1 else 'were'} there before")
        if again:
            parts.append(f"{again} {'row is' if again == 1 else 'rows are'} replaced")
        if self.failed:
            parts.append(f"{self.failed} could not be scored")
        if threshold is not None:
            parts.append(f"{self.below} below {threshold:g}")
        return ", ".join(parts)

    def failures(self) -> str:
        """Return how many photos have no score, and the first; empty where all have one."""
        if self.first_failed is None:
            return ""
        have = "1 photo has" if self.failed == 1 else f"{self.failed} photos have"
        return f"{have} no score, such as {self.first_failed.path}: {self.first_failed.error}"

    def count(
        self, results: Iterable[ImageResult], *, threshold: float | None
    ) -> Iterator[ImageResult]:
        """Pass the results on and count them."""
        for result in results:
            self.images += 1
            if result.score is not None:
                self.scored += 1
                self.below += threshold is not None and result.score < threshold
            elif self.first_failed is None:
                self.first_failed = result
            yield result
