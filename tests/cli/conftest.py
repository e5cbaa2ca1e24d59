"""What the tests of commands share."""

import pytest
from fakes import brightness_model

from biqa_cli.models.loading import LoadedModel


@pytest.fixture
def brightness(monkeypatch: pytest.MonkeyPatch) -> LoadedModel:
    """Let every model be one whose score is the brightness of the photo, and return it."""
    model = brightness_model()
    monkeypatch.setattr("biqa_cli.models.loading.load_model", lambda *_, **__: model)
    return model
