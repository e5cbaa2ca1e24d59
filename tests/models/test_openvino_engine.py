"""bfloat16 on request: near float32, told in the header, and another rater."""

import json
from pathlib import Path

import pytest
from fakes import EXAMPLES
from typer.testing import CliRunner

from biqa_cli.cli import app
from biqa_cli.errors import UsageError
from biqa_cli.models import openvino_engine
from biqa_cli.models.loading import load_model
from biqa_cli.models.rater import is_current, rater_of
from biqa_cli.scoring import score_files

openvino = pytest.importorskip("openvino", reason="needs the extra [openvino]")
CAPABILITIES = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")

# A network is compiled in seconds.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("BF16" not in CAPABILITIES, reason="the CPU has no bfloat16"),
    pytest.mark.filterwarnings("ignore"),
]

PHOTOS = [str(path) for path in sorted(EXAMPLES.glob("*.jpg"))]


@pytest.mark.parametrize("name", ["shdiqa-lite", "qualitynet-flaws"])
def test_scores_are_near_those_of_float32(name: str) -> None:
    whole = load_model(name, threads=1)
    half = load_model(name, threads=1, precision="bfloat16")
    pairs = list(zip(score_files(PHOTOS, whole), score_files(PHOTOS, half), strict=True))
    differences = [abs((one.score or 0) - (other.score or 0)) for one, other in pairs]
    assert 0 < max(differences) < 6
    assert all((one.flaws is None) == (other.flaws is None) for one, other in pairs)


def test_it_is_another_rater_which_is_current() -> None:
    half = rater_of(load_model("shdiqa-lite", precision="bfloat16"))
    assert half.key != rater_of(load_model("shdiqa-lite")).key
    assert is_current(half)


def test_the_header_says_so(tmp_path: Path) -> None:
    out = tmp_path / "scores.json"
    for precision in ("float32", "bfloat16"):
        options = ["-m", "shdiqa-lite", "--precision", precision, "-o", str(out)]
        assert CliRunner().invoke(app, ["score", PHOTOS[0], *options]).exit_code == 0
        report = json.loads(out.read_text())
        assert report["run"]["precision"] == precision
        told = {"float32": "", "bfloat16": "computed in bfloat16"}[precision]
        assert report["results"][0]["note"] == told


def test_auto_is_bfloat16_where_the_cpu_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for saves, engine in ((True, "openvino"), (False, "onnx")):
        monkeypatch.setattr(openvino_engine, "saves_time", lambda saves=saves: saves)
        assert load_model("shdiqa-lite", precision="auto").engine.name == engine


def test_what_has_no_graph_cannot_compute_in_bfloat16() -> None:
    with pytest.raises(UsageError, match="^bfloat16 needs an ONNX graph and the CPU, and"):
        load_model("nlnet-lite", precision="bfloat16")
