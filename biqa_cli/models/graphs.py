"""ONNX graphs of one's own weights: where they lie, and their content."""

import hashlib
import json
from pathlib import Path

from biqa_cli import __version__
from biqa_cli.errors import WeightsError
from biqa_cli.models.options import with_defaults
from biqa_cli.models.spec import ModelSpec
from biqa_cli.weights.header import open_regular

# A graph without weights has some hundred kilobytes.
_MOST_BYTES = 64_000_000
_FORMAT = 2
"""Of graphs; since 2, those that can be cut in two have maps as outputs, too."""


def own_graph(weights: Path, spec: ModelSpec) -> Path:
    """Return where `biqa export` puts the graph of one's own weights: beside them.

    Whoever could plant a graph there could as well replace the weights, which are trusted
    because the user names them. A cache that several people write to has no such file.

    The name changes with everything that the graph depends on, so that none is ever out of date.
    """
    view, crops = spec.input, spec.input.crops
    size = [view.height, view.width] if crops is None else [crops.size, crops.size]
    options = with_defaults(spec.family, spec.options)
    known = [__version__, _FORMAT, spec.family, spec.backbones, sorted(options.items()), size]
    key = hashlib.sha256(json.dumps(known).encode()).hexdigest()[:12]
    return weights.with_name(f"{weights.stem}-graph-{key}.onnx")


def read_own_graph(path: Path) -> bytes:
    """Return the content of a graph of one's own.

    Raises:
        WeightsError: If it is no regular file, or far larger than a graph.
    """
    descriptor, size = open_regular(path)
    with open(descriptor, "rb") as file:  # noqa: PTH123  a descriptor has no Path
        if size > _MOST_BYTES:
            msg = f"{path} is no graph: it has {size} bytes, delete it and run `biqa export` again"
            raise WeightsError(msg)
        return file.read(_MOST_BYTES)
