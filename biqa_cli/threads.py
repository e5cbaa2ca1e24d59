"""Work that threads do ahead of the reader, in order and in bounded memory."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_Item = TypeVar("_Item")
_Made = TypeVar("_Made")


def default_workers() -> int:
    """Return the number of threads that read photos: one for each core that may be used."""
    # Not every platform can say which cores a process may use.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def map_ahead(
    make: Callable[[_Item], _Made], items: Iterable[_Item], *, workers: int, ahead: int
) -> Iterator[_Made]:
    """Yield make(item) in order; threads work on no more than `ahead` items before the reader."""
    with ThreadPoolExecutor(workers, thread_name_prefix="biqa-read") as pool:
        pending: deque[Future[_Made]] = deque()
        try:
            for item in items:
                pending.append(pool.submit(make, item))
                if len(pending) > ahead:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
