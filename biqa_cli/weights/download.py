"""Bringing a checkpoint to this machine: resumed, verified, then renamed into place."""

import logging
import os
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from biqa_cli.errors import WeightsError
from biqa_cli.weights.cache import cache_folder, locate, sha256_of
from biqa_cli.weights.header import open_regular
from biqa_cli.weights.manifest import Checkpoint, Manifest, WeightsFile
from biqa_cli.weights.transfer import Address, Interrupted, Unusable, parse_address, transfer

logger = logging.getLogger(__name__)

_CHUNK = 1 << 18

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
    return [
        obtain_file(
            checkpoint,
            file,
            manifest,
            source=source,
            offline=offline,
            recheck=recheck,
            progress=progress,
        )
        for file in checkpoint.files
    ]


def obtain_file(
    checkpoint: Checkpoint,
    file: WeightsFile,
    manifest: Manifest,
    *,
    source: str | None = None,
    offline: bool,
    recheck: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Return where one file of a checkpoint lies, after downloading it if it is missing.

    Raises:
        WeightsError: As `obtain`.
    """
    found = _found(file, recheck=recheck)
    if found is not None:
        return found
    base = source or os.environ.get("BIQA_WEIGHTS_URL") or manifest.base_url
    return _bring(checkpoint.name, file, base, offline=offline, progress=progress)


def _found(file: WeightsFile, *, recheck: bool) -> Path | None:
    path = locate(file)
    return None if path is not None and recheck and sha256_of(path) != file.sha256 else path


def _bring(
    name: str, file: WeightsFile, base: str, *, offline: bool, progress: Progress | None
) -> Path:
    wanted = f"{file.file}, weights of {name}, is not on this machine"
    if not base:
        msg = (
            f"{wanted}, and no mirror is set: run `biqa weights download {name} --from "
            "CHECKOUT/weights` with a clone of biqa's repository, or set BIQA_WEIGHTS_URL"
        )
        raise WeightsError(msg)
    address = parse_address(base, file.file) if "://" in base else None
    if address is not None and offline:
        msg = (
            f"{wanted}, and --offline forbids downloading: run `biqa weights download {name}` first"
        )
        raise WeightsError(msg)
    folder = cache_folder()
    final, partial = folder / file.file, folder / f"{file.file}.{file.sha256[:16]}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # One process downloads, the others wait and find the file.
        with FileLock(f"{partial}.lock"):
            if not (final.is_file() and sha256_of(final) == file.sha256):
                if address is None:
                    _copy(Path(base) / file.file, partial, file)
                else:
                    _download(address, partial, file, progress)
                partial.replace(final)
    except OSError as error:
        msg = f"cannot write into {folder}: {error.strerror or error}"
        raise WeightsError(msg) from error
    return final


def _copy(source: Path, partial: Path, file: WeightsFile) -> None:
    descriptor, size = open_regular(source)
    with open(descriptor, "rb") as original:  # noqa: PTH123  a descriptor has no Path
        if size != file.bytes:
            msg = f"{source} is not the file that weights.toml lists: it has {size} bytes, expected"
            raise WeightsError(f"{msg} {file.bytes}")
        left = size
        with partial.open("wb") as target:
            while left > 0 and (chunk := original.read(min(_CHUNK, left))):
                left -= len(chunk)
                target.write(chunk)
    if sha256_of(partial) != file.sha256:
        partial.unlink()
        msg = (
            f"{source} is not the file that weights.toml lists (another sha256): nothing was "
            "kept, try another source with --from"
        )
        raise WeightsError(msg)


def _download(
    address: Address, partial: Path, file: WeightsFile, progress: Progress | None
) -> None:
    """Bring a file; a beginning that turns out to be of another file is thrown away once."""
    for resume in (True, False):
        have = _usable_bytes(partial, file) if resume else 0
        logger.info("downloading %s from byte %d", address.shown, have)
        try:
            if have < file.bytes:
                transfer(address, partial, file, have=have, progress=progress)
        except Unusable as error:
            partial.unlink(missing_ok=True)
            if have:
                continue
            msg = f"cannot use {address.shown}: {error}; nothing was kept, try --from"
            raise WeightsError(msg) from error
        except Interrupted as error:
            msg = f"cannot download {address.shown}: {error}; run it again to resume, or try --from"
            raise WeightsError(msg) from error
        found = sha256_of(partial)
        if found == file.sha256:
            return
        partial.unlink()
        if not have:
            msg = (
                f"{address.shown} is another file than weights.toml lists (sha256 "
                f"{found[:12]}…, expected {file.sha256[:12]}…): nothing was kept, try another "
                "source with --from"
            )
            raise WeightsError(msg)


def _usable_bytes(partial: Path, file: WeightsFile) -> int:
    """Return how much of a file an earlier download has left."""
    have = partial.stat().st_size if partial.is_file() else 0
    return have if have <= file.bytes else 0
