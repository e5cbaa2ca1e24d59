import sys
from pathlib import Path

import pytest

from biqa_cli.errors import DependencyError
from biqa_cli.networks.backbones import installed_torchvision
from biqa_cli.networks.backbones.installed_torchvision import torchvision_models


@pytest.mark.parametrize(
    "failure",
    ["RuntimeError('operator torchvision::nms does not exist')", "ImportError('no such file')"],
)
def test_a_torchvision_that_does_not_fit_ends_in_one_line_that_says_how_to_mend_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text(f"raise {failure}\n")
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(tmp_path))
    versions = {"torch": "2.11.0+cpu", "torchvision": "0.29.1"}
    monkeypatch.setattr(installed_torchvision.metadata, "version", versions.__getitem__)
    with pytest.raises(DependencyError) as caught:
        torchvision_models()
    message = str(caught.value)
    assert "torchvision 0.29.1 does not fit torch 2.11.0+cpu" in message
    assert "pip install 'torchvision==0.26.*'" in message
    assert "\n" not in message
    assert caught.value.exit_code == 2


def test_the_tested_versions_fit_each_other() -> None:
    constraints = (Path(__file__).parents[3] / "constraints.txt").read_text()
    pins = dict(line.split("==") for line in constraints.splitlines() if "==" in line)
    torch_minor = int(pins["torch"].split(".")[1])
    assert int(pins["torchvision"].split(".")[1]) == torch_minor + 15
