"""Photos of Google Cloud Storage: a server of its API on loopback."""

import threading
from collections.abc import Iterator
from importlib.util import find_spec

import pytest
from archives import tar_of, zip_of
from entries import read_entries
from google_storage import GoogleStorage

from biqa_cli.errors import UsageError
from biqa_cli.sources import clients
from biqa_cli.sources.choice import Choice

# Its client takes seconds to import: slow. It is not imported here, but as biqa does.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("gcsfs") is None, reason="needs the extra [remote]"),
    pytest.mark.filterwarnings("ignore"),
]

PHOTOS = {f"p/{name}.jpg": name.encode() * 40 for name in ("a", "b", "in/c", "d")}


@pytest.fixture(scope="module")
def bucket() -> Iterator[GoogleStorage]:
    archives = {"a.tar": tar_of(PHOTOS), "a.zip": zip_of(PHOTOS), "p/notes.txt": b"x", "0.jpg": b""}
    odd = {f"odd/{name}.jpg": b"x" for name in ("/b", "what?", "a*b")}
    server = GoogleStorage("bucket", {**PHOTOS, **archives, **odd})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def here(bucket: GoogleStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    import fsspec

    monkeypatch.setenv("STORAGE_EMULATOR_HOST", bucket.address)
    monkeypatch.setitem(fsspec.config.conf, "gs", {"token": "anon"})
    monkeypatch.setattr(clients, "_SECONDS", 10.0)
    monkeypatch.setattr(clients, "PAUSES", (0.01, 0.01, 0.01))
    clients._connected.cache_clear()  # noqa: SLF001


def test_a_bucket_is_a_folder() -> None:
    read = read_entries("gs://bucket/p/")
    assert read == {f"gs://bucket/{name}": PHOTOS[name] for name in PHOTOS}
    assert read_entries("gs://bucket/p") == read
    assert list(read_entries("gs://bucket/p/", Choice(recursive=False))) == [
        f"gs://bucket/p/{name}.jpg" for name in "abd"
    ]


def test_what_a_bucket_lists_has_a_time() -> None:
    changed = 1796040000500_000_000
    assert read_entries("gs://bucket/p/", Choice(newer_than=changed)) == {}
    assert len(read_entries("gs://bucket/p/", Choice(newer_than=changed - 1))) == len(PHOTOS)


def test_an_object_without_content_is_empty() -> None:
    assert read_entries("gs://bucket/0.jpg") == {"gs://bucket/0.jpg": b""}


def test_a_photo_is_read() -> None:
    assert read_entries("gs://bucket/p/in/c.jpg") == {
        "gs://bucket/p/in/c.jpg": PHOTOS["p/in/c.jpg"]
    }


def test_a_pattern_stands_for_all_that_match() -> None:
    assert list(read_entries("gs://bucket/p/?.jpg")) == [
        f"gs://bucket/p/{name}.jpg" for name in "abd"
    ]


def test_folders_without_a_name_and_signs_of_patterns_are_found() -> None:
    below = "gs://bucket/odd"
    assert list(read_entries(below)) == [
        f"{below}/a*b.jpg",
        f"{below}/what?.jpg",
        f"{below}//b.jpg",
    ]
    assert list(read_entries(f"{below}/a*b.jpg")) == [f"{below}/a*b.jpg"]


@pytest.mark.parametrize("name", ["a.tar", "a.zip"])
def test_an_archive_is_read(name: str) -> None:
    assert read_entries(f"gs://bucket/{name}") == {
        f"gs://bucket/{name}/{member}": PHOTOS[member] for member in PHOTOS
    }


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("gone.jpg", "no such file"),
        ("403.jpg", "no permission to read it"),
        ("400.jpg", "cannot be fetched: the server answers 400"),
        # Its client tries again by itself until the time is over.
        ("503.jpg", "cannot be fetched: the server is too slow"),
    ],
)
def test_a_fault_of_a_bucket_is_a_row(
    name: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "_SECONDS", 3.0)
    (said,) = read_entries(f"gs://bucket/{name}").values()
    assert isinstance(said, str) and said.startswith(reason)


@pytest.mark.parametrize("name", ["p/", "p", "*.jpg", ""])
def test_a_bucket_that_is_not_there_ends_the_run(name: str) -> None:
    with pytest.raises(UsageError, match="there is no bucket 'nowhere'"):
        read_entries(f"gs://nowhere/{name}")
    assert read_entries("gs://nowhere/a.jpg") == {"gs://nowhere/a.jpg": "no such file"}
