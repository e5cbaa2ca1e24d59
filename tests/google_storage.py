"""A server of Google Cloud Storage on loopback: what reading needs of its JSON API."""

import json
import re
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

_OBJECT = re.compile(
    r"(?P<download>/download)?/storage/v1/b/(?P<bucket>[^/]+)(?:/o(?:/(?P<key>.+))?)?"
)


CHANGED = "2026-11-30T12:00:00.500Z"
"""When all objects were changed."""


class GoogleStorage(ThreadingHTTPServer):
    """Serves the objects of one bucket, a page of a list at a time.

    The status of an object whose name begins with a number is that number.
    """

    daemon_threads = True

    def __init__(self, bucket: str, objects: dict[str, bytes], *, page: int = 2) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.bucket = bucket
        self.objects = objects
        self.page = page
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: GoogleStorage
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        found = _OBJECT.fullmatch(parts.path)
        self.server.asked.append(self.path)
        if not found or found["bucket"] != self.server.bucket:
            self._send(404, b"{}")
        elif not found["key"]:
            self._send(200, json.dumps(self._listed(asked)).encode())
        else:
            self._send_object(unquote(found["key"]), content=bool(found["download"]))

    do_HEAD = do_POST = do_GET  # noqa: N815

    def _send_object(self, name: str, *, content: bool) -> None:
        body = self.server.objects.get(name)
        if name[:3].isdigit():
            status = int(name[:3])
            error = {"error": {"code": status, "message": "as told"}}
            self._send(status, json.dumps(error).encode())
        elif body is None:
            self._send(404, b"{}")
        elif not content:
            self._send(200, json.dumps(_described(self.server.bucket, name, body)).encode())
        elif wanted := re.fullmatch(r"bytes=([0-9]+)-([0-9]*)", self.headers.get("Range", "")):
            first, last = int(wanted[1]), int(wanted[2] or len(body) - 1)
            if first >= len(body):
                self._send(416, b'{"error": {"code": 416, "message": "past the end"}}')
                return
            part = body[first : last + 1]
            self._send(206, part, f"bytes {first}-{first + len(part) - 1}/{len(body)}")
        else:
            self._send(200, body)

    def _listed(self, asked: dict[str, str]) -> dict[str, object]:
        prefix, delimiter = asked.get("prefix", ""), asked.get("delimiter", "")
        names = sorted(name for name in self.server.objects if name.startswith(prefix))
        rest = {name: name[len(prefix) :].partition(delimiter or "\0") for name in names}
        folders = {prefix + head + delimiter for head, found, _ in rest.values() if found}
        entries = sorted([name for name in names if not rest[name][1]] + list(folders))
        first = int(asked.get("pageToken", 0))
        last = first + min(self.server.page, int(asked.get("maxResults", self.server.page)))
        shown = entries[first:last]
        items = [
            _described(self.server.bucket, name, self.server.objects[name])
            for name in shown
            if name not in folders
        ]
        following = {"nextPageToken": str(last)} if last < len(entries) else {}
        prefixes = [name for name in shown if name in folders]
        return {"kind": "storage#objects", "items": items, "prefixes": prefixes, **following}

    def _send(self, status: int, body: bytes, part: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if part:
            self.send_header("Content-Range", part)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _described(bucket: str, name: str, body: bytes) -> dict[str, str]:
    kinds = {"kind": "storage#object", "storageClass": "STANDARD", "contentType": "image/jpeg"}
    return {
        **kinds,
        "bucket": bucket,
        "name": name,
        "size": str(len(body)),
        "generation": "1",
        "updated": CHANGED,
    }
