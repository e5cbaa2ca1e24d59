"""The kinds of explanation of a score: which models each applies to, and how it is shown.

Nothing heavy is imported before a photo is explained.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from typing import TYPE_CHECKING, Any

from biqa_cli.errors import UsageError
from biqa_cli.models.spec import Family, ModelSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image

    from biqa_cli.blocks.grid import Block
    from biqa_cli.explain.local_scores import BlockChoice
    from biqa_cli.images.limits import Limits
    from biqa_cli.models.loading import LoadedModel
    from biqa_cli.store.known_scores import Store


class Kind(StrEnum):
    """What is shown."""

    quality = "quality"
    similarity = "similarity"
    gradcam = "gradcam"
    feedback = "feedback"
    attention = "attention"


@dataclass(frozen=True, slots=True)
class Options:
    """What the kinds need to know."""

    choice: "BlockChoice"
    limits: "Limits"
    side_by_side: bool
    legend: bool
    watch: "Callable[[Sequence[Block]], Iterable[Block]]" = iter
    """Passes blocks on as they are scored, for a progress bar."""
    store: "Store | None" = None
    """What scores of photos are known from."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """One photo, ready to be written."""

    picture: "Image.Image"
    facts: dict[str, Any]
    values: "NDArray[np.float32]"

    def png(self) -> bytes:
        """Return the picture as a file."""
        file = BytesIO()
        self.picture.save(file, "PNG")
        return file.getvalue()

    def json(self) -> bytes:
        """Return the facts as a document."""
        return (json.dumps(self.facts, indent=1) + "\n").encode()

    def npy(self) -> bytes:
        """Return the values as NumPy stores them."""
        import numpy as np

        file = BytesIO()
        np.save(file, self.values)
        return file.getvalue()


def _quality(path: str, model: "LoadedModel", options: Options) -> Explanation:
    from biqa_cli.explain.local_scores import map_file
    from biqa_cli.reports.heatmap import draw_heatmap, heatmap_facts
    from biqa_cli.scoring import run_info

    found = map_file(
        path,
        model,
        choice=options.choice,
        limits=options.limits,
        watch=options.watch,
        store=options.store,
    )
    picture = draw_heatmap(found, side_by_side=options.side_by_side, legend=options.legend)
    return Explanation(picture, heatmap_facts(found, run_info(model)), found.values)


def _similarity(path: str, model: "LoadedModel", options: Options) -> Explanation:
    from biqa_cli.explain.similarity import similarity_of_file
    from biqa_cli.reports.similarity_matrix import draw_similarity, similarity_facts
    from biqa_cli.scoring import run_info

    found = similarity_of_file(path, model, limits=options.limits)
    picture = draw_similarity(found, legend=options.legend)
    return Explanation(picture, similarity_facts(found, run_info(model)), found.values)


def _inside(path: str, model: "LoadedModel", options: Options) -> Explanation:
    import numpy as np

    from biqa_cli.explain.inner_maps import inner_maps_of_file
    from biqa_cli.reports.inner_maps import draw_inner_maps, inner_map_facts
    from biqa_cli.scoring import run_info

    found = inner_maps_of_file(path, model, limits=options.limits)
    picture = draw_inner_maps(found, side_by_side=options.side_by_side, legend=options.legend)
    values = np.stack([panel.values for panel in found.panels])
    return Explanation(picture, inner_map_facts(found, run_info(model)), values)


@dataclass(frozen=True, slots=True)
class KindFacts:
    """Which models a kind applies to, and how it is made."""

    make: "Callable[[str, LoadedModel, Options], Explanation]"
    tag: str
    """What the names of its files end with."""
    families: frozenset[Family] | None = None
    """None: every family."""
    needs_torch: bool = False
    """Whether it takes more than the scores that an ONNX graph gives."""


KINDS: dict[Kind, KindFacts] = {
    Kind.quality: KindFacts(_quality, "heatmap"),
    Kind.similarity: KindFacts(_similarity, "similarity", frozenset({"blockiqa"}), True),
    Kind.gradcam: KindFacts(_inside, "gradcam", frozenset({"qualitynet"}), True),
    Kind.feedback: KindFacts(_inside, "feedback", frozenset({"reqa"}), True),
    Kind.attention: KindFacts(_inside, "attention", frozenset({"shdiqa", "nlnet"}), True),
}


def choose_kind(kind: Kind, spec: ModelSpec, *, only_onnx: bool) -> KindFacts:
    """Return what is known of a kind, once it is known to suit the model and the engine.

    Args:
        kind: What is to be shown.
        spec: The model's.
        only_onnx: Whether the user insists on an engine that gives nothing but scores.

    Raises:
        UsageError: If it does not suit them.
    """
    fitting = [
        other.value
        for other, facts in KINDS.items()
        if facts.families is None or spec.family in facts.families
    ]
    if kind.value not in fitting:
        shown_by = " or ".join(sorted(KINDS[kind].families or ()))
        msg = (
            f"--kind {kind.value} does not apply to {spec.name}: use --kind {', '.join(fitting)}, "
            f"or -m with a model of {shown_by}"
        )
        raise UsageError(msg)
    if KINDS[kind].needs_torch and only_onnx:
        msg = f"--kind {kind.value} takes more than scores: use --engine torch"
        raise UsageError(msg)
    return KINDS[kind]
