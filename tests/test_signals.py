"""Signals as exceptions, in this process."""

import signal
import sys
from collections.abc import Iterator
from contextlib import suppress

import pytest

from biqa_cli import signals
from biqa_cli.cli import _progress
from biqa_cli.signals import Stopped, stop_if_told, stop_on_signals

KINDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.fixture(autouse=True)
def _usual_signals(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(signals, "_told", [])
    before = {kind: signal.signal(kind, signal.SIG_DFL) for kind in KINDS}
    yield
    for kind, handler in before.items():
        signal.signal(kind, handler)


@pytest.mark.parametrize(("kind", "code"), [*zip(KINDS, (130, 143, 129), strict=True)])
def test_a_signal_is_a_keyboard_interrupt_with_its_own_code(
    kind: signal.Signals, code: int
) -> None:
    stop_on_signals()
    with pytest.raises(KeyboardInterrupt) as caught:
        signal.raise_signal(kind)
    assert isinstance(caught.value, Stopped) and caught.value.exit_code == code
    # The same once more kills; another kind, as of a terminal that closes, changes nothing.
    assert signal.getsignal(kind) is signal.SIG_DFL
    assert {signal.getsignal(other) for other in KINDS if other != kind} == {signal.SIG_IGN}


def test_a_stop_that_python_has_dropped_is_raised_at_the_next_item() -> None:
    stop_on_signals()
    items = _progress.with_progress([1, 2, 3], total=3, unit="item", quiet=True)
    assert next(items) == 1
    stop_if_told()
    # As Python does in a callback.
    with suppress(Stopped):
        signal.raise_signal(signal.SIGTERM)
    with pytest.raises(Stopped) as caught:
        next(items)
    assert caught.value.exit_code == 143


def test_a_dropped_stop_shows_no_traceback(capfd: pytest.CaptureFixture[str]) -> None:
    before = sys.unraisablehook
    try:
        stop_on_signals()

        class Dropping:
            def __del__(self) -> None:
                signal.raise_signal(signal.SIGTERM)

        Dropping()
        with pytest.raises(Stopped):
            stop_if_told()
    finally:
        sys.unraisablehook = before
    assert capfd.readouterr().err == ""
