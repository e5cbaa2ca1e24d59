"""The models that biqa knows, as one table. Data only: reading it imports no torch."""

import os

from biqa_cli.errors import UsageError, did_you_mean
from biqa_cli.models.spec import Crops, FullSize, InputContract, ModelSpec, ScoreScale

SUFFIX = ".safetensors"
"""Of a file of weights, which may stand wherever a name of this table may."""
DEFAULT_MODEL = "qualitynet-flaws"

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# The published EfficientNet-Lite weights expect (RGB - 127) / 128.
LITE_MEAN, LITE_STD = (127 / 255,) * 3, (128 / 255,) * 3

_BIQ2021_SCALE = ScoreScale(0.0, 1.0, higher_is_better=True, meaning="MOS of BIQ2021")
_BIQ2021_PERCENT = ScoreScale(0.0, 100.0, higher_is_better=True, meaning="MOS of BIQ2021 × 100")

_BLOCKIQA_CITATION = "Pang et al., BlockIQA, ICMR 2025, https://doi.org/10.1145/3731715.3733280"
_QUALITYNET_CITATION = (
    "Aslam et al., QualityNet, Sci. Rep. 14, 2024, https://doi.org/10.1038/s41598-024-77076-4"
)
_REQA_CITATION = (
    "Li and Huo, REQA, J. Vis. Commun. Image Represent. 98, 2024, "
    "https://doi.org/10.1016/j.jvcir.2023.104043"
)
_SHDIQA_CITATION = "Li et al., SHDIQA, CVPR 2025, pp. 2344-2354"
_NLNET_CITATION = "Jia et al., NLNet, MMSP 2022, https://doi.org/10.1109/MMSP55362.2022.9950035"

MODELS: dict[str, ModelSpec] = {
    "blockiqa-lite": ModelSpec(
        name="blockiqa-lite",
        family="blockiqa",
        backbones=("efficientnet-lite0",),
        input=InputContract(448, 448, LITE_MEAN, LITE_STD),
        scale=_BIQ2021_SCALE,
        parameters=6_352_002,
        macs=1_552_873_104,
        summary="BlockIQA on EfficientNet-Lite0, the whole photo as one block: fast on a CPU",
        citation=_BLOCKIQA_CITATION,
        options={"blocks": 1},
    ),
    "blockiqa-lite-2x2": ModelSpec(
        name="blockiqa-lite-2x2",
        family="blockiqa",
        backbones=("efficientnet-lite0",),
        input=InputContract(448, 448, LITE_MEAN, LITE_STD),
        scale=_BIQ2021_SCALE,
        parameters=6_352_002,
        macs=1_574_891_268,
        summary="BlockIQA on EfficientNet-Lite0, 2 × 2 blocks weighed by their similarity",
        citation=_BLOCKIQA_CITATION,
        options={"blocks": 2},
    ),
    "blockiqa": ModelSpec(
        name="blockiqa",
        family="blockiqa",
        backbones=("resnet50",),
        input=InputContract(448, 448, IMAGENET_MEAN, IMAGENET_STD),
        scale=_BIQ2021_SCALE,
        parameters=27_757_250,
        macs=16_501_389_136,
        summary="BlockIQA on ResNet-50, the whole photo as one block",
        citation=_BLOCKIQA_CITATION,
        options={"blocks": 1},
    ),
    "qualitynet-lite": ModelSpec(
        name="qualitynet-lite",
        family="qualitynet",
        backbones=("efficientnet-lite0", "efficientnet-lite2"),
        input=InputContract(512, 512, LITE_MEAN, LITE_STD),
        scale=_BIQ2021_SCALE,
        parameters=9_140_939,
        macs=4_792_617_968,
        summary="QualityNet on all levels of EfficientNet-Lite0 and Lite2, at 512 pixels",
        citation=_QUALITYNET_CITATION,
        options={"levels": "all"},
    ),
    "qualitynet-flaws": ModelSpec(
        name="qualitynet-flaws",
        family="qualitynet",
        backbones=("efficientnet-lite0", "efficientnet-lite0"),
        input=InputContract(448, 448, LITE_MEAN, LITE_STD, full_size=FullSize(), keeps_aspect=True),
        scale=_BIQ2021_SCALE,
        parameters=6_492_406,
        macs=1_458_870_280,
        summary="QualityNet on one EfficientNet-Lite0, with a head that names flaws, at 448 pixels",
        citation=_QUALITYNET_CITATION,
        options={"chains": 1, "levels": "all", "pooling": "mean+std", "flaws": True},
    ),
    "qualitynet": ModelSpec(
        name="qualitynet",
        family="qualitynet",
        backbones=("resnet50", "efficientnet-lite2"),
        input=InputContract(448, 448, IMAGENET_MEAN, IMAGENET_STD),
        scale=_BIQ2021_SCALE,
        parameters=35_163_181,
        macs=18_568_439_840,
        summary="QualityNet on all levels of ResNet-50 and EfficientNet-Lite2, at 448 pixels",
        citation=_QUALITYNET_CITATION,
        options={"levels": "all"},
    ),
    "reqa-lite": ModelSpec(
        name="reqa-lite",
        family="reqa",
        backbones=("efficientnet-lite0",),
        input=InputContract(448, 448, LITE_MEAN, LITE_STD),
        scale=_BIQ2021_PERCENT,
        parameters=3_707_289,
        macs=1_700_889_624,
        summary="REQA on EfficientNet-Lite0, the whole photo",
        citation=_REQA_CITATION,
        options={"input_size": 448},
    ),
    "reqa": ModelSpec(
        name="reqa",
        family="reqa",
        backbones=("resnet50",),
        # Nine crops that cover the view, in place of the paper's 25 random ones.
        input=InputContract(
            512, 512, IMAGENET_MEAN, IMAGENET_STD, crops=Crops(size=224, stride=144)
        ),
        scale=_BIQ2021_PERCENT,
        parameters=24_747_321,
        macs=38_738_543_256,
        summary="REQA as in the paper: ResNet-50 and T = 4, nine crops of 224 pixels",
        citation=_REQA_CITATION,
    ),
    "shdiqa": ModelSpec(
        name="shdiqa",
        family="shdiqa",
        backbones=("vit-s16",),
        input=InputContract(
            512, 512, IMAGENET_MEAN, IMAGENET_STD, crops=Crops(size=224, stride=144)
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
        backbones=("efficientnet-lite0",),
        input=InputContract(448, 448, LITE_MEAN, LITE_STD),
        scale=_BIQ2021_SCALE,
        parameters=5_744_000,
        macs=1_564_921_472,
        summary="SHDIQA on EfficientNet-Lite0 without transformer blocks, the whole photo",
        citation=_SHDIQA_CITATION,
        options={"patch": 32, "levels": "all", "encoder": "means", "input_size": 448},
    ),
    "shdiqa-lite-vit": ModelSpec(
        name="shdiqa-lite-vit",
        family="shdiqa",
        backbones=("efficientnet-lite0",),
        input=InputContract(448, 448, LITE_MEAN, LITE_STD),
        scale=_BIQ2021_SCALE,
        parameters=4_615_232,
        macs=1_698_729_728,
        summary="SHDIQA on EfficientNet-Lite0 with two transformer blocks and block tokens",
        citation=_SHDIQA_CITATION,
        options={"patch": 32, "levels": "all", "depth": 2, "width": 192, "input_size": 448},
    ),
    "nlnet": ModelSpec(
        name="nlnet",
        family="nlnet",
        backbones=("vgg16",),
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
        backbones=("efficientnet-lite0",),
        input=InputContract(448, 448, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
        scale=_BIQ2021_SCALE,
        parameters=5_452_673,
        macs=1_537_387_648,
        summary="NLNet on EfficientNet-Lite0 and superpixels, the whole photo as one patch",
        citation=_NLNET_CITATION,
        options={"patch": 448, "head": "deep"},
    ),
}


def names_no_flaws(name: str) -> str:
    """Return that a model names no flaws, and which models do."""
    telling = [spec.name for spec in MODELS.values() if spec.tells_flaws]
    if telling:
        return f"{name} names no flaws: -m {' or -m '.join(telling)} does"
    return f"{name} names no flaws: weights of one's own that were trained with flaws=true do"


def names_a_file(name: str) -> bool:
    """Return whether what stands for a model is a file of weights, not a name of the table.

    Example:
        >>> [names_a_file(name) for name in ("reqa-lite", "mine.safetensors", "./mine")]
        [False, True, True]
    """
    return name.endswith(SUFFIX) or "/" in name or os.sep in name


def find_model(name: str) -> ModelSpec:
    """Return the specification of a model.

    Raises:
        UsageError: If there is no model of that name; the message names the closest.
    """
    if name in MODELS:
        return MODELS[name]
    msg = (
        f"there is no model {name!r}: {did_you_mean(name, MODELS)} (see `biqa models list`; a file "
        f"of your own ends in {SUFFIX})"
    )
    raise UsageError(msg)
