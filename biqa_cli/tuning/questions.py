"""From photos that are described to the questions of a session."""

import os
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from biqa_cli.errors import UsageError
from biqa_cli.tuning.asking import order_of_pairs, order_of_photos
from biqa_cli.tuning.descriptions import Description
from biqa_cli.tuning.ridge import Photos
from biqa_cli.tuning.session import Question

_LEAST = 2


def questions_of(
    described: Sequence[Description],
    *,
    folder: Path,
    asked: Collection[Question],
    pairs: bool,
    count: int,
) -> list[Question]:
    """Return what to ask, the most telling question first; none that was asked before.

    Args:
        described: All photos; those that could not be read are not asked about.
        folder: That names are relative to.
        asked: Earlier questions, pairs in the order of their names.
        pairs: Whether to ask about two photos at a time.
        count: Of questions at most.

    Raises:
        UsageError: If fewer than two photos could be read.
    """
    readable = [one for one in described if one.features is not None]
    if len(readable) < _LEAST:
        msg = f"only {len(readable)} of the photos can be read: name more, or a folder of them"
        raise UsageError(msg)
    photos = Photos(
        np.array([one.share for one in readable]),
        np.array([one.left for one in readable]),
        np.array([one.features for one in readable]),
    )
    names = [Path(os.path.relpath(one.path, folder)).as_posix() for one in readable]
    more = count + len(asked)
    if pairs:
        found: list[Question] = [
            (names[i], names[j]) for i, j in order_of_pairs(photos, count=more)
        ]
        return [pair for pair in found if tuple(sorted(pair)) not in asked][:count]
    ordered: list[Question] = [(names[i],) for i in order_of_photos(photos, count=more)]
    return [question for question in ordered if question not in asked][:count]
