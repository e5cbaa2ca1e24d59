"""Bringing a checkpoint to this machine: resumed, verified, then renamed into place."""

import logging
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import quote, urlsplit

from filelock import FileLock

from biqa_cli.errors import WeightsError
from biqa_cli.weights.cache import cache_folder, locate, sha256_of
from biqa_cli.weights.manifest import Checkpoint, Manifest, WeightsFile

logger = logging.getLogger(__name__)

_CHUNK = 1 << 18
_TIMEOUT_SECONDS = 30

Progress = Callable[[str, int, int], None]
"""Called with a file's name, the bytes that are here and the bytes that are expected."""


def obtain(
    checkpoint: Checkpoint,
    manifest: Manifest,
    *,
    source: str | None = None,
    offline: bool = False,
    recheck: bool = False,
    progress: Progress | None = None,
) -> list[Path]:
    """Return where the files of a checkpoint lie, after downloading those that are missing.

    Args:
        checkpoint: What to bring.
        manifest: Its `base_url` is the last place that is tried.
        source: A folder or an http(s) address that holds the files. None means
            `BIQA_WEIGHTS_URL`, then the manifest's `base_url`.
        offline: Whether no socket may be opened; a folder is still read.
        recheck: Whether files that are here are checked now and replaced if they are wrong.
            Otherwise they are taken as they are: reading a checkpoint checks it anyway.
        progress: Told how the download goes.

    Raises:
        WeightsError: If there is no source, the network fails or a file has the wrong content.
    """
    base = source or os.environ.get("BIQA_WEIGHTS_URL") or manifest.base_url
    return [
        _found(file, recheck=recheck)
        or _bring(checkpoint.name, file, base, offline=offline, progress=progress)
        for file in checkpoint.files
    ]


def _found(file: WeightsFile, *, recheck: bool) -> Path | None:
    path = locate(file)
    return None if path is not None and recheck and sha256_of(path) != file.sha256 else path


def _bring(
    name: str, file: WeightsFile, base: str, *, offline: bool, progress: Progress | None
) -> Path:
    wanted = f"{file.file}, weights of {name}, is not on this machine"
    if not base:
        msg = f"{wanted} and no mirror is set: name one with --from or BIQA_WEIGHTS_URL"
        raise WeightsError(msg)
    remote = urlsplit(base).scheme in ("http", "https")
    if remote and offline:
        msg = (
            f"{wanted}, and --offline forbids downloading: run `biqa weights download {name}` first"
        )
        raise WeightsError(msg)
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    final, partial = folder / file.file, folder / f"{file.file}.{file.sha256[:16]}.part"
    # One process downloads, the others wait and find the file.
    with FileLock(f"{partial}.lock"):
        if not (final.is_file() and sha256_of(final) == file.sha256):
            if remote:
                _fetch(f"{base.rstrip('/')}/{quote(file.file)}", partial, file, progress)
            else:
                _copy(Path(base) / file.file, partial)
            _accept(partial, final, file, base)
    return final


def _accept(partial: Path, final: Path, file: WeightsFile, base: str) -> None:
    found = sha256_of(partial)
    if found != file.sha256:
        partial.unlink()
        msg = (
            f"{base} has another {file.file} than weights.toml lists (sha256 {found[:12]}…, "
            f"expected {file.sha256[:12]}…): nothing was kept, try another source with --from"
        )
        raise WeightsError(msg)
    partial.replace(final)


def _copy(source: Path, partial: Path) -> None:
    try:
        shutil.copyfile(source, partial)
    except OSError as error:
        msg = f"cannot copy {source}: {error.strerror}"
        raise WeightsError(msg) from error


def _fetch(url: str, partial: Path, file: WeightsFile, progress: Progress | None) -> None:
    have = partial.stat().st_size if partial.exists() else 0
    if have > file.bytes:
        partial.unlink()
        have = 0
    if have == file.bytes:
        return
    headers = {"User-Agent": "biqa", "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    logger.info("downloading %s from byte %d", url, have)
    request = urllib.request.Request(url, headers=headers)  # noqa: S310  the scheme was checked
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:  # noqa: S310
            # A server without ranges answers 200 and sends the file from its start.
            resumed = response.status == HTTPStatus.PARTIAL_CONTENT
            with partial.open("ab" if resumed else "wb") as target:
                _pump(cast("BinaryIO", response), target, file, have if resumed else 0, progress)
    except (OSError, urllib.error.URLError) as error:
        reason = getattr(error, "reason", None) or error
        msg = f"cannot download {url}: {reason}; run the command again to resume"
        raise WeightsError(msg) from error


def _pump(
    response: BinaryIO, target: BinaryIO, file: WeightsFile, have: int, progress: Progress | None
) -> None:
    while chunk := response.read(_CHUNK):
        have += len(chunk)
        if have > file.bytes:
            target.truncate(0)
            msg = f"the source sends more than the {file.bytes} bytes of {file.file}: try --from"
            raise WeightsError(msg)
        target.write(chunk)
        if progress is not None:
            progress(file.file, have, file.bytes)
    if have < file.bytes:
        msg = f"the connection ended after {have} of {file.bytes} bytes"
        raise OSError(msg)
