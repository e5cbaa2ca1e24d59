"""`biqa weights`: trained weights that can be trusted."""

import sys
from typing import Annotated

import typer

from biqa_cli.cli import _options, _output, _progress
from biqa_cli.errors import WeightsError
from biqa_cli.weights.cache import cache_folder, locate, stale_files
from biqa_cli.weights.checking import check_files
from biqa_cli.weights.manifest import load_manifest

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
    files = list(check_files(load_manifest().checkpoints))
    if format is _options.TableOrJson.json:
        _output.print_json([found.facts for found in files])
        return
    columns = ("file", "bytes", "licence", "state")
    rows = [(f.file.file, f.file.bytes, f.checkpoint.licence, f.state) for f in files]
    _output.print_table(columns, rows)


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
    for checkpoint in manifest.choose(names or ()):
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
    for found in check_files(load_manifest().choose(names or ())):
        _output.print_line(f"{found.state:8}{found.file.file}  {found.path or ''}".rstrip())
        if found.state == "WRONG":
            wrong.append(str(found.path))
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
    (checkpoint,) = load_manifest().choose([name])
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
