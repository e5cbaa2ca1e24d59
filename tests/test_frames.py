"""Photos in a column of a data frame: of Arrow and pandas, and under Spark, Dask and Daft."""

import io
import pickle
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fakes import brightness_model, grey_png
from PIL import Image

from biqa_cli import frames
from biqa_cli.errors import UsageError
from biqa_cli.frames import FrameScorer
from biqa_cli.models.loading import LoadedModel

GREYS = (51, 204, 102)


def _png(value: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), (value,) * 3).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> LoadedModel:
    model = brightness_model()
    monkeypatch.setattr(frames, "load_model", lambda *_, **__: model)
    return model


def _photos() -> list[object]:
    return [*map(_png, GREYS), b"no photo", None]


@pytest.mark.usefixtures("model")
def test_rows_keep_their_columns_and_get_their_scores() -> None:
    table = pa.table({"id": list("abcde"), "image": pa.array(_photos(), pa.binary())})
    scored = FrameScorer("image")(table)
    assert scored.column_names[:2] == ["id", "score"] and "image" not in scored.column_names
    assert scored["score"].to_pylist() == [20.0, 80.0, 40.0, None, None]
    assert scored["status"].to_pylist() == ["ok", "ok", "ok", "error", "error"]
    assert scored["error"].to_pylist()[-1] == "the table has no photo in this row"
    assert FrameScorer("image").schema(table.schema) == scored.schema


@pytest.mark.usefixtures("model")
def test_names_of_photos_stay_to_join_rows_by_and_bytes_do_not(tmp_path: Path) -> None:
    name = grey_png(tmp_path / "a.png", 51)
    text, raw = pa.array([name]), pa.array([_png(51)])
    columns = [text, text.cast(pa.large_string()), text.dictionary_encode(), raw]
    kept = [
        "image" in FrameScorer("image")(pa.table({"image": one})).column_names for one in columns
    ]
    assert kept == [True, True, True, False]
    for keep in (True, False):
        for column in (text, raw):
            told = FrameScorer("image", keep=keep)(pa.table({"image": column}))
            assert ("image" in told.column_names) == keep


@pytest.mark.usefixtures("model")
def test_a_frame_of_pandas_keeps_names_of_photos_too(tmp_path: Path) -> None:
    pd = pytest.importorskip("pandas")
    name = grey_png(tmp_path / "a.png", 51)
    photos = [pd.Series([None, name], dtype=kind) for kind in ("string", object, "category")]
    photos.append(pd.Series([name], dtype=pd.ArrowDtype(pa.string())))
    photos.append(pd.Series([], dtype="string"))
    photos.append(pd.Series([_png(51)], dtype=object))
    scored = [FrameScorer("image").score_frame(pd.DataFrame({"image": one})) for one in photos]
    assert ["image" in one for one in scored] == [True] * 5 + [False]
    assert [list(one["score"])[-1:] for one in scored[:4]] == [[20.0]] * 4


@pytest.mark.usefixtures("model")
def test_a_frame_of_pandas_gets_the_same_scores() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"id": list("abcde"), "image": _photos()}, index=range(5, 10))
    (scored,) = FrameScorer("image").frames([frame])
    assert list(scored.index) == list(frame.index) and list(scored["id"]) == list("abcde")
    assert list(scored["score"][:3]) == [20.0, 80.0, 40.0] and scored["score"].isna().sum() == 2
    assert FrameScorer("image").columns == [name for name in scored if name != "id"]


@pytest.mark.usefixtures("model")
def test_files_structs_and_arrays_are_photos_too(tmp_path: Path) -> None:
    path = grey_png(tmp_path / "a.png", 51)
    for column in (
        [path, str(tmp_path / "gone.png")],
        [{"bytes": _png(51), "path": None}, {"bytes": None, "path": "gone.png"}],
    ):
        scored = FrameScorer("image")(pa.table({"image": column}))
        assert scored["score"].to_pylist() == [20.0, None]
    grey = np.full((2, 8, 8, 3), 51, np.uint8)
    tensors = pa.FixedShapeTensorArray.from_numpy_ndarray(grey)
    scored = FrameScorer("image")(pa.table({"image": tensors}))
    assert scored["score"].to_pylist() == [20.0, 20.0]


def _as_frames(table: pa.Table) -> list[Any]:
    """Return a table of Arrow, and a frame of pandas where that is installed."""
    return [table, *([table.to_pandas()] if find_spec("pandas") else [])]


def _score(scorer: FrameScorer, photos: Any) -> Any:
    return scorer(photos) if isinstance(photos, pa.Table) else scorer.score_frame(photos)


@pytest.mark.usefixtures("model")
def test_columns_that_the_table_has_need_a_prefix() -> None:
    table = pa.table({"image": [_png(51)], "width": [8]})
    for table_or_frame in _as_frames(table):
        with pytest.raises(UsageError, match="columns width itself: choose a prefix"):
            _score(FrameScorer("image"), table_or_frame)
    scored = FrameScorer("image", prefix="biqa_")(table)
    assert scored["biqa_score"].to_pylist() == [20.0] and scored["width"].to_pylist() == [8]


@pytest.mark.usefixtures("model")
def test_a_column_that_is_not_there_is_named() -> None:
    for table_or_frame in _as_frames(pa.table({"image": [b""]})):
        with pytest.raises(UsageError, match="no column 'photo' of photos: there are image"):
            _score(FrameScorer("photo"), table_or_frame)


@pytest.mark.usefixtures("model")
def test_a_column_of_photos_may_have_the_name_of_a_new_one() -> None:
    scored = FrameScorer("note")(pa.table({"note": [_png(51)]}))
    assert (scored["score"].to_pylist(), scored["note"].to_pylist()) == ([20.0], [""])


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("why", [False, True])
def test_new_columns_have_the_same_types_whatever_is_in_them(why: bool) -> None:
    pd = pytest.importorskip("pandas")
    scorer = FrameScorer("image", why=why)
    parts = [
        pd.DataFrame({"image": pd.Series(photos, dtype=object)})
        for photos in ([], [_png(51)], [b"no photo"], [_png(51), None])
    ]
    types = [scorer.score_frame(part).dtypes.astype(str).to_dict() for part in parts]
    assert types[1:] == types[:-1]
    assert (
        types[0].items()
        >= {"score": "float64", "width": "Int32", "status": "string", "error": "string"}.items()
    )
    assert pa.Schema.from_pandas(scorer.score_frame(parts[0])).field("width").type == pa.int32()


@pytest.mark.usefixtures("model")
def test_a_scorer_travels_without_its_model() -> None:
    scorer = FrameScorer("image")
    scorer(pa.table({"image": [_png(51)]}))
    assert b"brightness" not in pickle.dumps(scorer)


def _expected() -> list[float | None]:
    """Return the scores of the photos under a shipped model."""
    table = pa.table({"image": pa.array(_photos(), pa.binary())})
    scored = FrameScorer("image", model="shdiqa-lite")(table)
    scores: list[float | None] = scored["score"].to_pylist()
    return scores


def _same(found: list[Any]) -> None:
    scores = [None if score is None or np.isnan(score) else score for score in found]
    assert scores == pytest.approx(_expected(), abs=1e-4)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_spark_scores_a_data_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    sql = pytest.importorskip("pyspark.sql")
    pytest.importorskip("pandas")
    builder = sql.SparkSession.builder.master("local[1]")
    spark = builder.config("spark.ui.enabled", "false").getOrCreate()
    try:
        scorer = FrameScorer("image", model="shdiqa-lite")
        photos = spark.createDataFrame(list(enumerate(_photos())), "id int, image binary")
        types = "id int, score double, low double, high double, native_score double, model string,"
        types += "width int, height int, status string, error string, note string"
        rows = photos.mapInPandas(scorer.frames, types).orderBy("id").collect()
    finally:
        spark.stop()
    _same([row["score"] for row in rows])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_dask_scores_a_data_frame(tmp_path: Path) -> None:
    dask = pytest.importorskip("dask")
    dd = pytest.importorskip("dask.dataframe")
    pd = pytest.importorskip("pandas")
    scorer = FrameScorer("image", model="shdiqa-lite")
    with dask.config.set({"dataframe.convert-string": False}):
        frame = pd.DataFrame({"id": range(5), "image": pd.Series(_photos(), dtype=object)})
        photos = dd.from_pandas(frame, npartitions=2)
        empty = scorer.score_frame(frame.head(0))
        scored = photos.map_partitions(scorer.score_frame, meta=empty)
        scored.to_parquet(tmp_path)
    parts = sorted(tmp_path.glob("*.parquet"))
    assert len({tuple(pq.read_schema(part).types) for part in parts}) == 1
    _same(list(pq.read_table(tmp_path).sort_by("id")["score"].to_pylist()))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_daft_scores_a_data_frame() -> None:
    daft = pytest.importorskip("daft")
    scorer = FrameScorer("image", model="shdiqa-lite")

    @daft.func.batch(return_dtype=daft.DataType.float64())  # type: ignore[untyped-decorator]
    def score(images: Any) -> Any:
        table = pa.table({"image": images.to_arrow()})
        return scorer(table)["score"].combine_chunks()

    photos = daft.from_pydict({"id": list(range(5)), "image": _photos()})
    scored = photos.with_column("score", score(photos["image"])).sort("id").to_pydict()
    _same(scored["score"])
