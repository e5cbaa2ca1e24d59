"""Which images train a model and which test it: pure, repeatable, honest about leaks."""

import hashlib
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

from biqa_cli.datasets.base import Dataset, Kind, RatedImage
from biqa_cli.errors import UsageError, did_you_mean

_T = TypeVar("_T")

SplitProtocol = Literal["reference", "image", "scene", "official", "clean", "all"]

_KEYS: dict[str, Callable[[RatedImage], str | None]] = {
    "reference": lambda image: image.reference,
    "scene": lambda image: image.scene,
    "official": lambda image: image.official_part,
    "clean": lambda image: image.clean_part,
}
"""What an image must have for a protocol."""

_LISTS: tuple[SplitProtocol, ...] = ("official", "clean", "all")
"""The protocols that shuffle nothing."""
_PUBLISHED: tuple[SplitProtocol, ...] = ("clean", "official")

DROPPED = "dropped"
"""The part that takes no part."""


@dataclass(frozen=True, slots=True)
class Split:
    """Parts of a data set, as indices into its images."""

    protocol: str
    seed: int | None
    """None where the parts are a published list."""
    parts: Mapping[str, tuple[int, ...]]
    """train, test and maybe val, in ascending order; `dropped` images take no part."""
    reason: str
    """A sentence that says what leaks; empty where nothing does."""
    sha256: str
    """Of protocol, seed and the paths of each part, whatever the case of the paths."""

    @property
    def leaky(self) -> bool:
        """Whether two parts show the same content, so that the test flatters."""
        return bool(self.reason)


def split_dataset(
    dataset: Dataset, *, protocol: str | None = None, seed: int = 1, shares: str = "80/20"
) -> Split:
    """Return a split of a data set, the same for the same arguments on every machine.

    | protocol | parts | default of |
    | --- | --- | --- |
    | reference | all images of a reference fall in one part | synthetic sets |
    | image | images are shuffled one by one | authentic sets |
    | scene | all photos of a scene fall in one part | |
    | official | the authors' list | sets that have one |
    | clean | the authors' list less its leaks, with `val` and `dropped` | BIQ2021 |
    | all | every image trains, for a test on another set | |

    A protocol that shuffles may name its shares in percent, of train and test or of train, val and
    test: `image@60/20/20`. What they leave takes no part, and the test part is always the end of
    the order: `image@20/0/20` and `image@60/0/20` are tested on the same images. `image@5/95`
    trains on 5 % and is tested on all others (SHDIQA, supplement, Tables 1 and 2).

    By reference, the sorted references are shuffled by `random.Random(seed)` and cut at
    int(0.8 n), or int(0.6 n) and int(0.8 n): with seeds 1 to 10 these are the splits of NLNet.
    By image, cuts are rounded to the nearest.

    Args:
        dataset: Whole: an image that is missing changes the splits by image.
        protocol: None is the default of the data set.
        seed: Ignored where the parts are a published list.
        shares: Of train, (val) and test, where the protocol does not name them.

    Raises:
        UsageError: If the protocol is unknown, its facts are not known of all images, or a part
            would be empty.
    """
    asked = default_protocol(dataset) if protocol is None else protocol
    chosen, names_shares, own = asked.partition("@")
    if chosen not in get_args(SplitProtocol):
        msg = f"there is no protocol {chosen!r}: {did_you_mean(chosen, get_args(SplitProtocol))}"
        raise UsageError(msg)
    is_list = chosen in _LISTS
    if is_list and names_shares:
        msg = f"{asked}: {chosen} is a list, which has no shares: name it without @{own}"
        raise UsageError(msg)
    labels = _part_labels(
        dataset, protocol=chosen, seed=seed, cuts=_cuts_of(own if names_shares else shares)
    )
    parts: dict[str, list[int]] = {part: [] for part in ("train", "val", "test", DROPPED)}
    for index, part in enumerate(labels):
        parts[part].append(index)
    if not (parts["train"] and (parts["test"] or chosen == "all")):
        msg = (
            f"{dataset.name} cannot be split by {asked}: train has {len(parts['train'])} of"
            f" {len(labels)} images and test {len(parts['test'])}: name another protocol (--split)"
        )
        raise UsageError(msg)
    return split_of_parts(
        dataset,
        {part: tuple(indices) for part, indices in parts.items() if indices},
        protocol=asked,
        seed=None if is_list else seed,
    )


_PROTOCOL_OF: dict[Kind, SplitProtocol] = {
    "synthetic": "reference",
    "authentic": "image",
    # Images of one prompt show the same things.
    "generated": "scene",
}


def default_protocol(dataset: Dataset) -> SplitProtocol:
    """Return the published list without leaks, or the one there is, or what papers do without."""
    return published_protocol(dataset) or _PROTOCOL_OF[dataset.kind]


def published_protocol(dataset: Dataset) -> SplitProtocol | None:
    """Return the published split that has a test part, the one without leaks first."""
    for protocol in _PUBLISHED:
        parts = {_KEYS[protocol](image) for image in dataset.images}
        if None not in parts and "test" in parts:
            return protocol
    return None


def split_of_parts(
    dataset: Dataset,
    parts: Mapping[str, tuple[int, ...]],
    *,
    protocol: str,
    seed: int | None,
) -> Split:
    """Return parts with what is to be known of them: whether they leak, and their sha256."""
    reason = leak(dataset, parts)
    digest = hashlib.sha256(f"{protocol}\n{seed}\n".encode())
    for part, path in sorted(
        (part, dataset.images[index].path.casefold())
        for part, indices in parts.items()
        for index in indices
    ):
        digest.update(f"{part}\t{path}\n".encode(errors="surrogateescape"))
    return Split(
        protocol=protocol,
        seed=seed,
        parts=parts,
        reason=reason,
        sha256=digest.hexdigest(),
    )


def leak(dataset: Dataset, parts: Mapping[str, tuple[int, ...]]) -> str:
    """Return the sentence that says which content is in several parts; empty if none is."""
    for facts, what in (
        (_KEYS["reference"], "reference images have versions"),
        (_KEYS["scene"], "scenes have photos"),
    ):
        where: dict[str, set[str]] = {}
        for part, indices in parts.items():
            for index in indices if part != DROPPED else ():
                if (content := facts(dataset.images[index])) is not None:
                    where.setdefault(content, set()).add(part)
        shared = sum(len(found) > 1 for found in where.values())
        if shared:
            return (
                f"{shared} of {len(where)} {what} in more than one part: a model is tested on"
                " content that it was trained on, and scores better than it is"
            )
    return ""


_Cuts = Sequence[tuple[str, float]]
"""The parts in order, and where each ends, as a share of all."""


def _cuts_of(shares: str) -> _Cuts:
    """Return where parts end, for shares in percent: train/test or train/val/test.

    Raises:
        UsageError: If the text is no such shares.

    Example:
        >>> _cuts_of("20/0/20")
        [('train', 0.2), ('dropped', 0.8), ('test', 1.0)]
    """
    try:
        percent = [float(text) for text in shares.split("/")]
    except ValueError:
        percent = []
    train, *val, test = percent if len(percent) in _PARTS else (0.0, 0.0)
    middle = val[0] if val else 0.0
    if not (train > 0 and test > 0 and middle >= 0 and train + middle + test <= 100):  # noqa: PLR2004
        msg = (
            f"cannot split {shares!r}: write train/test or train/val/test in percent, 100 at the "
            "most, such as 80/20 or 60/20/20"
        )
        raise UsageError(msg)
    ends = [("train", train), ("val", train + middle), (DROPPED, 100 - test), ("test", 100.0)]
    before = (0.0, *(end for _, end in ends))
    return [(p, end / 100) for (p, end), start in zip(ends, before, strict=False) if end > start]


_PARTS = (2, 3)
"""How many shares there may be."""


def _part_labels(dataset: Dataset, *, protocol: str, seed: int, cuts: _Cuts) -> list[str]:
    """Return the part of each image."""
    if protocol == "all":
        return ["train"] * len(dataset.images)
    if protocol == "image":
        order = list(range(len(dataset.images)))
        shuffled = _shuffled(order, seed)
        part_of = _cut(shuffled, cuts, where=round)
        return [part_of[index] for index in order]
    facts = [_KEYS[protocol](image) for image in dataset.images]
    known = [fact for fact in facts if fact is not None]
    if len(known) < len(facts):
        lacking = dataset.images[facts.index(None)].path
        msg = (
            f"{dataset.name} cannot be split by {protocol}: none is known of"
            f" {len(facts) - len(known)} of {len(facts)} images, such as {lacking}"
        )
        raise UsageError(msg)
    if protocol in ("official", "clean"):
        return known
    groups = _cut(_shuffled(sorted(set(known)), seed), cuts, where=int)
    return [groups[fact] for fact in known]


def _shuffled(items: Sequence[_T], seed: int) -> list[_T]:
    shuffled = list(items)
    random.Random(seed).shuffle(shuffled)  # noqa: S311  repeatable, not secret
    return shuffled


def _cut(items: Sequence[_T], cuts: _Cuts, *, where: Callable[[float], int]) -> dict[_T, str]:
    """Return the part of each item."""
    ends = [(part, where(end * len(items))) for part, end in cuts]
    return {
        item: next(part for part, end in ends if place < end) for place, item in enumerate(items)
    }
