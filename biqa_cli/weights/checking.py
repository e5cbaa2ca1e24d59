"""What is on this machine of the listed files, and whether it is genuine."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from biqa_cli.weights.cache import is_verified, locate
from biqa_cli.weights.manifest import Checkpoint, WeightsFile


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file of a checkpoint, as it is on this machine."""

    checkpoint: Checkpoint
    file: WeightsFile
    path: Path | None
    """None where it is missing."""
    verified: bool
    """Whether it has the content that the manifest lists."""

    @property
    def state(self) -> Literal["missing", "ok", "WRONG"]:
        """What to tell of it in a word."""
        return "missing" if self.path is None else "ok" if self.verified else "WRONG"

    @property
    def facts(self) -> dict[str, Any]:
        """What scripts may know of it."""
        return {
            "name": self.checkpoint.name,
            "file": self.file.file,
            "bytes": self.file.bytes,
            "sha256": self.file.sha256,
            "licence": self.checkpoint.licence,
            "present": self.path is not None,
            "verified": self.verified,
        }


def check_files(checkpoints: Iterable[Checkpoint]) -> Iterator[FoundFile]:
    """Yield every file of some checkpoints, read and compared with its sha256 if it is here."""
    for checkpoint in checkpoints:
        for file in checkpoint.files:
            yield FoundFile(checkpoint, file, locate(file), is_verified(file))
