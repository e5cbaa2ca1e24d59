"""One file over HTTP, from a server that may be broken or hostile: bounded in time and size."""

import base64
import http.client
import socket
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from biqa_cli.errors import WeightsError
from biqa_cli.weights.manifest import WeightsFile

_CHUNK = 1 << 18
# For the connection, for all headers together, and for each piece of the body.
_PATIENCE_SECONDS = 30.0
# After that long a transfer must have had this rate, on the average.
_LEAST_BYTES_A_SECOND = 4096


class Unusable(Exception):  # noqa: N818  it says what the answer is
    """What the server sends is not the file: nothing of it may be kept."""


class Interrupted(Exception):  # noqa: N818  the same
    """The transfer has ended early: what is here may be the beginning of the file."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a file is, without the secrets that the user may have put into its address."""

    url: str
    """Without user and password; with its query, which may be a signature."""
    authorization: str | None
    """The header for user and password."""
    shown: str
    """What messages and the log may say of it."""


def parse_address(base: str, name: str) -> Address:
    """Return the address of a file of a mirror.

    Args:
        base: The mirror, such as https://user:password@host/folder?signature.
        name: Of the file.

    Raises:
        WeightsError: If it is no http(s) address; the message does not repeat it.
    """
    try:
        parts = urlsplit(base)
        # Asking for the port checks it.
        host, port = parts.hostname, parts.port
        # A host that no name server could know is refused here.
        is_address = parts.scheme in ("http", "https") and bool((host or "").encode("idna"))
    except ValueError:
        is_address = False
    if not is_address or not base.isprintable():
        # The address may hold a password: it is not repeated.
        raise WeightsError(
            "the source of weights is not an address such as https://host/folder, nor a folder: "
            "check --from and BIQA_WEIGHTS_URL"
        )
    place = f"[{host}]" if host and ":" in host else host
    place = place if port is None else f"{place}:{port}"
    path = f"{quote(parts.path.rstrip('/'), safe='/%')}/{quote(name)}"
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    secret = base64.b64encode(f"{user}:{password}".encode()).decode()
    return Address(
        url=urlunsplit((parts.scheme, place, path, quote(parts.query, safe="=&%+/:,;"), "")),
        authorization=f"Basic {secret}" if user or password else None,
        shown=f"{parts.scheme}://{place}{path}",
    )


def transfer(
    address: Address,
    partial: Path,
    file: WeightsFile,
    *,
    have: int,
    progress: Callable[[str, int, int], None] | None,
) -> None:
    """Write a file, or what is left of it, behind the bytes that are here.

    Args:
        address: Of the file.
        partial: Where it is written.
        file: How large it must be.
        have: How many bytes of `partial` are its beginning.
        progress: Told how it goes.

    Raises:
        Unusable: If the server sends something else.
        Interrupted: If the connection fails or is slower than 4 kB a second.
        OSError: If the file cannot be written.
    """
    headers = {"User-Agent": "biqa", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    request = urllib.request.Request(address.url, headers=headers)  # noqa: S310  it was checked
    if address.authorization is not None:
        # Not sent to wherever the server redirects to.
        request.add_unredirected_header("Authorization", address.authorization)
    with _Watchdog() as watchdog:
        response = _asked(lambda: _opener(watchdog).open(request, timeout=_PATIENCE_SECONDS))
        with response:
            resumed = _check(response, file, have=have)
            with partial.open("ab" if resumed else "wb") as target:
                got = have if resumed else 0
                started, began_with = time.monotonic(), got
                while True:
                    watchdog.feed()
                    chunk: bytes = _asked(lambda: response.read1(_CHUNK))
                    if not chunk:
                        break
                    got += len(chunk)
                    if got > file.bytes:
                        msg = f"it sends more than the {file.bytes} bytes of {file.file}"
                        raise Unusable(msg)
                    target.write(chunk)
                    if progress is not None:
                        progress(file.file, got, file.bytes)
                    _require_pace(got - began_with, time.monotonic() - started)
    if got < file.bytes:
        msg = f"the connection ended after {got} of {file.bytes} bytes"
        raise Interrupted(msg)


def _require_pace(received: int, seconds: float) -> None:
    if seconds > _PATIENCE_SECONDS and received < _LEAST_BYTES_A_SECOND * seconds:
        msg = f"the server is too slow: {received} bytes in {seconds:.0f} seconds"
        raise Interrupted(msg)


def _check(response: Any, file: WeightsFile, *, have: int) -> bool:  # noqa: ANN401  http.client's or urllib's
    """Return whether the answer continues what is here; False: it starts anew.

    Raises:
        Unusable: If it cannot be the file.
    """
    headers = response.headers
    if headers.get_content_type() == "text/html":
        raise Unusable("the server answers with a web page")
    if headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Unusable("the server sends it compressed")
    resumed = bool(have) and response.status == HTTPStatus.PARTIAL_CONTENT
    if not resumed and response.status != HTTPStatus.OK:
        msg = f"the server answers {response.status}, expected 200"
        raise Unusable(msg)
    expected = file.bytes - have if resumed else file.bytes
    told = headers.get("Content-Length")
    if told is not None and told.strip() != str(expected):
        raise Unusable("the server's file has another size than weights.toml lists")
    begins = f"bytes {have}-"
    if resumed and not headers.get("Content-Range", begins).startswith(begins):
        raise Unusable("the server continues at another place")
    return resumed


def _asked(ask: Callable[[], Any]) -> Any:  # noqa: ANN401  what is asked for
    """Return what the server answers; its errors become ours, none of which repeats an address.

    Raises:
        Unusable: If the server cannot continue there, or sends what is not HTTP.
        Interrupted: If the connection fails, or the server refuses.
    """
    try:
        return ask()
    except urllib.error.HTTPError as error:
        error.close()
        msg = f"the server answers {error.code}"
        beyond = error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
        raise (Unusable(msg) if beyond else Interrupted(msg)) from None
    except (urllib.error.URLError, OSError) as error:
        raise Interrupted(_told(getattr(error, "reason", error))) from None
    except (http.client.IncompleteRead, http.client.RemoteDisconnected):
        raise Interrupted("the connection has ended early") from None
    except (http.client.HTTPException, ValueError, AttributeError) as error:
        # What the server has sent, such as a malformed address that it redirects to. A socket
        # that the watchdog closes within TLS ends as an AttributeError.
        msg = f"the server does not speak HTTP as it should ({type(error).__name__})"
        raise Unusable(msg) from None


def _told(reason: object) -> str:
    """Return why a connection has failed; a text may hold an address and is not repeated."""
    if isinstance(reason, TimeoutError):
        return "the server is silent"
    if isinstance(reason, OSError):
        return reason.strerror or type(reason).__name__
    return "the server redirects to where nothing can be downloaded from"


class _Watchdog:
    """Closes the connection if nothing comes for a while, whatever it is that does not come.

    A timeout of a socket starts anew with each byte: a server that sends one a second, in headers
    without end, would hold the program for ever.
    """

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []
        self._done = threading.Event()
        self._fed = time.monotonic()
        self._thread = threading.Thread(target=self._watch, name="biqa-watchdog", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def feed(self) -> None:
        """Start the time anew."""
        self._fed = time.monotonic()

    def watch(self, connection: socket.socket) -> None:
        """Close this socket too when the time is over."""
        self._sockets.append(connection)

    def _watch(self) -> None:
        while not self._done.wait(min(0.5, _PATIENCE_SECONDS / 4)):
            if time.monotonic() - self._fed > _PATIENCE_SECONDS:
                for connection in self._sockets:
                    with suppress(OSError):
                        socket.socket.shutdown(connection, socket.SHUT_RDWR)
                # Whoever connects next, after a redirect, is closed as well.
                self._done.wait(0.1)


def _opener(watchdog: _Watchdog) -> urllib.request.OpenerDirector:
    """Return what opens http and https, and nothing else that a redirect might name."""

    class Http(http.client.HTTPConnection):
        def connect(self) -> None:
            super().connect()
            watchdog.watch(self.sock)

    class Https(http.client.HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            watchdog.watch(self.sock)

    class Redirects(urllib.request.HTTPRedirectHandler):
        def http_error_302(
            self,
            req: urllib.request.Request,
            fp: Any,  # noqa: ANN401  as in typeshed
            code: int,
            msg: str,
            headers: http.client.HTTPMessage,
        ) -> Any:  # noqa: ANN401  the same
            # urllib would read the whole body of a redirect, which may have no end.
            fp.close()
            return super().http_error_302(req, fp, code, msg, headers)

        http_error_301 = http_error_303 = http_error_307 = http_error_308 = http_error_302

    class HttpHandler(urllib.request.HTTPHandler):
        def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(Http, req)

    class HttpsHandler(urllib.request.HTTPSHandler):
        def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
            return self.do_open(Https, req, context=ssl.create_default_context())

    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        Redirects(),
        urllib.request.HTTPErrorProcessor(),
        HttpHandler(),
        HttpsHandler(),
    ):
        opener.add_handler(handler)
    return opener
