"""What `biqa cull` is asked to do, and over which photos: checked before anything is scored."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from biqa_cli.cli import _photos
from biqa_cli.cli._targets import refuse_inputs
from biqa_cli.culling.actions import How
from biqa_cli.culling.companions import photos_of
from biqa_cli.culling.plan import Wishes
from biqa_cli.culling.shoot import not_below
from biqa_cli.errors import UsageError
from biqa_cli.images.discovery import find_images


def choose_how(*, copy: bool, move: bool, link: bool) -> How | None:
    """Return how files get into folders, by --copy, --move and --link; None is not at all."""
    asked = [
        how for how, wanted in ((How.copy, copy), (How.move, move), (How.link, link)) if wanted
    ]
    if len(asked) > 1:
        raise UsageError("--copy, --move and --link exclude each other: choose one")
    return asked[0] if asked else None


def check_wishes(wishes: Wishes, *, apply: bool, journal: Path | None) -> None:
    """Raise UsageError if wishes cannot go together, or one would be ignored."""
    has_folder = wishes.picks is not None or wishes.rejects is not None
    if has_folder and wishes.how is None:
        raise UsageError("say how photos get into --picks or --rejects: --copy, --move or --link")
    if wishes.how is not None and not has_folder:
        msg = f"--{wishes.how.value} where to? name a folder with --picks or --rejects"
        raise UsageError(msg)
    if wishes.mark_rejects and not wishes.xmp:
        raise UsageError("--mark-rejects is about sidecars: add --xmp")
    if apply and not has_folder and not wishes.xmp:
        raise UsageError("nothing to apply: add --xmp, or --picks or --rejects and how")
    if journal is not None and not apply:
        raise UsageError("--journal is about what is applied: add --apply")
    for folder in filter(None, (wishes.picks, wishes.rejects)):
        there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        if not there.is_dir():
            msg = f"{there} is not a folder: name one for photos"
            raise UsageError(msg)


def placed_picks(wishes: Wishes) -> Path | None:
    """Return the folder of picks whose photos are of the shoot still; None if there is none.

    What --move has brought there is a frame of its moment; a copy would be a second frame.
    """
    is_placed = wishes.how is How.move and wishes.picks is not None and wishes.picks.is_dir()
    return wishes.picks if is_placed else None


def photos_of_shoot(
    paths: Sequence[str],
    wishes: Wishes,
    *,
    exclude: Sequence[str] | None,
    written: Iterable[Path | None],
) -> list[tuple[str, ...]]:
    """Return the files of each photo of a shoot; what lies in folders of decisions is left out.

    Args:
        paths: The photos and folders of the command line.
        wishes: The picks belong to the shoot where `placed_picks` says so.
        exclude: Patterns of names inside folders.
        written: What the command writes.

    Raises:
        UsageError: If there is no photo, or one would be overwritten.
    """
    placed = placed_picks(wishes)
    named = [*paths, str(placed)] if placed else paths
    left_out = [path for path in (wishes.picks, wishes.rejects) if path and path != placed]
    found = not_below(find_images(named, exclude=exclude or ()), left_out)
    for output in written:
        found = refuse_inputs(output, found)
    photos = photos_of(found)
    if not photos:
        raise _photos.none_in(paths)
    return photos
