import threading
import time
from collections.abc import Iterator

import pytest

from biqa_cli.threads import Arriving, Counting, batches_ahead, default_workers, map_ahead


def test_what_is_made_comes_in_order_whichever_thread_is_first() -> None:
    def slow_first(number: int) -> int:
        time.sleep(0.02 if number == 0 else 0)
        return number**2

    made = list(map_ahead(slow_first, range(20), workers=4, ahead=8))
    assert made == [number**2 for number in range(20)]


def test_no_more_than_asked_for_is_made_ahead_of_the_reader() -> None:
    taken = []

    def items() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    found = map_ahead(lambda number: number, items(), workers=2, ahead=3)
    assert taken == []
    for read in range(10):
        assert next(found) == read
        assert len(taken) <= read + 4
    found.close()  # type: ignore[attr-defined]
    assert len(taken) < 20


def test_an_error_comes_in_its_place_and_ends_the_work() -> None:
    def fail(number: int) -> int:
        if number == 2:
            raise ValueError("two")
        return number

    found = map_ahead(fail, range(1000), workers=2, ahead=2)
    assert [next(found), next(found)] == [0, 1]
    with pytest.raises(ValueError, match="two"):
        next(found)
    assert not [t for t in threading.enumerate() if t.name.startswith("biqa-read") and t.is_alive()]


def test_there_is_a_thread_for_each_core_that_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {3, 5, 6}, raising=False)
    assert default_workers() == 3
    monkeypatch.delattr("os.sched_getaffinity")
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    assert default_workers() == 4
    monkeypatch.setattr("os.cpu_count", lambda: None)
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


def test_batches_are_full_but_for_the_last() -> None:
    batches = batches_ahead(str, range(7), workers=2, ahead=4, batch_size=3)
    assert list(batches) == [["0", "1", "2"], ["3", "4", "5"], ["6"]]


def test_a_count_that_has_not_ended_does_not_keep_the_program() -> None:
    end = threading.Event()
    counting = Counting(lambda: iter(lambda: end.wait(5), True))
    assert counting() is None
    (thread,) = (one for one in threading.enumerate() if one.name == "biqa-count")
    assert thread.daemon
    end.set()
    thread.join()
    assert counting() == 0


def test_items_are_counted_in_a_thread() -> None:
    counting = Counting(lambda: "abc")
    counting()
    for thread in threading.enumerate():
        if thread.name == "biqa-count":
            thread.join()
    assert counting() == 3
