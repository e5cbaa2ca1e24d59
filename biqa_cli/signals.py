"""Signals that end the program: each ends it as Ctrl-C does."""

import signal
import sys
from types import FrameType

_NAMES = ("SIGINT", "SIGTERM", "SIGHUP")


class Stopped(KeyboardInterrupt):
    """A signal has told the program to stop.

    Args:
        number: Of the signal; a shell shows 128 more as the exit code.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number


_told: list[int] = []
"""The signals that have come."""


def stop_on_signals() -> None:
    """Raise `Stopped` in the main thread at Ctrl-C, TERM and HUP.

    Signals that are ignored stay so: `nohup` and a shell's background jobs rely on that.
    """
    for number in _known():
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)
    usual = sys.unraisablehook

    def tell(dropped: "sys.UnraisableHookArgs") -> None:
        # `stop_if_told` raises it once more: nothing is wrong, and nobody needs a traceback.
        if not issubclass(dropped.exc_type, KeyboardInterrupt):
            usual(dropped)

    sys.unraisablehook = tell


def stop_if_told() -> None:
    """Raise `Stopped` if a signal came whose exception was lost.

    Python drops what is raised while it calls back, such as from a weak reference or `__del__`.
    """
    if _told:
        raise Stopped(_told[0])


def code_if_told() -> int | None:
    """Return the exit code of the signal that came first, None where none came."""
    return 128 + _told[0] if _told else None


def _stop(number: int, _frame: FrameType | None) -> None:
    _told.append(number)
    for other in _known():
        # A terminal that closes may send two kinds; the same once more is a user's impatience.
        signal.signal(other, signal.SIG_DFL if other == number else signal.SIG_IGN)
    raise Stopped(number)


def _known() -> list[signal.Signals]:
    # Windows has no SIGHUP.
    return [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
