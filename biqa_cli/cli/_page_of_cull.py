"""The page of a culled shoot: written by its run, or by whoever finishes that for it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biqa_cli.cli import _output, _report
from biqa_cli.errors import UsageError
from biqa_cli.results import RunInfo

if TYPE_CHECKING:
    from PIL import Image

    from biqa_cli.culling.records import CullRow
    from biqa_cli.images.limits import Limits
    from biqa_cli.models.loading import LoadedModel
    from biqa_cli.reports.page.records import PagePhoto
    from biqa_cli.reports.page.writing import MakeHeatmap


@dataclass(frozen=True, slots=True)
class PageOfCull:
    """What a page of a culled shoot is made of."""

    path: Path
    """The page."""
    rows: "Sequence[CullRow]"
    """From `decide`; of the files of one photo the one that was scored is shown."""
    model: "LoadedModel"
    """What has scored them."""
    threshold: float | None
    """Where the slider stands at first."""

    def photos(self, moved: Mapping[str, str]) -> "list[PagePhoto]":
        """Return the photos where they lie now; `Plan.moved` says where that is."""
        from biqa_cli.reports.page.records import photo_of_row

        scored = (row for row in self.rows if row.path == row.shot.result.path)
        return [photo_of_row(row, moved=moved) for row in scored]

    def run(self) -> RunInfo:
        """Return what the scores depend on."""
        from biqa_cli.scoring import run_info

        return run_info(self.model)


def write_page_of_cull(
    page: PageOfCull,
    *,
    moved: Mapping[str, str],
    heatmaps: bool,
    limits: "Limits",
    workers: int | None,
    quiet: bool,
) -> bool:
    """Write the page of a culled shoot, and return whether it has all maps that were asked for.

    Args:
        page: What it is made of.
        moved: Where files that were moved lie now, as `Plan.moved` has it.
        heatmaps: Whether the picks have quality maps.
        limits: What reading a photo may cost.
        workers: Threads that read photos.
        quiet: Whether to show no progress and say nothing.
    """
    failed: list[str] = []
    _report.write_report_page(
        page.path,
        page.photos(moved),
        run=page.run(),
        threshold=page.threshold,
        heatmap=maps_of_picks(page.model, limits=limits, failed=failed) if heatmaps else None,
        limits=limits,
        workers=workers,
        quiet=quiet,
    )
    return not failed


def note_of(page: PageOfCull, *, moved: Mapping[str, str]) -> dict[str, Any]:
    """Return, as JSON has it, what `write_noted_page` needs to write a page later."""
    from biqa_cli.reports.page.records import noted

    return {
        "file": str(page.path.absolute()),
        "run": asdict(page.run()),
        "threshold": page.threshold,
        "photos": [noted(photo) for photo in page.photos(moved)],
    }


def write_noted_page(note: Mapping[str, Any], *, quiet: bool) -> None:
    """Write the page of a run that was interrupted before it wrote it; it has no maps.

    Raises:
        UsageError: If that is no such note, or there can be no such file.
        OutputError: If the disk is full.
    """
    from biqa_cli.images.limits import DEFAULT_LIMITS
    from biqa_cli.reports.page.records import from_note

    try:
        path, run = Path(note["file"]), RunInfo(**note["run"])
        photos, threshold = [from_note(one) for one in note["photos"]], note["threshold"]
    except (ValueError, TypeError, KeyError) as error:
        raise UsageError("the journal does not say what is on the page: it was edited") from error
    _report.write_report_page(
        path,
        photos,
        run=run,
        threshold=threshold,
        limits=DEFAULT_LIMITS,
        workers=None,
        quiet=quiet,
    )


def maps_of_picks(model: "LoadedModel", *, limits: "Limits", failed: list[str]) -> "MakeHeatmap":
    """Return what draws the quality map of each pick, and of no other photo.

    Args:
        model: What draws.
        limits: What reading a photo may cost.
        failed: Gets the names of photos that could not be mapped; each is told.
    """
    from biqa_cli.explain.local_scores import map_file
    from biqa_cli.reports.heatmap import draw_heatmap
    from biqa_cli.scoring import reason_of

    def draw(photo: "PagePhoto") -> "Image.Image | None":
        if photo.decision != "pick":
            return None
        try:
            return draw_heatmap(map_file(photo.path, model, limits=limits), legend=False)
        except Exception as error:  # noqa: BLE001  one photo never ends the others
            _output.problem(f"{photo.path}: {reason_of(photo.path, error)}")
            failed.append(photo.path)
            return None

    return draw
