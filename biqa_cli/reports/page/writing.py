"""From photos to a page and its pictures, on disk."""

import base64
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile

from PIL import Image

from biqa_cli.errors import UsageError
from biqa_cli.images.limits import DEFAULT_LIMITS, Limits
from biqa_cli.reports.page.document import Addresses, Heading, document
from biqa_cli.reports.page.links import address_of
from biqa_cli.reports.page.pictures import Pictures, as_jpeg, pictures_of
from biqa_cli.reports.page.records import PagePhoto
from biqa_cli.threads import default_workers, map_ahead
from biqa_cli.whole_files import write_whole, wrong_output

MOST_INSIDE = 200
"""Photos whose thumbnails are inside the page: 4 MB, which can still be mailed."""
SUFFIX = ".html"

Watch = Callable[[Iterable[Pictures]], Iterable[Pictures]]
MakeHeatmap = Callable[[PagePhoto], Image.Image | None]

# In the folder: names of the pictures that a page has put there. Anything else is somebody's.
_LIST = "biqa-pictures.txt"


def check_page(path: Path) -> None:
    """Check before hours of scoring that a page can be written.

    Raises:
        UsageError: If browsers would not show it as a page, or its folder cannot be written to.
    """
    if path.suffix.lower() != SUFFIX:
        msg = f"the report is a page, and {path.name!r} does not end in .html: name it so"
        raise UsageError(msg)
    if path.is_dir():
        msg = f"cannot write {path}: it is a folder: name a file in it"
        raise UsageError(msg)
    try:
        # Its folder is made if it is missing.
        there = next(folder for folder in path.absolute().parents if folder.exists())
        with TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise wrong_output(path, error) from error


def folder_of(page: Path) -> Path:
    """Return the folder of a page's pictures; searches for photos leave such folders out."""
    return page.with_name(f"{page.stem}_biqa_files")


def write_page(
    path: Path,
    photos: Iterable[PagePhoto],
    *,
    heading: Heading,
    heatmap: MakeHeatmap | None = None,
    most_inside: int = MOST_INSIDE,
    limits: Limits = DEFAULT_LIMITS,
    workers: int | None = None,
    watch: Watch = iter,
) -> None:
    """Write a page that shows photos, and its pictures in a folder beside it where it needs one.

    The folder has what would make the page too large: more than `most_inside` thumbnails,
    renderings of photos that browsers do not show, heatmaps. The page is written last and whole.

    Args:
        path: The page.
        photos: In the order of the page.
        heading: What it says of the run.
        heatmap: Returns the map of a photo, or None for no map.
        most_inside: Of more photos, all thumbnails are in the folder.
        limits: What reading a photo may cost; one that would cost more has no thumbnail.
        workers: Threads that read photos.
        watch: Passes the pictures on as they are made, for a progress bar.

    Raises:
        UsageError: If there can be no such file.
        OutputError: If the disk is full.
    """
    check_page(path)
    shown = list(photos)
    folder = _PictureFolder(path, inline=len(shown) <= most_inside)
    threads = workers or default_workers()
    made = map_ahead(
        partial(pictures_of, limits=limits),
        [photo.path for photo in shown],
        workers=threads,
        ahead=2 * threads,
    )
    rows = list(_rows(shown, watch(made), folder, heatmap))
    write_whole(path, document(rows, heading))
    folder.delete_leftovers()


def _rows(
    photos: Sequence[PagePhoto],
    pictures: Iterable[Pictures],
    folder: "_PictureFolder",
    heatmap: MakeHeatmap | None,
) -> Iterator[tuple[PagePhoto, Addresses]]:
    for number, (photo, made) in enumerate(zip(photos, pictures, strict=True), 1):
        drawn = None if heatmap is None else heatmap(photo)
        yield (
            photo,
            Addresses(
                photo=folder.photo(number, photo.path, made),
                thumbnail=folder.thumbnail(number, made.thumbnail),
                heatmap="" if drawn is None else folder.keep(f"{number:05}-map", as_jpeg(drawn)),
                rendered=made.rendering is not None,
            ),
        )


class _PictureFolder:
    """Puts pictures into the page's folder, and knows their addresses."""

    def __init__(self, page: Path, *, inline: bool) -> None:
        self._page = page
        self._folder = folder_of(page)
        self._inline = inline
        self._written: set[str] = set()

    def photo(self, number: int, path: str, made: Pictures) -> str:
        if made.thumbnail is None:
            return ""
        if made.rendering is not None:
            return self.keep(f"{number:05}-large", made.rendering)
        return address_of(Path(path), page=self._page)

    def thumbnail(self, number: int, content: bytes | None) -> str:
        if content is None:
            return ""
        if self._inline:
            return "data:image/jpeg;base64," + base64.b64encode(content).decode("ascii")
        return self.keep(f"{number:05}", content)

    def keep(self, stem: str, content: bytes) -> str:
        file = self._folder / f"{stem}.jpg"
        write_whole(file, content)
        self._written.add(file.name)
        return address_of(file, page=self._page)

    def delete_leftovers(self) -> None:
        """Delete the pictures of an earlier page of this name, and nothing else."""
        names = self._folder / _LIST
        with suppress(OSError, ValueError):
            before = names.read_text(encoding="utf-8").split() if names.exists() else []
            for name in set(before) - self._written:
                # The list is a file that anybody may have edited.
                if Path(name).name == name:
                    (self._folder / name).unlink(missing_ok=True)
            if self._written:
                write_whole(names, "".join(f"{name}\n" for name in sorted(self._written)))
            elif before:
                names.unlink(missing_ok=True)
                self._folder.rmdir()
