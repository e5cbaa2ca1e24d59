"""`biqa weights`: wrong files are found, told and replaced."""

from pathlib import Path

import pytest
from fakes import EXAMPLES
from typer.testing import CliRunner, Result

from biqa_cli.cli import app
from biqa_cli.weights import cache as weights_cache
from biqa_cli.weights.cache import locate
from biqa_cli.weights.manifest import WeightsFile, load_manifest

NAME = "reqa-lite"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["weights", *arguments])


def files() -> tuple[WeightsFile, ...]:
    checkpoint = load_manifest().find(NAME)
    assert checkpoint is not None
    return checkpoint.files


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    """Return a folder with the genuine files."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    for file in files():
        genuine = locate(file)
        assert genuine is not None
        (folder / file.file).symlink_to(genuine)
    return folder


@pytest.fixture
def only_cache(mirror: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the cache, the only folder in which files are looked for; it is empty."""
    assert mirror.is_dir()
    monkeypatch.setattr(weights_cache, "search_folders", lambda: (cache,))
    return cache


@pytest.mark.parametrize("index", [0, 1])
def test_verify_fails_where_a_file_has_another_content(
    only_cache: Path, mirror: Path, index: int
) -> None:
    assert run("download", NAME, "--from", str(mirror)).exit_code == 0
    good = run("verify", NAME)
    assert (good.exit_code, good.stdout.count("ok ")) == (0, 2)
    wrong = only_cache / files()[index].file
    wrong.write_bytes(wrong.read_bytes()[:-1] + b"?")
    bad = run("verify", NAME)
    assert bad.exit_code == 2
    assert f"WRONG   {wrong.name}  {wrong}" in bad.stdout and bad.stdout.count("ok ") == 1
    assert f"not what weights.toml lists: {wrong}" in bad.stderr
    listed = {row.split()[0]: row.split()[-1] for row in run("list").stdout.splitlines()}
    assert listed[wrong.name] == "WRONG" and listed["nlnet-lite.safetensors"] == "missing"
    # Downloading mends it.
    assert run("download", NAME, "--from", str(mirror)).exit_code == 0
    assert run("verify", NAME).exit_code == 0


def test_what_is_missing_is_told(only_cache: Path) -> None:
    missing = run("verify", NAME)
    assert missing.stdout.splitlines() == [f"missing {file.file}" for file in files()]
    path = run("path", NAME)
    assert path.exit_code == 2
    assert "is not on this machine: run `biqa weights download reqa-lite`" in path.stderr
    assert run("path").stdout.strip() == str(only_cache)


@pytest.mark.usefixtures("only_cache")
@pytest.mark.parametrize("options", [[], ["--offline"]])
def test_scoring_with_missing_weights_names_the_command_that_brings_them(
    options: list[str],
) -> None:
    photo = str(EXAMPLES / "cat.jpg")
    result = CliRunner().invoke(app, ["score", photo, "-m", "blockiqa", *options])
    assert result.exit_code == 2 and result.stderr.count("\n") == 1
    assert "run `biqa weights download blockiqa --from CHECKOUT/weights`" in result.stderr


def test_a_password_in_the_address_is_never_printed(only_cache: Path) -> None:
    source = "http://user:hunter2@127.0.0.1:1/x"
    result = run("download", NAME, "--from", source)
    assert result.exit_code == 2 and not list(only_cache.glob("*.safetensors"))
    assert "cannot download http://127.0.0.1:1/x/reqa-lite.safetensors" in result.stderr
    assert "hunter2" not in result.output


def test_each_file_is_one_line_of_80_columns() -> None:
    lines = run("list").stdout.splitlines()
    assert len(lines) == 1 + sum(len(c.files) for c in load_manifest().checkpoints)
    assert max(len(line) for line in lines) <= 80
