"""`biqa export`: a model as ONNX."""

from pathlib import Path
from typing import Annotated

import typer

from biqa_cli.cli import _options, _output
from biqa_cli.cli._targets import refuse_to_overwrite
from biqa_cli.errors import DependencyError, UsageError
from biqa_cli.models.catalog import DEFAULT_MODEL


def export(
    name: _options.ModelName = DEFAULT_MODEL,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE.onnx",
            parser=_options.any_file,
            help="A file that stands alone; - is stdout.",
        ),
    ] = None,
    graph_only: Annotated[
        bool, typer.Option("--graph-only", help="With -o: the network without its weights.")
    ] = False,
    offline: _options.Offline = False,
    quiet: _options.Quiet = False,
    verbose: _options.Verbose = 0,
) -> None:
    """Write a model as ONNX, compared with PyTorch before it is written.

    With -o, one file from RGB to scores that needs nothing of biqa. Without, the graph of your
    own weights, beside them: from then on they run in ONNX Runtime on the CPU.

    Example: biqa export reqa-lite -o reqa.onnx
    """
    _output.set_up_logging(verbose)
    if graph_only and output is None:
        raise UsageError("--graph-only needs -o FILE.onnx")
    own = next(iter(_options.files_of([name])), None)
    if output is None and own is None:
        raise UsageError(
            "what is to be written? name a file with -o, or your own weights in place of a model: "
            "what `biqa weights list` lists has its graph already, where it can have one"
        )
    refuse_to_overwrite([output], [own])
    from biqa_cli.models.graphs import own_graph
    from biqa_cli.models.loading import load_for_export

    try:
        from biqa_cli.models.onnx_export import export_graph, export_model
    except ModuleNotFoundError as error:
        msg = f"an export needs {error.name}, not installed here: pip install 'biqa-cli[export]'"
        raise DependencyError(msg) from error
    spec, network = load_for_export(name, offline=offline)
    whole = output is not None and not graph_only
    made = export_model(spec, network) if whole else export_graph(spec, network)
    beside = None if own is None else own_graph(own, spec)
    target = output or beside
    assert target is not None, "one of them is named, as was checked above"  # noqa: S101
    _output.write_file(target, made.content)
    if target != _output.STDOUT:
        _output.print_line(str(target))
    if not quiet:
        _output.say(f"differs from PyTorch by {made.difference:.1e} of the scale at most")
        if output is None:
            _output.say(f"`biqa score -m {name}` now runs in ONNX Runtime")
