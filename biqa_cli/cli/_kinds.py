"""The kinds of explanation of a score: which models each applies to, and how it is shown.

Nothing heavy is imported before a photo is explained.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from biqa_cli.cli._explanations import Explanation
from biqa_cli.errors import UsageError
from biqa_cli.models.installed_torch import require_torch
from biqa_cli.models.spec import Family, ModelSpec

if TYPE_CHECKING:
    from biqa_cli.blocks.grid import Block
    from biqa_cli.explain.local_blocks import BlockChoice
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


def _quality(source: str | bytes, model: "LoadedModel", options: Options) -> Explanation:
    from biqa_cli.explain.local_scores import map_file
    from biqa_cli.reports.heatmap import draw_heatmap, heatmap_facts, heatmap_told
    from biqa_cli.scoring import run_info

    found = map_file(
        source,
        model,
        choice=options.choice,
        limits=options.limits,
        watch=options.watch,
        store=options.store,
    )
    picture = draw_heatmap(found, side_by_side=options.side_by_side, legend=options.legend)
    facts = heatmap_facts(found, run_info(model))
    return Explanation(picture, facts, found.values, heatmap_told(found))


def _similarity(source: str | bytes, model: "LoadedModel", options: Options) -> Explanation:
    from biqa_cli.explain.similarity import similarity_of_file
    from biqa_cli.reports.similarity_matrix import draw_similarity, similarity_facts
    from biqa_cli.scoring import run_info

    found = similarity_of_file(source, model, limits=options.limits)
    picture = draw_similarity(found, legend=options.legend)
    return Explanation(picture, similarity_facts(found, run_info(model)), found.values)


def _inside(source: str | bytes, model: "LoadedModel", options: Options) -> Explanation:
    import numpy as np

    from biqa_cli.explain.inner_maps import inner_maps_of_file
    from biqa_cli.reports.inner_maps import draw_inner_maps, inner_map_facts
    from biqa_cli.scoring import run_info

    found = inner_maps_of_file(source, model, limits=options.limits)
    picture = draw_inner_maps(found, side_by_side=options.side_by_side, legend=options.legend)
    values = np.stack([panel.values for panel in found.panels])
    return Explanation(picture, inner_map_facts(found, run_info(model)), values)


@dataclass(frozen=True, slots=True)
class KindFacts:
    """Which models a kind applies to, and how it is made."""

    make: "Callable[[str | bytes, LoadedModel, Options], Explanation]"
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


def choose_kind(
    kind: Kind, spec: ModelSpec, *, choice: "BlockChoice", only_onnx: bool
) -> KindFacts:
    """Return what is known of a kind, once it is known to suit the model and the other options.

    Args:
        kind: What is to be shown.
        spec: The model's.
        choice: Which blocks are wanted.
        only_onnx: Whether the user insists on an engine that gives nothing but scores.

    Raises:
        UsageError: If it does not suit them, or no photo has such blocks.
        DependencyError: If it needs PyTorch, which is not installed.
    """
    from biqa_cli.explain.local_blocks import BlockChoice, check_choice

    fitting = [
        other.value
        for other, facts in KINDS.items()
        if facts.families is None or (spec.family in facts.families and not spec.base)
    ]
    families = KINDS[kind].families
    if families is not None and spec.family not in families:
        shown_by = " or ".join(sorted(families))
        msg = (
            f"--kind {kind.value} does not apply to {spec.name}: use --kind {', '.join(fitting)}, "
            f"or -m with a model of {shown_by}"
        )
        raise UsageError(msg)
    if spec.base and kind is not Kind.quality:
        msg = (
            f"--kind {kind.value} shows what a network looks at, and {spec.name} has that of "
            f"{spec.base}: use -m {spec.base}"
        )
        raise UsageError(msg)
    if KINDS[kind].needs_torch and only_onnx:
        msg = f"--kind {kind.value} takes more than scores: use --engine torch"
        raise UsageError(msg)
    if KINDS[kind].needs_torch:
        require_torch(f"--kind {kind.value}")
    if kind is not Kind.quality and choice != BlockChoice():
        raise UsageError("--grid, --block-size and --stride are for --kind quality")
    check_choice(choice)
    return KINDS[kind]
