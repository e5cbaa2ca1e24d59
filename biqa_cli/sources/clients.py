"""Clients of what is behind addresses, by fsspec (an extra), which are asked with patience.

Whatever goes wrong becomes an ImageError in our words: those of its clients may hold secrets.
"""

import logging
import os
import time
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any, TypeVar
from urllib.parse import urlsplit

from biqa_cli.errors import DependencyError, ImageError, UsageError
from biqa_cli.sources.addresses import is_web, scheme_of, shown
from biqa_cli.sources.pace import LEAST_BYTES, Pace
from biqa_cli.sources.reasons import reason_of

_SECONDS = 60.0
"""For one photo, all attempts together."""
_CONNECT_SECONDS, _SILENT_SECONDS = 10.0, 20.0
PAUSES = (0.5, 1.0, 2.0)
"""Between the attempts at what may go away: a busy server, a cut connection."""

_Made = TypeVar("_Made")

logger = logging.getLogger(__name__)


def require_client(address: str) -> None:
    """Check that what reads an address is installed.

    Raises:
        DependencyError: If it is not.
    """
    _connected(scheme_of(address))


def bounded_in_time(
    address: str, fetch: Callable[[float], _Made], pauses: Iterable[float] | None = None
) -> _Made:
    """Return what is fetched; what may go away is tried again, after some seconds each time.

    Raises:
        ImageError: If it cannot be had.
        DependencyError: If a package is missing.
    """
    end = time.monotonic() + _SECONDS
    waits = iter(PAUSES if pauses is None else pauses)
    while True:
        try:
            return fetch(max(end - time.monotonic(), 1.0))
        except (ImageError, UsageError):
            raise
        except Exception as error:  # noqa: BLE001
            # Clients of a dozen libraries raise what they like. Its text may hold the address.
            reason, lasting = reason_of(error)
            logger.info("%s: %s (%s)", shown(address), reason, type(error).__name__)
            pause = next(waits, None)
            if lasting or pause is None or time.monotonic() + pause >= end:
                raise ImageError(reason) from None
            time.sleep(pause)


def is_web_client(filesystem: Any) -> bool:  # noqa: ANN401
    """Return whether a client is that of web servers."""
    return "https" in filesystem.protocol


def client_of(address: str) -> tuple[Any, str]:
    """Return the client of an address, a file system of fsspec's, and the path in it.

    Raises:
        DependencyError: If its package is not installed.
        ImageError: If the address is none.
    """
    path = address.partition("://")[2]
    if not is_web(address):
        if not path.partition("/")[0]:
            raise ImageError("is no address: it has no bucket")
        return _connected(scheme_of(address)), path
    try:
        has_host = bool(urlsplit(address).hostname)
    except ValueError:
        has_host = False
    if not has_host:
        raise ImageError("is no address: it has no host")
    return _connected(scheme_of(address)), address


@cache
def _connected(scheme: str) -> Any:  # noqa: ANN401
    # At the first look at a bucket, gcsfs would ask which kind it is, over another protocol and for
    # up to a minute. Only zonal buckets need that: who has one sets it to true.
    os.environ.setdefault("GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT", "false")
    try:
        import fsspec

        return fsspec.filesystem(scheme, **_settings(scheme))
    except ImportError as error:
        msg = f"{scheme}:// needs fsspec and its clients: run `pip install 'biqa-cli[remote]'`"
        raise DependencyError(msg) from error


def _settings(scheme: str) -> dict[str, Any]:
    if scheme in ("s3", "s3a"):
        patience = {"connect_timeout": _CONNECT_SECONDS, "read_timeout": _SILENT_SECONDS}
        return {"config_kwargs": patience, "use_listings_cache": False}
    if scheme in ("http", "https"):
        return {"client_kwargs": {"timeout": web_timeout()}}
    return {"use_listings_cache": False}


def web_timeout(size: int | None = None) -> Any:  # noqa: ANN401
    """Return how long a web server is waited for.

    Args:
        size: Of what is asked for. None is not known: whoever reads it looks at the clock.
    """
    from aiohttp import ClientTimeout

    total = None if size is None else _SECONDS * max(size / LEAST_BYTES, 1)
    return ClientTimeout(total=total, sock_connect=_CONNECT_SECONDS, sock_read=_SILENT_SECONDS)


def pace_of_a_file() -> Pace:
    """Return what notes whether a file comes too slowly."""
    return Pace(_SECONDS)
