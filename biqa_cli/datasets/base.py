"""Records of a data set: images, what people said of them, and what is wrong with a copy."""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple

from biqa_cli.errors import UsageError

Kind = Literal["synthetic", "authentic"]
"""Distorted on purpose from reference images, or photographed as they are."""


@dataclass(frozen=True, slots=True)
class LabelScale:
    """The scale of a data set's labels, as its authors publish them."""

    lowest: float
    highest: float
    higher_is_better: bool
    """False for DMOS. Nothing here ever flips a label."""
    meaning: str
    declared: bool = True
    """False where the ends are only the least and greatest label that were found."""

    def describe(self) -> str:
        """Return the scale in one line, for reports."""
        better = "higher" if self.higher_is_better else "lower"
        ends = f"{self.lowest:g} to {self.highest:g}{'' if self.declared else ' as found'}"
        return f"{self.meaning}, {ends}, {better} is better"

    def with_ends(self, ends: str) -> "LabelScale":
        """Return the scale with declared ends, given as LOW:HIGH.

        Raises:
            UsageError: If that is no range, or does not hold the labels.
        """
        low, _, high = ends.partition(":")
        try:
            lowest, highest = float(low), float(high)
        except ValueError as error:
            msg = f"{ends!r} is no range of labels: write LOW:HIGH, such as 1:5"
            raise UsageError(msg) from error
        if not lowest < highest:
            msg = f"--label-range {ends} is empty: write the lower end first, LOW:HIGH, such as 1:5"
            raise UsageError(msg)
        if self.declared or not (lowest <= self.lowest and self.highest <= highest):
            msg = f"--label-range {ends} does not fit labels of {self.describe()}"
            raise UsageError(msg)
        return replace(self, lowest=lowest, highest=highest, declared=True)

    def holds(self, label: float) -> bool:
        """Return whether a label lies on the scale, its last digit forgiven."""
        slack = 1e-6 * (self.highest - self.lowest)
        return self.lowest - slack <= label <= self.highest + slack


class DistortedName(NamedTuple):
    """What the name of a distorted image says, where a release names its images so."""

    reference: str
    distortion: str
    level: int


@dataclass(frozen=True, slots=True)
class RatedImage:
    """An image and what people said of it."""

    path: str
    """Relative to the root, with forward slashes; in a loaded data set as it is on disk."""
    mos: float
    """The authors' label on its own scale; for some sets a DMOS."""
    std: float = math.nan
    """What the authors publish as its spread, in the unit of `mos`; nan if they publish none."""
    reference: str | None = None
    """The pristine image it was made of; None for authentic photos."""
    distortion: str | None = None
    level: int | None = None
    """Of the distortion, as the authors number it; None where they do not."""
    subset: str | None = None
    """A part that the authors describe, such as the ss01 of BIQ2021; not a part of a split."""
    scene: str | None = None
    """Photos of one scene share it; None where nobody looked for scenes."""
    official_part: str | None = None
    """Its part in the authors' own split: train, val or test."""
    clean_part: str | None = None
    """Its part in the authors' split without the scenes that leak; `dropped` ones would."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """The images of a data set that are here, in the order of its label file."""

    name: str
    root: Path
    kind: Kind
    scale: LabelScale
    images: tuple[RatedImage, ...]
    problems: tuple[str, ...] = ()
    """Why images of the label file are not among `images`, a sentence each."""

    def file(self, index: int) -> Path:
        """Return where an image lies."""
        return self.root / self.images[index].path

    def with_label_range(self, ends: str | None) -> "Dataset":
        """Return the data set with the declared ends of its scale, LOW:HIGH; None changes nothing.

        Raises:
            UsageError: As `LabelScale.with_ends`.
        """
        return self if ends is None else replace(self, scale=self.scale.with_ends(ends))
