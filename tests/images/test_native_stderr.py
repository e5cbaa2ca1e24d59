import subprocess
import sys
from pathlib import Path

import pytest
from fakes import photo
from image_files import saved

# Each test starts a process.
pytestmark = pytest.mark.slow

READ = """
import logging, sys
from biqa_cli.errors import ImageError
from biqa_cli.images.native_stderr import silence_decoders
from biqa_cli.images.reading import read_photo
if sys.argv[2] == "silent":
    silence_decoders()
try:
    read_photo(sys.argv[1])
except ImageError as error:
    print(error)
logging.getLogger("PIL.Image").error("said by Pillow")
print("said by Python", file=sys.stderr)
"""


def _run(path: Path, how: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", READ, str(path), how], capture_output=True, text=True, check=True
    )


def test_lines_of_libtiff_stay_away_and_those_of_python_do_not(tmp_path: Path) -> None:
    damaged = bytearray(saved(photo(200, 200), "TIFF", compression="tiff_lzw"))
    damaged[5000:5100] = bytes(100)
    path = tmp_path / "damaged.tif"
    path.write_bytes(damaged)
    loud, silent = _run(path, "loud"), _run(path, "silent")
    assert "LZWDecode" in loud.stderr and "said by Pillow" in loud.stderr
    assert silent.stderr == "said by Python\n"
    assert silent.stdout == loud.stdout != ""


def test_a_closed_standard_error_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(saved(photo(), "PNG"))
    code = "from biqa_cli.images.native_stderr import silence_decoders as s; s(); print('on')"
    done = subprocess.run(
        ["sh", "-c", '"$0" -c "$1" 2>&-', sys.executable, code],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "on\n"
