import json
from pathlib import Path

import numpy as np
import pytest
from fakes import photo
from image_files import dng
from PIL import ExifTags, Image
from typer.testing import CliRunner, Result

from biqa_cli.cli import app
from biqa_cli.distortions.blockwise import degrade_blocks
from biqa_cli.distortions.catalog import DISTORTIONS, SHDIQA_DISTORTIONS
from biqa_cli.distortions.distort import distort
from biqa_cli.distortions.eight_bits import from_bytes, to_bytes


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    photo().save(path)
    return path


def _run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["distort", *map(str, arguments)])


def _pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def _expected(source: Path, kind: str, level: int, seed: int = 0) -> np.ndarray:
    return to_bytes(distort(from_bytes(_pixels(source)), kind=kind, level=level, seed=seed))


@pytest.mark.parametrize("name", ["out.png", "out.webp", "out.tiff", "out.bmp", "out"])
def test_what_is_written_is_what_the_library_returns(source: Path, name: str) -> None:
    output = source.with_name(name)
    result = _run(source, "-k", "jitter", "-l", 2, "--seed", 7, "-o", output)
    assert result.exit_code == 0 and result.stderr == ""
    assert result.stdout == f"{output}\n"
    np.testing.assert_array_equal(_pixels(output), _expected(source, "jitter", 2, seed=7))
    assert sorted(path.name for path in source.parent.iterdir()) == sorted([name, "photo.png"])


def test_a_jpeg_comes_with_a_warning_unless_quiet(source: Path) -> None:
    output = source.with_name("out.jpg")
    wanted = (source, "-k", "darken", "-l", 1, "-o", output)
    assert "JPEG adds a loss of its own" in _run(*wanted).stderr
    assert _run(*wanted, "-q").stderr == ""
    with Image.open(output) as image:
        assert image.format == "JPEG"


def test_each_block_has_a_flaw_of_its_own_and_the_flaws_are_named(source: Path) -> None:
    output = source.with_name("out.png")
    result = _run(source, "--blocks", "grid", "--seed", 5, "-o", output)
    assert result.exit_code == 0, result.output
    named = dict(line.split(": ") for line in result.stderr.splitlines())
    assert list(named) == ["top-left", "top-right", "bottom-left", "bottom-right"]
    parts = {block: said.rsplit(", level ", 1) for block, said in named.items()}
    assert len({kind for kind, _ in parts.values()}) == 4
    expected, types, levels = degrade_blocks(
        _pixels(source), np.random.default_rng(5), partition="grid"
    )
    np.testing.assert_array_equal(_pixels(output), expected)
    found = [
        (SHDIQA_DISTORTIONS[t].name, str(level + 1)) for t, level in zip(types, levels, strict=True)
    ]
    assert [tuple(part) for part in parts.values()] == found
    refused = _run(source, "--blocks", "grid", "-k", "jitter", "-o", output)
    assert refused.exit_code == 2 and "--blocks draws kinds and levels" in refused.stderr


def test_a_block_is_degraded_and_the_rest_is_not(source: Path) -> None:
    output = source.with_name("out.png")
    _run(source, "-k", "mean-shift", "-l", 4, "--block", "left", "-o", output)
    before, after = _pixels(source), _pixels(output)
    np.testing.assert_array_equal(after[:, 32:], before[:, 32:])
    np.testing.assert_array_equal(after[:, :32], _expected(source, "mean-shift", 4)[:, :32])


@pytest.mark.slow
def test_all_makes_every_kind_at_every_level(source: Path) -> None:
    photo(64, 52).save(source)
    folder = source.with_name("set")
    result = _run(source, "--all", "-o", folder)
    names = {f"photo-{d.name}-{level}.png" for d in DISTORTIONS for level in (1, 2, 3, 4)}
    assert {path.name for path in folder.iterdir()} == names and len(names) == 204
    assert result.stdout.splitlines()[0] == str(folder / "photo-resize-bicubic-1.png")
    image = folder / "photo-impulse-noise-3.png"
    np.testing.assert_array_equal(_pixels(image), _expected(source, "impulse-noise", 3))


def test_all_can_be_narrowed_to_a_kind_or_a_level(source: Path) -> None:
    folder = source.with_name("set")
    _run(source, "--all", "-k", "jpeg", "-o", folder)
    assert sorted(path.name[-5] for path in folder.iterdir()) == ["1", "2", "3", "4"]


def test_a_photo_too_small_for_one_kind_is_refused_before_anything_is_written(
    source: Path,
) -> None:
    folder = source.with_name("set")
    result = _run(source, "--all", "-o", folder)
    assert result.exit_code == 2 and not folder.exists()
    assert "non-eccentricity needs an image of at least 49×49 pixels, got 64×48" in result.stderr


def test_a_photo_of_a_pixel_is_degraded_or_the_smallest_size_is_named(source: Path) -> None:
    photo(1, 1).save(source)
    result = _run(source, "-k", "motion-blur", "-l", 4, "-o", source.with_name("blurred.png"))
    assert (result.exit_code, result.stderr) == (0, "")
    result = _run(source, "-k", "non-eccentricity", "-l", 4, "-o", source.with_name("moved.png"))
    assert result.exit_code == 2 and "needs an image of at least 49×49" in result.stderr


def test_a_misspelt_kind_is_told_first(source: Path) -> None:
    result = _run(source, "-k", "jpge", "-l", 1)
    assert result.exit_code == 2 and "did you mean 'jpeg'?" in result.stderr


def test_a_photo_goes_from_standard_input_to_standard_output(source: Path) -> None:
    asked = ("-k", "jitter", "-l", 2, "-o")
    _run(source, *asked, source.with_name("out.png"))
    arguments = ["distort", "-", *map(str, asked), "-"]
    piped = CliRunner().invoke(app, arguments, input=source.read_bytes())
    assert (piped.exit_code, piped.stderr) == (0, "")
    assert piped.stdout_bytes == source.with_name("out.png").read_bytes()
    many = _run(source, "--all", "-o", "-")
    assert many.exit_code == 2 and "name a folder with -o" in many.stderr


def test_what_to_know_of_the_pixels_is_told(source: Path) -> None:
    raw = source.with_name("photo.dng")
    raw.write_bytes(dng(np.full((64, 64), 500, np.uint16)))
    common = (raw, "-k", "darken", "-l", 1, "-o", source.with_name("out.png"))
    assert _run(*common).stderr == f"{raw}: developed from the camera's raw file\n"
    assert _run(*common, "-q").stderr == ""


def test_a_photo_is_turned_upright_first(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    photo(64, 48).save(tmp_path / "turned.jpg", exif=exif)
    output = tmp_path / "out.png"
    _run(tmp_path / "turned.jpg", "-k", "saturate", "-l", 1, "-o", output)
    assert _pixels(output).shape == (64, 48, 3)


def test_the_photo_is_never_overwritten(source: Path) -> None:
    before = source.read_bytes()
    (source.parent / "link.png").symlink_to(source)
    for name in ("photo.png", "link.png", "../" + source.parent.name + "/photo.png"):
        result = _run(source, "-k", "jpeg", "-l", 1, "-o", source.parent / name)
        assert (
            result.exit_code == 2 and "is a file that is read: choose another name" in result.stderr
        )
    assert source.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["-o", "x.png"], "choose a kind and a level"),
        (["-k", "jpeg", "-l", "1"], "with -o, where its degraded version goes"),
        (["-k", "jpg", "-l", "1", "-o", "x.png"], "did you mean 'jpeg'?"),
        (["-k", "jpeg", "-l", "1", "-o", "x.gif"], "what format is 'x.gif'? use one of .png"),
        (["-k", "jpeg", "-l", "1", "-o", "."], "is a folder: name a file"),
        (["-k", "jpeg", "-l", "1", "-o", "taken/x.png"], "cannot write taken/x.png: "),
        (["--all", "-k", "jpeg", "-o", "taken"], "cannot write taken/photo-jpeg-1.png: "),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    source: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], text: str
) -> None:
    monkeypatch.chdir(source.parent)
    Path("taken").touch()
    result = _run("photo.png", *arguments)
    assert result.exit_code == 2 and text in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert sorted(path.name for path in Path().iterdir()) == ["photo.png", "taken"]


def test_an_unknown_block_is_refused_with_the_names_there_are(source: Path) -> None:
    output = source.with_name("x.png")
    result = _run(source, "-k", "jpeg", "-l", 1, "--block", "middle", "-o", output)
    assert result.exit_code == 2 and "top-left" in result.stderr and not output.exists()


def test_what_a_format_cannot_hold_is_an_error_and_leaves_nothing(source: Path) -> None:
    Image.new("RGB", (16_400, 165)).save(source)
    result = _run(source, "-k", "darken", "-l", 1, "-o", source.with_name("x.webp"))
    assert result.exit_code == 2 and "cannot write" in result.stderr
    assert [path.name for path in source.parent.iterdir()] == ["photo.png"]


def test_an_unreadable_photo_is_named(tmp_path: Path) -> None:
    result = _run(tmp_path / "none.png", "-k", "jpeg", "-l", 1, "-o", tmp_path / "x.png")
    assert result.exit_code == 3
    assert result.stderr.endswith("none.png: no such file\n")
    assert result.stderr.count("\n") == 1


def test_a_photo_over_the_limits_is_refused(source: Path) -> None:
    target = source.with_name("x.png")
    common = (source, "-k", "jpeg", "-l", 1, "-o", target)
    result = _run(*common, "--max-megapixels", 0.001)
    assert result.exit_code == 3 and "over the limit" in result.stderr
    assert not target.exists()


def test_the_list_has_every_kind_with_its_values() -> None:
    rows = json.loads(_run("--list", "-f", "json").stdout)
    assert list(rows[0]) == [
        *("number", "name", "title", "group", "parameter", "levels", "identity", "random")
    ]
    assert {row["name"]: row["levels"] for row in rows}["jpeg"] == [43, 36, 24, 7]
    table = _run("--list").stdout
    assert len(table.splitlines()) == 52 and "gaussian-blur" in table
