"""What a model declares about itself: input, output, origin. Data only."""

from dataclasses import dataclass
from typing import Literal

Family = Literal["blockiqa", "qualitynet", "reqa", "shdiqa", "nlnet"]
TrunkName = Literal[
    "resnet50", "efficientnet-b7", "vgg16", "vit-s16", "efficientnet-lite0", "efficientnet-lite2"
]


@dataclass(frozen=True, slots=True)
class Crops:
    """Square crops that cover the view: a fixed grid, so that a photo has one score."""

    size: int
    stride: int


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

    @property
    def decode_size(self) -> tuple[int, int]:
        """The (height, width) that decoding must keep."""
        return (self.codec_margin * self.height, self.codec_margin * self.width)

    def describe(self) -> str:
        """Return the contract in one line, for reports."""
        mean = ", ".join(f"{value:.4g}" for value in self.mean)
        std = ", ".join(f"{value:.4g}" for value in self.std)
        view = (
            f"upright sRGB, alpha over white, codec reduction down to {self.codec_margin}x the "
            f"view, bicubic to {self.width}x{self.height}, mean ({mean}), std ({std})"
        )
        if self.crops is None:
            return view
        return f"{view}, mean over crops of {self.crops.size} every {self.crops.stride} pixels"


@dataclass(frozen=True, slots=True)
class ScoreScale:
    """The scale of the labels that a model was trained on."""

    lowest: float
    highest: float
    higher_is_better: bool
    meaning: str

    def describe(self) -> str:
        """Return the scale in one line, for reports."""
        better = "higher" if self.higher_is_better else "lower"
        return f"{self.meaning}, {self.lowest:g} to {self.highest:g}, {better} is better"

    def to_percent(self, native: float) -> float:
        """Return a native score on the common scale: 0 to 100, higher is better.

        A score outside the scale of the labels is put at its end.
        """
        share = (native - self.lowest) / (self.highest - self.lowest)
        if not self.higher_is_better:
            share = 1 - share
        return 100 * min(max(share, 0.0), 1.0)


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A network of the catalogue: a family, its trunks, and its contract with the outside."""

    name: str
    family: Family
    trunks: tuple[TrunkName, ...]
    """One, or one for each chain of the network."""
    input: InputContract
    scale: ScoreScale
    parameters: int
    """Trainable numbers of the network."""
    macs: int
    """Multiply-accumulates of convolutions, linear layers and matrix products for one photo."""
    summary: str
    citation: str
