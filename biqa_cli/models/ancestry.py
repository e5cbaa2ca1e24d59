"""What the starting weights of a training have learnt from: what is built on them has, too."""

from collections.abc import Sequence
from pathlib import Path

from biqa_cli.datasets.learnt import Learnt
from biqa_cli.models.declared import LONGEST_NAME
from biqa_cli.models.starting_weights import IMAGENET, NONE
from biqa_cli.models.trained import read_trained
from biqa_cli.weights.cache import sha256_of
from biqa_cli.weights.manifest import load_manifest


def learnt_by_starts(starts: Sequence[str]) -> Learnt:
    """Return what starting weights have learnt from.

    ImageNet's weights and published backbones have seen no rated photo. Listed checkpoints go by
    their names, for weights.toml knows their photos. A checkpoint by an earlier version of biqa
    does not say what it learnt from: its file's name tells that something is unknown.

    Args:
        starts: As in `set_starting_weights`, which has read them.

    Raises:
        WeightsError: If the header of a file is damaged.
    """
    learnt = Learnt()
    for start in dict.fromkeys(starts):
        if start not in (IMAGENET, NONE):
            learnt |= _learnt_by(Path(start))
    return learnt


def _learnt_by(path: Path) -> Learnt:
    sha256 = sha256_of(path)
    listed = [c.name for c in load_manifest().checkpoints if c.sha256 == sha256]
    if listed:
        return Learnt(ancestors=tuple(listed))
    trained = read_trained(path)
    if trained is None:
        return Learnt()
    name = "".join(c if c.isprintable() else "?" for c in path.name)[:LONGEST_NAME]
    return trained.learnt or Learnt(ancestors=(name,))
