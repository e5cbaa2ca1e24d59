"""Why something behind an address cannot be had: what clients raise, in our words."""

import errno

_GONE, _FORBIDDEN, _TRY_LATER, _FAULT_OF_SERVER = (404, 410), (401, 403), 429, 500


def reason_of(error: Exception) -> tuple[str, bool]:
    """Return why a photo cannot be had, and whether another attempt would be of no use."""
    # fsspec takes a file for missing whose size it could not ask for.
    status = getattr(error, "status", getattr(error.__cause__, "status", None))
    # gcsfs has the status under another name, and 403 in the text of an OSError alone.
    if status is None:
        status = getattr(error, "code", None)
    if isinstance(error, OSError) and str(error).startswith("Forbidden: "):
        status = 403
    name = type(error).__name__
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
