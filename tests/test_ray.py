"""Scoring on a cluster of Ray: the rows of one machine, whatever dies meanwhile."""

import io
import os
import sys
import tarfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from fakes import photo

from biqa_cli.errors import ImageError, UsageError, WeightsError
from biqa_cli.models.engines import EngineChoice
from biqa_cli.models.loading import load_model
from biqa_cli.results import ImageResult
from biqa_cli.scoring import score_files
from biqa_cli.shipping import ship
from biqa_cli.sources.entry import Entry, Source
from biqa_cli.sources.finding import find_photos

ray = pytest.importorskip("ray", reason="needs the extra [ray]")

from biqa_cli.ray import groups, score_dataset, score_on_ray  # noqa: E402

# A cluster takes ten seconds to start.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

MODEL = "shdiqa-lite"


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    tests = Path(__file__).parent
    ray.init(
        address="local",
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        logging_level="ERROR",
        runtime_env={"env_vars": {"PYTHONPATH": f"{tests}{os.pathsep}{tests.parent}"}},
    )
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for number in range(9):
        photo(96, 64, seed=number).save(folder / f"{number}.jpg")
    (folder / "5.jpg").write_bytes(b"\xff\xd8\xff broken")
    return folder


def _on_ray(sources: list[Source], **options: Any) -> list[ImageResult]:
    shipment = ship(load_model(MODEL), device="cpu")
    return list(score_on_ray(iter(sources), shipment, **options))


def _sorted(results: list[ImageResult]) -> list[ImageResult]:
    return sorted(results, key=lambda result: result.path)


def _here(sources: list[Source]) -> list[ImageResult]:
    return list(score_files(sources, load_model(MODEL, threads=1)))


@pytest.fixture(params=["folder", "tar", "tgz", "parquet"])
def sources(request: pytest.FixtureRequest, folder: Path, tmp_path: Path) -> list[Source]:
    name = tmp_path / f"p.{request.param}"
    match request.param:
        case "folder":
            name = folder
        case "parquet":
            import pyarrow.parquet as pq

            photos = [path.read_bytes() for path in sorted(folder.iterdir())]
            pq.write_table(pa.table({"image": photos}), name)
        case _:
            with tarfile.open(name, "w:gz" if request.param == "tgz" else "w") as archive:
                archive.add(folder, ".")
    return list(find_photos([str(name)]))


@pytest.mark.usefixtures("cluster")
def test_the_rows_are_those_of_one_machine(
    sources: list[Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "_PHOTOS", 2)
    assert _sorted(_on_ray(sources)) == _sorted(_here(sources))


def _die_once(marker: str, path: str) -> bytes:
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return Path(path).read_bytes()
    os._exit(1)


@pytest.mark.usefixtures("cluster")
def test_no_row_is_lost_or_comes_twice_where_workers_die(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "_PHOTOS", 2)
    paths = [str(path) for path in sorted(folder.iterdir())]
    deadly = [
        Entry(f"deadly {number}", partial(_die_once, str(tmp_path / str(number)), paths[number]))
        for number in range(3)
    ]
    found = _on_ray([paths[0], deadly[0], *paths[1:4], deadly[1], *paths[4:], deadly[2]])
    assert len(list(tmp_path.iterdir())) == 3
    assert Counter(one.path for one in found) == Counter([*paths, *(one.name for one in deadly)])
    scores = {one.path: one.score for one in found}
    for number in range(3):
        assert scores[f"deadly {number}"] == scores[paths[number]]


@pytest.mark.usefixtures("cluster")
def test_a_photo_that_kills_every_process_is_an_error_row(folder: Path) -> None:
    paths: list[Source] = [str(path) for path in sorted(folder.iterdir())[:4]]
    found = _on_ray([*paths, Entry("poison", partial(os._exit, 1))], actors=1)
    assert len(found) == 5
    errors = {one.path: one.error for one in found if one.status == "error"}
    assert errors == {"poison": "3 processes have died of it"}


@pytest.mark.usefixtures("cluster")
def test_photos_are_taken_as_they_are_scored(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "_PHOTOS", 1)
    path = str(folder / "1.jpg")
    taken = 0

    def endless() -> Iterator[Source]:
        nonlocal taken
        while True:
            taken += 1
            yield path

    results = score_on_ray(endless(), ship(load_model(MODEL), device="cpu"), actors=1)
    assert [next(results).status for _ in range(6)] == ["ok"] * 6
    assert taken <= 6 + 2 * 2
    results.close()  # type: ignore[attr-defined]


@pytest.mark.usefixtures("cluster")
def test_a_data_set_keeps_its_columns_and_gets_scores(folder: Path) -> None:
    paths = sorted(folder.iterdir())
    rows = [{"id": path.name, "photo": path.read_bytes()} for path in paths]
    scored = score_dataset(
        ray.data.from_items(rows), column="photo", model=MODEL, workers=1, batch_size=4
    )
    found = sorted(scored.take_all(), key=lambda row: str(row["id"]))
    here = _here([str(path) for path in paths])
    assert [row["id"] for row in found] == [path.name for path in paths]
    assert [row["score"] for row in found] == [one.score for one in here]
    assert [row["error"] for row in found] == [one.error for one in here]
    assert "photo" not in found[0]


@pytest.mark.usefixtures("cluster")
def test_a_data_set_of_names_is_scored_by_as_many_workers_as_leave_a_core(folder: Path) -> None:
    names = [str(path) for path in sorted(folder.iterdir())]
    photos = ray.data.from_arrow(pa.table({"photo": names}))
    found = score_dataset(photos, column="photo", model=MODEL).take_all()
    scores = {row["photo"]: row["score"] for row in found}
    assert scores == {name: one.score for name, one in zip(names, _here(list(names)), strict=True)}
    with pytest.raises(UsageError, match="leave none of 2 for the tasks that read"):
        score_dataset(photos, column="photo", model=MODEL, workers=2)


@pytest.mark.usefixtures("cluster")
def test_wrong_columns_of_a_data_set_are_told_at_once(folder: Path) -> None:
    photos = ray.data.from_items([{"photo": (folder / "1.jpg").read_bytes(), "width": 1}])
    with pytest.raises(UsageError, match="^there is no column 'bytes' of photos"):
        score_dataset(photos, model=MODEL)
    with pytest.raises(UsageError, match="^the table has columns width itself"):
        score_dataset(photos, column="photo", model=MODEL)


def _read_if_imported(package: str, path: str) -> bytes:
    if package not in sys.modules:
        msg = f"{package} is not imported"
        raise ImageError(msg)
    return Path(path).read_bytes()


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize(("engine", "error"), [("torch", ""), ("onnx", "torch is not imported")])
def test_workers_score_with_the_engine_of_this_process(
    folder: Path, engine: EngineChoice, error: str
) -> None:
    pytest.importorskip("torch")
    asks = Entry("asks", partial(_read_if_imported, "torch", str(folder / "1.jpg")))
    shipment = ship(load_model(MODEL, engine=engine, device="cpu"))
    (found,) = score_on_ray([asks], shipment, actors=1)
    assert found.error == error


@pytest.mark.usefixtures("cluster")
def test_weights_of_ones_own_reach_the_workers(folder: Path, tmp_path: Path) -> None:
    from biqa_cli.weights.cache import locate
    from biqa_cli.weights.manifest import load_manifest

    checkpoint = load_manifest().find(MODEL)
    assert checkpoint is not None
    listed = locate(checkpoint.weights)
    assert listed is not None
    own = tmp_path / "mine.safetensors"
    own.write_bytes(listed.read_bytes())
    shipment = ship(load_model(own), device="cpu")
    own.unlink()
    (found,) = score_on_ray([str(folder / "1.jpg")], shipment, actors=1)
    (here,) = _here([str(folder / "1.jpg")])
    assert found == replace(here, model=str(own))


@pytest.mark.usefixtures("cluster")
def test_weights_that_are_not_those_that_were_shipped_end_the_run(folder: Path) -> None:
    shipment = replace(ship(load_model(MODEL), device="cpu"), sha256="0" * 64)
    with pytest.raises(WeightsError, match="^a worker has other weights of shdiqa-lite"):
        list(score_on_ray([str(folder / "1.jpg")], shipment, actors=1))


def test_bytes_that_this_process_holds_fill_a_group() -> None:
    held = [Entry(f"{i}", partial(bytes, bytes(1 << 24))) for i in range(5)]
    full = list(groups.groups_of(held))
    assert [len(group.photos) for group in full] == [2, 2, 1]
    assert io.BytesIO(held[0].read()).getbuffer().nbytes == 1 << 24
