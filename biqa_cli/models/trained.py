"""What a file of weights says of itself: which network, which input, which scale. No torch."""

import json
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, get_args

from biqa_cli.errors import UsageError, WeightsError
from biqa_cli.models.catalog import MODELS
from biqa_cli.models.options import with_defaults
from biqa_cli.models.spec import (
    BackboneName,
    Calibration,
    Crops,
    Family,
    InputContract,
    ModelSpec,
    OptionValue,
    ScoreScale,
)

_KEY = "biqa"
_LENGTH = struct.Struct("<Q")
# A header has some hundred bytes a tensor; more is a file of something else.
_MOST = 100_000_000


@dataclass(frozen=True, slots=True)
class TrainedNetwork:
    """What `biqa train` writes into the header of a checkpoint."""

    family: Family
    backbones: tuple[BackboneName, ...]
    options: Mapping[str, OptionValue]
    """Every option of the family."""
    input: InputContract
    scale: ScoreScale
    """Of the labels that it was trained on."""
    dataset: str

    def to_metadata(self) -> dict[str, str]:
        """Return the metadata of a safetensors file."""
        return {_KEY: json.dumps(asdict(self))}

    def fit(self, spec: ModelSpec) -> ModelSpec:
        """Return the specification of a model as this file changes it.

        Raises:
            WeightsError: If the file is of another network of the catalogue.
        """
        alike = [s.name for s in MODELS.values() if (s.family, s.backbones) == self._kind]
        if spec.family == self.family and (spec.backbones == self.backbones or not alike):
            return replace(
                spec,
                backbones=self.backbones,
                input=self.input,
                scale=self.scale,
                options=self.options,
            )
        right = alike or [s.name for s in MODELS.values() if s.family == self.family]
        msg = (
            f"these weights are of {self.family} on {' and '.join(self.backbones)}, not of "
            f"{spec.name}: name {' or '.join(right)} with -m"
        )
        raise WeightsError(msg)

    @property
    def model(self) -> str:
        """The model of the catalogue to name with -m for these weights."""
        alike = [spec for spec in MODELS.values() if spec.family == self.family]
        same = [spec for spec in alike if spec.backbones == self.backbones]
        return (same or alike)[0].name

    @property
    def _kind(self) -> tuple[Family, tuple[BackboneName, ...]]:
        return self.family, self.backbones


def read_trained(path: Path) -> TrainedNetwork | None:
    """Return what a file of weights says of itself; None where it says nothing.

    Only the header is read. A file that is no safetensors says nothing: whoever reads its
    tensors tells what is wrong with it.

    Raises:
        WeightsError: If it speaks of options that this version of biqa does not know.
    """
    try:
        with path.open("rb") as file:
            (length,) = _LENGTH.unpack(file.read(_LENGTH.size))
            header = json.loads(file.read(length)) if length < _MOST else {}
        content = json.loads(header["__metadata__"][_KEY])
    except (OSError, ValueError, KeyError, TypeError, struct.error):
        return None
    try:
        return _from_plain(content)
    except (UsageError, KeyError, TypeError) as error:
        msg = f"{path} was written by another version of biqa ({error}): update biqa"
        raise WeightsError(msg) from error


def _from_plain(content: dict[str, Any]) -> TrainedNetwork:
    family = content["family"]
    if family not in get_args(Family):
        msg = f"there is no family {family!r}"
        raise UsageError(msg)
    contract = content["input"]
    crops = contract["crops"]
    return TrainedNetwork(
        family=family,
        backbones=tuple(content["backbones"]),
        options=with_defaults(family, content["options"]),
        input=InputContract(
            **contract
            | {
                "mean": tuple(contract["mean"]),
                "std": tuple(contract["std"]),
                "crops": None if crops is None else Crops(**crops),
            }
        ),
        scale=_scale(content["scale"]),
        dataset=content["dataset"],
    )


def _scale(content: dict[str, Any]) -> ScoreScale:
    found = content.get("calibration")
    if found is None:
        return ScoreScale(**content)
    calibration = Calibration(
        curve=tuple(found["curve"]),
        places=tuple(found["places"]),
        widths=tuple(found["widths"]),
        photos=found["photos"],
    )
    return ScoreScale(**content | {"calibration": calibration})
