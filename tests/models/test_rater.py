from importlib.metadata import PackageNotFoundError, version

import pytest
from fakes import brightness_model

from biqa_cli.models import rater
from biqa_cli.models.rater import is_current, rater_of


def _pretend(monkeypatch: pytest.MonkeyPatch, package: str, installed: str | None) -> None:
    def pretended(name: str) -> str:
        if name != package:
            return version(name)
        if installed is None:
            raise PackageNotFoundError(name)
        return installed

    monkeypatch.setattr(rater, "version", pretended)


@pytest.mark.parametrize("package", ["pillow", "pillow-heif", "pillow-jxl-plugin", "rawpy"])
def test_another_version_of_a_decoder_makes_another_rater(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    raters = set()
    for installed in ("0.1", "0.2"):
        _pretend(monkeypatch, package, installed)
        raters.add(rater_of(brightness_model()))
        assert [is_current(one) for one in raters].count(True) == 1
    assert len({one.key for one in raters}) == 2


def test_the_decoders_of_the_extras_need_not_be_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    _pretend(monkeypatch, "rawpy", "0.1")
    with_extra = rater_of(brightness_model())
    _pretend(monkeypatch, "rawpy", None)
    without = rater_of(brightness_model())
    assert is_current(without) and not is_current(with_extra)
    assert "rawpy" in with_extra.facts and "rawpy" not in without.facts
