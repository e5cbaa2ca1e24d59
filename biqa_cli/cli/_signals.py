"""Signals that end the program: each ends it as Ctrl-C does."""

import signal
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


def stop_on_signals() -> None:
    """Raise `Stopped` in the main thread at Ctrl-C, TERM and HUP.

    Signals that are ignored stay so: `nohup` and a shell's background jobs rely on that.
    """
    for number in _known():
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _stop)


def _stop(number: int, _frame: FrameType | None) -> None:
    for other in _known():
        # A terminal that closes may send two kinds; the same once more is a user's impatience.
        signal.signal(other, signal.SIG_DFL if other == number else signal.SIG_IGN)
    raise Stopped(number)


def _known() -> list[signal.Signals]:
    # Windows has no SIGHUP.
    return [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
