"""The photos that a command reads: files, folders, lists of names, and standard input.

Nothing heavy is imported before a command runs.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, cast

import typer

from biqa_cli.cli import _output
from biqa_cli.cli._boundary import SOME_FAILED
from biqa_cli.cli._targets import STDIN, refuse_inputs
from biqa_cli.errors import ImageError, UsageError
from biqa_cli.images.limits import Limits
from biqa_cli.reports.rows import printable
from biqa_cli.results import ImageResult

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from biqa_cli.sources.choice import Choice
    from biqa_cli.sources.finding import Found
    from biqa_cli.threads import Arriving, Counting

_Photo = TypeVar("_Photo")


def named_photos(named: Sequence[str], *, exclude: Sequence[str] | None) -> list[str]:
    """Return the photos among files and folders, each once.

    Raises:
        UsageError: If there are none, or standard input is named twice.
    """
    from biqa_cli.images.discovery import find_images

    _require_one_stdin(named, files_from=None)
    found = list(find_images(named, exclude=exclude or ()))
    if not found:
        raise none_in(named)
    return found


@dataclass(frozen=True, slots=True)
class Wanted:
    """The photos of a run, found as they are taken."""

    photos: "Iterable[Found]"
    count: "Counting"
    """Counts them beside the run, unless that would mean to read what is in them."""

    def total(self, *, without: Callable[[], int]) -> Callable[[], int | None]:
        """Return what tells the number of photos to score, as soon as it is known.

        Args:
            without: How many photos are left out, so far.
        """

        def left() -> int | None:
            counted = self.count()
            return None if counted is None else counted - without()

        return left


def wanted_photos(
    named: Sequence[str],
    *,
    files_from: str | None,
    nul_separated: bool,
    choice: "Choice",
    written: Sequence[Path | None],
) -> Wanted:
    """Return the photos among what is named and the names of a list, each once.

    Nothing is kept of them: they are found while they are scored.

    Raises:
        UsageError: If there are none, new or old; if standard input is named twice, a file that is
            read is the file to write, or an address is named where no socket may be opened.
    """
    from biqa_cli.images.name_lists import is_regular, read_names, require_readable
    from biqa_cli.sources.finding import find_photos, is_quick_to_count
    from biqa_cli.threads import Arriving, Counting

    if not named and files_from is None:
        raise UsageError("nothing to score: name photos, folders or a list (--files-from)")
    _require_one_stdin(named, files_from=files_from)
    lists = [] if files_from is None else [files_from]
    for output in written:
        deque(refuse_inputs(output, chain(lists, named)), maxlen=0)
    for name in lists:
        require_readable(name)

    def names() -> Iterator[str]:
        listed = (read_names(name, nul_separated=nul_separated) for name in lists)
        found = chain(named, chain.from_iterable(listed))
        return refuse_addresses(found) if choice.offline else found

    # Archives and tables by their names, photos as they are found.
    to_read = names()
    for output in written:
        to_read = refuse_inputs(output, to_read)
    found = find_photos(to_read, choice)
    for output in written:
        found = refuse_inputs(output, found)
    is_slow = not all(map(is_regular, lists))
    photos = Arriving(found) if is_slow else found
    # That nothing is new, or of this part, is no mistake.
    if choice.newer_than is None and choice.shard is None:
        photos = _some(photos, [*named, *lists])

    def countable() -> "Iterator[Found] | None":
        is_quick = not is_slow and all(map(is_quick_to_count, named))
        return find_photos(names(), choice) if is_quick else None

    return Wanted(photos, Counting(countable))


def _some(
    photos: "Iterator[Found] | Arriving[Found]", named: Sequence[str]
) -> "Iterator[Found] | Arriving[Found]":
    """Return photos as they are, if there are any.

    Raises:
        UsageError: If there is none.
    """
    from biqa_cli.threads import Arriving

    if isinstance(photos, Arriving):
        if not photos:
            raise none_in(named)
        return photos
    first = next(photos, None)
    if first is None:
        raise none_in(named)
    return chain([first], photos)


def refuse_addresses(names: Iterable[str]) -> Iterator[str]:
    """Pass names on as long as none is an address.

    Raises:
        UsageError: If one is.
    """
    from biqa_cli.sources.addresses import is_address, shown

    for name in names:
        if is_address(name):
            raise UsageError(f"{shown(name)} is an address, and --offline opens no socket")
        yield name


def sources(names: Iterable[_Photo], named: Sequence[str]) -> Iterable[_Photo | bytes]:
    """Return photos as they are, and the picture on standard input in place of a named `-`.

    Raises:
        UsageError: If standard input is closed or does not end.
    """
    # In a list, - is a file of that name.
    if STDIN not in named:
        return names
    picture = source_of(STDIN)
    return (cast("bytes", picture) if name == STDIN else name for name in names)


def source_of(name: str) -> str | bytes:
    """Return the name of a file as it is, and the picture on standard input in place of `-`."""
    from biqa_cli.images.standard_input import picture_from_standard_input

    return picture_from_standard_input() if name == STDIN else name


def read(name: str, *, limits: Limits, quiet: bool) -> "NDArray[np.uint8]":
    """Return the upright photo (H, W, 3) of a file or of standard input.

    Args:
        name: As the user gave it.
        limits: What reading may cost.
        quiet: Whether what to know of its pixels is left unsaid.

    Raises:
        typer.Exit: If it cannot be read, once that is told.
    """
    import numpy as np

    from biqa_cli.images.reading import read_photo

    try:
        photo = read_photo(source_of(name), limits=limits)
    except ImageError as error:
        _output.problem(f"{name}: {error}")
        raise typer.Exit(SOME_FAILED) from error
    if photo.note and not quiet:
        _output.say(f"{name}: {photo.note}")
    return np.asarray(photo.image)


def with_names(results: Iterable[ImageResult], *, on_terminal: bool) -> Iterator[ImageResult]:
    """Name the picture on standard input, which alone comes without a name.

    Args:
        results: As they come.
        on_terminal: Whether names must be such that a terminal shows and does not obey them.
    """
    for result in results:
        name = result.path or STDIN
        yield replace(result, path=printable(name) if on_terminal else name)


def _require_one_stdin(named: Sequence[str], *, files_from: str | None) -> None:
    if STDIN in named and files_from == STDIN:
        raise UsageError("standard input is a picture (-) or a list (--files-from -), not both")
    if named.count(STDIN) > 1:
        raise UsageError("standard input (-) is named twice: it is one picture")


def none_in(named: Sequence[str]) -> UsageError:
    """Return the error for names under which there is no photo."""
    return UsageError(f"no photos found in {', '.join(named)}")
