"""Options that several commands share: declared once, they mean the same everywhere."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from biqa_cli.cli._output import STDOUT
from biqa_cli.errors import UsageError
from biqa_cli.images.limits import DEFAULT_LIMITS, Limits
from biqa_cli.models.catalog import MODELS, names_a_file

if TYPE_CHECKING:
    from biqa_cli.store.known_scores import Store

_Format = TypeVar("_Format")


class TableOrJson(StrEnum):
    """How a list is printed."""

    table = "table"
    json = "json"


class Engine(StrEnum):
    """What runs the model."""

    auto = "auto"
    onnx = "onnx"
    torch = "torch"


class Precision(StrEnum):
    """What a network computes in."""

    auto = "auto"
    float32 = "float32"
    bfloat16 = "bfloat16"


def _devices() -> list[str]:
    return ["auto", "cpu", "cuda", "mps"]


def _models(incomplete: str) -> list[str]:
    return [name for name in MODELS if name.startswith(incomplete)]


def files_of(models: Iterable[str]) -> list[Path]:
    """Return the files of weights among what stands for models."""
    return [Path(name) for name in models if names_a_file(name)]


def _report_file(text: str) -> Path | None:
    """Return the file to write a report to; None, as without -o, is stdout, and ./- a file."""
    return None if text == "-" else Path(text)


def any_file(text: str) -> Path:
    """Return the file to write; - is STDOUT, and ./- a file of that name."""
    path = Path(text)
    return path.absolute() if path == STDOUT and text != "-" else path


def only_file(text: str) -> Path:
    """Return the file to write where stdout has other data.

    Raises:
        UsageError: If it is -, as which other options take stdout.
    """
    if text == "-":
        raise UsageError("standard output has the report: name a file, or ./- if it is called so")
    return Path(text)


_SEE_MODELS = "A name from `biqa models list`, or a file of your own weights"

# What scores.
Model = Annotated[
    str,
    typer.Option(
        "-m", "--model", help=f"{_SEE_MODELS}.", envvar="BIQA_MODEL", autocompletion=_models
    ),
]
Models = Annotated[
    list[str] | None,
    typer.Option("-m", "--model", help=f"{_SEE_MODELS}; repeatable.", autocompletion=_models),
]
ModelName = Annotated[str, typer.Argument(help=f"{_SEE_MODELS}.", autocompletion=_models)]
Device = Annotated[
    str,
    typer.Option(
        "-d",
        "--device",
        metavar="auto|cpu|cuda|mps",
        help="Where the model runs.",
        envvar="BIQA_DEVICE",
        autocompletion=_devices,
    ),
]
EngineOption = Annotated[Engine, typer.Option("--engine", help="What runs the model.")]
PrecisionOption = Annotated[
    Precision, typer.Option("--precision", help="What the network computes in, on a CPU.")
]
Threads = Annotated[
    int, typer.Option("--threads", min=0, help="Threads of the model; 0 is one a core.")
]
BatchSize = Annotated[
    int | None, typer.Option("--batch-size", min=1, help="Photos at once; no score depends on it.")
]
Offline = Annotated[bool, typer.Option("--offline", help="Open no socket.")]

# What is read.
Photos = Annotated[
    list[str] | None, typer.Argument(metavar="PATHS...", help="Photos and folders of photos.")
]
Exclude = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude", metavar="PATTERN", help="Skip such names inside folders; repeatable."
    ),
]
NewerThan = Annotated[
    str | None,
    typer.Option(
        "--newer-than",
        metavar="DATE|FILE",
        help="Only files changed after a date (2026-11-29) or after a file was.",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option("-j", "--workers", min=1, help="Threads that read photos.", envvar="BIQA_WORKERS"),
]
MaxMegapixels = Annotated[
    float, typer.Option("--max-megapixels", min=0.001, help="Larger photos are refused.")
]
Memory = Annotated[
    float,
    typer.Option(
        "--memory", metavar="MB", min=1, help="For all photos that are decoded at one time."
    ),
]
SecondsPerPhoto = Annotated[
    float,
    typer.Option("--seconds-per-photo", min=0.001, help="Slower to decode is refused."),
]
DatasetOption = Annotated[
    str, typer.Option("--dataset", help="See `biqa datasets list`, or csv:FILE for your own.")
]
Root = Annotated[
    Path | None,
    typer.Option("--root", help="Folder of the data set; for csv:FILE that of its paths."),
]
LabelRange = Annotated[
    str | None,
    typer.Option("--label-range", metavar="LOW:HIGH", help="Of the labels of a csv:FILE."),
]
Split = Annotated[
    str | None,
    typer.Option(
        "--split",
        metavar="PROTOCOL[@SHARES][:PART]",
        help="clean, official, reference, image, scene, a saved file, or all.",
    ),
]
Predictions = Annotated[
    list[Path] | None,
    typer.Option("--predictions", help="Scores of any tool: CSV, text or JSON; repeatable."),
]
Columns = Annotated[
    list[str] | None,
    typer.Option("--column", metavar="NAME", help="Column of scores, a tool each; repeatable."),
]
Delimiter = Annotated[
    str | None,
    typer.Option("--delimiter", metavar="CHAR|tab", help="What separates those columns."),
]
PredictionRange = Annotated[
    list[str] | None,
    typer.Option(
        "--prediction-range",
        metavar="[FILE|COLUMN=]WORST:BEST",
        help="Of a tool's scores: 0:1, or 100:0 if lower is better; repeatable.",
    ),
]
Resamples = Annotated[
    int, typer.Option("--resamples", min=0, help="For the intervals; 0 leaves them out.")
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="The same seed, the same result.")]

# What is known from earlier runs.
StoreFile = Annotated[
    Path | None,
    typer.Option(
        "--store",
        metavar="FILE",
        help="Database of known scores.  [default: in the cache]",
        envvar="BIQA_STORE",
    ),
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Score known photos again.")]
NoStore = Annotated[bool, typer.Option("--no-store", help="Do not read or write the store.")]

# What is written and said.
Output = Annotated[
    Path | None,
    typer.Option(
        "-o",
        "--output",
        metavar="FILE",
        parser=_report_file,
        help="Write to a file, renamed when whole; - is stdout.",
    ),
]
ListFormat = Annotated[TableOrJson, typer.Option("-f", "--format", help="How it is printed.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="No progress, no summary.")]
Verbose = Annotated[int, typer.Option("-v", "--verbose", count=True, help="Tell more.")]

_MILLION = 1_000_000
DEFAULT_MEGAPIXELS = DEFAULT_LIMITS.max_pixels / _MILLION
DEFAULT_MEMORY = DEFAULT_LIMITS.memory / _MILLION
DEFAULT_SECONDS = DEFAULT_LIMITS.seconds


def limits_of(*, max_megapixels: float, memory: float, seconds: float) -> Limits:
    """Return what reading may cost by --max-megapixels, --memory and --seconds-per-photo."""
    return Limits(round(max_megapixels * _MILLION), round(memory * _MILLION), seconds)


def store_of(
    path: Path | None, *, fresh: bool, unused: bool
) -> AbstractContextManager["Store | None"]:
    """Return the store of known scores by --store, --fresh and --no-store."""
    from biqa_cli.store.known_scores import Store
    from biqa_cli.store.location import default_store

    return nullcontext() if unused else Store(path or default_store(), fresh=fresh)


def choose_format(
    asked: _Format | None, output: Path | None, suffixes: Mapping[str, _Format], *, default: _Format
) -> _Format:
    """Return the format of a report: the one asked for, else that of the file's suffix.

    Args:
        asked: By -f.
        output: By -o; None for stdout, which has the default format.
        suffixes: What suffixes stand for.
        default: Of stdout.

    Raises:
        UsageError: If the suffix stands for none; the message names those that do.
    """
    if asked is not None or output is None:
        return asked or default
    if output.suffix.lower() not in suffixes:
        msg = f"what format is {output.name!r}? use {', '.join(suffixes)}, or choose one with -f"
        raise UsageError(msg)
    return suffixes[output.suffix.lower()]
