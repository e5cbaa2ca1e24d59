"""A web server on loopback that does what it is told: answers, and every way not to."""

import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HALF = 2
_DRIBBLE = 512


class FaultyServer(ThreadingHTTPServer):
    """Serves `files`, or what the server behind it serves; faults are told by the name of a file.

    busy-N.x answers 503 to the first N requests, cut-N.x cuts the first N bodies in the middle,
    slow.x sends a byte now and then, dribble.x half a kB, endless.x does not end, whole.x comes
    whole or not at all, and plain.x too, without a word. packed.x is compressed, loop.x leads to
    itself, gone.x and secret.x are 404 and 403.
    """

    daemon_threads = True

    def __init__(self, files: dict[str, bytes] | None = None, behind: int | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files = files or {}
        self.behind = behind
        self.asked: Counter[str] = Counter()
        self.authorizations: list[str | None] = []

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that go away are expected."""

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])


class _Handler(BaseHTTPRequestHandler):
    server: FaultyServer
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self) -> None:
        name = self.path.partition("?")[0].rpartition("/")[2]
        fault, _, times = name.rpartition(".")[0].partition("-")
        self.server.authorizations.append(self.headers.get("Authorization"))
        self.server.asked[name] += 1
        is_early = self.server.asked[name] <= int(times if times.isdigit() else 0)
        if fault == "busy" and is_early:
            self._send(503, b"<Error><Code>SlowDown</Code></Error>")
        elif fault == "gone":
            self._send(404, b"")
        elif fault == "secret":
            self._send(403, b"")
        elif fault == "loop":
            self._send(302, b"", {"Location": self.path})
        elif fault == "endless":
            self._drip(b"\xff" * 65536, 0.0)
        elif fault == "slow":
            self._drip(b"\xff", 0.2)
        else:
            status, body, headers = self._content()
            wanted = re.fullmatch(r"bytes=([0-9]+)-([0-9]+)", self.headers.get("Range", ""))
            if self.server.behind is None and wanted and fault not in ("whole", "plain"):
                first, last = int(wanted[1]), min(int(wanted[2]), len(body) - 1)
                headers["Content-Range"] = f"bytes {first}-{last}/{len(body)}"
                status, body = 206, body[first : last + 1]
            if fault == "packed":
                headers["Content-Encoding"] = "gzip"
            pause = 0.1 if fault == "dribble" else 0.0
            self._send(status, body, headers, cut=fault == "cut" and is_early, pause=pause)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _answer  # noqa: N815

    def _content(self) -> tuple[int, bytes, dict[str, str]]:
        if self.server.behind is None:
            body = self.server.files.get(self.path.partition("?")[0].lstrip("/"))
            told = {"Accept-Ranges": "none" if "whole" in self.path else "bytes"}
            if body is None:
                return 404, b"", {}
            return 200, body, {} if "plain" in self.path else told
        length = int(self.headers.get("Content-Length") or 0)
        behind = HTTPConnection("127.0.0.1", self.server.behind, timeout=20)
        headers = {name: value for name, value in self.headers.items() if name != "Connection"}
        behind.request(self.command, self.path, self.rfile.read(length), headers)
        answer = behind.getresponse()
        body = answer.read()
        left = ("content-length", "transfer-encoding", "connection", "server", "date")
        kept = {name: value for name, value in answer.getheaders() if name.lower() not in left}
        if self.command == "HEAD":
            kept["Content-Length"] = answer.getheader("Content-Length") or "0"
        behind.close()
        return answer.status, body, kept

    def _send(
        self,
        status: int,
        body: bytes,
        headers: dict[str, str] | None = None,
        *,
        cut: bool = False,
        pause: float = 0.0,
    ) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            sent = body[: len(body) // HALF] if cut else body
            step = _DRIBBLE if pause else max(len(sent), 1)
            for start in range(0, len(sent), step):
                self.wfile.write(sent[start : start + step])
                time.sleep(pause)
        self.close_connection = self.close_connection or cut

    def _drip(self, piece: bytes, seconds: float) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(1 << 40))
        self.end_headers()
        while not self.server._BaseServer__shutdown_request:  # type: ignore[attr-defined]  # noqa: SLF001
            self.wfile.write(piece)
            time.sleep(seconds)


@contextmanager
def serving(make: Callable[[], FaultyServer]) -> Iterator[FaultyServer]:
    """Run a server in a thread."""
    server = make()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
