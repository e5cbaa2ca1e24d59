"""Where files of weights are looked for, and what counts as the listed file."""

import hashlib
from pathlib import Path

import pytest

from biqa_cli.errors import WeightsError
from biqa_cli.weights import cache as cache_module
from biqa_cli.weights.cache import is_verified, locate, read_verified, search_folders
from biqa_cli.weights.manifest import WeightsFile

CONTENT = b"weights" * 100
FILE = WeightsFile("m.safetensors", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


def test_a_file_that_is_nowhere_is_not_verified() -> None:
    assert locate(FILE) is None
    assert not is_verified(FILE)


def test_a_file_is_verified_by_its_content(cache: Path) -> None:
    (cache / FILE.file).write_bytes(CONTENT)
    assert locate(FILE) == cache / FILE.file
    assert is_verified(FILE)
    (cache / FILE.file).write_bytes(CONTENT[:-1] + b"S")
    assert not is_verified(FILE)


def test_what_is_in_the_package_goes_before_the_cache(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_module, "_PACKAGE", tmp_path / "biqa_cli")
    inside, beside = tmp_path / "biqa_cli" / "weights" / "files", tmp_path / "weights"
    assert search_folders() == (inside, cache, beside)
    for folder in (beside, cache, inside):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE.file).write_bytes(CONTENT)
        assert locate(FILE) == folder / FILE.file


def test_a_file_up_to_the_limit_is_read_and_a_larger_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "m").write_bytes(CONTENT)
    monkeypatch.setattr(cache_module, "_MOST_BYTES", len(CONTENT))
    assert read_verified(tmp_path / "m", sha256=FILE.sha256) == CONTENT
    monkeypatch.setattr(cache_module, "_MOST_BYTES", len(CONTENT) - 1)
    with pytest.raises(WeightsError, match="is not the file that weights.toml lists"):
        read_verified(tmp_path / "m", sha256=FILE.sha256)
