"""Work that threads do ahead of its reader."""

import os
import threading
from collections.abc import Iterator

import pytest

from biqa_cli.threads import Arriving, batches_ahead, default_workers, map_ahead


def test_there_is_a_reader_for_each_core_that_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 2, 5}, raising=False)
    assert default_workers() == 3
    # Neither macOS nor Windows says which cores may be used, and some systems not even how many.
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert default_workers() == 4
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert default_workers() == 1


def test_a_thread_that_waits_for_names_does_not_keep_the_program_alive() -> None:
    go_on = threading.Event()

    def slow() -> Iterator[str]:
        go_on.wait()
        yield "late.jpg"

    arriving = Arriving(slow())
    waiting = [thread for thread in threading.enumerate() if thread.name == "biqa-names"]
    assert waiting and all(thread.daemon for thread in waiting)
    go_on.set()
    assert list(arriving) == ["late.jpg"]


@pytest.mark.parametrize("ahead", [1, 3, 100])
def test_results_come_one_by_one_and_in_order(ahead: int) -> None:
    taken: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(20):
            taken.append(number)
            yield number

    results = map_ahead(lambda number: number**2, numbers(), workers=3, ahead=ahead)
    assert next(results) == 0
    assert len(taken) == min(ahead, 20)
    assert list(results) == [number**2 for number in range(1, 20)]


def test_batches_are_full_but_for_the_last() -> None:
    batches = batches_ahead(str, range(7), workers=2, ahead=4, batch_size=3)
    assert list(batches) == [["0", "1", "2"], ["3", "4", "5"], ["6"]]
