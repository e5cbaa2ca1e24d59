"""What starting weights have learnt from is known of own, listed and earlier checkpoints."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from biqa_cli.datasets.learnt import Learnt
from biqa_cli.models.ancestry import learnt_by_starts
from biqa_cli.models.catalog import find_model
from biqa_cli.models.trained import TrainedNetwork
from biqa_cli.weights.cache import locate
from biqa_cli.weights.manifest import load_manifest

LEARNT = Learnt(frozenset({b"12345678"}), frozenset({b"abcdefgh"}), ("m",))


def checkpoint(path: Path, learnt: Learnt | None) -> str:
    spec = find_model("reqa-lite")
    trained = TrainedNetwork(
        family="reqa",
        backbones=spec.backbones,
        options={"steps": 4, "feedback": True, "transformer": True, "input_size": 224},
        input=spec.input,
        scale=replace(spec.scale, calibration=None),
        dataset="csv:mine.csv",
        learnt=learnt,
    )
    save_file({"w": np.zeros(1, np.float32)}, path, metadata=trained.to_metadata())
    return str(path)


def test_weights_of_imagenet_random_ones_and_published_backbones_saw_no_rated_photo(
    tmp_path: Path,
) -> None:
    published = tmp_path / "resnet50.safetensors"
    save_file({"w": np.zeros(1, np.float32)}, published)
    assert learnt_by_starts(["imagenet", "none", str(published)]) == Learnt()
    assert learnt_by_starts([]) == Learnt()


def test_own_checkpoints_pass_on_what_they_learnt_from_and_their_ancestors(tmp_path: Path) -> None:
    other = Learnt(frozenset({b"87654321"}))
    starts = [
        checkpoint(tmp_path / "a", LEARNT),
        checkpoint(tmp_path / "b", other),
    ]
    assert learnt_by_starts(starts) == LEARNT | other


@pytest.mark.parametrize("name", ["reqa-lite", "blockiqa-lite"])
def test_a_listed_checkpoint_is_known_under_any_name(name: str, tmp_path: Path) -> None:
    listed = load_manifest().find(name)
    assert listed is not None
    here = locate(listed.weights)
    assert here is not None
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(here.read_bytes())
    assert learnt_by_starts([str(copy)]) == Learnt(ancestors=(name,))


def test_a_checkpoint_that_does_not_say_is_told_by_its_name(tmp_path: Path) -> None:
    start = checkpoint(tmp_path / "old\x1b.safetensors", None)
    assert learnt_by_starts([start]) == Learnt(ancestors=("old?.safetensors",))
