"""Processes that tests start, watch and stop."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

BRIGHTNESS = [sys.executable, str(Path(__file__).with_name("brightness_biqa.py"))]
"""biqa with a model that can be checked by hand."""


def run(*arguments: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run BRIGHTNESS to its end; whatever is not chosen is captured as text."""
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options}
    return subprocess.run(  # noqa: PLW1510  the tests look at the code
        [*BRIGHTNESS, *map(str, arguments)], timeout=60, **options
    )


def start(
    *arguments: object, ignores_hangup: bool = False, **options: Any
) -> subprocess.Popen[str]:
    """Start BRIGHTNESS with signals as a terminal would have them, or nohup."""
    # Tests in the background of a shell ignore Ctrl-C, and those under nohup a closed terminal: so
    # would their children.
    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
        signal.SIGHUP: signal.signal(
            signal.SIGHUP, signal.SIG_IGN if ignores_hangup else signal.SIG_DFL
        ),
    }
    options = {"stderr": subprocess.PIPE, "text": True, **options}
    try:
        return subprocess.Popen([*BRIGHTNESS, *map(str, arguments)], **options)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def wait_for(condition: Callable[[], object], *, seconds: float = 30) -> None:
    """Wait until a condition holds; fail if it never does."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def imported_by(*arguments: str) -> set[str]:
    """Return the modules that a run of biqa itself has imported."""
    code = (
        "import sys, runpy\n"
        f"sys.argv = ['biqa', *{list(arguments)!r}]\n"
        "try: runpy.run_module('biqa_cli', run_name='__main__')\n"
        "except SystemExit: pass\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(ran.stderr.splitlines())
