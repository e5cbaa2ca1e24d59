"""`biqa models`: what there is to score with."""

from dataclasses import asdict
from typing import Any

import typer

from biqa_cli.cli import _options, _output
from biqa_cli.models.catalog import DEFAULT_MODEL, MODELS
from biqa_cli.models.options import with_defaults
from biqa_cli.models.spec import ModelSpec
from biqa_cli.weights.cache import is_present
from biqa_cli.weights.manifest import load_manifest

app = typer.Typer(no_args_is_help=True, help="List the models and what they expect.")


@app.command("list")
def list_models(
    format: _options.ListFormat = _options.TableOrJson.table,  # noqa: A002
    verbose: _options.Verbose = 0,
) -> None:
    """List all models.

    Example: biqa models list -f json
    """
    _output.set_up_logging(verbose)
    facts = [_facts(spec) for spec in MODELS.values()]
    if format is _options.TableOrJson.json:
        _output.print_json(facts)
        return
    columns = ("name", "family", "view", "parameters", "macs", "srcc", "runs in")
    may_go = ("macs", "view", "family", "runs in", "parameters")
    _output.print_table(columns, [_row(spec) for spec in MODELS.values()], may_go=may_go)
    _output.say(f"the default is {DEFAULT_MODEL}; a model without an SRCC is not trained yet")


@app.command("info")
def info(
    name: _options.ModelName,
    format: _options.ListFormat = _options.TableOrJson.table,  # noqa: A002
    verbose: _options.Verbose = 0,
) -> None:
    """Show all that is known of one model.

    Example: biqa models info qualitynet-lite
    """
    from biqa_cli.models.loading import specification

    _output.set_up_logging(verbose)
    facts = _facts(specification(name))
    if format is _options.TableOrJson.json:
        _output.print_json(facts)
        return
    _output.print_table(("field", "value"), [[key, _cell(value)] for key, value in facts.items()])


def _row(spec: ModelSpec) -> list[str]:
    """Return a row of the table: one line of 80 columns, whatever the model."""
    checkpoint = load_manifest().find(spec.name)
    has_graph = checkpoint is not None and checkpoint.graph is not None
    return [
        spec.name,
        spec.family,
        f"{spec.input.width}x{spec.input.height}",
        f"{spec.parameters / 1e6:.1f} M".rjust(10),
        f"{spec.macs / 1e9:.1f} G".rjust(6),
        "-" if checkpoint is None else f"{checkpoint.srcc:.4f}",
        "onnx" if has_graph else "torch",
    ]


def _cell(value: Any) -> Any:  # noqa: ANN401  whatever JSON holds
    if isinstance(value, list):
        return ", ".join(value)
    if isinstance(value, dict):
        return ", ".join(f"{key}={item}" for key, item in value.items())
    return "-" if value is None else value


def _facts(spec: ModelSpec) -> dict[str, Any]:
    checkpoint = load_manifest().find(spec.name)
    known = asdict(checkpoint) if checkpoint else {}
    return {
        "name": spec.name,
        "family": spec.family,
        "base": spec.base or None,
        "summary": spec.summary,
        "backbones": list(spec.backbones),
        "options": with_defaults(spec.family, spec.options),
        "parameters": spec.parameters,
        "macs": spec.macs,
        "input": spec.input.describe(),
        "native_scale": spec.scale.describe(),
        "checkpoint": None if checkpoint is None else checkpoint.file,
        "checkpoint_present": checkpoint is not None and is_present(checkpoint),
        **{
            key: known.get(key)
            for key in (
                "trained_on",
                "tested_on",
                "srcc",
                "plcc",
                "krcc",
                "coverage",
                "backbone_origin",
                "licence",
            )
        },
        "citation": spec.citation,
    }
