"""What a model declares about itself: input, output, origin. Data only."""

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Family = Literal["blockiqa", "qualitynet", "reqa", "shdiqa", "nlnet"]
KEEPING_ASPECT: tuple[Family, ...] = ("qualitynet",)
"""The families whose networks read views of any size as one map."""
BackboneName = Literal[
    "resnet50", "efficientnet-b7", "vgg16", "vit-s16", "efficientnet-lite0", "efficientnet-lite2"
]
OptionValue = bool | int | float | str

SOFT_END = 10.0
"""Points of 100 at either end of the scale that a calibrated score nears and never reaches."""


@dataclass(frozen=True, slots=True)
class Crops:
    """Square crops that cover the view: a fixed grid, so that a photo has one score."""

    size: int
    stride: int


@dataclass(frozen=True, slots=True)
class FullSize:
    """A second view of large photos: a mosaic of their most detailed squares at native scale."""

    squares: int = 4
    """A square number: √squares · size is a side of the model's view."""
    size: int = 224
    """Of a square, in pixels of the photo."""
    above_pixels: int = 800_000
    """Photos of so many pixels or fewer have no such view."""

    def describe(self) -> str:
        """Return it in one line, for reports."""
        return (
            f"of photos above {self.above_pixels / 1e6:g} megapixels also the {self.squares} most "
            f"detailed squares of {self.size} pixels at full size"
        )


@dataclass(frozen=True, slots=True)
class InputContract:
    """How a photo becomes the array that a model reads; the same on every engine and device."""

    height: int
    width: int
    mean: tuple[float, float, float]
    """Of the channels R, G, B in [0, 1]."""
    std: tuple[float, float, float]
    codec_margin: int = 2
    """A JPEG may be decoded at a reduced size no smaller than this many times the view."""
    crops: Crops | None = None
    """The network reads square crops of the view; the score is their mean. None: the view."""
    full_size: FullSize | None = None
    """How large photos are judged a second time, by what shows at full size. None: they are not."""
    keeps_aspect: bool = False
    """Whether a view has the aspect ratio of its photo and about height · width pixels; see
    `biqa_cli.images.transforms.size_in_proportion`. Otherwise it has just this height and width."""

    @property
    def decode_size(self) -> tuple[int, int]:
        """The (height, width) that decoding must keep."""
        return (self.codec_margin * self.height, self.codec_margin * self.width)

    @property
    def full_above(self) -> int | None:
        """The number of pixels above which decoding must keep the full size; None: none does."""
        return None if self.full_size is None else self.full_size.above_pixels

    def describe_size(self) -> str:
        """Return the size of a view in a few words."""
        size = f"{self.width}x{self.height}"
        return f"{size} or as many pixels at its own aspect ratio" if self.keeps_aspect else size

    def describe(self) -> str:
        """Return the contract in one line, for reports."""
        mean = ", ".join(f"{value:.4g}" for value in self.mean)
        std = ", ".join(f"{value:.4g}" for value in self.std)
        view = (
            f"upright sRGB, alpha over white, codec reduction down to {self.codec_margin}x the "
            f"view, bicubic to {self.describe_size()}, mean ({mean}), std ({std})"
        )
        if self.crops is not None:
            view += f", mean over crops of {self.crops.size} every {self.crops.stride} pixels"
        return view if self.full_size is None else f"{view}; {self.full_size.describe()}"


@dataclass(frozen=True, slots=True)
class Calibration:
    """From the output of a network to people's scores, on a scale of 0 to 100.

    Fitted on validation photos, which the network has not seen and `biqa evaluate` does not test
    on.
    """

    curve: tuple[float, float, float, float] | None
    """β1 … β4 of VQEG's logistic curve, from 100 · the share of the scale to the expected score.
    None where the share itself is expected, as of a model that is fitted to the ratings."""
    places: tuple[float, ...]
    """Expected scores, ascending."""
    widths: tuple[float, ...]
    """Half the width of the interval at these places; linear between them, level beyond."""
    photos: int
    """How many photos it was fitted on."""

    def expected(self, percent: float) -> float:
        """Return the score that people are expected to give, 0 to 100.

        The fitted curve may leave the scale beyond the photos that it was fitted to. Its last
        points bend to the end of the scale (`SOFT_END`), so that worse photos still score lower.
        """
        if self.curve is None:
            return _clip(percent)
        b1, b2, b3, b4 = self.curve
        # Beyond 700 the exponential leaves float64; the curve has long been level there.
        slope = min(max((percent - b3) / b4, -700.0), 700.0)
        fitted = b2 + (b1 - b2) / (1 + math.exp(-slope))
        if fitted < SOFT_END:
            return SOFT_END * math.exp(fitted / SOFT_END - 1)
        if fitted > 100 - SOFT_END:
            return 100 - SOFT_END * math.exp((100 - fitted) / SOFT_END - 1)
        return fitted

    def interval(self, expected: float) -> tuple[float, float]:
        """Return the ends of the 90 % interval of people's scores around this expected score."""
        after = bisect_right(self.places, expected)
        if after in (0, len(self.places)):
            width = self.widths[max(after - 1, 0)]
        else:
            left, right = self.places[after - 1], self.places[after]
            share = (expected - left) / (right - left)
            width = (1 - share) * self.widths[after - 1] + share * self.widths[after]
        return _clip(expected - width), _clip(expected + width)


def _clip(percent: float) -> float:
    return min(max(percent, 0.0), 100.0)


@dataclass(frozen=True, slots=True)
class ScoreScale:
    """The scale of the labels that a model was trained on."""

    lowest: float
    highest: float
    higher_is_better: bool
    meaning: str
    calibration: Calibration | None = None
    """None where nobody has compared the scores of the network with people's."""

    def describe(self) -> str:
        """Return the scale in one line, for reports."""
        better = "higher" if self.higher_is_better else "lower"
        return f"{self.meaning}, {self.lowest:g} to {self.highest:g}, {better} is better"

    def to_share(self, native: float) -> float:
        """Return a native score as a share of the scale: 0 is its worst end, 1 its best."""
        share = (native - self.lowest) / (self.highest - self.lowest)
        return share if self.higher_is_better else 1 - share

    def from_share(self, share: float) -> float:
        """Return a share of the scale as a native score; `to_share` takes it back."""
        upwards = share if self.higher_is_better else 1 - share
        return self.lowest + upwards * (self.highest - self.lowest)

    def to_percent(self, native: float) -> float:
        """Return a native score on the common scale: 0 to 100, higher is better.

        It is the score that people are expected to give, where the scale is calibrated. Otherwise
        the ends of the scale are laid on 0 and 100, and what lies outside is put at its end.
        """
        percent = 100 * self.to_share(native)
        return _clip(percent) if self.calibration is None else self.calibration.expected(percent)

    def interval(self, percent: float) -> tuple[float, float] | None:
        """Return the 90 % interval of a score of 0 to 100; None where it is not calibrated."""
        return None if self.calibration is None else self.calibration.interval(percent)


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A network of the catalogue: a family, its backbones, and its contract with the outside."""

    name: str
    family: Family
    backbones: tuple[BackboneName, ...]
    """One, or one for each chain of the network."""
    input: InputContract
    scale: ScoreScale
    parameters: int
    """Trainable numbers of the network."""
    macs: int
    """Multiply-accumulates of convolutions, linear layers and matrix products for one photo."""
    summary: str
    citation: str
    options: Mapping[str, OptionValue] = field(default_factory=dict)
    """Of the network, where they are not the paper's; see `biqa_cli.models.options`."""
    base: str = ""
    """The model whose scores this one corrects (`biqa tune`); empty for a network of its own."""

    @property
    def tells_flaws(self) -> bool:
        """Whether the network also tells which flaws a photo has, and what they leave of it."""
        return self.options.get("flaws") is True
