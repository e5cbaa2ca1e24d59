"""The models that biqa knows, as one table. Data only: reading it imports no torch."""

import difflib

from biqa_cli.errors import UsageError
from biqa_cli.models.spec import Crops, InputContract, ModelSpec, ScoreScale

DEFAULT_MODEL = "blockiqa-lite"

_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# The published EfficientNet-Lite weights expect (RGB - 127) / 128.
LITE_MEAN, LITE_STD = (127 / 255,) * 3, (128 / 255,) * 3

_BIQ2021_SCALE = ScoreScale(0.0, 1.0, higher_is_better=True, meaning="MOS of BIQ2021")

_BLOCKIQA_CITATION = "Pang et al., BlockIQA, ICMR 2025, https://doi.org/10.1145/3731715.3733280"
_SHDIQA_CITATION = "Li et al., SHDIQA, CVPR 2025, pp. 2344-2354"
_NLNET_CITATION = "Jia et al., NLNet, MMSP 2022, https://doi.org/10.1109/MMSP55362.2022.9950035"

MODELS: dict[str, ModelSpec] = {
    "blockiqa-lite": ModelSpec(
        name="blockiqa-lite",
        family="blockiqa",
        trunks=("efficientnet-lite0",),
        input=InputContract(512, 512, LITE_MEAN, LITE_STD),
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
    "shdiqa": ModelSpec(
        name="shdiqa",
        family="shdiqa",
        trunks=("vit-s16",),
        input=InputContract(
            512, 512, _IMAGENET_MEAN, _IMAGENET_STD, crops=Crops(size=224, stride=144)
        ),
        scale=_BIQ2021_SCALE,
        parameters=24_192_384,
        macs=42_482_527_488,
        summary="SHDIQA, reconstructed: ViT-S/16 on nine crops of 224 pixels",
        citation=_SHDIQA_CITATION,
    ),
    "shdiqa-lite": ModelSpec(
        name="shdiqa-lite",
        family="shdiqa",
        trunks=("efficientnet-lite0",),
        input=InputContract(448, 448, LITE_MEAN, LITE_STD, crops=Crops(size=224, stride=224)),
        scale=_BIQ2021_SCALE,
        parameters=12_820_352,
        macs=7_994_085_248,
        summary="SHDIQA on EfficientNet-Lite0 and four transformer blocks, four crops",
        citation=_SHDIQA_CITATION,
    ),
    "nlnet": ModelSpec(
        name="nlnet",
        family="nlnet",
        trunks=("vgg16",),
        input=InputContract(448, 448, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
        scale=_BIQ2021_SCALE,
        parameters=17_693_057,
        macs=62_707_015_680,
        summary="NLNet as in the paper, without types: VGG-16 and superpixels, 16 patches",
        citation=_NLNET_CITATION,
    ),
    "nlnet-lite": ModelSpec(
        name="nlnet-lite",
        family="nlnet",
        trunks=("efficientnet-lite0",),
        input=InputContract(448, 448, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
        scale=_BIQ2021_SCALE,
        parameters=4_937_793,
        macs=2_889_422_080,
        summary="NLNet on EfficientNet-Lite0 and superpixels, 16 patches of 112 pixels",
        citation=_NLNET_CITATION,
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
