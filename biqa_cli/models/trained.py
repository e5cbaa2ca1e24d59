"""What a file of weights says of itself: which network, which input, which scale. No torch."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from biqa_cli.datasets.learnt import Learnt
from biqa_cli.errors import UsageError, WeightsError
from biqa_cli.models.catalog import MODELS
from biqa_cli.models.declared import (
    backbones_of,
    family_of,
    input_of,
    learnt_of,
    options_of,
    plain_learnt,
    scale_of,
    text_of,
)
from biqa_cli.models.spec import (
    KEEPING_ASPECT,
    BackboneName,
    Family,
    InputContract,
    ModelSpec,
    OptionValue,
    ScoreScale,
)
from biqa_cli.weights.header import Header, read_header

_KEY = "biqa"

_Record = TypeVar("_Record")


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
    learnt: Learnt | None = None
    """Photos, by their hashes; None where the file does not say."""

    def to_metadata(self) -> dict[str, str]:
        """Return the metadata of a safetensors file."""
        plain = asdict(replace(self, learnt=None))
        del plain["learnt"]
        if self.input.full_size is None:
            # Versions of biqa that do not know it read the file, too.
            del plain["input"]["full_size"]
        if not self.input.keeps_aspect:
            del plain["input"]["keeps_aspect"]
        if self.learnt is not None:
            plain["learnt"] = plain_learnt(self.learnt)
        return {_KEY: json.dumps(plain)}

    def fit(self, spec: ModelSpec) -> ModelSpec:
        """Return the specification of a model of this family as this file changes it."""
        return replace(
            spec,
            backbones=self.backbones,
            input=self.input,
            scale=self.scale,
            options=self.options,
        )

    @property
    def model(self) -> str:
        """The model of the catalogue whose network is closest to this one."""
        alike = [spec for spec in MODELS.values() if spec.family == self.family]
        same = [spec for spec in alike if spec.backbones == self.backbones]
        return (same or alike)[0].name


def read_trained(path: Path) -> TrainedNetwork | None:
    """Return what a file of weights says of itself; None where it says nothing.

    Only the header is read.

    Raises:
        WeightsError: If it is no safetensors file, or says what no version of biqa can mean.
    """
    return trained_of(read_header(path), source=str(path))


def trained_of(header: Header, *, source: str) -> TrainedNetwork | None:
    """Return what the header of a file of weights says; None where it says nothing.

    Raises:
        WeightsError: If a field is missing, of the wrong type or out of its range.
    """

    def parsed(content: dict[str, Any]) -> TrainedNetwork:
        family = family_of(content)
        options, contract = options_of(content, family), input_of(content)
        if contract.full_size is not None and options.get("flaws") is not True:
            raise UsageError("full_size needs flaws=true")
        if contract.keeps_aspect and family not in KEEPING_ASPECT:
            msg = f"keeps_aspect does not go with {family}"
            raise UsageError(msg)
        return TrainedNetwork(
            family=family,
            backbones=backbones_of(content, family),
            options=options,
            input=contract,
            scale=scale_of(content),
            dataset=text_of(content, "dataset"),
            learnt=learnt_of(content),
        )

    return read_record(header, _KEY, parsed, source=source)


def read_record(
    header: Header, key: str, parse: Callable[[dict[str, Any]], _Record], *, source: str
) -> _Record | None:
    """Return a record of the metadata of a file; None where it has none of this key.

    Args:
        header: Of the file.
        key: Of the metadata.
        parse: Makes the record of what JSON holds; raises UsageError where that is wrong.
        source: The file, for errors.

    Raises:
        WeightsError: If the record is wrong.
    """
    text = header.metadata.get(key)
    if text is None:
        return None
    try:
        content = json.loads(text, parse_constant=_refuse_constant)
        if not isinstance(content, dict):
            raise UsageError("it is no record")  # noqa: TRY301  told with the others
        return parse(content)
    except (UsageError, ValueError, RecursionError) as error:
        msg = (
            f"{source} was written by another version of biqa, or is damaged ({error}): update "
            "biqa or make the file again"
        )
        raise WeightsError(msg) from error


def _refuse_constant(name: str) -> float:
    msg = f"{name} is not a finite number"
    raise ValueError(msg)
