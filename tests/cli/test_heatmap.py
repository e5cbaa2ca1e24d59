"""`biqa heatmap` with a model that can be checked by hand."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from image_files import dng
from PIL import Image
from processes import imported_by
from typer.testing import CliRunner, Result

from biqa_cli.cli import _output, app
from biqa_cli.cli._kinds import Kind, choose_kind
from biqa_cli.errors import UsageError
from biqa_cli.explain.local_blocks import BlockChoice
from biqa_cli.explain.records import ScoreMap
from biqa_cli.models.catalog import find_model
from biqa_cli.reports import heatmap as heatmap_report

pytestmark = pytest.mark.usefixtures("brightness")


A_TOLD = "50.0; no block stands out"
"""Of a.png, whose blocks have no detail."""


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b"):
        image = Image.new("RGB", (64, 48), (255, 255, 255))
        image.paste((0, 0, 0), (32, 0, 64, 48))
        image.save(tmp_path / f"{name}.png")
    return tmp_path


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["heatmap", *map(str, arguments)])


def _size(path: Path) -> tuple[int, int]:
    with Image.open(path) as image:
        return image.size


def test_a_picture_appears_in_the_current_folder(folder: Path) -> None:
    result = _run("a.png")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "wrote a-heatmap.png" in result.stderr
    assert _size(folder / "a-heatmap.png")[0] >= 640
    assert _run("a.png", "-q").stderr == ""


def test_every_output_can_be_a_file(folder: Path) -> None:
    options = ("--block-size", 16, "--stride", 16)
    result = _run("a.png", *options, "-o", "m.png", "--json", "m.json", "--npy", "m.npy")
    assert result.exit_code == 0
    values = np.load(folder / "m.npy")
    assert values.shape == (48, 64) and values.dtype == np.float32
    assert values[:, :24].min() > 99 and values[:, 40:].max() < 1
    facts = json.loads((folder / "m.json").read_text())
    assert facts["image"] == "a.png" and len(facts["blocks"]) == 12
    assert (facts["map"]["width"], facts["map"]["height"]) == (64, 48)
    assert not list(folder.glob("*.partial"))


def test_json_alone_draws_nothing_and_can_go_to_stdout(folder: Path) -> None:
    result = _run("a.png", "--json", "-")
    assert min(block["score"] for block in json.loads(result.stdout)["blocks"]) == 0
    assert sorted(path.name for path in folder.iterdir()) == ["a.png", "b.png"]


def test_a_photo_can_come_from_standard_input(folder: Path) -> None:
    pixels = (folder / "a.png").read_bytes()
    runner = CliRunner()
    result = runner.invoke(app, ["heatmap", "-", "--json", "-", "-o", "m.png"], input=pixels)
    named = json.loads(_run("a.png", "--json", "-").stdout)
    assert json.loads(result.stdout) == named | {"image": "-"}
    assert result.stderr == f"-: {A_TOLD}\nwrote m.png\n" and (folder / "m.png").exists()
    runner.invoke(app, ["heatmap", "-"], input=pixels)
    assert (folder / "stdin-heatmap.png").exists()
    twice = runner.invoke(app, ["heatmap", "-", "-"], input=pixels)
    assert twice.exit_code == 2 and "is named twice" in twice.stderr
    broken = runner.invoke(app, ["heatmap", "-"], input=b"no photo")
    assert broken.exit_code == 3 and broken.stderr.startswith("biqa: -: not an image")


def test_a_picture_and_a_map_can_go_to_standard_output(folder: Path) -> None:
    _run("a.png", "-o", "m.png", "--npy", "m.npy")
    for option, file in (("-o", "m.png"), ("--npy", "m.npy")):
        result = _run("a.png", option, "-")
        assert (result.exit_code, result.stderr) == (0, f"a.png: {A_TOLD}\n")
        assert result.stdout_bytes == (folder / file).read_bytes()
    assert not (folder / "-").exists()


def test_bytes_do_not_go_to_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_output, "is_terminal", lambda: True)
    result = _run("a.png", "-o", "-")
    assert result.exit_code == 2 and result.stdout == ""
    assert "no text for a terminal: name a file in place of -, or use a pipe" in result.stderr


def test_what_to_know_of_the_pixels_is_told(folder: Path) -> None:
    (folder / "c.dng").write_bytes(dng(np.full((64, 64), 500, np.uint16)))
    result = _run("c.dng", "--json", "m.json")
    assert result.exit_code == 0, result.stderr
    note = "developed from the camera's raw file"
    assert result.stderr.startswith(f"c.dng: {note}\nc.dng: ")
    assert json.loads((folder / "m.json").read_text())["note"] == note
    assert _run("a.png", "--json", "m.json").stderr == f"a.png: {A_TOLD}\nwrote m.json\n"


def test_several_photos_go_into_folders(folder: Path) -> None:
    assert _run("a.png", "b.png", "-o", "maps", "--json", "data").exit_code == 0
    assert {path.name for path in (folder / "maps").iterdir()} == {
        "a-heatmap.png",
        "b-heatmap.png",
    }
    assert (folder / "data" / "b-heatmap.json").exists()


def test_legend_and_photo_are_options(folder: Path) -> None:
    _run("a.png", "-o", "full.png")
    _run("a.png", "-o", "bare.png", "--no-legend")
    _run("a.png", "-o", "both.png", "--no-legend", "--side-by-side")
    full, bare, both = (_size(folder / f"{n}.png") for n in ("full", "bare", "both"))
    assert full[1] > bare[1]
    assert both[0] > 2 * bare[0]


def test_bad_files_exit_3_and_the_rest_is_shown(folder: Path) -> None:
    (folder / "fake.jpg").write_text("no photo")
    result = _run("fake.jpg", "a.png", "-o", "maps")
    assert result.exit_code == 3
    assert "biqa: fake.jpg: not an image in a known format" in result.stderr
    assert [path.name for path in (folder / "maps").iterdir()] == ["a-heatmap.png"]


def test_a_photo_of_too_many_blocks_does_not_end_the_others(folder: Path) -> None:
    Image.new("RGB", (320, 320)).save(folder / "0.png")
    result = _run("0.png", "a.png", "--block-size", 8, "--stride", 1, "-o", "maps", "-q")
    assert result.exit_code == 3
    assert result.stderr == (
        "biqa: 0.png: 97,969 blocks are too many (at most 50,000): use a larger stride\n"
    )
    assert [path.name for path in (folder / "maps").iterdir()] == ["a-heatmap.png"]


def test_a_fault_in_one_photo_does_not_end_the_others(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = heatmap_report.draw_heatmap

    def fail_at_a(found: ScoreMap, **options: Any) -> Any:
        if found.path == "a.png":
            raise ZeroDivisionError("made by a test")
        return drawn(found, **options)

    monkeypatch.setattr(heatmap_report, "draw_heatmap", fail_at_a)
    result = _run("a.png", "b.png", "-o", "maps", "-q")
    assert result.exit_code == 3
    assert result.stderr == (
        "biqa: a.png: biqa failed on it (ZeroDivisionError: made by a test): please report it\n"
    )
    assert [path.name for path in (folder / "maps").iterdir()] == ["b-heatmap.png"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.png", "b.png", "-o", "m.png"], "2 photos do not fit into one file: name a folder"),
        (["a.png", "-o", "a.png"], "a.png is a photo that is read: choose another name"),
        (["a.png", "-o", "m.jpg"], "m.jpg is neither a folder nor a .png file"),
        (["a.png", "--json", "m.png"], "m.png is neither a folder nor a .json file"),
        (["a.png", "sub/a.png", "-o", "."], "two photos would be written to a-heatmap.png"),
        (["a.png", "--grid", "3", "--block-size", "16"], "by their number (grid) or by their size"),
        (["a.png", "--block-size", "8", "--stride", "9"], "leave pixels uncovered"),
        (["a.png", "--kind", "gradcam", "--grid", "3"], "are for --kind quality"),
        (["a.png", "--kind", "gradcam", "--engine", "onnx"], "use --engine torch"),
        (["empty"], "no photos found in empty"),
        (["a.png", "b.png", "-o", "-"], "2 photos do not fit into one file: name a folder"),
        (["a.png", "-o", "-", "--json", "-"], "only one of -o, --json and --npy can be"),
        (["a.png", "-o", "a.png/m.png"], "cannot write a.png/m.png"),
        (["a.png", "-m", "none"], "there is no model 'none'"),
    ],
)
def test_wrong_use_is_one_line_and_exits_2(
    folder: Path, arguments: list[str], message: str
) -> None:
    (folder / "sub").mkdir()
    (folder / "empty").mkdir()
    before = (folder / "a.png").read_bytes()
    (folder / "sub" / "a.png").write_bytes(before)
    result = _run(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr and result.stderr.count("\n") == 1
    assert (folder / "a.png").read_bytes() == before


def test_a_kind_that_does_not_suit_a_model_names_those_that_do() -> None:
    other = replace(find_model("blockiqa-lite"), name="other", family="reqa")
    with pytest.raises(UsageError) as caught:
        choose_kind(Kind.similarity, other, choice=BlockChoice(), only_onnx=False)
    assert str(caught.value) == (
        "--kind similarity does not apply to other: use --kind quality, feedback, or -m with a "
        "model of blockiqa"
    )
    found = choose_kind(Kind.quality, other, choice=BlockChoice(), only_onnx=True)
    assert found.families is None


def test_a_personal_model_is_told_no_kind_that_it_does_not_have() -> None:
    tuned = replace(find_model("qualitynet-flaws"), name="my.safetensors", base="qualitynet-flaws")
    with pytest.raises(UsageError) as caught:
        choose_kind(Kind.attention, tuned, choice=BlockChoice(), only_onnx=False)
    assert str(caught.value) == (
        "--kind attention does not apply to my.safetensors: use --kind quality, or -m with a model "
        "of nlnet or shdiqa"
    )
    with pytest.raises(UsageError, match="has that of qualitynet-flaws: use -m qualitynet-flaws"):
        choose_kind(Kind.gradcam, tuned, choice=BlockChoice(), only_onnx=False)


def test_a_large_photo_can_be_refused() -> None:
    result = _run("a.png", "--max-megapixels", 0.002)
    assert result.exit_code == 3 and "over the limit of 0.002" in result.stderr


@pytest.mark.slow
def test_a_map_on_the_cpu_imports_no_torch(folder: Path) -> None:
    imported = imported_by("heatmap", "a.png", "-d", "cpu", "--block-size", "64")
    assert "onnxruntime" in imported
    assert not {"torch", "scipy", "matplotlib"} & imported
    assert (folder / "a-heatmap.png").exists()
