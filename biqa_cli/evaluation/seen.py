"""Which images of a part a model has learnt from, or shows what it has learnt from."""

from collections.abc import Sequence
from dataclasses import dataclass

from biqa_cli.datasets.base import Dataset
from biqa_cli.datasets.learnt import Learnt
from biqa_cli.datasets.splits import split_dataset
from biqa_cli.evaluation.parts import Part
from biqa_cli.threads import default_workers
from biqa_cli.weights.manifest import Checkpoint, load_manifest


@dataclass(frozen=True, slots=True)
class Seen:
    """How many images of a part a model knows from its training, which flatters it."""

    images: int = 0
    """Which it has learnt from."""
    references: int = 0
    """Others, of a reference or a scene that it has learnt from."""
    sentences: tuple[str, ...] = ()
    """Both, for people; empty where both are 0."""


def seen_in_training(
    dataset: Dataset,
    parts: Sequence[Part],
    *,
    name: str,
    checkpoint: Checkpoint | None = None,
    learnt: Learnt | None = None,
) -> list[Seen]:
    """Return what a model has seen of each part.

    Args:
        dataset: Whose photos are evaluated; a photo that its weights name is read.
        parts: Of the data set.
        name: Of the model.
        checkpoint: The listed weights that it uses: weights.toml says which photos trained them.
        learnt: What weights of one's own say.
    """
    wanted = sorted({index for part in parts for index in part.indices})
    listed = [] if checkpoint is None else [(checkpoint.name, _trained_on(dataset, checkpoint))]
    photos = references = frozenset[int]()
    if learnt is not None:
        photos = learnt.photos_among(dataset, wanted, workers=default_workers())
        references = learnt.references_among(dataset, wanted)
        for ancestor in map(load_manifest().find, learnt.ancestors):
            if ancestor is not None:
                whose = f"{ancestor.name}, from which {name} started,"
                listed.append((whose, _trained_on(dataset, ancestor)))
    return [_seen(part, name, photos, references, listed) for part in parts]


def unknown_origins(learnt: Learnt) -> list[str]:
    """Return what weights started from without anybody knowing its photos."""
    manifest = load_manifest()
    found = {name: manifest.find(name) for name in learnt.ancestors}
    return [name for name, listed in found.items() if listed is None or not listed.training]


def _seen(
    part: Part,
    name: str,
    photos: frozenset[int],
    references: frozenset[int],
    listed: Sequence[tuple[str, frozenset[int]]],
) -> Seen:
    own, total = photos.intersection(part.indices), len(part.indices)
    sentences = []
    if own:
        sentences.append(f"{len(own)} of these {total} images were learnt from by {name}")
    known = set(own)
    for whose, trained_on in listed:
        if found := trained_on.intersection(part.indices):
            sentences.append(f"{whose} was trained on {len(found)} of these {total} images")
            known |= found
    related = references.intersection(part.indices) - known
    if related:
        sentences.append(
            f"{len(related)} {'more ' if known else ''}of these {total} images show, by its name, "
            f"a reference or a scene that {name} has learnt from"
        )
    return Seen(len(known), len(related), tuple(sentences))


def _trained_on(dataset: Dataset, checkpoint: Checkpoint) -> frozenset[int]:
    found: set[int] = set()
    for training in checkpoint.training:
        if training.dataset == dataset.name:
            split = split_dataset(dataset, protocol=training.protocol, seed=training.seed)
            found.update(*(split.parts.get(name, ()) for name in training.parts))
    return frozenset(found)
