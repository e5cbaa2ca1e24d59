"""`biqa weights`: trained weights that can be trusted."""

import sys
from typing import Annotated, Any

import typer

from biqa_cli.cli import _options, _output, _progress
from biqa_cli.errors import UsageError, WeightsError, did_you_mean
from biqa_cli.weights.cache import cache_folder, is_verified, locate, stale_files
from biqa_cli.weights.manifest import Checkpoint, Manifest, load_manifest

app = typer.Typer(no_args_is_help=True, help="Download and check trained weights.")

Names = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME]...", help="Checkpoints; all if none is named.")
]


@app.command("list")
def list_weights(
    format: _options.ListFormat = _options.TableOrJson.table,  # noqa: A002
    verbose: _options.Verbose = 0,
) -> None:
    """List every file of every checkpoint, and whether it is here and genuine.

    Example: biqa weights list -f json
    """
    _output.set_up_logging(verbose)
    rows: list[dict[str, Any]] = [
        {
            "name": checkpoint.name,
            "file": file.file,
            "bytes": file.bytes,
            "sha256": file.sha256,
            "licence": checkpoint.licence,
            "present": locate(file) is not None,
            "verified": is_verified(file),
        }
        for checkpoint in load_manifest().checkpoints
        for file in checkpoint.files
    ]
    if format is _options.TableOrJson.json:
        _output.print_json(rows)
        return
    columns = ("file", "bytes", "licence")
    shown = [
        [*(row[column] for column in columns), _state(present=row["present"], ok=row["verified"])]
        for row in rows
    ]
    _output.print_table((*columns, "state"), shown)


@app.command("download")
def download(
    names: Names = None,
    source: Annotated[
        str | None, typer.Option("--from", help="A folder or an http(s) address with the files.")
    ] = None,
    offline: _options.Offline = False,
    quiet: _options.Quiet = False,
    verbose: _options.Verbose = 0,
) -> None:
    """Bring checkpoints to this machine: resumed, verified, then put in place.

    Example: biqa weights download reqa-lite --from /mnt/mirror
    """
    from biqa_cli.weights.download import obtain

    _output.set_up_logging(verbose)
    manifest = load_manifest()
    progress = None if quiet or not sys.stderr.isatty() else _progress.Downloads()
    for checkpoint in _chosen(names, manifest):
        for path in obtain(
            checkpoint,
            manifest,
            source=source,
            offline=offline,
            recheck=True,
            progress=progress,
        ):
            _output.print_line(str(path))


@app.command("verify")
def verify(names: Names = None, verbose: _options.Verbose = 0) -> None:
    """Check the files that are here against their sha256.

    Example: biqa weights verify
    """
    _output.set_up_logging(verbose)
    wrong = []
    for checkpoint in _chosen(names, load_manifest()):
        for file in checkpoint.files:
            path = locate(file)
            state = _state(present=path is not None, ok=is_verified(file))
            _output.print_line(f"{state:8}{file.file}  {path or ''}".rstrip())
            if state == "WRONG":
                wrong.append(str(path))
    if wrong:
        msg = f"not what weights.toml lists: {', '.join(wrong)}; delete and download again"
        raise WeightsError(msg)


@app.command("path")
def path(
    name: Annotated[str | None, typer.Argument(help="A checkpoint; none prints the cache.")] = None,
    verbose: _options.Verbose = 0,
) -> None:
    """Print where a checkpoint lies, or where downloads are kept.

    Example: biqa weights path reqa-lite
    """
    _output.set_up_logging(verbose)
    if name is None:
        _output.print_line(str(cache_folder()))
        return
    (checkpoint,) = _chosen([name], load_manifest())
    for file in checkpoint.files:
        found = locate(file)
        if found is None:
            msg = f"{file.file} is not on this machine: run `biqa weights download {name}`"
            raise WeightsError(msg)
        _output.print_line(str(found))


@app.command("prune")
def prune(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print what would go.")] = False,
    verbose: _options.Verbose = 0,
) -> None:
    """Delete cached files that no checkpoint uses any more.

    Example: biqa weights prune --dry-run
    """
    _output.set_up_logging(verbose)
    for stale in stale_files(load_manifest()):
        if not dry_run:
            stale.unlink()
        _output.print_line(str(stale))


def _chosen(names: list[str] | None, manifest: Manifest) -> list[Checkpoint]:
    if not names:
        return list(manifest.checkpoints)
    unknown = [name for name in names if manifest.find(name) is None]
    if unknown:
        known = [checkpoint.name for checkpoint in manifest.checkpoints]
        msg = f"there is no checkpoint {unknown[0]!r}: {did_you_mean(unknown[0], known)}"
        raise UsageError(msg)
    return [checkpoint for checkpoint in manifest.checkpoints if checkpoint.name in names]


def _state(*, present: bool, ok: bool) -> str:
    return "missing" if not present else "ok" if ok else "WRONG"
