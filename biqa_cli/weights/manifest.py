"""weights.toml as records: every checkpoint that biqa knows, and what is known of it."""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from biqa_cli.errors import UsageError, WeightsError, did_you_mean

_PACKAGE = Path(__file__).resolve().parent.parent
# In a wheel the manifest lies inside the package, in a checkout beside it.
_LOCATIONS = (_PACKAGE / "weights.toml", _PACKAGE.parent / "weights.toml")


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """One file of a checkpoint."""

    file: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Which images of a data set of the catalogue were learnt: no number on them counts."""

    dataset: str
    protocol: str
    """Of the split, as in `biqa evaluate --split`."""
    parts: tuple[str, ...]
    seed: int = 1
    """Of a split that shuffles."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Trained weights of one model, their origin, and how well they agree with people."""

    name: str
    """Also the name of the model in the catalogue."""
    file: str
    bytes: int
    sha256: str
    licence: str
    backbone_origin: str
    trained_on: str
    recipe: str
    tested_on: str
    srcc: float
    plcc: float
    krcc: float
    coverage: float
    """Share of the labels of `tested_on` that lie in the 90 % intervals."""
    training: tuple[TrainingData, ...] = ()
    """Empty where the training data are not in the catalogue of data sets."""
    graph: WeightsFile | None = None
    """The network as an ONNX graph that takes its weights from `file`."""

    @property
    def weights(self) -> WeightsFile:
        """The file with the tensors (safetensors)."""
        return WeightsFile(self.file, self.bytes, self.sha256)

    @property
    def files(self) -> tuple[WeightsFile, ...]:
        """All files of the checkpoint."""
        return (self.weights,) if self.graph is None else (self.weights, self.graph)


@dataclass(frozen=True, slots=True)
class Manifest:
    """The whole of weights.toml."""

    base_url: str
    """Where files are downloaded from; empty where no mirror is set up."""
    checkpoints: tuple[Checkpoint, ...]

    def find(self, name: str) -> Checkpoint | None:
        """Return the checkpoint of a model, None where it has none."""
        return next((c for c in self.checkpoints if c.name == name), None)

    def listed(self, sha256: str) -> Checkpoint | None:
        """Return the checkpoint whose weights have this content, None where none has."""
        return next((c for c in self.checkpoints if c.sha256 == sha256), None)

    def choose(self, names: Sequence[str]) -> list[Checkpoint]:
        """Return the checkpoints of these names in the order of the list; without names, all.

        Raises:
            UsageError: If there is none of a name.
        """
        known = [checkpoint.name for checkpoint in self.checkpoints]
        for name in names:
            if name not in known:
                msg = f"there is no checkpoint {name!r}: {did_you_mean(name, known)}"
                raise UsageError(msg)
        return [c for c in self.checkpoints if not names or c.name in names]


@lru_cache(maxsize=1)
def load_manifest() -> Manifest:
    """Return the manifest that came with this installation.

    Raises:
        WeightsError: If it is missing or not well-formed.
    """
    for path in _LOCATIONS:
        if path.is_file():
            return parse_manifest(path.read_text(encoding="utf-8"), source=str(path))
    raise WeightsError("weights.toml is missing from the installation: reinstall biqa-cli")


def parse_manifest(text: str, *, source: str) -> Manifest:
    """Return the manifest written in TOML.

    Raises:
        WeightsError: If a field is missing, unknown or of the wrong type.
    """
    try:
        table = tomllib.loads(text)
        checkpoints = tuple(_checkpoint(entry) for entry in table.get("checkpoints", []))
        return Manifest(base_url=str(table["base_url"]), checkpoints=checkpoints)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        msg = f"{source} is not a manifest of weights: {error}"
        raise WeightsError(msg) from error


def _checkpoint(entry: dict[str, Any]) -> Checkpoint:
    graph = entry.pop("graph", None)
    training = [data | {"parts": tuple(data["parts"])} for data in entry.pop("training", ())]
    learnt = tuple(TrainingData(**data) for data in training)
    checkpoint = Checkpoint(
        **entry, training=learnt, graph=None if graph is None else WeightsFile(**graph)
    )
    for file in checkpoint.files:
        _require_types(file)
        # A name with a folder in it could reach outside the cache.
        if Path(file.file).name != file.file or len(file.sha256) != 64:  # noqa: PLR2004
            msg = f"{checkpoint.name}: {file.file!r} needs a plain file name and a sha256"
            raise ValueError(msg)
    _require_types(checkpoint)
    return checkpoint


def _require_types(record: WeightsFile | Checkpoint) -> None:
    for entry in fields(record):
        value = getattr(record, entry.name)
        if isinstance(entry.type, type) and not isinstance(value, entry.type):
            msg = f"{entry.name} must be {entry.type.__name__}, got {value!r}"
            raise TypeError(msg)
