import io
import os
import sys

import pytest

from biqa_cli.errors import UsageError
from biqa_cli.images import standard_input
from biqa_cli.images.standard_input import picture_from_standard_input


def test_all_of_standard_input_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    content = os.urandom((1 << 20) + 5)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
    assert picture_from_standard_input() == content


@pytest.mark.parametrize(("size", "is_one"), [(100, True), (101, False)])
def test_what_does_not_end_is_no_picture(
    monkeypatch: pytest.MonkeyPatch, size: int, *, is_one: bool
) -> None:
    monkeypatch.setattr(standard_input, "MOST_BYTES", 100)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(bytes(size))))
    if is_one:
        assert len(picture_from_standard_input()) == size
        return
    with pytest.raises(UsageError, match="does not end after 1 GiB: is it one picture"):
        picture_from_standard_input()


def test_standard_input_that_is_closed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError, match="standard input is closed"):
        picture_from_standard_input()
