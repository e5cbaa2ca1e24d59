import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).parent.parent / "tools" / "fuzz" / "run.py"


@pytest.mark.slow
def test_five_hundred_damaged_files_each_give_a_photo_or_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(RUN), "--files", "500", "--keep", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert done.stdout.endswith("500 files, 0 findings\n")
    # Damage that every file survives, or none, would test nothing.
    assert "  a photo" in done.stdout and "truncated" in done.stdout
    assert not list(tmp_path.iterdir())
