"""The base installation has no torch: what it promises runs where torch cannot be imported."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from fakes import EXAMPLES, photo
from PIL import Image

_EXTRA = (
    *("torch", "torchvision", "skimage", "onnx", "onnxscript", "matplotlib", "pillow_heif"),
    *("pillow_jxl", "rawpy", "pyarrow", "fsspec", "s3fs", "gcsfs", "aiohttp", "ray", "openvino"),
)

# An import that fails as it does where a package is missing, and hides it from find_spec.
_WITHOUT = f"""
import importlib.machinery, runpy, sys

class Missing(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.split(".")[0] in {_EXTRA!r}:
            return None
        return super().find_spec(name, path, target)

finders = [f for f in sys.meta_path if f is not importlib.machinery.PathFinder]
# Finders of editable installations stay, PathFinder is replaced.
sys.meta_path[:] = [*finders, Missing]
for name in {_EXTRA!r}:
    try:
        __import__(name)
    except ModuleNotFoundError:
        continue
    raise SystemExit(f"{{name}} can be imported")
sys.argv[0] = "biqa"
runpy.run_module("biqa_cli", run_name="__main__")
"""

# Each test starts biqa anew.
pytestmark = pytest.mark.slow


def biqa(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command where none of the extras can be imported."""
    return subprocess.run(
        [sys.executable, "-c", _WITHOUT, *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def rated(tmp_path: Path) -> Path:
    """Return a folder with five photos, their ratings and two sets of predictions."""
    lines = ["path,mos"]
    for index in range(5):
        photo(96, 64, seed=index).save(tmp_path / f"{index}.png")
        lines.append(f"{index}.png,{20 + 10 * index}")
    (tmp_path / "table.parquet").write_bytes(b"PAR1")
    (tmp_path / "ratings.csv").write_text("\n".join(lines) + "\n")
    for name, sign in (("a", 1), ("b", -1)):
        scores = "".join(f"{index}.png,{50 + sign * index * index}\n" for index in range(5))
        (tmp_path / f"{name}.csv").write_text("path,score\n" + scores)
    return tmp_path


@pytest.mark.parametrize(
    "arguments",
    [
        ("score", "."),
        *(("score", "0.png", "-m", f"{name}-lite") for name in ("blockiqa", "reqa", "shdiqa")),
        ("heatmap", "0.png", "-o", "map.png", "--json", "map.json"),
        ("evaluate", "--dataset", "csv:ratings.csv"),
        ("compare", "a.csv", "b.csv", "--dataset", "csv:ratings.csv"),
        *(
            ("distort", "0.png", "-k", kind, "-l", "2", "-o", "bad.png")
            for kind in ("jpeg", "saturate", "color-diffuse", "gaussian-blur")
        ),
        ("models", "list"),
        ("weights", "verify"),
        ("datasets", "list"),
    ],
    ids=lambda arguments: " ".join(arguments[:4]),
)
def test_the_base_installation_does(rated: Path, arguments: tuple[str, ...]) -> None:
    done = biqa(*arguments, cwd=rated)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    for option in ("-o", "--json"):
        if option in arguments:
            assert (rated / arguments[arguments.index(option) + 1]).stat().st_size > 0


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        ("score 0.png -m nlnet-lite", "torch"),
        ("score 0.png --engine torch", "torch"),
        ("score 0.png -d cuda", "torch"),
        ("heatmap 0.png --kind gradcam", "torch"),
        ("score s3://bucket/a.jpg", "remote"),
        ("score https://host/shard.tar", "remote"),
        ("score 0.png --ray local", "ray"),
        ("score 0.png --precision bfloat16", "openvino"),
        ("score table.parquet", "parquet"),
        ("score 0.png -f parquet -o scores --part-rows 5", "parquet"),
        ("export reqa-lite -o reqa.onnx", "export"),
        ("train qualitynet --dataset csv:ratings.csv --out trained", "torch"),
    ],
)
def test_what_needs_an_extra_names_it_in_one_line(rated: Path, arguments: str, extra: str) -> None:
    done = biqa(*arguments.split(), cwd=rated)
    assert done.returncode == 2
    assert f"pip install 'biqa-cli[{extra}]'" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_photo_that_needs_an_extra_names_it_in_its_row(tmp_path: Path) -> None:
    Image.new("RGB", (64, 48)).save(tmp_path / "a.avif")
    heic = (tmp_path / "a.avif").read_bytes().replace(b"avif", b"heic", 1)
    (tmp_path / "a.heic").write_bytes(heic)
    done = biqa("score", "a.heic", "-f", "csv", "-q", cwd=tmp_path)
    assert done.returncode == 3
    assert "pip install 'biqa-cli[heic]'" in done.stdout


def test_a_photo_scores_the_same_without_the_extras() -> None:
    cat = ("score", "cat.jpg", "-d", "cpu", "-f", "csv")
    usual = subprocess.run(
        [sys.executable, "-m", "biqa_cli", *cat],
        cwd=EXAMPLES,
        capture_output=True,
        text=True,
        check=True,
    )
    assert biqa(*cat, cwd=EXAMPLES).stdout == usual.stdout


def test_the_extras_are_no_dependencies() -> None:
    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())["project"]
    needed = " ".join(project["dependencies"])
    assert not [name for name in ("torch", "scikit-image", "onnx>", "matplotlib") if name in needed]
    assert "torch" in " ".join(project["optional-dependencies"]["torch"])
