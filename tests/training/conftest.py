"""Tiny backbones and no pictures: a training takes a fraction of a second."""

from pathlib import Path

import pytest
from rated_miniature import rated_miniature, use_tiny_backbones

from biqa_cli.datasets.base import Dataset
from biqa_cli.datasets.loading import load_dataset


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    use_tiny_backbones(monkeypatch)
    # Matplotlib takes longer than the training; `test_log` draws.
    monkeypatch.setattr("biqa_cli.training.summary.draw_curves", lambda *_: False)


@pytest.fixture(scope="session")
def ratings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return rated_miniature(tmp_path_factory.mktemp("miniature"))


@pytest.fixture(scope="session")
def rated(ratings: Path) -> Dataset:
    return load_dataset(f"csv:{ratings}", keep_missing=True)


@pytest.fixture(scope="session")
def decoded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of decoded photos and cached features that tests share."""
    return tmp_path_factory.mktemp("decoded")
