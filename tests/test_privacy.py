"""Nothing leaves the machine, and nothing is kept outside the cache: watched from outside."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from fakes import photo

# Each test starts biqa anew, some of them under strace.
pytestmark = pytest.mark.slow

COMMANDS = {
    "score": ("score", ".", "-q"),
    "heatmap": ("heatmap", "0.png", "-o", "map.png", "-q"),
    "evaluate": ("evaluate", "--dataset", "csv:ratings.csv"),
}


@pytest.fixture
def rated(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    lines = ["path,mos"]
    for index in range(4):
        photo(96, 64, seed=index).save(folder / f"{index}.png")
        lines.append(f"{index}.png,{20 + 10 * index}")
    (folder / "ratings.csv").write_text("\n".join(lines) + "\n")
    return folder


def _environment(tmp_path: Path) -> dict[str, str]:
    """Return that of a user with an empty home, who has said nothing about telemetry."""
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    dropped = ("XDG_", "BIQA_", "ORT_", "PYTHONDONTWRITEBYTECODE")
    kept = {name: text for name, text in os.environ.items() if not name.startswith(dropped)}
    return kept | {"HOME": str(home), "TMPDIR": str(home), "PYTHONDONTWRITEBYTECODE": "1"}


def _files(home: Path) -> list[str]:
    return sorted(str(path.relative_to(home)) for path in home.rglob("*") if path.is_file())


@pytest.mark.parametrize("name", COMMANDS)
def test_nothing_is_kept_at_home_but_the_store(rated: Path, tmp_path: Path, name: str) -> None:
    environment = _environment(tmp_path)
    subprocess.run(
        [sys.executable, "-m", "biqa_cli", *COMMANDS[name]],
        cwd=rated,
        env=environment,
        capture_output=True,
        check=True,
    )
    (kept,) = _files(tmp_path / "home")
    assert re.fullmatch(r"(\.cache|Library/Caches)/biqa/scores\.sqlite", kept)


@pytest.mark.parametrize("name", COMMANDS)
def test_without_the_store_nothing_is_kept_at_home(rated: Path, tmp_path: Path, name: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "biqa_cli", *COMMANDS[name], "--no-store"],
        cwd=rated,
        env=_environment(tmp_path),
        capture_output=True,
        check=True,
    )
    assert _files(tmp_path / "home") == []


@pytest.mark.skipif(shutil.which("strace") is None, reason="asks the kernel by strace")
@pytest.mark.parametrize("name", COMMANDS)
def test_no_socket_is_opened(rated: Path, tmp_path: Path, name: str) -> None:
    log = tmp_path / "trace"
    watched = "trace=socket,connect,sendto,sendmsg"
    subprocess.run(
        [
            *("strace", "-f", "-qq", "-o", str(log), "-e", watched),
            *(sys.executable, "-m", "biqa_cli", *COMMANDS[name]),
        ],
        cwd=rated,
        env=_environment(tmp_path),
        capture_output=True,
        check=True,
    )
    calls = [line for line in log.read_text().splitlines() if "socket(" in line or "AF_" in line]
    assert calls == []


def test_the_watch_sees_a_socket(tmp_path: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip("asks the kernel by strace")
    log = tmp_path / "trace"
    code = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)"
    traced = ["strace", "-f", "-qq", "-o", str(log), "-e", "trace=socket", sys.executable]
    subprocess.run([*traced, "-c", code], check=True)
    assert "AF_INET" in log.read_text()


def test_one_module_imports_onnx_runtime() -> None:
    package = Path(__file__).parents[1] / "biqa_cli"
    importing = [
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if re.search(r"^\s*(import|from) onnxruntime", path.read_text("utf-8"), re.MULTILINE)
    ]
    assert importing == ["models/onnx_runtime.py"]
