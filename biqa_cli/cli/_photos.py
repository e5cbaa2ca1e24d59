"""The photos that a command reads: files, folders, lists of names, and standard input.

Nothing heavy is imported before a command runs.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from biqa_cli.cli import _output
from biqa_cli.cli._boundary import SOME_FAILED
from biqa_cli.cli._targets import STDIN, refuse_inputs, refuse_to_overwrite
from biqa_cli.errors import ImageError, UsageError
from biqa_cli.images.limits import Limits
from biqa_cli.reports.rows import printable
from biqa_cli.results import ImageResult

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from biqa_cli.threads import Arriving


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


def named_and_listed_photos(
    named: Sequence[str],
    *,
    files_from: str | None,
    nul_separated: bool,
    recursive: bool,
    exclude: Sequence[str] | None,
    newer_than: str | None,
    written: Sequence[Path | None],
) -> "list[str] | Arriving[str]":
    """Return the photos among files, folders and the names of a list, each once.

    Names from a pipe are taken as they come; others are counted, for the time left.

    Raises:
        UsageError: If there are none, new or old; if standard input is named twice, or a file that
            is read is the file to write.
    """
    from biqa_cli.images.discovery import find_images, time_of
    from biqa_cli.images.name_lists import read_names
    from biqa_cli.threads import Arriving

    if not named and files_from is None:
        raise UsageError("nothing to score: name photos, folders or a list (--files-from)")
    _require_one_stdin(named, files_from=files_from)
    lists = [] if files_from is None else [files_from]
    refuse_to_overwrite(written, [Path(name) for name in lists])
    listed = chain.from_iterable(read_names(name, nul_separated=nul_separated) for name in lists)
    found = find_images(
        chain(named, listed),
        recursive=recursive,
        exclude=exclude or (),
        newer_than=None if newer_than is None else time_of(newer_than),
    )
    for output in written:
        found = refuse_inputs(output, found)
    names = Arriving(found) if files_from == STDIN else list(found)
    # That nothing is new is no mistake.
    if not names and newer_than is None:
        raise none_in([*named, *lists])
    return names


def sources(
    names: "list[str] | Arriving[str]", named: Sequence[str]
) -> "list[str | bytes] | list[str] | Arriving[str]":
    """Return names as they are, and the picture on standard input in place of a named `-`.

    Raises:
        UsageError: If standard input is closed or does not end.
    """
    # In a list, - is a file of that name.
    return [source_of(name) for name in names] if STDIN in named else names


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
