"""What is told of the listed files on this machine."""

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from biqa_cli.errors import UsageError
from biqa_cli.weights.checking import check_files
from biqa_cli.weights.manifest import Checkpoint, WeightsFile, load_manifest

CONTENT = b"weights" * 100


@pytest.fixture
def checkpoint() -> Checkpoint:
    (listed,) = load_manifest().choose(["reqa-lite"])
    graph = WeightsFile("own.onnx", 7, "0" * 64)
    digest = hashlib.sha256(CONTENT).hexdigest()
    return replace(listed, file="own.safetensors", bytes=700, sha256=digest, graph=graph)


def test_a_file_is_missing_right_or_wrong(checkpoint: Checkpoint, cache: Path) -> None:
    assert [found.state for found in check_files([checkpoint])] == ["missing", "missing"]
    (cache / "own.safetensors").write_bytes(CONTENT)
    (cache / "own.onnx").write_bytes(b"other")
    good, bad = check_files([checkpoint])
    assert (good.state, good.path, good.facts["verified"]) == ("ok", cache / good.file.file, True)
    assert (bad.state, bad.facts["present"], bad.facts["verified"]) == ("WRONG", True, False)


def test_checkpoints_are_chosen_in_the_order_of_the_list() -> None:
    manifest = load_manifest()
    assert manifest.choose([]) == list(manifest.checkpoints)
    first, second, *_ = manifest.checkpoints
    assert manifest.choose([second.name, first.name]) == [first, second]
    with pytest.raises(UsageError, match=r"no checkpoint 'reqalite': did you mean 'reqa-lite'\?"):
        manifest.choose(["reqalite"])
