"""`biqa store`: the scores that are known from earlier runs."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from biqa_cli.cli import _options, _output
from biqa_cli.errors import UsageError

app = typer.Typer(
    no_args_is_help=True, help="See and remove the scores that are known from earlier runs."
)


@app.command("info")
def info(
    store: _options.StoreFile = None,
    format: _options.ListFormat = _options.TableOrJson.table,  # noqa: A002
    verbose: _options.Verbose = 0,
) -> None:
    """Show where the store is, its size, and which models its scores are from.

    Example: biqa store info -f json
    """
    from biqa_cli.models.rater import is_current
    from biqa_cli.store.upkeep import contents_of

    _output.set_up_logging(verbose)
    path = _chosen(store)
    found = contents_of(path)
    raters: list[dict[str, Any]] = [
        {
            "model": use.rater.model,
            "scores": use.scores,
            "last_used": f"{datetime.fromtimestamp(use.used).astimezone():%Y-%m-%d %H:%M}",
            "current": is_current(use.rater),
            "facts": json.loads(use.rater.facts),
        }
        for use in found.raters
    ]
    sizes = {"bytes": found.bytes, "files": found.files, "scores": found.scores}
    if format is _options.TableOrJson.json:
        _output.print_json({"path": str(path), **sizes, "raters": raters})
        return
    _output.print_table(("store", str(path)), list(sizes.items()))
    if raters:
        _output.print_line("")
        columns = ("model", "scores", "last_used", "engine", "weights")
        rows = [
            [
                *(rater[column] for column in columns[:3]),
                rater["facts"]["engine"],
                f"{rater['facts']['weights'][:12]}{'' if rater['current'] else ' (not current)'}",
            ]
            for rater in raters
        ]
        _output.print_table(columns, rows)


@app.command("prune")
def prune(
    store: _options.StoreFile = None,
    older_than: Annotated[
        float | None,
        typer.Option("--older-than", metavar="DAYS", min=0, help="Also scores made before."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what would go.")] = False,
    verbose: _options.Verbose = 0,
) -> None:
    """Remove files that are gone, and scores that this version of biqa would not use.

    Files on a disk that is not mounted count as gone.

    Example: biqa store prune --older-than 365
    """
    from biqa_cli.models.rater import is_current
    from biqa_cli.store.upkeep import prune as remove

    _output.set_up_logging(verbose)
    removed = remove(_chosen(store), is_known=is_current, older_than=older_than, dry_run=dry_run)
    _tell(removed.files, removed.scores, dry_run=dry_run)


@app.command("forget")
def forget(
    paths: Annotated[
        list[str] | None, typer.Argument(metavar="PATHS...", help="Photos and folders.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Forget all photos.")] = False,
    store: _options.StoreFile = None,
    verbose: _options.Verbose = 0,
) -> None:
    """Remove what is known of photos, and of all photos in folders.

    Example: biqa store forget photos/2019
    """
    from biqa_cli.store import upkeep

    _output.set_up_logging(verbose)
    if every == bool(paths):
        raise UsageError("name the photos and folders to forget, or give --all")
    path = _chosen(store)
    removed = upkeep.forget_all(path) if every else upkeep.forget(path, paths or [])
    _tell(removed.files, removed.scores)


def _chosen(store: Path | None) -> Path:
    from biqa_cli.store.location import default_store

    return store or default_store()


def _tell(files: int, scores: int, *, dry_run: bool = False) -> None:
    said = "would forget" if dry_run else "forgot"
    _output.print_line(f"{said} {_counted(files, 'file')}, {_counted(scores, 'score')}")


def _counted(number: int, name: str) -> str:
    return f"{number} {name}{'' if number == 1 else 's'}"
