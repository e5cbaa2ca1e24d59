"""Photos in batches of a data frame: what Ray Data, Spark, Dask and Daft call in their workers.

Needs pyarrow (an extra).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from biqa_cli.api import Picture, source_of_picture
from biqa_cli.errors import DependencyError, UsageError
from biqa_cli.images.limits import DEFAULT_LIMITS, Limits
from biqa_cli.models.catalog import DEFAULT_MODEL
from biqa_cli.models.loading import LoadedModel, load_model
from biqa_cli.reports.rows import columns_of, record_of
from biqa_cli.reports.to_parquet import schema_of
from biqa_cli.results import ImageResult
from biqa_cli.scoring import score_files
from biqa_cli.shipping import Shipment
from biqa_cli.sources.entry import Source, unreadable
from biqa_cli.sources.finding import photo_named

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_NOT_OURS = ("path",)
"""Columns of a report that a table of photos has itself."""


class FrameScorer:
    """Scores the photos in a column, batch by batch; the model is loaded with the first one.

    It can be pickled, and each process that calls it loads the model once.

    Args:
        column: Has bytes of files, names of files, addresses, arrays (H, W, 3), or structs of
            `bytes` and `path`. Nulls are error rows.
        model: A name from `biqa models list`, or a `Shipment`.
        why: Whether to add the columns that say why.
        keep: Whether the column of the photos stays in the table.
        prefix: What the names of the new columns begin with, where the table has such names.
        workers: Threads that read photos.
        limits: What reading a photo may cost.
    """

    def __init__(
        self,
        column: str,
        *,
        model: str | Shipment = DEFAULT_MODEL,
        why: bool = False,
        keep: bool = False,
        prefix: str = "",
        workers: int = 1,
        limits: Limits = DEFAULT_LIMITS,
    ) -> None:
        self._column = column
        self._model = model
        self._why = why
        self._keep = keep
        self._prefix = prefix
        self._workers = workers
        self._limits = limits
        self._loaded: LoadedModel | None = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_loaded": None}

    def load(self, files: Mapping[str, bytes] | None = None) -> None:
        """Load the model now.

        Args:
            files: Of the shipment, where something else has carried them.

        Raises:
            WeightsError: If its weights are missing or wrong.
        """
        if isinstance(self._model, Shipment):
            self._loaded = self._model.load(files)
        else:
            self._loaded = load_model(self._model, threads=1)

    @property
    def columns(self) -> list[str]:
        """The names of the new columns."""
        names = columns_of(why=self._why)
        return [f"{self._prefix}{name}" for name in names if name not in _NOT_OURS]

    def schema(self, photos: "pa.Schema") -> "pa.Schema":
        """Return the columns and types of a table once it is scored.

        Raises:
            UsageError: If it has no such column, or new columns would take the names of others.
        """
        if self._column not in photos.names:
            msg = f"there is no column {self._column!r} of photos: there are {photos.names}"
            raise UsageError(msg)
        kept = [field for field in photos if self._keep or field.name != self._column]
        taken = sorted({field.name for field in kept} & set(self.columns))
        if taken:
            msg = f"the table has columns {', '.join(taken)} itself: choose a prefix for the new"
            raise UsageError(msg)
        new = [field for field in schema_of(why=self._why) if field.name not in _NOT_OURS]
        arrow = _pyarrow()
        return arrow.schema([*kept, *(field.with_name(self._prefix + field.name) for field in new)])

    def __call__(self, photos: "pa.Table") -> "pa.Table":
        """Return a table with the scores of its photos, row by row.

        Args:
            photos: With the column of photos; its other columns stay as they are.
        """
        schema = self.schema(photos.schema)
        rows = list(self._results(_photos_of(photos.column(self._column))))
        kept = [photos.column(field.name) for field in schema if field.name in photos.schema.names]
        new = schema_of(why=self._why)
        arrow = _pyarrow()
        scored = arrow.Table.from_pylist(
            [record_of(row, why=self._why) for row in rows], schema=new
        )
        added = [scored.column(name) for name in new.names if name not in _NOT_OURS]
        return arrow.table([*kept, *added], schema=schema)

    def score_frame(self, photos: "pd.DataFrame") -> "pd.DataFrame":
        """Return a frame of pandas with the scores of its photos, as `__call__` does."""
        arrow = _pyarrow()
        column = photos[self._column].tolist()
        others = photos if self._keep else photos.drop(columns=[self._column])
        self.schema(arrow.schema([(name, arrow.null()) for name in photos.columns]))
        rows = [record_of(row, why=self._why) for row in self._results(column)]
        table = arrow.Table.from_pylist(rows, schema=schema_of(why=self._why))
        scores = table.drop_columns(list(_NOT_OURS)).to_pandas()
        scores.columns = self.columns
        return others.assign(**{name: scores[name].to_numpy() for name in scores.columns})

    def frames(self, batches: "Iterable[pd.DataFrame]") -> "Iterator[pd.DataFrame]":
        """Yield each frame with its scores: what `mapInPandas` of Spark takes."""
        return map(self.score_frame, batches)

    def _results(self, photos: Iterable[object]) -> Iterator[ImageResult]:
        if self._loaded is None:
            self.load()
        assert self._loaded is not None, "load() has set it"  # noqa: S101
        sources = map(_source_of, photos)
        return score_files(sources, self._loaded, workers=self._workers, limits=self._limits)


def _photos_of(column: "pa.ChunkedArray") -> Iterator[object]:
    """Yield the photos of a column; arrays of Ray Data come as such."""
    for chunk in column.chunks:
        if hasattr(chunk, "to_numpy_ndarray"):
            yield from chunk.to_numpy_ndarray()
        elif "ArrowTensor" in type(chunk).__name__:
            yield from chunk.to_numpy(zero_copy_only=False)
        else:
            yield from (value.as_py() for value in chunk)


def _source_of(photo: object) -> Source:
    if isinstance(photo, dict):
        photo = photo.get("bytes") or photo.get("path")
    if isinstance(photo, bytearray | memoryview):
        photo = bytes(photo)
    if isinstance(photo, str):
        return photo_named(photo)
    if isinstance(photo, bytes | np.ndarray):
        try:
            picture: Picture = photo
            return source_of_picture(picture)
        except UsageError as error:
            return unreadable("", str(error))
    return unreadable("", "the table has no photo in this row")


def _pyarrow() -> Any:  # noqa: ANN401
    try:
        import pyarrow as pa
    except ImportError as error:
        msg = "data frames need pyarrow: run `pip install 'biqa-cli[parquet]'`"
        raise DependencyError(msg) from error
    return pa
