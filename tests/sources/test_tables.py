"""Photos in Parquet tables: paths, addresses and bytes in a column."""

import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from biqa_cli.errors import ImageError, UsageError
from biqa_cli.sources.choice import Choice, Shard
from biqa_cli.sources.entry import Entry
from biqa_cli.sources.finding import find_photos


def _table(path: Path, /, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), path)
    return path


def _found(path: Path, choice: Choice | None = None) -> list[tuple[str, bytes]]:
    found = list(find_photos([str(path)], choice))
    return [(one.name, one.read()) for one in found if isinstance(one, Entry)]


def test_bytes_are_called_by_their_row_or_by_a_key(tmp_path: Path) -> None:
    path = _table(tmp_path / "t.parquet", image=[b"a", b"b"], sku=["x/1", "x/2"], n=[7, 8])
    assert _found(path) == [(f"{path}#0", b"a"), (f"{path}#1", b"b")]
    assert _found(path, Choice(key="sku")) == [("x/1", b"a"), ("x/2", b"b")]
    assert _found(path, Choice(key="n")) == [("7", b"a"), ("8", b"b")]


def test_rows_of_one_key_have_names_of_their_own(tmp_path: Path) -> None:
    keys = ["a", "a#2", "a", "b", "a"]
    path = _table(tmp_path / "t.parquet", image=[b"0", b"1", b"2", b"3", b"4"], sku=keys)
    other = _table(tmp_path / "u.parquet", image=[b"5"], sku=["b"])
    found = find_photos([str(path), str(other)], Choice(key="sku"))
    names = [(one.name, one.read()) for one in found if isinstance(one, Entry)]
    numbered = ["a", "a#2", "a#3", "b", "a#4", "b#2"]
    assert names == [(name, str(row).encode()) for row, name in enumerate(numbered)]


def test_of_bytes_the_time_of_the_table_counts_and_of_names_that_of_the_files(
    tmp_path: Path,
) -> None:
    pixels = _table(tmp_path / "pixels.parquet", image=[b"a"])
    files = [str(tmp_path / name) for name in ("old.jpg", "new.jpg", "gone.jpg")]
    names = _table(tmp_path / "names.parquet", file=files)
    for number, path in enumerate((pixels, names, *map(Path, files[:2]))):
        path.touch()
        os.utime(path, ns=(0, number))
    found = list(find_photos([str(pixels), str(names)], Choice(newer_than=2)))
    assert found == files[1:]
    assert len(list(find_photos([str(pixels), str(names)], Choice(newer_than=-1)))) == 4


@pytest.mark.parametrize("key", [None, "sku"])
def test_offline_an_address_in_a_table_is_an_error_row(tmp_path: Path, key: str | None) -> None:
    (tmp_path / "a.jpg").write_bytes(b"a")
    names = ["https://127.0.0.1:9/a.jpg", "s3://bucket/b.jpg", str(tmp_path / "a.jpg")]
    path = _table(tmp_path / "t.parquet", file=names, sku=["0", "1", "2"])
    *refused, read = find_photos([str(path)], Choice(key=key, offline=True))
    for number, one in enumerate(refused):
        assert isinstance(one, Entry) and one.name == (str(number) if key else names[number])
        with pytest.raises(ImageError, match="is an address, and --offline opens no socket"):
            one.read()
    assert (read.read() if isinstance(read, Entry) else read) == (b"a" if key else names[2])


def test_paths_are_found_as_they_are(tmp_path: Path) -> None:
    path = _table(tmp_path / "t.parquet", file=["a.jpg", "b/c.jpg"], bytes=[b"", b""])
    assert list(find_photos([str(path)], Choice(column="file"))) == ["a.jpg", "b/c.jpg"]


def test_addresses_lose_their_secrets_in_the_name_of_the_row(tmp_path: Path) -> None:
    for client in ("aiohttp", "s3fs"):
        pytest.importorskip(client, reason="needs the extra [remote]")
    path = _table(tmp_path / "t.parquet", url=["https://me:pass@host/a.jpg?sig=1", "s3://b/c.jpg"])
    names = [one.name for one in find_photos([str(path)]) if isinstance(one, Entry)]
    assert names == ["https://host/a.jpg", "s3://b/c.jpg"]


def test_a_struct_of_bytes_and_path_is_read_as_hugging_face_writes_it(tmp_path: Path) -> None:
    images = [{"bytes": b"a", "path": "a.jpg"}, {"bytes": None, "path": "b.jpg"}]
    path = _table(tmp_path / "t.parquet", image=images)
    first, second = find_photos([str(path)])
    assert isinstance(first, Entry) and first.read() == b"a" and second == "b.jpg"


@pytest.mark.parametrize(
    "kind",
    [
        *(pa.binary(), pa.large_binary(), pa.binary_view(), pa.binary(1)),
        pa.dictionary(pa.int8(), pa.binary()),
    ],
    ids=str,
)
def test_bytes_of_any_type_are_photos(tmp_path: Path, kind: Any) -> None:
    path = _table(tmp_path / "t.parquet", image=pa.array([b"a", b"b"]).cast(kind))
    assert [content for _, content in _found(path)] == [b"a", b"b"]


@pytest.mark.parametrize(
    "kind",
    [
        *(pa.string(), pa.large_string(), pa.string_view()),
        pa.dictionary(pa.int8(), pa.string()),
    ],
    ids=str,
)
def test_text_of_any_type_is_a_name(tmp_path: Path, kind: Any) -> None:
    path = _table(tmp_path / "t.parquet", path=pa.array(["a.jpg", "ü.jpg"]).cast(kind))
    assert list(find_photos([str(path)])) == ["a.jpg", "ü.jpg"]


def test_text_that_is_no_utf_8_is_the_name_of_a_file(tmp_path: Path) -> None:
    offsets, text = pa.array([0, 1, 6, 7], pa.int32()).buffers()[1], b"a\xff.jpgb"
    names = pa.StringArray.from_buffers(3, offsets, pa.py_buffer(text))
    path = _table(tmp_path / "t.parquet", path=names)
    assert list(find_photos([str(path)])) == ["a", "\udcff.jpg", "b"]


@pytest.mark.parametrize(
    ("keys", "names"),
    [
        (pa.array([b"x", b"\xff"]), ["x", "\udcff"]),
        (pa.array([0, 2_000_000_000], pa.date32()), ["1970-01-01", "<value out of range: "]),
        (pa.array([1], pa.timestamp("ns")), ["1970-01-01 00:00:00.000000001"]),
        (pa.array([0], pa.timestamp("s", "Nowhere/City")), ["1970-01-01 00:00:00.000Z"]),
        (pa.array([1.5, 2.0]), ["1.5", "2.0"]),
        (pa.array(["x", None]), ["x", "{table}#1"]),
    ],
    ids=str,
)
def test_a_key_is_text_of_its_value(tmp_path: Path, keys: Any, names: list[str]) -> None:
    path = _table(tmp_path / "t.parquet", image=[b"a"] * len(keys), id=keys)
    found = [name for name, _ in _found(path, Choice(key="id"))]
    assert len(found) == len(names)
    for name, start in zip(found, names, strict=True):
        assert name.startswith(start.format(table=path))


def test_a_key_names_photos_that_are_files(tmp_path: Path) -> None:
    photo = tmp_path / "a.jpg"
    photo.write_bytes(b"a")
    os.mkfifo(tmp_path / "pipe")
    names = [str(photo), str(tmp_path / "gone.jpg"), str(tmp_path / "pipe"), "a\0"]
    path = _table(tmp_path / "t.parquet", path=names, id=["x", "y", "z", "0"])
    first, *failed = find_photos([str(path)], Choice(key="id"))
    assert isinstance(first, Entry) and (first.name, first.read()) == ("x", b"a")
    for one, name, error in zip(failed, "yz0", ("No such", "a pipe", "no name"), strict=True):
        assert isinstance(one, Entry) and one.name == name
        with pytest.raises(ImageError, match=error):
            one.read()


def test_a_key_of_two_rows_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "t.parquet"
    folder.mkdir()
    _table(folder / "a.parquet", image=[b"a", b"b"], id=["x", "y"])
    _table(folder / "b.parquet", image=[b"a", b"b", b"c"], id=["z", "y", "x"])
    assert len(_found(folder, Choice(key="id"))) == 5
    assert caplog.messages == [f"{folder / 'b.parquet'}: more than one row has the key 'y'"]


def test_a_table_without_photos_behind_others_is_an_error_row(tmp_path: Path) -> None:
    good = _table(tmp_path / "t.parquet", image=[b"a"])
    wrong = _table(tmp_path / "u.parquet", pixels=[b"a"])
    (tmp_path / "p.parquet").mkdir()
    good.rename(tmp_path / "p.parquet" / "1.parquet")
    wrong.rename(tmp_path / "p.parquet" / "2.parquet")
    last = _table(tmp_path / "v.parquet", image=[b"c"])
    found = list(find_photos([str(tmp_path / "p.parquet"), str(last)]))
    assert len(found) == 3
    one = found[1]
    assert isinstance(one, Entry) and one.name.endswith("2.parquet")
    with pytest.raises(ImageError, match="^has no column that is called image"):
        one.read()


def test_a_row_without_a_photo_is_an_error_row(tmp_path: Path) -> None:
    path = _table(tmp_path / "t.parquet", image=[b"a", None])
    _, empty = find_photos([str(path)])
    assert isinstance(empty, Entry) and empty.name == f"{path}#1"
    with pytest.raises(ImageError, match="has no photo in this row"):
        empty.read()


def test_a_folder_of_parts_is_one_table(tmp_path: Path) -> None:
    folder = tmp_path / "t.parquet"
    folder.mkdir()
    for name in ("b", "a", "_c"):
        _table(folder / f"{name}.parquet", image=[name.encode()])
    assert [content for _, content in _found(folder)] == [b"a", b"b"]


def test_partitions_of_a_table_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "t.parquet"
    for name in ("year=2020", "year=2019/day=1", "_temporary", ".hidden"):
        (folder / name).mkdir(parents=True)
        _table(folder / name / "part-0.parquet", image=[name.encode()])
    assert [content for _, content in _found(folder)] == [b"year=2019/day=1", b"year=2020"]


def test_a_folder_of_a_table_without_parts_is_an_error_row(tmp_path: Path) -> None:
    folder = tmp_path / "t.parquet"
    folder.mkdir()
    photo = tmp_path / "a.jpg"
    photo.touch()
    empty, other = find_photos([str(folder), str(photo)])
    assert isinstance(empty, Entry) and (empty.name, other) == (str(folder), str(photo))
    with pytest.raises(ImageError, match="the folder has no files that are called"):
        empty.read()


def test_a_folder_of_a_table_that_cannot_be_read_is_an_error_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "t.parquet"
    closed.mkdir()

    def scandir(path: str) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("os.scandir", scandir)
    (one,) = find_photos([str(closed)])
    assert isinstance(one, Entry) and one.name == str(closed)
    with pytest.raises(ImageError, match="Permission denied"):
        one.read()


def test_shards_part_the_rows(tmp_path: Path) -> None:
    path = _table(tmp_path / "t.parquet", image=[bytes([i]) for i in range(60)])
    parts = [_found(path, Choice(shard=Shard(number, 2))) for number in (1, 2)]
    assert sorted(parts[0] + parts[1]) == sorted(_found(path)) and all(parts)


@pytest.mark.parametrize(
    ("columns", "choice", "message"),
    [
        (
            {"pixels": [b"a"]},
            Choice(),
            "name the one with the photos with --column; there are pixels",
        ),
        ({"image": [b"a"]}, Choice(column="jpeg"), "has no column 'jpeg': there are image"),
        ({"image": [b"a"]}, Choice(key="id"), "has no column 'id': there are image"),
        ({"image": [1]}, Choice(), "column 'image' of .* holds int64, not paths"),
        ({"image": [{"bytes": 1}]}, Choice(), "holds struct<bytes: int64>, not paths"),
        ({"image": [b"a"], "id": [{"a": 1}]}, Choice(key="id"), "a key is text, a number or a"),
    ],
)
def test_a_table_without_photos_is_a_mistake(
    tmp_path: Path, columns: dict[str, Any], choice: Choice, message: str
) -> None:
    path = _table(tmp_path / "t.parquet", **columns)
    with pytest.raises(UsageError, match=message):
        list(find_photos([str(path)], choice))


def test_two_columns_of_one_name_are_a_mistake(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([b"a"]), pa.array([b"b"])], names=["image", "image"])
    pq.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(UsageError, match="has 2 columns 'image': give all but one another name"):
        list(find_photos([str(tmp_path / "t.parquet")]))


def test_a_table_that_is_none_or_is_cut_is_an_error_row(tmp_path: Path) -> None:
    path = _table(tmp_path / "t.parquet", image=[b"a" * 1000])
    path.write_bytes(path.read_bytes()[:-100])
    too_long, nul = tmp_path / f"{'n' * 300}.parquet", tmp_path / "nul\0.parquet"
    for name in (path, tmp_path / "gone.parquet", too_long, nul):
        (one,) = find_photos([str(name)])
        assert isinstance(one, Entry) and one.name == str(name)
        why = "damaged or cut off|No such file|File name too long|embedded null"
        with pytest.raises(ImageError, match=why):
            one.read()
