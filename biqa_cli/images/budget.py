"""Memory for photos: bytes are reserved before a photo is decoded, by every reader alike."""

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from biqa_cli.errors import ImageError


class ByteBudget:
    """Bytes that threads share; who asks first is served first, so that all get their turn."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()
        self.used = 0
        """Bytes that are reserved now."""

    @contextmanager
    def reserve(self, amount: int, *, total: int) -> Iterator[float]:
        """Wait until `amount` bytes are free of `total`; yield the seconds of the wait.

        A thread that holds a reservation must not ask for another: it could wait for itself.

        Raises:
            ImageError: If the photo alone needs more than all.
        """
        if amount > total:
            msg = (
                f"decoding it takes {_megabytes(amount)}, over the limit of {_megabytes(total)} "
                "for photos: raise it with --memory"
            )
            raise ImageError(msg)
        started = time.monotonic()
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
            try:
                self._changed.wait_for(
                    lambda: self._waiting[0] is ticket and self.used + amount <= total
                )
                self.used += amount
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()
        try:
            yield time.monotonic() - started
        finally:
            with self._changed:
                self.used -= amount
                self._changed.notify_all()


def _megabytes(amount: int) -> str:
    return f"{amount / 1e6:,.0f} MB"


PHOTOS = ByteBudget()
"""The one budget of a process."""
