"""Mirrors that are broken or hostile: one line, bounded time, and the next good one succeeds."""

import hashlib
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from biqa_cli.errors import WeightsError
from biqa_cli.weights import transfer
from biqa_cli.weights.download import obtain
from biqa_cli.weights.manifest import Checkpoint, Manifest

CONTENT = bytes(range(256)) * 400
NAME = "m.safetensors"
CHECKPOINT = Checkpoint(
    "m",
    NAME,
    len(CONTENT),
    hashlib.sha256(CONTENT).hexdigest(),
    "l",
    "t",
    "d",
    "r",
    "s",
    1,
    1,
    1,
    1,
)
SECRET = "hunter2"
LENGTH = f"Content-Length: {len(CONTENT)}\r\n".encode()
Answer = Callable[[socket.socket, bytes], None]


class Server:
    """Answers each connection with what a test has written down, byte by byte."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self.answer: Answer = good
        self.requests: list[bytes] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def url(self, user: str = "") -> str:
        return f"http://{user}127.0.0.1:{self.port}/weights"

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            request = connection.recv(65536)
            self.requests.append(request)
            self.answer(connection, request)


def good(connection: socket.socket, request: bytes) -> None:
    """Serve the file, from where it is asked for."""
    start = 0
    for line in request.split(b"\r\n"):
        if line.lower().startswith(b"range: bytes="):
            start = int(line.split(b"=")[1].rstrip(b"-"))
    status = b"206 Partial Content" if start else b"200 OK"
    body = CONTENT[start:]
    head = b"HTTP/1.1 %s\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, len(body))
    connection.sendall(head + body)


def says(*pieces: bytes) -> Answer:
    def answer(connection: socket.socket, _: bytes) -> None:
        for piece in pieces:
            connection.sendall(piece)

    return answer


def for_ever(start: bytes, piece: bytes, *, pause: float = 0.0) -> Answer:
    def answer(connection: socket.socket, _: bytes) -> None:
        connection.sendall(start)
        while True:
            connection.sendall(piece)
            time.sleep(pause)

    return answer


def silent(connection: socket.socket, _: bytes) -> None:
    """Say nothing until the client has gone."""
    connection.recv(1)


def redirect(target: bytes) -> Answer:
    return says(b"HTTP/1.1 302 Found\r\nLocation: " + target + b"\r\nContent-Length: 0\r\n\r\n")


OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
HOSTILE: dict[str, Answer] = {
    "closes at once": says(),
    "garbage": says(b"\x00\xff" * 5000),
    "no status": says(b"HTTP/1.1\r\n\r\n"),
    "a status that is no number": says(b"HTTP/1.1 OK two\r\n\r\n"),
    "SSH": says(b"SSH-2.0-OpenSSH_9.9\r\n"),
    "403": says(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"),
    "404 without end": for_ever(b"HTTP/1.1 404 Not Found\r\n\r\n", b"x" * 65536),
    "500": says(b"HTTP/1.1 500 No\r\n\r\n"),
    "204": says(b"HTTP/1.1 204 No Content\r\n\r\n"),
    "206 unasked": says(b"HTTP/1.1 206 Partial Content\r\n\r\n", CONTENT[7:]),
    "416 unasked": says(b"HTTP/1.1 416 No\r\nContent-Length: 0\r\n\r\n"),
    "a web page": says(OK, b"Content-Type: text/html\r\n\r\n", b"<html>log in</html>"),
    "a web page of the right size": says(
        OK, b"Content-Type: text/html\r\n", LENGTH, b"\r\n", b"<" * len(CONTENT)
    ),
    "compressed": says(OK, b"Content-Encoding: gzip\r\n", LENGTH, b"\r\n", CONTENT),
    "another length": says(OK, b"Content-Length: 3\r\n\r\nabc"),
    "a length below zero": says(OK, b"Content-Length: -3\r\n\r\nabc"),
    "a length that is no number": says(OK, b"Content-Length: many\r\n\r\n", CONTENT),
    "ends early": says(OK, LENGTH, b"\r\n", CONTENT[:999]),
    "ends early without a length": says(OK, b"\r\n", b"?" * 999),
    "another content": says(OK, LENGTH, b"\r\n", b"?" * len(CONTENT)),
    "a body without end": for_ever(OK + b"\r\n", b"?" * 65536),
    "chunks that are cut": says(CHUNKED, b"ffff\r\n", b"?" * 999),
    "chunks of no size": says(CHUNKED, b"zz\r\n", b"?" * 999),
    "chunks below zero": says(CHUNKED, b"-5\r\n", b"?" * 999),
    "a chunk of a gigantic size": says(CHUNKED, b"f" * 30 + b"\r\n", b"?" * 999),
    "a size of a chunk without end": for_ever(CHUNKED, b"0" * 4096),
    "trailers without end": for_ever(CHUNKED + b"3\r\nabc\r\n0\r\n", b"X-A: b\r\n", pause=0.001),
    "headers without end": for_ever(OK, b"X-A: b\r\n"),
    "a header without end": for_ever(OK + b"X-A: ", b"a" * 4096),
    "headers, slowly": for_ever(OK + b"X-A: ", b"a", pause=0.05),
    "100 without end": for_ever(b"", b"HTTP/1.1 100 Continue\r\n\r\n", pause=0.001),
    "a body, slowly": for_ever(OK + LENGTH + b"\r\n", b"a", pause=0.05),
    "silence": silent,
    "silence after the headers": for_ever(OK + LENGTH + b"\r\n", b"", pause=0.1),
    "redirect to a malformed port": redirect(b"http://127.0.0.1:port/x"),
    "redirect to a malformed host": redirect(b"http://[::1/x"),
    "redirect with a space": redirect(b"http://127.0.0.1:1/a b c"),
    "redirect that is not ASCII": redirect(b"http://\xff\xfe/x"),
    "redirect to nothing": redirect(b""),
    "redirect to a file": redirect(b"file:///etc/passwd"),
    "redirect to FTP": redirect(b"ftp://127.0.0.1/x"),
    "redirect to data": redirect(b"data:,x"),
    "redirect in a circle": redirect(b"/weights/" + NAME.encode()),
    "a redirect without end": for_ever(
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/x\r\n\r\n", b"x" * 65536
    ),
}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(transfer, "_PATIENCE_SECONDS", 0.6)
    server = Server()
    yield server
    server.close()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_server_costs_a_line_and_the_next_good_one_succeeds(
    server: Server, cache: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.answer = HOSTILE[name]
    source = server.url(f"user:{SECRET}@")
    started = time.monotonic()
    with pytest.raises(WeightsError) as caught:
        obtain(CHECKPOINT, Manifest("", ()), source=source)
    assert time.monotonic() - started < 10
    message = str(caught.value)
    assert message.startswith(("cannot download http://127.0.0.1", "cannot use http://", "http://"))
    assert "\n" not in message and len(message) < 400
    assert SECRET not in message + caplog.text
    assert not (cache / NAME).exists()
    assert sum(path.stat().st_size for path in cache.iterdir()) <= len(CONTENT)
    server.answer = good
    (path,) = obtain(CHECKPOINT, Manifest("", ()), source=source)
    assert path.read_bytes() == CONTENT


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_server_cannot_spoil_what_is_here_already(
    server: Server, cache: Path, name: str
) -> None:
    partial = cache / f"{NAME}.{CHECKPOINT.sha256[:16]}.part"
    partial.write_bytes(CONTENT[:5000])
    server.answer = HOSTILE[name]
    with pytest.raises(WeightsError):
        obtain(CHECKPOINT, Manifest("", ()), source=server.url())
    server.answer = good
    (path,) = obtain(CHECKPOINT, Manifest("", ()), source=server.url())
    assert path.read_bytes() == CONTENT


def test_a_range_that_the_server_refuses_starts_anew(server: Server, cache: Path) -> None:
    (cache / f"{NAME}.{CHECKPOINT.sha256[:16]}.part").write_bytes(b"?" * 5000)

    def picky(connection: socket.socket, request: bytes) -> None:
        if b"Range:" in request:
            connection.sendall(b"HTTP/1.1 416 No\r\nContent-Length: 0\r\n\r\n")
        else:
            good(connection, request)

    server.answer = picky
    (path,) = obtain(CHECKPOINT, Manifest("", ()), source=server.url())
    assert path.read_bytes() == CONTENT
    assert len(server.requests) == 2


def test_a_beginning_of_another_file_is_thrown_away_at_once(server: Server, cache: Path) -> None:
    (cache / f"{NAME}.{CHECKPOINT.sha256[:16]}.part").write_bytes(b"?" * 5000)
    (path,) = obtain(CHECKPOINT, Manifest("", ()), source=server.url())
    assert path.read_bytes() == CONTENT
    assert [b"Range: bytes=5000-" in request for request in server.requests] == [True, False]


def test_a_password_is_sent_to_its_server_and_to_no_other(server: Server, cache: Path) -> None:
    other = Server()
    server.answer = redirect(f"http://127.0.0.1:{other.port}/elsewhere".encode())
    source = server.url(f"user:{SECRET}@")
    (path,) = obtain(CHECKPOINT, Manifest("", ()), source=source)
    other.close()
    assert path.read_bytes() == CONTENT and path.parent == cache
    assert b"Authorization: Basic dXNlcjpodW50ZXIy" in server.requests[0]
    assert b"Authorization" not in other.requests[0]


def test_the_query_of_an_address_stays_behind_the_name_and_unsaid(server: Server) -> None:
    server.answer = HOSTILE["403"]
    with pytest.raises(WeightsError) as caught:
        obtain(CHECKPOINT, Manifest("", ()), source=f"{server.url()}?signature={SECRET}")
    assert server.requests[0].startswith(b"GET /weights/m.safetensors?signature=hunter2 HTTP")
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        f"http://user:{SECRET}@host:port/x",
        f"http://user:{SECRET}@[::1/x",
        f"http://user:{SECRET}@/x",
        f"http://user:{SECRET}@ho\nst/x",
        f"http://user:{SECRET}@{'a' * 300}/x",
        f"ftp://user:{SECRET}@host/x",
        f"://user:{SECRET}@host",
    ],
)
def test_a_malformed_address_is_not_repeated(address: str) -> None:
    with pytest.raises(WeightsError, match="not an address such as https://host/folder") as caught:
        obtain(CHECKPOINT, Manifest("", ()), source=address)
    assert SECRET not in str(caught.value)


def test_a_folder_with_a_file_without_end_or_of_another_kind(tmp_path: Path, cache: Path) -> None:
    os.mkfifo(tmp_path / NAME)
    with pytest.raises(WeightsError, match="not a regular file"):
        obtain(CHECKPOINT, Manifest("", ()), source=str(tmp_path))
    (tmp_path / NAME).unlink()
    (tmp_path / NAME).symlink_to("/dev/zero")
    with pytest.raises(WeightsError, match="not a regular file"):
        obtain(CHECKPOINT, Manifest("", ()), source=str(tmp_path))
    (tmp_path / NAME).unlink()
    with (tmp_path / NAME).open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(WeightsError, match="it has 1099511627776 bytes, expected 102400"):
        obtain(CHECKPOINT, Manifest("", ()), source=str(tmp_path))
    assert sum(path.stat().st_size for path in cache.iterdir()) == 0


def test_a_cache_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / NAME).write_bytes(CONTENT)
    (tmp_path / "file").touch()
    monkeypatch.setenv("BIQA_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(WeightsError, match="cannot write into .*cache: Not a directory"):
        obtain(CHECKPOINT, Manifest("", ()), source=str(tmp_path))
