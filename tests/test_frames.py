"""Photos in a column of a data frame: of Arrow and pandas, and under Spark, Dask and Daft."""

import io
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
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
    assert "image" in FrameScorer("image", keep=True)(table).column_names


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


@pytest.mark.usefixtures("model")
def test_columns_that_the_table_has_need_a_prefix() -> None:
    table = pa.table({"image": [_png(51)], "width": [8]})
    with pytest.raises(UsageError, match="columns width itself: choose a prefix"):
        FrameScorer("image")(table)
    scored = FrameScorer("image", prefix="biqa_")(table)
    assert scored["biqa_score"].to_pylist() == [20.0] and scored["width"].to_pylist() == [8]


@pytest.mark.usefixtures("model")
def test_a_column_that_is_not_there_is_named() -> None:
    with pytest.raises(UsageError, match="no column 'photo' of photos: there are"):
        FrameScorer("photo")(pa.table({"image": [b""]}))


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
def test_dask_scores_a_data_frame() -> None:
    dask = pytest.importorskip("dask")
    dd = pytest.importorskip("dask.dataframe")
    pd = pytest.importorskip("pandas")
    scorer = FrameScorer("image", model="shdiqa-lite")
    with dask.config.set({"dataframe.convert-string": False}):
        frame = pd.DataFrame({"id": range(5), "image": pd.Series(_photos(), dtype=object)})
        photos = dd.from_pandas(frame, npartitions=2)
        empty = scorer.score_frame(frame.head(0))
        scored = photos.map_partitions(scorer.score_frame, meta=empty).compute(scheduler="sync")
    _same(list(scored.sort_values("id")["score"]))


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
