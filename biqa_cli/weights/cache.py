"""Where the files of a checkpoint lie on this machine. Opens no socket."""

import hashlib
import os
from pathlib import Path

import platformdirs

from biqa_cli.errors import WeightsError
from biqa_cli.weights.header import open_regular
from biqa_cli.weights.manifest import Checkpoint, Manifest, WeightsFile

_PACKAGE = Path(__file__).resolve().parent.parent
_CHUNK = 1 << 20
_MOST_BYTES = 1 << 28


def cache_folder() -> Path:
    """Return the user's folder for weights: `BIQA_CACHE`, or the platform's own place."""
    chosen = os.environ.get("BIQA_CACHE")
    if chosen:
        return Path(chosen)
    try:
        return platformdirs.user_cache_path("biqa") / "weights"
    except RuntimeError:
        # Neither HOME nor an account: nothing is cached, and the default model needs nothing.
        return Path(os.devnull) / "no-home-directory"


def search_folders() -> tuple[Path, ...]:
    """Return where files are looked for: the package, the cache, a checkout's `weights/`."""
    return (_PACKAGE / "weights" / "files", cache_folder(), _PACKAGE.parent / "weights")


def locate(file: WeightsFile) -> Path | None:
    """Return where a file lies, None where it is in none of the folders; it is not read."""
    candidates = (folder / file.file for folder in search_folders())
    return next((path for path in candidates if path.is_file()), None)


def is_present(checkpoint: Checkpoint) -> bool:
    """Return whether all files of a checkpoint are on this machine, unverified."""
    return all(locate(file) is not None for file in checkpoint.files)


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def is_verified(file: WeightsFile) -> bool:
    """Return whether a file is here with the content that the manifest lists."""
    path = locate(file)
    return path is not None and sha256_of(path) == file.sha256


def read_verified(path: Path, *, sha256: str) -> bytes:
    """Return the content of a file, checked in memory: what is used is what was checked.

    Raises:
        WeightsError: If the content is not the one that the manifest lists, or cannot be read.
    """
    descriptor, size = open_regular(path)
    with open(descriptor, "rb") as file:  # noqa: PTH123  a descriptor has no Path
        # No listed file is near this size; a larger one is not read to find that out.
        content = file.read(_MOST_BYTES) if size <= _MOST_BYTES else b""
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        msg = (
            f"{path} is not the file that weights.toml lists (sha256 {found[:12]}…, expected "
            f"{sha256[:12]}…): delete it and run `biqa weights download`"
        )
        raise WeightsError(msg)
    return content


def stale_files(manifest: Manifest) -> list[Path]:
    """Return the cached files that no checkpoint of the manifest uses, sorted by name.

    Files of the manifest's names with another content are stale too, and so are the remains of
    downloads that were broken off, and graphs: earlier versions kept some there, unverified.
    """
    folder = cache_folder()
    if not folder.is_dir():
        return []
    known = {file.file: file.sha256 for c in manifest.checkpoints for file in c.files}
    unused = [
        path
        for path in folder.iterdir()
        if path.is_file() and (path.name not in known or sha256_of(path) != known[path.name])
    ]
    return sorted([*unused, *(folder / "graphs").glob("*.onnx")])
