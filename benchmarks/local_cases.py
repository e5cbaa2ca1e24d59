"""What measurements of local scores share: blocks that are read, and cases photo after photo."""

import argparse
import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from biqa_cli.blocks.grid import Block
from biqa_cli.explain.block_scores import native_view
from biqa_cli.images.discovery import find_images
from biqa_cli.models.judging import predict_views
from biqa_cli.models.loading import LoadedModel

Case = dict[str, Any]


def scores_of_blocks(
    image: Image.Image, model: LoadedModel, blocks: Sequence[Block]
) -> NDArray[np.float64]:
    """Return the scores (N,) of blocks that the model reads one after another."""
    scores = []
    for b in blocks:
        view = native_view(image.crop((b.x, b.y, b.x + b.width, b.y + b.height)), model.spec.input)
        native = float(predict_views(view[None], model).scores[0])
        scores.append(round(model.spec.scale.to_percent(native), 4))
    return np.array(scores)


def measured(
    arguments: argparse.Namespace, cases_of: Callable[[str, int], Iterable[Case]]
) -> list[Case]:
    """Return the cases of all photos. A photo that the checkpoint holds is not measured again."""
    checkpoint: Path | None = arguments.checkpoint
    done: dict[str, list[Case]] = {}
    if checkpoint is not None and checkpoint.exists():
        done = json.loads(checkpoint.read_text(encoding="utf-8"))
    for index, path in enumerate(sorted(find_images(arguments.photos))):
        if path not in done:
            done[path] = list(cases_of(path, index))
            if checkpoint is not None:
                checkpoint.write_text(json.dumps(done), encoding="utf-8")
            print(f"{path} is measured", flush=True)
    return [case for cases in done.values() for case in cases]


def show(result: dict[str, object], output: Path | None) -> None:
    """Print and write the result."""
    text = json.dumps(result, indent=1)
    print(text)
    if output is not None:
        output.write_text(text + "\n", encoding="utf-8")
