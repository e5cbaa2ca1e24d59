"""The questions of a session as a page in a browser on this machine, and nowhere else.

The server listens on the loopback interface alone. Its address holds a secret, so that no other
page and no other user of the machine can answer or see a photo, and it refuses names that only
lead to this machine (DNS rebinding).
"""

import io
import json
import logging
import secrets
import sys
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any

from biqa_cli.errors import BiqaError
from biqa_cli.images.limits import Limits
from biqa_cli.images.reading import read_photo
from biqa_cli.tuning.session import Session

logger = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
_LONGEST_SIDE = 2000
_MOST_BYTES = 10_000
"""Of an answer."""
_POLICY = "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'; script-src 'self'; "
_POLICY += "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


class RatingServer(ThreadingHTTPServer):
    """Serves the page of a session until it is shut down.

    Args:
        session: What is asked.
        folder: That the names of its photos are relative to.
        limits: What reading a photo may cost.
        port: To listen on; 0 is any that is free.

    Raises:
        OSError: If the port is taken.
    """

    daemon_threads = True

    def __init__(self, session: Session, folder: Path, *, limits: Limits, port: int = 0) -> None:
        self.session, self.folder, self.limits = session, folder, limits
        self.secret = secrets.token_urlsafe(16)
        self.lock = threading.Lock()
        super().__init__((LOOPBACK, port), _Handler)

    @property
    def address(self) -> str:
        """What to open."""
        return f"http://{LOOPBACK}:{self.server_port}/{self.secret}/"

    def handle_error(self, request: object, client_address: object) -> None:  # noqa: ARG002
        """Log what a request has ended by: a browser hangs up on photos that it no longer needs."""
        logger.debug("a request of the page failed: %s", sys.exception())

    def state(self) -> dict[str, Any]:
        """Return what the page shows, as plain data."""
        session = self.session
        return {
            "place": session.place,
            "questions": len(session.questions),
            "done": session.done,
            "names": session.question,
            "allowed": session.allowed,
        }

    def picture(self, place: int, which: int) -> bytes:
        """Return a photo of a question as JPEG.

        Raises:
            IndexError: If there is no such question or photo.
            BiqaError: If it cannot be read.
        """
        name = self.session.questions[place][which]
        image = read_photo(self.folder / name, limits=self.limits).image.convert("RGB")
        image.thumbnail((_LONGEST_SIDE, _LONGEST_SIDE))
        written = io.BytesIO()
        image.save(written, "JPEG", quality=92)
        return written.getvalue()


class _Handler(BaseHTTPRequestHandler):
    server: RatingServer

    def do_GET(self) -> None:
        """Send the page, its script, what is asked, or a photo."""
        found = self._asked_for()
        if found is None:
            return
        match found.split("/"):
            case [""]:
                self._send(_file("rate.html"), "text/html; charset=utf-8")
            case ["rate.js"]:
                self._send(_file("rate.js"), "text/javascript; charset=utf-8")
            case ["state"]:
                self._send_state()
            case ["photo", place, which] if place.isdecimal() and which.isdecimal():
                self._send_picture(int(place), int(which))
            case _:
                self.send_error(HTTPStatus.NOT_FOUND)

    def do_POST(self) -> None:
        """Take an answer, and send what is asked next."""
        if self._asked_for() != "answer":
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > _MOST_BYTES:
            self.send_error(HTTPStatus.BAD_REQUEST)
            return
        try:
            given = json.loads(self.rfile.read(int(length)))
            place, answer = given["place"], given["answer"]
            with self.server.lock:
                # A second click on one question is not an answer to the next.
                if place == self.server.session.place:
                    self.server.session.give(answer)
        except (ValueError, TypeError, KeyError, RecursionError, BiqaError) as error:
            self._send(str(error).encode(), "text/plain; charset=utf-8", HTTPStatus.BAD_REQUEST)
            return
        self._send_state()

    def _asked_for(self) -> str | None:
        """Return what is asked for below the secret; None, once refused, to strangers."""
        port = self.server.server_port
        prefix = f"/{self.server.secret}/"
        if self.headers.get("Host") in (f"{LOOPBACK}:{port}", f"localhost:{port}"):
            start = self.path[: len(prefix)]
            if secrets.compare_digest(start.encode(), prefix.encode()):
                return self.path[len(prefix) :]
        self.send_error(HTTPStatus.FORBIDDEN)
        return None

    def _send_state(self) -> None:
        with self.server.lock:
            state = self.server.state()
        self._send(json.dumps(state).encode(), "application/json")

    def _send_picture(self, place: int, which: int) -> None:
        try:
            self._send(self.server.picture(place, which), "image/jpeg")
        except IndexError:
            self.send_error(HTTPStatus.NOT_FOUND)
        except BiqaError as error:
            self._send(str(error).encode(), "text/plain; charset=utf-8", HTTPStatus.NOT_FOUND)

    def _send(self, content: bytes, kind: str, status: HTTPStatus = HTTPStatus.OK) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Security-Policy", _POLICY)
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  as in the base
        """Say nothing: stderr is for people, and the address holds the secret."""


def _file(name: str) -> bytes:
    return files("biqa_cli.tuning").joinpath(name).read_bytes()


def serve(server: RatingServer, *, when_ready: Callable[[str], None]) -> None:
    """Serve until Ctrl-C, or a signal that ends the run.

    Args:
        server: Of the session.
        when_ready: Gets the address.
    """
    with server:
        when_ready(server.address)
        server.serve_forever(poll_interval=0.2)
