"""Why something behind an address cannot be had: what clients raise, in our words."""

import errno
import ssl
from collections.abc import Iterator

_GONE, _FORBIDDEN, _TRY_LATER, _FAULT_OF_SERVER = (404, 410), (401, 403), 429, 500
_PAST_END = 416

_LASTING = {
    "TooManyRedirects": "cannot be fetched: the server redirects without end",
    "NonHttpUrlRedirectClientError": "cannot be fetched: the server redirects to no web address",
    "InvalidUrlRedirectClientError": "cannot be fetched: the server redirects to no web address",
    "InvalidUrlClientError": "is no address that can be asked for",
    "NonHttpUrlClientError": "is no address that can be asked for",
    "InvalidURL": "is no address that can be asked for",
    "ParamValidationError": "is no address that can be asked for",
}
"""What some exceptions of clients mean, by their names: other attempts would be of no use."""


def reason_of(error: Exception) -> tuple[str, bool]:
    """Return why a photo cannot be had, and whether another attempt would be of no use."""
    status = _status_of(error)
    name = type(error).__name__
    if name in _LASTING:
        return _LASTING[name], True
    if any(_is_of_certificate(one) for one in _chain(error)):
        return "cannot be fetched: the certificate of the server is not trusted", True
    if status in _GONE or (isinstance(error, FileNotFoundError) and status is None):
        return "no such file", True
    if status in _FORBIDDEN or isinstance(error, PermissionError):
        return "no permission to read it", True
    if "Credential" in name:
        return "no permission to read it: there are no credentials", True
    lasting = False
    if isinstance(status, int):
        why = f"the server answers {status}"
        lasting = status < _FAULT_OF_SERVER and status != _TRY_LATER
    elif isinstance(error, TimeoutError) or "Timeout" in name:
        why = "the server is too slow"
    elif isinstance(error, OSError) and error.errno == errno.EBUSY:
        why = "the server is busy"
    else:
        why = "the connection fails"
    return f"cannot be fetched: {why}", lasting


def is_past_end(error: Exception) -> bool:
    """Return whether a server says that a file ends before the part that was asked for."""
    # s3fs has the answer of its client as the cause.
    answer = getattr(error.__cause__, "response", None) or {}
    told = answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
    return _PAST_END in (told, _status_of(error))


def _status_of(error: Exception) -> object:
    # fsspec takes a file for missing whose size it could not ask for.
    status = getattr(error, "status", getattr(error.__cause__, "status", None))
    # gcsfs has the status under another name, and 403 in the text of an OSError alone.
    if status is None:
        status = getattr(error, "code", None)
    if isinstance(error, OSError) and str(error).startswith("Forbidden: "):
        status = 403
    return status


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and what has led to it."""
    following: BaseException | None = error
    while following is not None:
        yield following
        following = following.__cause__ or following.__context__


def _is_of_certificate(error: BaseException) -> bool:
    # The client of S3 keeps the text alone.
    return isinstance(error, ssl.SSLCertVerificationError) or (
        type(error).__name__ == "SSLError" and "CERTIFICATE_VERIFY_FAILED" in str(error)
    )
