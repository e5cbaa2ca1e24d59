import hashlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from biqa_cli.errors import WeightsError
from biqa_cli.weights import transfer
from biqa_cli.weights.cache import stale_files
from biqa_cli.weights.download import obtain, obtain_file
from biqa_cli.weights.manifest import Checkpoint, Manifest

CONTENT = bytes(range(256)) * 4000
NAME = "m.safetensors"


def _checkpoint(content: bytes = CONTENT) -> Checkpoint:
    sha256 = hashlib.sha256(content).hexdigest()
    return Checkpoint("m", NAME, len(content), sha256, "l", "t", "d", "r", "s", 0.9, 0.8, 0.7, 0.9)


def _manifest(base_url: str = "") -> Manifest:
    return Manifest(base_url, (_checkpoint(),))


class Mirror(ThreadingHTTPServer):
    """A mirror on loopback that can break off, ignore ranges or lie."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content, self.breaks_after, self.knows_ranges = CONTENT, len(CONTENT), True
        self.requests: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: Mirror

    def do_GET(self) -> None:
        wanted = self.headers.get("Range") if self.server.knows_ranges else None
        self.server.requests.append(wanted)
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        body = self.server.content[start:]
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: self.server.breaks_after])

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    with Mirror() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def _files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def test_a_download_is_put_in_place_and_not_repeated(mirror: Mirror, cache: Path) -> None:
    told: list[int] = []
    manifest = _manifest(mirror.url)
    (path,) = obtain(_checkpoint(), manifest, progress=lambda _name, have, _all: told.append(have))
    assert (path, path.read_bytes()) == (cache / NAME, CONTENT)
    assert told[-1] == len(CONTENT)
    assert obtain(_checkpoint(), manifest) == [path]
    # What is here needs no mirror.
    assert obtain(_checkpoint(), _manifest()) == [path]
    assert len(mirror.requests) == 1
    assert _files(cache) == [NAME]


@pytest.mark.parametrize("knows_ranges", [True, False])
def test_a_broken_download_resumes_and_its_pace_is_that_of_the_rest(
    mirror: Mirror, cache: Path, monkeypatch: pytest.MonkeyPatch, knows_ranges: bool
) -> None:
    received: list[int] = []
    mirror.knows_ranges, mirror.breaks_after = knows_ranges, 300_000
    with pytest.raises(WeightsError, match="run it again to resume"):
        obtain(_checkpoint(), _manifest(mirror.url))
    assert not (cache / NAME).exists()
    mirror.breaks_after = len(CONTENT)
    monkeypatch.setattr(transfer, "_require_pace", lambda got, _seconds: received.append(got))
    (path,) = obtain(_checkpoint(), _manifest(mirror.url))
    assert path.read_bytes() == CONTENT
    assert received[-1] == len(CONTENT) - (300_000 if knows_ranges else 0)
    assert mirror.requests[1] == ("bytes=300000-" if knows_ranges else None)
    assert len(mirror.requests) == 2


def test_a_download_that_ended_before_it_was_put_in_place_is_not_repeated(
    mirror: Mirror, cache: Path
) -> None:
    mirror.breaks_after = 300_000
    with pytest.raises(WeightsError, match="run it again to resume"):
        obtain(_checkpoint(), _manifest(mirror.url))
    (partial,) = cache.glob("*.part")
    partial.write_bytes(CONTENT)
    (path,) = obtain(_checkpoint(), _manifest(mirror.url))
    assert path.read_bytes() == CONTENT
    assert len(mirror.requests) == 1 and _files(cache) == [NAME]


@pytest.mark.parametrize("content", [CONTENT[:-1] + b"?", CONTENT + b"more"])
def test_a_wrong_content_keeps_nothing(mirror: Mirror, cache: Path, content: bytes) -> None:
    mirror.content, mirror.breaks_after = content, len(content)
    with pytest.raises(WeightsError, match="nothing was kept|sends more than"):
        obtain(_checkpoint(), _manifest(mirror.url))
    assert not (cache / NAME).exists()
    mirror.content = CONTENT
    (path,) = obtain(_checkpoint(), _manifest(mirror.url))
    assert path.read_bytes() == CONTENT


def test_many_at_once_download_once_and_agree(mirror: Mirror, cache: Path) -> None:
    found: list[list[Path]] = []
    threads = [
        threading.Thread(target=lambda: found.append(obtain(_checkpoint(), _manifest(mirror.url))))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [[cache / NAME]] * 6
    assert len(mirror.requests) == 1


def test_a_folder_serves_as_a_mirror(tmp_path: Path, cache: Path) -> None:
    (tmp_path / NAME).write_bytes(CONTENT)
    assert obtain(_checkpoint(), _manifest(), source=str(tmp_path), offline=True) == [cache / NAME]


def test_the_environment_names_a_mirror(
    mirror: Mirror, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIQA_WEIGHTS_URL", mirror.url + "/")
    assert obtain(_checkpoint(), _manifest("http://127.0.0.1:1")) == [cache / NAME]


def test_offline_opens_no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    with pytest.raises(WeightsError, match="--offline forbids downloading"):
        obtain(_checkpoint(), _manifest("https://example.org"), offline=True)


def test_without_a_source_the_message_names_the_ways_to_give_one() -> None:
    with pytest.raises(WeightsError, match="--from CHECKOUT/weights` .* or set BIQA_WEIGHTS_URL"):
        obtain(_checkpoint(), _manifest())


def test_a_damaged_file_in_the_cache_is_replaced_on_request(tmp_path: Path, cache: Path) -> None:
    (tmp_path / NAME).write_bytes(CONTENT)
    (cache / NAME).write_bytes(b"damaged")
    obtain(_checkpoint(), _manifest(), source=str(tmp_path), recheck=True)
    assert (cache / NAME).read_bytes() == CONTENT


def test_a_file_that_is_here_is_not_read_before_it_is_loaded(cache: Path) -> None:
    (cache / NAME).write_bytes(b"damaged")
    checkpoint = _checkpoint()
    assert obtain(checkpoint, _manifest()) == [cache / NAME]
    found = obtain_file(checkpoint, checkpoint.weights, _manifest(), offline=True)
    assert found == cache / NAME


def test_prune_finds_what_no_checkpoint_uses(cache: Path) -> None:
    (cache / NAME).write_bytes(CONTENT)
    (cache / "old.safetensors").write_bytes(b"old")
    assert stale_files(_manifest()) == [cache / "old.safetensors"]
    (cache / NAME).write_bytes(b"damaged")
    assert cache / NAME in stale_files(_manifest())
