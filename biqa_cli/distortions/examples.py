"""Photos that nobody has rated as they are, and what people would say of them.

An example is a photo with a flaw (`distortions/strengths.py`), or one that is turned, framed,
reduced or grey and hardly better or worse for that. Rated training photos and photos without flaws
(`--clean`) become examples. Of large photos without flaws the most detailed parts are seen at full
size, as a network sees them when it scores.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from biqa_cli.distortions.catalog import DISTORTIONS
from biqa_cli.distortions.changes import CHANGES, SMALL_PIXELS, trimmed, with_pixels
from biqa_cli.distortions.flaws import FLAW_OF, FLAWS
from biqa_cli.distortions.opinions import laid
from biqa_cli.distortions.strengths import FAILURES, draw_strength, flawed, share_at, value_at
from biqa_cli.images.full_size import full_size_view, without_margins
from biqa_cli.images.reading import read_photo
from biqa_cli.images.transforms import ViewSize, training_view
from biqa_cli.images.view_store import Pixels

CLEAN_SHARE = 0.8
"""What a small photo without flaws is worth, as a share of the scale: as BIQ2021's best ones."""
GOOD_SHARE = 0.45
"""Rated photos worth less have flaws of their own, beside which another one does not show."""
_MIRRORED = 0.5
_LARGE = 800_000
"""A photo of more pixels is seen at full size, too, when it is scored; see `FullSize`."""
_MARGIN = 24
"""Pixels around what is seen at full size, so that a blur spreads there as it would in a photo."""

# How the examples are made up.
_FULL_SIZE, _UNCHANGED, _CHANGED = 0.5, 0.06, 0.3
_KINDS = (*(distortion.name for distortion in DISTORTIONS), *FAILURES)
"""Kinds that go on to a plain failure come twice as often: they have more to show."""

_Photo = TypeVar("_Photo")


@dataclass(frozen=True, slots=True)
class Example:
    """A photo, and what is done to it. The same seed gives the same pixels."""

    file: Path
    own: float
    """What the photo itself is worth, as a share of the scale; higher is better."""
    seed: int
    change: str = ""
    """Of `CHANGES`, or empty."""
    kind: str = ""
    """Of the flaw; empty where there is none."""
    strength: float = 0.0
    is_full_size: bool = False
    """Whether it shows parts of a large photo at full size."""

    @property
    def kept(self) -> float:
        """What flaw and change leave of the quality, 0 to 1."""
        left = share_at(self.kind, self.strength) if self.kind else 1.0
        return left * (CHANGES[self.change][1] if self.change else 1.0)

    @property
    def share(self) -> float:
        """What the example is worth, as a share of the scale."""
        return laid(self.own, self.kept)

    @property
    def is_rated(self) -> bool:
        """Whether it is worth what a photo was rated: it has no flaw, and is not parts alone."""
        return not (self.kind or self.is_full_size)

    @property
    def has_known_flaws(self) -> bool:
        """Whether it has no flaw but the one that was made."""
        return not self.change or self.own >= GOOD_SHARE

    @property
    def flaws(self) -> tuple[float, ...]:
        """How strong each of `FLAWS` is, 0 to 1."""
        strength = 1 - share_at(self.kind, self.strength) if self.kind else 0.0
        made = FLAW_OF.get(self.kind)
        return tuple(strength if name == made else 0.0 for name in FLAWS)

    @property
    def facts(self) -> tuple[object, ...]:
        """All that the pixels depend on besides the photo, as plain data."""
        value = value_at(self.kind, self.strength) if self.kind else None
        return (str(self.file), self.seed, self.change, self.kind, value, self.is_full_size)

    def view(self, size: ViewSize) -> Pixels:
        """Return what a network sees (height, width, 3).

        Raises:
            ImageError: If the photo cannot be read.
        """
        rng = np.random.default_rng(self.seed)
        image = read_photo(self.file).image
        if self.is_full_size:
            # Trimmed, so that the same photo shows other squares each time.
            squares = full_size_view(trimmed(image, rng, most=1 / 3), margin=_MARGIN)
            # Turned and mirrored at no cost: squares at full size hardly show which way is up.
            pixels = _turned(squares, rng)
            return without_margins(self._flawed(pixels), margin=_MARGIN)
        if image.width * image.height > _LARGE:
            # Flaws are made on small photos: the rating of a flaw is that of a photo seen whole.
            image = with_pixels(image, rng.uniform(2 * SMALL_PIXELS[0], _LARGE))
        if self.change:
            image = CHANGES[self.change][0](image, rng)
        seen = Image.fromarray(self._flawed(np.asarray(image)))
        return training_view(seen, size)

    def _flawed(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return flawed(pixels, self.kind, self.strength, seed=self.seed) if self.kind else pixels


@dataclass(frozen=True, slots=True)
class Clean:
    """A photo without flaws."""

    file: Path
    pixels: int
    """How many it has."""


def good_ones(photos: Sequence[_Photo], worth: Sequence[float]) -> list[_Photo]:
    """Return the photos that count as photos without a flaw; all, if there are none.

    Args:
        photos: Rated ones.
        worth: What each is worth, as a share of the scale.
    """
    both = zip(photos, worth, strict=True)
    return [photo for photo, share in both if share >= GOOD_SHARE] or list(photos)


def draw_examples(
    rated: Sequence[tuple[Path, float]],
    clean: Sequence[Sequence[Clean]],
    *,
    count: int,
    rng: Callable[[int], np.random.Generator],
    full_size: bool,
    clean_share: float = 0.45,
) -> tuple[Example, ...]:
    """Return examples of both kinds of photos; the first ones are the same for every count.

    Args:
        rated: Training photos, and what each is worth as a share of the scale.
        clean: Photos without flaws by folder, each of which comes equally often; there may be none.
        count: How many examples.
        rng: Returns what draws an example, by its number.
        full_size: Whether the network sees large photos at full size, too: half of the examples
            made from large ones without flaws. The others are reduced like all large photos.
        clean_share: Of the examples made from photos without flaws, if there are any.
    """
    # By name: where a table has them in another order, the examples are the same.
    rated = sorted(rated)
    good = good_ones(rated, [worth for _, worth in rated])
    return tuple(
        _example(rated, good, clean, rng(number), share=clean_share, sees_large=full_size)
        for number in range(count)
    )


def _example(
    rated: Sequence[tuple[Path, float]],
    good: Sequence[tuple[Path, float]],
    clean: Sequence[Sequence[Clean]],
    rng: np.random.Generator,
    *,
    share: float,
    sees_large: bool,
) -> Example:
    seed, is_clean = int(rng.integers(1 << 32)), bool(clean) and rng.random() < share
    what = rng.random()
    is_changed = what < _CHANGED
    if is_clean:
        folder = clean[int(rng.integers(len(clean)))]
        photo = folder[int(rng.integers(len(folder)))]
        # The other half is seen whole: large photos are scored by both.
        full_size = sees_large and photo.pixels > _LARGE and rng.random() < _FULL_SIZE
        own = (photo.file, CLEAN_SHARE, seed)
        if _CHANGED <= what < _CHANGED + _UNCHANGED or (is_changed and full_size):
            return Example(*own, is_full_size=full_size)
    else:
        full_size = False
        choice = rated if is_changed else good
        own = (*choice[int(rng.integers(len(choice)))], seed)
    if is_changed:
        return Example(*own, change=tuple(CHANGES)[rng.integers(len(CHANGES))])
    kind = _KINDS[rng.integers(len(_KINDS))]
    return Example(*own, kind=kind, strength=draw_strength(kind, rng), is_full_size=full_size)


def _turned(pixels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Return square pixels (side, side, 3) in one of the eight ways to lay a square."""
    turned = np.rot90(pixels, int(rng.integers(4)))
    return np.ascontiguousarray(turned[:, ::-1] if rng.random() < _MIRRORED else turned)
