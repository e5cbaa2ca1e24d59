from pathlib import Path

import pytest

from biqa_cli.errors import WeightsError
from biqa_cli.models.catalog import find_model
from biqa_cli.models.options import with_defaults
from biqa_cli.models.trained import read_trained
from biqa_cli.weights.cache import locate, sha256_of
from biqa_cli.weights.manifest import TrainingData, load_manifest, parse_manifest

ENTRY = f"""
base_url = "https://example.org/weights"
[[checkpoints]]
name = "m"
file = "m.safetensors"
bytes = 3
sha256 = "{"a" * 64}"
licence = "Apache-2.0"
backbone_origin = "t"
trained_on = "d"
recipe = "r"
tested_on = "s"
srcc = 0.9
plcc = 0.8
krcc = 0.7
coverage = 0.9
training = [{{ dataset = "biq2021", protocol = "clean", parts = ["train"] }}]
graph = {{ file = "m.onnx", bytes = 2, sha256 = "{"b" * 64}" }}
"""


def test_an_entry_becomes_a_record() -> None:
    manifest = parse_manifest(ENTRY, source="test")
    checkpoint = manifest.find("m")
    assert checkpoint is not None
    assert [file.file for file in checkpoint.files] == ["m.safetensors", "m.onnx"]
    assert checkpoint.training == (TrainingData("biq2021", "clean", ("train",)),)
    assert manifest.find("other") is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("bytes = 3", 'bytes = "3"', "bytes must be int"),
        ('licence = "Apache-2.0"\n', "", "licence"),
        ("srcc = 0.9", "srcc = 0.9\nunknown = 1", "unknown"),
        ('file = "m.safetensors"', 'file = "../m.safetensors"', "plain file name"),
        ('"' + "a" * 64 + '"', '"abc"', "a sha256"),
        ('protocol = "clean", ', "", "protocol"),
        ('base_url = "https://example.org/weights"\n', "", "base_url"),
        ("[[checkpoints]]", "[[checkpoints", "test is not a manifest"),
    ],
)
def test_a_wrong_entry_is_refused(old: str, new: str, message: str) -> None:
    assert old in ENTRY
    with pytest.raises(WeightsError, match=message):
        parse_manifest(ENTRY.replace(old, new), source="test")


def test_the_files_in_the_repository_are_those_that_the_manifest_lists() -> None:
    root = Path(__file__).parents[2]
    packaged = list((root / "biqa_cli" / "weights" / "files").iterdir())
    assert sum(path.stat().st_size for path in packaged) < 40_000_000
    shipped = [*packaged, *root.glob("weights/*")]
    listed = {file.file: file for c in load_manifest().checkpoints for file in c.files}
    assert sorted(path.name for path in shipped) == sorted(listed)
    for path in shipped:
        assert sha256_of(path) == listed[path.name].sha256
        assert path.stat().st_size == listed[path.name].bytes


def test_light_models_are_whole_in_the_package_and_need_no_torch_but_nlnet() -> None:
    folder = Path(__file__).parents[2] / "biqa_cli" / "weights" / "files"
    checkpoints = load_manifest().checkpoints
    light = [checkpoint for checkpoint in checkpoints if checkpoint.name.endswith("-lite")]
    assert len(light) == 5
    assert all(locate(file) == folder / file.file for c in light for file in c.files)
    # Superpixels have no ONNX graph.
    assert [c.name for c in checkpoints if c.graph is None] == ["nlnet-lite"]


def test_shipped_checkpoints_are_calibrated() -> None:
    for checkpoint in load_manifest().checkpoints:
        file = locate(checkpoint.weights)
        trained = None if file is None else read_trained(file)
        assert trained is not None
        assert trained.scale.calibration is not None


def test_shipped_checkpoints_are_the_networks_of_the_catalogue() -> None:
    for checkpoint in load_manifest().checkpoints:
        spec, file = find_model(checkpoint.name), locate(checkpoint.weights)
        trained = None if file is None else read_trained(file)
        assert trained is not None
        assert (trained.backbones, trained.input) == (spec.backbones, spec.input)
        assert trained.options == with_defaults(spec.family, spec.options)
