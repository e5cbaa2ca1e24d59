"""Shards: which of several machines scores a photo."""

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biqa_cli.errors import UsageError
from biqa_cli.sources.choice import Shard, shard_of


@given(st.text(), st.integers(1, 50))
def test_each_photo_belongs_to_one_shard(name: str, of: int) -> None:
    assert sum(Shard(number, of).has(name) for number in range(1, of + 1)) == 1


def test_a_shard_is_the_same_on_every_machine_and_in_every_version() -> None:
    shards = [next(n for n in range(1, 101) if Shard(n, 100).has(name)) for name in "abc"]
    assert shards == [44, 34, 56]


def test_a_name_that_is_not_utf_8_has_a_shard() -> None:
    assert Shard(1, 1).has("\udcff.jpg")


@pytest.mark.slow
def test_a_shard_is_the_same_in_every_locale() -> None:
    code = "from biqa_cli.sources.choice import Shard; print(Shard(1, 3).has('\\xfc.jpg'))"
    environment = {**os.environ, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    told = [
        subprocess.check_output([sys.executable, "-c", code], env=env, text=True)
        for env in (environment, None)
    ]
    assert told == [f"{Shard(1, 3).has('ü.jpg')}\n"] * 2


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "a/b", "1/0", "-1/3", "1/3/5", ""])
def test_what_is_no_shard_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="such as 3/100"):
        shard_of(text)
