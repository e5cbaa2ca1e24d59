"""Files that are whole or not there."""

from pathlib import Path

import pytest

from biqa_cli.errors import UsageError
from biqa_cli.whole_files import write_whole


def test_a_file_is_whole_or_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "file"
    write_whole(target, "first")

    def fail(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(UsageError, match="cannot write .*: No space left on device"):
        write_whole(target, "second")
    assert target.read_text() == "first"


def test_its_folder_is_made(tmp_path: Path) -> None:
    write_whole(tmp_path / "new" / "file", b"\xff")
    assert (tmp_path / "new" / "file").read_bytes() == b"\xff"
    with pytest.raises(UsageError, match="cannot write"):
        write_whole(tmp_path / "new" / "file" / "below", "")
