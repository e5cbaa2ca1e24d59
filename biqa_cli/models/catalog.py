"""The models that biqa knows, as one table. Data only: reading it imports no torch."""

import difflib

from biqa_cli.errors import UsageError
from biqa_cli.models.spec import InputContract, ModelSpec, ScoreScale

DEFAULT_MODEL = "blockiqa-lite"

_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# The published EfficientNet-Lite weights expect (RGB - 127) / 128.
_LITE_MEAN, _LITE_STD = (127 / 255,) * 3, (128 / 255,) * 3

_BIQ2021_SCALE = ScoreScale(0.0, 1.0, higher_is_better=True, meaning="MOS of BIQ2021")

_BLOCKIQA_CITATION = "Pang et al., BlockIQA, ICMR 2025, https://doi.org/10.1145/3731715.3733280"

MODELS: dict[str, ModelSpec] = {
    "blockiqa-lite": ModelSpec(
        name="blockiqa-lite",
        family="blockiqa",
        trunks=("efficientnet-lite0",),
        input=InputContract(512, 512, _LITE_MEAN, _LITE_STD),
        scale=_BIQ2021_SCALE,
        parameters=6_352_002,
        macs=2_048_020_992,
        summary="BlockIQA on EfficientNet-Lite0 at 512 pixels: fast on a CPU",
        citation=_BLOCKIQA_CITATION,
    ),
    "blockiqa": ModelSpec(
        name="blockiqa",
        family="blockiqa",
        trunks=("resnet50",),
        input=InputContract(224, 224, _IMAGENET_MEAN, _IMAGENET_STD),
        scale=_BIQ2021_SCALE,
        parameters=27_757_250,
        macs=4_464_766_144,
        summary="BlockIQA as in the paper: ResNet-50 at 224 pixels",
        citation=_BLOCKIQA_CITATION,
    ),
}


def find_model(name: str) -> ModelSpec:
    """Return the specification of a model.

    Raises:
        UsageError: If there is no model of that name; the message names the closest.
    """
    if name in MODELS:
        return MODELS[name]
    close = difflib.get_close_matches(name, MODELS, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"there are {', '.join(MODELS)}"
    msg = f"there is no model {name!r}: {hint} (see `biqa models list`)"
    raise UsageError(msg)
