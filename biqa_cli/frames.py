"""Photos in batches of a data frame: what Ray Data, Spark, Dask and Daft call in their workers.

Needs pyarrow (an extra).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
            `bytes` and `path`. Nulls are error rows. Relative names count from the current folder
            of the process that scores.
        model: A name from `biqa models list`, or a `Shipment`.
        why: Whether to add the columns that say why.
        keep: Whether the column of the photos stays in the table. None keeps texts (names and
            addresses), by which rows can be joined, and drops all else. A column of pandas' dtype
            `object` is of texts if its first value is one: say it with `keep` where parts of the
            table may be empty.
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
        keep: bool | None = None,
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
        new = [field for field in schema_of(why=self._why) if field.name not in _NOT_OURS]
        named = (field.with_name(self._prefix + field.name) for field in new)
        return _pyarrow().schema([*map(photos.field, self._kept(photos)), *named])

    def __call__(self, photos: "pa.Table") -> "pa.Table":
        """Return a table with the scores of its photos, row by row.

        Args:
            photos: With the column of photos; its other columns stay as they are.

        Raises:
            UsageError: As `schema`.
        """
        schema = self.schema(photos.schema)
        scored = self._scores(_photos_of(photos.column(self._column)))
        kept = map(photos.column, self._kept(photos.schema))
        return _pyarrow().table([*kept, *scored.columns], schema=schema)

    def score_frame(self, photos: "pd.DataFrame") -> "pd.DataFrame":
        """Return a frame of pandas with the scores of its photos, as `__call__` does.

        The new columns have the same types whatever is in them, so that parts of a table fit
        together, empty ones included: scores are float64 (nan where there is none), `width` and
        `height` Int32, texts string[pyarrow], and `flaws` the list of structs of Arrow.

        Raises:
            UsageError: If there is no such column, or new columns would take the names of others.
        """
        self._require_column(list(photos.columns))
        column = photos[self._column]
        keeps = self._keeps(lambda: _is_text_of_pandas(column))
        others = photos if keeps else photos.drop(columns=[self._column])
        self._require_free_names(list(others.columns))
        scores = self._scores(column.tolist()).to_pandas(types_mapper=_type_of_pandas)
        return others.assign(**{self._prefix + name: scores[name].array for name in scores.columns})

    def frames(self, batches: "Iterable[pd.DataFrame]") -> "Iterator[pd.DataFrame]":
        """Yield each frame with its scores: what `mapInPandas` of Spark takes."""
        return map(self.score_frame, batches)

    def _kept(self, photos: "pa.Schema") -> list[str]:
        """Return the columns of a table that stay in it."""
        self._require_column(photos.names)
        keeps = self._keeps(lambda: _is_text(photos.field(self._column).type))
        kept = [name for name in photos.names if keeps or name != self._column]
        self._require_free_names(kept)
        return kept

    def _require_column(self, names: Sequence[str]) -> None:
        if self._column not in names:
            there = ", ".join(map(str, names))
            msg = f"there is no column {self._column!r} of photos: there are {there}"
            raise UsageError(msg)

    def _require_free_names(self, kept: Sequence[str]) -> None:
        taken = sorted(set(kept) & set(self.columns))
        if taken:
            msg = (
                f"the table has columns {', '.join(taken)} itself: choose a prefix for the new, "
                "such as prefix='biqa_'"
            )
            raise UsageError(msg)

    def _keeps(self, is_text: Callable[[], bool]) -> bool:
        return is_text() if self._keep is None else self._keep

    def _scores(self, photos: Iterable[object]) -> "pa.Table":
        """Return the new columns, under their own names."""
        rows = [record_of(row, why=self._why) for row in self._results(photos)]
        table = _pyarrow().Table.from_pylist(rows, schema=schema_of(why=self._why))
        return table.drop_columns(list(_NOT_OURS))

    def _results(self, photos: Iterable[object]) -> Iterator[ImageResult]:
        if self._loaded is None:
            self.load()
        assert self._loaded is not None, "load() has set it"  # noqa: S101
        sources = map(_source_of, photos)
        return score_files(sources, self._loaded, workers=self._workers, limits=self._limits)


def _is_text(kind: "pa.DataType") -> bool:
    types = _pyarrow().types
    if types.is_dictionary(kind):
        kind = kind.value_type
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _is_text_of_pandas(column: "pd.Series") -> bool:
    import pandas as pd

    kind = column.dtype
    if isinstance(kind, pd.CategoricalDtype):
        return _is_text_of_pandas(kind.categories.to_series())
    if isinstance(kind, pd.ArrowDtype):
        return _is_text(kind.pyarrow_dtype)
    if pd.api.types.is_object_dtype(kind):
        # It may hold anything: pandas before version 3 has texts in it, and all have bytes.
        values = column.dropna()
        return len(values) > 0 and isinstance(values.iloc[0], str)
    return isinstance(kind, pd.StringDtype)


def _type_of_pandas(kind: "pa.DataType") -> object:
    """Return the dtype of a new column, None for that of NumPy."""
    import pandas as pd

    types = _pyarrow().types
    if types.is_string(kind):
        return pd.StringDtype("pyarrow")
    if types.is_int32(kind):
        return pd.Int32Dtype()
    return pd.ArrowDtype(kind) if types.is_nested(kind) else None


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
