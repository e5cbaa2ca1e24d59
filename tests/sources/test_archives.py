"""Photos in tar and zip archives: read where they lie, and what hostile archives cannot do."""

import gzip
import io
import os
import pickle
import random
import struct
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from archives import tar_of

from biqa_cli.errors import ImageError
from biqa_cli.sources import bounded, entry, tars, zips
from biqa_cli.sources.choice import Choice, Shard
from biqa_cli.sources.entry import Entry
from biqa_cli.sources.finding import find_photos

PHOTOS = {f"{folder}{name}.jpg": name.encode() * 40 for folder in ("", "in/") for name in "ab"}


def _tar(path: Path, photos: dict[str, bytes], mode: str = "w") -> Path:
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        for name, content in photos.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def _zip(path: Path, photos: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in photos.items():
            archive.writestr(name, content)
    return path


def _entries(path: Path, choice: Choice | None = None) -> list[Entry]:
    found = list(find_photos([str(path)], choice))
    assert all(isinstance(one, Entry) for one in found)
    return [one for one in found if isinstance(one, Entry)]


def _contents(path: Path, choice: Choice | None = None) -> dict[str, bytes]:
    found = _entries(path, choice)
    return {os.path.relpath(one.name, path): one.read() for one in found}


def _error(one: Entry) -> str:
    with pytest.raises(ImageError) as caught:
        one.read()
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        *(("a.tar", "w"), ("a.tar.gz", "w:gz"), ("a.tgz", "w:gz"), ("a.tar.bz2", "w:bz2")),
        *(("A.TAR.XZ", "w:xz"), ("a.txz", "w:xz")),
    ],
)
def test_a_tar_is_a_folder_in_the_order_of_its_members(
    tmp_path: Path, name: str, mode: str
) -> None:
    path = _tar(tmp_path / name, PHOTOS, mode)
    assert list(_contents(path).items()) == list(PHOTOS.items())


def test_a_zip_is_a_folder_in_the_order_of_its_members(tmp_path: Path) -> None:
    assert list(_contents(_zip(tmp_path / "a.zip", PHOTOS)).items()) == list(PHOTOS.items())


@pytest.mark.parametrize("make", [_tar, _zip])
def test_what_a_folder_leaves_out_an_archive_leaves_out(tmp_path: Path, make: object) -> None:
    names = ["a.jpg", "a.cls", "._a.jpg", "__MACOSX/a.jpg", ".hidden/a.jpg", "in/b.PNG", "c_s.jpg"]
    suffix = ".tar" if make is _tar else ".zip"
    path = (_tar if make is _tar else _zip)(tmp_path / f"a{suffix}", dict.fromkeys(names, b"x"))
    assert list(_contents(path, Choice(exclude=("*_s.*",)))) == ["a.jpg", "in/b.PNG"]
    assert list(_contents(path, Choice(recursive=False))) == ["a.jpg", "c_s.jpg"]


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_links_devices_and_archives_in_a_tar_are_no_photos(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("a.tar" if mode == "w" else "a.tgz")
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        kinds = (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE)
        for number, kind in enumerate(kinds):
            member = tarfile.TarInfo(f"{number}.jpg")
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
        inner = tarfile.TarInfo("inner.tar")
        archive.addfile(inner)
        archive.addfile(tarfile.TarInfo("photo.jpg"))
    assert list(_contents(path)) == ["photo.jpg"]


def test_a_link_in_a_zip_is_no_photo(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        link = zipfile.ZipInfo("link.jpg")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("inner.zip", "x")
        archive.writestr("photo.jpg", "x")
    assert list(_contents(tmp_path / "a.zip")) == ["photo.jpg"]


@pytest.mark.parametrize("make", [_tar, _zip])
@pytest.mark.parametrize("name", ["../../up.jpg", "in/../../up.jpg", "..\\up.jpg"])
def test_a_name_that_leads_out_of_its_archive_is_an_error_row(
    tmp_path: Path, make: object, name: str
) -> None:
    path = (_tar if make is _tar else _zip)(tmp_path / ("a.tar" if make is _tar else "a.zip"), {})
    path = (_tar if make is _tar else _zip)(path, {name: b"x", "good.jpg": b"x"})
    bad, good = _entries(path)
    assert _error(bad) == "its name in the archive leads out of it"
    assert good.read() == b"x"


@pytest.mark.parametrize("make", [_tar, _zip])
def test_an_absolute_name_lies_in_its_archive(tmp_path: Path, make: object) -> None:
    names = ["/etc/photo.jpg", "C:\\photo.jpg", "./in//photo.jpg"]
    path = tmp_path / ("a.tar" if make is _tar else "a.zip")
    path = (_tar if make is _tar else _zip)(path, dict.fromkeys(names, b"x"))
    assert list(_contents(path)) == ["etc/photo.jpg", "C:/photo.jpg", "in/photo.jpg"]


def test_a_name_of_a_page_is_an_error_row(tmp_path: Path) -> None:
    path = _tar(tmp_path / "a.tar", {f"{'x' * 5000}.jpg": b"x"})
    (one,) = _entries(path)
    assert "has 5004 characters" in _error(one) and len(one.name) < 400


@pytest.mark.parametrize("make", [_tar, _zip])
def test_a_photo_that_says_it_is_huge_is_refused_unread(
    tmp_path: Path, make: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("tars", "zips"):
        monkeypatch.setattr(f"biqa_cli.sources.{module}.MOST_BYTES", 100)
    monkeypatch.setattr(entry, "MOST_BYTES", 100)
    path = tmp_path / ("a.tar" if make is _tar else "a.zip")
    path = (_tar if make is _tar else _zip)(path, {"big.jpg": b"0" * 101, "good.jpg": b"x"})
    big, good = _entries(path)
    assert "MB at most" in _error(big) and good.read() == b"x"


@pytest.mark.parametrize("keep", [700, 1100, 2000])
@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_tar_that_is_cut_off_says_so_after_what_was_whole(
    tmp_path: Path, mode: str, keep: int
) -> None:
    path = _tar(tmp_path / ("a.tar" if mode == "w" else "a.tgz"), PHOTOS, mode)
    content = path.read_bytes()
    if mode == "w:gz":
        keep = keep * len(content) // 4096
    path.write_bytes(content[:keep])
    *whole, last = _entries(path)
    assert "cannot be read on after" in _error(last) or "cut off" in _error(last)
    assert len(whole) < len(PHOTOS)


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_a_tar_that_ends_with_its_last_member_is_cut_off(tmp_path: Path, mode: str) -> None:
    path = _tar(tmp_path / ("a.tar" if mode == "w" else "a.tgz"), PHOTOS)
    content = path.read_bytes()[: 2 * 1024]
    path.write_bytes(content if mode == "w" else gzip.compress(content))
    *whole, last = _entries(path)
    assert [one.read() for one in whole] == list(PHOTOS.values())[:2]
    assert _error(last) == "the archive cannot be read on after 2 photos: it is cut off"


@pytest.mark.parametrize("packed", [False, True])
def test_tars_one_behind_the_other_are_one(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / ("a.tgz" if packed else "a.tar")
    parts = [tar_of({name: content}) for name, content in PHOTOS.items()]
    path.write_bytes(b"".join(map(gzip.compress, parts)) if packed else b"".join(parts))
    assert list(_contents(path).items()) == list(PHOTOS.items())


def test_what_is_no_tar_behind_a_tar_is_an_error_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.tar"
    monkeypatch.setattr(tars, "_MOST_ZEROS", 1 << 20)
    for behind in (b"text" * 200, bytes(2 << 20)):
        path.write_bytes(tar_of(PHOTOS) + behind)
        *whole, last = _entries(path)
        assert len(whole) == len(PHOTOS)
        assert _error(last).endswith("after 4 photos: what follows its end is no tar")


def test_a_damaged_header_is_no_end_of_a_tar(tmp_path: Path) -> None:
    path = _tar(tmp_path / "a.tar", PHOTOS)
    content = bytearray(path.read_bytes())
    content[1024:1030] = b"\xff" * 6
    path.write_bytes(content)
    first, last = _entries(path)
    assert first.read() == PHOTOS["a.jpg"]
    assert _error(last) == "the archive cannot be read on after 1 photos: it is damaged"


def test_a_size_below_zero_does_not_send_a_tar_backwards(tmp_path: Path) -> None:
    path = _tar(tmp_path / "a.tar", PHOTOS)
    content = bytearray(path.read_bytes())
    # Base 256, -512; then the checksum of the header.
    content[1024 + 124 : 1024 + 136] = b"\xff" * 10 + struct.pack(">h", -512)
    content[1024 + 148 : 1024 + 156] = b" " * 8
    total = sum(content[1024:1536])
    content[1024 + 148 : 1024 + 156] = f"{total:06o}\0 ".encode()
    path.write_bytes(content)
    *_, last = _entries(path)
    assert "cannot be read on after 1 photos" in _error(last)


def test_what_is_no_archive_is_one_error_row(tmp_path: Path) -> None:
    for name in ("a.tar", "a.tar.gz", "a.zip"):
        path = tmp_path / name
        path.write_bytes(b"not an archive" * 100)
        (one,) = _entries(path)
        assert one.name == str(path) and "archive cannot be read" in _error(one)


def _pax_bomb(path: Path, size: int) -> None:
    """Write a tar whose header of one member has so many bytes, all the same."""
    member = tarfile.TarInfo("pax")
    member.type, member.size = tarfile.XHDTYPE, size
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(member.tobuf())
        for _ in range(size >> 20):
            file.write(b"1" * (1 << 20))


def test_a_header_without_end_takes_no_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.tar.gz"
    _pax_bomb(path, 64 << 20)
    tracemalloc.start()
    (one,) = _entries(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "headers are longer than those of an archive of photos" in _error(one)
    assert peak < 8 << 20


def test_an_archive_that_unpacks_without_end_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounded, "_BEFORE_SUSPICION", 1 << 20)
    # A text is no photo: it is passed by, and that takes time.
    path = _tar(tmp_path / "a.tgz", {"zeros.txt": bytes(4 << 20), "photo.jpg": b"x"}, "w:gz")
    (one,) = _entries(path)
    assert "decompression bomb" in _error(one)


def test_a_zip_whose_members_share_their_bytes_is_refused(tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip", {f"{i}.jpg": bytes(10_000) for i in range(3)})
    content = bytearray(path.read_bytes())
    # In the list of members, all begin where the first one does.
    at = content.find(b"PK\x01\x02")
    while at >= 0:
        content[at + 42 : at + 46] = bytes(4)
        at = content.find(b"PK\x01\x02", at + 1)
    path.write_bytes(content)
    (one,) = _entries(path)
    assert "its members overlap: a decompression bomb" in _error(one)


def test_a_zip_with_an_absurd_number_of_members_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(zips, "_MOST_DIRECTORY", 100_000)
    path = _zip(tmp_path / "a.zip", {f"{i:06}.jpg": b"" for i in range(2000)})
    (one,) = _entries(path)
    assert "headers are longer than those of an archive of photos" in _error(one)


def test_a_zip_member_holds_no_more_than_its_list_says(tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip", {"a.jpg": bytes(5_000_000), "b.jpg": b"x"})
    content = bytearray(path.read_bytes())
    at = content.find(b"PK\x01\x02")
    content[at + 24 : at + 28] = struct.pack("<I", 10)
    path.write_bytes(content)
    lies, good = _entries(path)
    assert _error(lies) == "is damaged in its archive" and good.read() == b"x"


def test_an_encrypted_member_is_an_error_row(tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip", {"a.jpg": b"x"})
    content = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        content[content.find(mark) + offset] |= 1
    path.write_bytes(content)
    (one,) = _entries(path)
    assert _error(one) == "is encrypted in its archive"


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_member_of_a_zip_is_an_error_row(tmp_path: Path, method: int) -> None:
    path = tmp_path / "a.zip"
    photo = random.Random(0).randbytes(200)
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("bad.jpg", photo)
        archive.writestr("good.jpg", photo)
    content = path.read_bytes()
    path.write_bytes(content[:50] + bytes(100) + content[150:])
    bad, good = _entries(path)
    assert _error(bad) == "is damaged in its archive"
    assert good.read() == photo


def test_a_name_in_a_zip_that_is_no_utf_8_is_that_of_a_file(tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip", {"a.jpg": b"a", "ü.jpg": b"u", "ö.jpg": b"o"})
    # In the list of members and before the member.
    path.write_bytes(path.read_bytes().replace("ü".encode(), b"\xfc\xff"))
    assert _contents(path) == {"a.jpg": b"a", "\udcfc\udcff.jpg": b"u", "ö.jpg": b"o"}


def test_members_can_be_read_by_another_process(tmp_path: Path) -> None:
    for path in (_tar(tmp_path / "a.tar", PHOTOS), _zip(tmp_path / "a.zip", PHOTOS)):
        sent = pickle.loads(pickle.dumps(_entries(path)))
        assert [one.read() for one in sent] == list(PHOTOS.values())


def test_an_archive_that_has_changed_is_read_anew(tmp_path: Path) -> None:
    path = _zip(tmp_path / "a.zip", {"a.jpg": b"old"})
    assert _contents(path) == {"a.jpg": b"old"}
    path.unlink()
    _zip(path, {"a.jpg": b"newer"})
    assert _contents(path) == {"a.jpg": b"newer"}


def test_members_of_other_shards_are_not_read(tmp_path: Path) -> None:
    path = _tar(tmp_path / "a.tgz", {f"{i}.jpg": b"x" for i in range(40)}, "w:gz")
    parts = [set(_contents(path, Choice(shard=Shard(number, 3)))) for number in (1, 2, 3)]
    assert len(set.union(*parts)) == sum(map(len, parts)) == 40
    assert all(parts)


@pytest.mark.parametrize("name", ["a.tar", "a.tgz"])
def test_the_error_row_of_a_damaged_archive_is_in_one_shard_and_the_same_there(
    tmp_path: Path, name: str
) -> None:
    content = tar_of({f"{i}.jpg": b"x" for i in range(9)})[: 9 * 1024]
    path = tmp_path / name
    path.write_bytes(content if name == "a.tar" else gzip.compress(content))
    shards = [Choice(shard=Shard(number, 3)) for number in (1, 2, 3)]
    rows = [one for shard in shards for one in _entries(path, shard) if one.name == str(path)]
    assert [_error(one) for one in rows] == [
        "the archive cannot be read on after 9 photos: it is cut off"
    ]


def test_an_archive_that_is_none_has_its_error_row_in_one_shard(tmp_path: Path) -> None:
    for name in ("a.zip", "a.tar", "a.parquet"):
        path = tmp_path / name
        path.write_bytes(b"nothing" * 100)
        shards = [Choice(shard=Shard(number, 3)) for number in (1, 2, 3)]
        (row,) = (one for shard in shards for one in _entries(path, shard))
        assert row.name == str(path)


def test_an_archive_that_is_named_twice_is_read_once(tmp_path: Path) -> None:
    path = _tar(tmp_path / "a.tar", PHOTOS)
    (tmp_path / "link.tar").symlink_to(path)
    found = find_photos([str(path), str(tmp_path / "link.tar"), str(path)])
    assert len(list(found)) == len(PHOTOS)


@pytest.mark.parametrize("make", [_tar, _zip])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_of_one_name_have_names_of_their_own(tmp_path: Path, make: object) -> None:
    names = ["a.jpg", "in//b.jpg", "./a.jpg", "in/b.jpg", "a.jpg/", "/a.jpg"]
    members = {name: str(number).encode() for number, name in enumerate(names) if name[-1] != "/"}
    path = tmp_path / ("a.tar" if make is _tar else "a.zip")
    (_tar if make is _tar else _zip)(path, members)
    named = _contents(path)
    assert list(named) == ["a.jpg", "in/b.jpg", "a.jpg#2", "in/b.jpg#2", "a.jpg#3"]
    assert list(named.values()) == list(members.values())
    parts = [_contents(path, Choice(shard=Shard(number, 3))) for number in (1, 2, 3)]
    assert parts[0] | parts[1] | parts[2] == named and sum(map(len, parts)) == len(named)


def test_an_archive_in_a_folder_is_no_photo(tmp_path: Path) -> None:
    _tar(tmp_path / "a.tar", PHOTOS)
    assert list(find_photos([str(tmp_path)])) == []


@pytest.mark.parametrize("name", [f"{'n' * 300}.tar", f"{'n' * 300}.zip", "nul\0.tgz"])
def test_an_archive_whose_name_no_file_can_have_is_named_as_a_file(
    tmp_path: Path, name: str
) -> None:
    # Reading it makes the row that says what is wrong, as of a photo.
    assert list(find_photos([str(tmp_path / name)])) == [str(tmp_path / name)]
