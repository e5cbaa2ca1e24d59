"""Archives of photos, as they lie on a server."""

import io
import tarfile
import zipfile
from collections.abc import Mapping


def tar_of(photos: Mapping[str, bytes]) -> bytes:
    """Return a tar of files by their names."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in photos.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def zip_of(photos: Mapping[str, bytes]) -> bytes:
    """Return a zip of files by their names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in photos.items():
            archive.writestr(name, content)
    return buffer.getvalue()
