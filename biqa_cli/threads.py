"""Work that threads do ahead of the reader, in order and in bounded memory."""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from queue import Queue
from typing import Generic, TypeVar

_Item = TypeVar("_Item")
_Made = TypeVar("_Made")

# So many names from a pipe are held: enough for any look-ahead, and few beside a photo.
_MOST_ARRIVED = 1024


def default_workers() -> int:
    """Return the number of threads that read photos: one for each core that may be used."""
    # Not every platform can say which cores a process may use.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Arriving(Generic[_Item]):
    """Items from a slow source: a thread waits for them, so that their reader need not.

    The thread cannot be stopped while it waits for a pipe, and therefore is a daemon: what it
    reads from must not hold a lock that the interpreter needs to exit.

    Args:
        items: What is iterated over, in the thread; its exception is raised to the reader.
    """

    def __init__(self, items: Iterable[_Item]) -> None:
        self._here: Queue[tuple[_Item] | BaseException] = Queue(_MOST_ARRIVED)
        self._held: tuple[_Item] | BaseException | None = None
        threading.Thread(target=self._take, args=(items,), name="biqa-names", daemon=True).start()

    def _take(self, items: Iterable[_Item]) -> None:
        try:
            for item in items:
                self._here.put((item,))
        except BaseException as error:  # noqa: BLE001  it belongs to the reader
            self._here.put(error)
        else:
            self._here.put(StopIteration())

    def must_wait(self) -> bool:
        """Return whether the next item has not come yet."""
        return self._held is None and self._here.empty()

    def __iter__(self) -> Iterator[_Item]:
        return self

    def __bool__(self) -> bool:
        """Wait for the first item, and return whether there is one."""
        if self._held is None:
            self._held = self._here.get()
        return not isinstance(self._held, StopIteration)

    def __next__(self) -> _Item:
        came, self._held = self._held or self._here.get(), None
        if isinstance(came, tuple):
            (item,) = came
            return item
        # Who asks once more gets the same answer.
        self._held = came
        raise came


class Counting:
    """A number that a thread counts, once somebody asks for it.

    Args:
        items: Called in the thread; returns what is counted, None where that would take too long.
    """

    def __init__(self, items: Callable[[], Iterable[object] | None]) -> None:
        self._items = items
        self._counted: int | None = None
        self._thread: threading.Thread | None = None

    def __call__(self) -> int | None:
        """Return the number, None as long as it is not known."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._count, name="biqa-count", daemon=True)
            self._thread.start()
        return self._counted

    def _count(self) -> None:
        with suppress(Exception):
            # What is wrong with the items is told by whoever works on them.
            items = self._items()
            self._counted = None if items is None else sum(1 for _ in items)


def map_ahead(
    make: Callable[[_Item], _Made], items: Iterable[_Item], *, workers: int, ahead: int
) -> Iterator[_Made]:
    """Yield make(item) in order; threads work on no more than `ahead` items before the reader."""
    for (made,) in batches_ahead(make, items, workers=workers, ahead=ahead, batch_size=1):
        yield made


def batches_ahead(
    make: Callable[[_Item], _Made],
    items: Iterable[_Item],
    *,
    workers: int,
    ahead: int,
    batch_size: int,
) -> Iterator[list[_Made]]:
    """Yield make(item) in order, in lists of `batch_size`; the last one may be shorter.

    Where `items` are `Arriving`, nothing that is made waits for an item that has not come: lists
    are shorter then.

    Args:
        make: Called in threads.
        items: Taken one at a time, in the reader's thread.
        workers: How many threads there are.
        ahead: So many items are taken before the reader, at most; no fewer than `batch_size`.
        batch_size: The length of a list.
    """
    with ThreadPoolExecutor(workers, thread_name_prefix="biqa-read") as pool:
        pending: deque[Future[_Made]] = deque()
        source, more = iter(items), True
        try:
            while more or pending:
                while more and len(pending) < ahead:
                    if pending and isinstance(items, Arriving) and items.must_wait():
                        break
                    try:
                        pending.append(pool.submit(make, next(source)))
                    except StopIteration:
                        more = False
                batch = [pending.popleft() for _ in range(min(batch_size, len(pending)))]
                if batch:
                    yield [future.result() for future in batch]
        finally:
            for future in pending:
                future.cancel()
