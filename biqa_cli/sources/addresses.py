"""Addresses of photos: s3://, gs:// and https://; no message tells what is secret in one."""

import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

_SCHEMES = ("s3", "s3a", "gs", "gcs", "http", "https")
_ADDRESS = re.compile(rf"({'|'.join(_SCHEMES)})://", re.IGNORECASE)
_SECRET = re.compile(r"signature|credential|token|secret|passw|key|^sig$|^se$|^auth", re.IGNORECASE)


def is_address(name: str) -> bool:
    """Return whether a name is an address and not that of a file."""
    return _ADDRESS.match(name) is not None


def is_web(address: str) -> bool:
    """Return whether an address is that of a web server, and not of a bucket."""
    return scheme_of(address) in ("http", "https")


def shown(address: str) -> str:
    """Return an address without its secrets: a user, a password, a signature, a token.

    Example:
        >>> shown("https://me:pass@host/a.jpg?v=2&X-Amz-Signature=0fe1")
        'https://host/a.jpg?v=2&X-Amz-Signature=***'
    """
    try:
        parts = urlsplit(address)
    except ValueError:
        return f"{address.split(':', 1)[0]}://…"
    query = urlencode(
        [
            (name, "***" if _SECRET.search(name) else value)
            for name, value in parse_qsl(parts.query, keep_blank_values=True)
        ],
        safe="*/:,;",
    )
    # The names of objects may have any character, a question mark too.
    place = parts.netloc.rpartition("@")[2]
    if not is_web(address):
        return f"{parts.scheme}://{place}{address.partition(parts.netloc)[2]}"
    return urlunsplit((parts.scheme, place, parts.path, query, ""))


def scheme_of(address: str) -> str:
    """Return what an address begins with, in small letters."""
    return address.partition("://")[0].lower()
