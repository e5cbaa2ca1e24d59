"""Reports as a folder of Parquet files, each whole: several machines may fill it."""

import json
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from biqa_cli.errors import UsageError
from biqa_cli.images.seen import Seen
from biqa_cli.reports.appending import STDIN
from biqa_cli.reports.precisions import other_precision
from biqa_cli.reports.to_parquet import ParquetReport, as_parquet_text, parquet
from biqa_cli.results import ComputedIn, ImageResult, RunCounts, RunInfo
from biqa_cli.sources.addresses import is_address
from biqa_cli.whole_files import wrong_output

SUFFIX = ".parquet"
_ROWS_READ = 10_000


class PartsReport:
    """Files of so many rows in a folder; each gets its name when it is whole.

    Until then a file is hidden: readers of Parquet folders skip names that begin with a dot.

    Args:
        folder: Made if it is missing.
        rows: Of a part.
        why: Whether it has the columns that say why.
        token: What the names of the parts begin with; the same token writes the same names. None is
            one of this run alone, so that several runs can fill one folder.

    Raises:
        UsageError: If `folder` cannot be one.
        DependencyError: If pyarrow is not installed.
    """

    def __init__(
        self, folder: Path, *, rows: int, why: bool = False, token: str | None = None
    ) -> None:
        parquet()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (OSError, ValueError) as error:
            raise wrong_output(folder, error) from error
        self._folder = folder
        self._rows = rows
        self._why = why
        self._token = token or secrets.token_hex(4)
        self._number = 0
        self._run: RunInfo | None = None
        self._part: _Part | None = None

    def begin(self, run: RunInfo) -> None:
        """Note what each part says of the run."""
        self._run = run

    def add(self, result: ImageResult) -> None:
        """Keep one row until its part is full."""
        if self._part is None:
            assert self._run is not None, "begin() is called first"  # noqa: S101
            name = f"part-{self._token}-{self._number:05}{SUFFIX}"
            self._part = _Part(self._folder, name, self._run, why=self._why)
        self._part.add(result)
        if self._part.images == self._rows:
            self._finish()

    def end(self, counts: RunCounts) -> None:  # noqa: ARG002  each part has counts of its own
        """Write the last part."""
        self._finish()

    def _finish(self) -> None:
        if self._part is not None:
            self._part.finish()
            self._part = None
            self._number += 1


class _Part:
    """One file of a folder."""

    def __init__(self, folder: Path, name: str, run: RunInfo, *, why: bool) -> None:
        self._target = folder / name
        self._partial = folder / f".{name}.{secrets.token_hex(4)}.partial"
        try:
            self._file: IO[bytes] = self._partial.open("xb")
        except OSError as error:
            raise wrong_output(folder, error) from error
        self._report = ParquetReport(self._file, why=why)
        self._report.begin(run)
        self.images = 0
        self._scored = 0

    def add(self, result: ImageResult) -> None:
        self.images += 1
        self._scored += result.score is not None
        self._report.add(result)

    def finish(self) -> None:
        failed = self.images - self._scored
        try:
            self._report.end(RunCounts(self.images, self._scored, failed, 0.0))
            self._file.close()
            self._partial.replace(self._target)
        except OSError as error:
            raise wrong_output(self._target, error, began=True) from error


@dataclass(slots=True)
class EarlierParts:
    """The photos that have rows in a folder of parts."""

    photos: Seen
    below: int = 0
    """Rows that score below the threshold."""
    met: int = 0
    """How many photos keep their row: whoever leaves one out counts it here."""

    def has(self, name: str, *, is_key: bool = False) -> bool:
        """Return whether a photo has a row.

        Relative names count from the current folder, but for addresses and keys of tables.
        """
        return name != STDIN and self.photos.has(_identity(name, is_key=is_key))


def parts_in(folder: Path) -> list[Path]:
    """Return the whole files in a folder, sorted by name."""
    return sorted(folder.glob(f"[!._]*{SUFFIX}"))


def earlier_parts(
    folder: Path,
    *,
    model: str,
    precision: ComputedIn = "float32",
    why: bool = False,
    threshold: float | None = None,
) -> EarlierParts:
    """Return which photos have rows of a model in a folder; one that is not there has none.

    Raises:
        UsageError: If what is in it is no report of this kind, or has scores of the model in
            another precision.
        DependencyError: If pyarrow is not installed.
    """
    earlier = EarlierParts(Seen())
    for part in parts_in(folder):
        for row in _rows_of(part, model=model, precision=precision, why=why):
            if row["model"] != model:
                continue
            # The row does not say which of the two it has.
            for is_key in (False, True):
                earlier.photos.add(_identity(row["path"], is_key=is_key, is_written=True))
            is_scored = threshold is not None and row["score"] is not None
            earlier.below += is_scored and row["score"] < threshold
    return earlier


def _identity(name: str, *, is_key: bool, is_written: bool = False) -> str:
    """Return what two names of one photo have in common, whether typed or read from a part."""
    plain = name if is_written else str(as_parquet_text(name))
    if is_key:
        # No path has a NUL.
        return f"\0{plain}"
    # Two objects of a bucket may differ by a slash.
    return plain if is_address(plain) else os.path.abspath(plain)  # noqa: PTH100  keeps ".."


def _rows_of(
    part: Path, *, model: str, precision: ComputedIn, why: bool
) -> Iterator[dict[str, Any]]:
    pq = parquet()
    try:
        table = pq.ParquetFile(part)
        run = json.loads(table.schema_arrow.metadata[b"biqa.run"])
    except Exception as error:
        # pyarrow raises OSError, ValueError and its own.
        msg = f"{part} is not a part of a report of biqa: it stays as it is; name another folder"
        raise UsageError(msg) from error
    if ("flaws" in table.schema_arrow.names) != why:
        hint = "add it" if not why else "leave it out"
        msg = f"{part} was written {'without' if why else 'with'} --why: {hint}, or name another"
        raise UsageError(msg)
    # Versions that knew float32 alone did not say it.
    has = run.get("precision", "float32")
    if run.get("model") == model and has != precision:
        raise other_precision(part, model, has=has, wanted=precision)
    for batch in table.iter_batches(_ROWS_READ, columns=["path", "model", "score"]):
        yield from batch.to_pylist()
