"""Addresses of photos: s3://, gs:// and https://; no message tells what is secret in one."""

import hashlib
import re
from urllib.parse import unquote_plus, urlsplit, urlunsplit

_SCHEMES = ("s3", "s3a", "gs", "gcs", "http", "https")
_ADDRESS = re.compile(rf"({'|'.join(_SCHEMES)})://", re.IGNORECASE)

_SIGNATURES = (
    # Amazon and Google sign all that is called so.
    ("x-amz-.*", "x-amz-.*|awsaccesskeyid"),
    ("x-goog-.*", "x-goog-.*|googleaccessid"),
    # Amazon's second version, CloudFront, Google's CDN, Alibaba.
    (
        "signature",
        "signature|expires|policy|hash-algorithm|key(-pair-id|name)|urlprefix|.*-token|.*access(key)?id",
    ),
    # A shared access signature of Azure; Alibaba, Tencent; networks that deliver content.
    ("sig", "sig|s[vetpirs]|srt|spr|sip|sdd|scid|skoid|sktid|skt|ske|sks|skv|saoid|suoid"),
    (
        "x-oss-signature",
        "x-oss-(signature(-version)?|credential|date|expires|security-token|additional-headers)",
    ),
    (
        "q-signature",
        "q-(sign-.*|ak|key-time|header-list|url-param-list|signature)|x-cos-security-token",
    ),
    ("token", "token|token_path|expires"),
)
"""Of a kind of signature: the parameter that shows it, and all that change when it is made anew."""
_EXPIRING = "expires"

_PASSWORD = re.compile(r"passw|passphrase|^pass$|pwd|^pin$", re.IGNORECASE)
_SECRET = re.compile(
    r"signature|credential|token|secret|key|session|bearer|jwt|^sig$|^auth(?!or)", re.IGNORECASE
)
_NAMING_KEY = re.compile(r"((file|image|img|item|media|object|photo)[-_]?)?key", re.IGNORECASE)
_NAME = re.compile(r".*[^/]\.[a-z][a-z0-9]{1,6}", re.IGNORECASE | re.DOTALL)
"""What a key is that names a photo: it has a suffix."""


def is_address(name: str) -> bool:
    """Return whether a name is an address and not that of a file."""
    return _ADDRESS.match(name) is not None


def is_web(address: str) -> bool:
    """Return whether an address is that of a web server, and not of a bucket."""
    return scheme_of(address) in ("http", "https")


def shown(address: str) -> str:
    """Return an address without its secrets: what its row is called.

    A user, a password and all parameters of a signature are left out, so that an address that is
    signed anew keeps its name. Other secrets are replaced by a digest, so that addresses that
    differ in them have different names. Passwords have none: they can be guessed by it.

    Example:
        >>> shown("https://me:pass@host/a.jpg?v=2&X-Amz-Date=20261130&X-Amz-Signature=0fe1")
        'https://host/a.jpg?v=2'
        >>> shown("https://host/a.jpg?api_key=0fe1"), shown("https://host/get?key=a.jpg")
        ('https://host/a.jpg?api_key=***e111bdc34580', 'https://host/get?key=a.jpg')
    """
    scheme, _, rest = address.partition("://")
    if not is_web(address):
        # The names of objects may have any character, a question mark too.
        place, slash, key = rest.partition("/")
        return f"{scheme}://{place.rpartition('@')[2]}{slash}{key}"
    try:
        parts = urlsplit(address)
    except ValueError:
        return f"{scheme}://***{_digest(rest)}"
    query = "&".join(map(_parameter_shown, _unsigned(parts.query.split("&"))))
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, ""))


def without_query(address: str) -> str:
    """Return an address without its parameters, by whose end one knows what it is."""
    return address.partition("?")[0] if is_web(address) else address


def _unsigned(parameters: list[str]) -> list[str]:
    """Return the parameters that belong to no signature."""
    names = [_name_of(parameter).lower() for parameter in parameters]
    signed = [
        of_it
        for mark, of_it in _SIGNATURES
        if any(re.fullmatch(mark, name) for name in names)
        # A token may stand for the photo, but not if it expires.
        and (mark != "token" or _EXPIRING in names)
    ]
    if not signed:
        return parameters
    is_signed = re.compile("|".join(signed)).fullmatch
    pairs = zip(parameters, names, strict=True)
    return [parameter for parameter, name in pairs if not is_signed(name)]


def _parameter_shown(parameter: str) -> str:
    name = _name_of(parameter)
    written, sign, value = parameter.partition("=")
    is_name = _NAMING_KEY.fullmatch(name) and _NAME.fullmatch(unquote_plus(value))
    if not value or is_name:
        return parameter
    if _PASSWORD.search(name):
        return f"{written}{sign}***"
    return f"{written}{sign}***{_digest(value)}" if _SECRET.search(name) else parameter


def _name_of(parameter: str) -> str:
    return unquote_plus(parameter.partition("=")[0])


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=6).hexdigest()


def scheme_of(address: str) -> str:
    """Return what an address begins with, in small letters."""
    return address.partition("://")[0].lower()
