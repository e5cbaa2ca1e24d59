"""Every test runs sealed: no network but loopback, an empty cache, no user's environment."""

import itertools
import logging
import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# One thread of torch for each process: small networks gain nothing from two, and where tests run
# side by side they wait for each other. Read when torch is imported; what tests start inherits it.
os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile("biqa", deadline=None, derandomize=True)
settings.register_profile("quick", settings.get_profile("biqa"), max_examples=20)
settings.load_profile("biqa")


def pytest_configure(config: pytest.Config) -> None:
    """Draw fewer examples where the slow tests are left out, unless a profile is asked for."""
    if (
        config.option.markexpr == "not slow"
        and config.getoption("hypothesis_profile", None) is None
    ):
        settings.load_profile("quick")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Run the tests of a file in one process, so that a module's fixtures are set up once."""
    from xdist.scheduler import LoadFileScheduling

    return LoadFileScheduling(config, log) if config.getvalue("dist") == "load" else None


QUICK = 0.25
"""Seconds of CPU time that a test without the mark `slow` takes at the most."""
_BEGAN = pytest.StashKey[float]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Note when a test begins."""
    item.stash[_BEGAN] = time.process_time()
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: Any) -> Generator[None, Any, Any]:
    """Tell how much CPU time a test without the mark has taken, its fixtures included."""
    report = yield
    if call.when == "call" and item.get_closest_marker("slow") is None:
        report.user_properties.append(("cpu", time.process_time() - item.stash[_BEGAN]))
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """List the tests that should be cheaper, or marked: the first to import something is, too."""
    found = [
        (seconds, report.nodeid)
        for report in terminalreporter.getreports("passed")
        for name, seconds in report.user_properties
        if name == "cpu" and seconds > QUICK
    ]
    if found:
        terminalreporter.section(f"not marked slow, but over {QUICK} s of CPU time")
        for seconds, test in sorted(found, reverse=True):
            terminalreporter.write_line(f"{seconds:.2f} s {test}")


_CONNECT = socket.socket.connect


def _connect_to_loopback(self: socket.socket, address: Any) -> None:
    host = address[0] if isinstance(address, tuple) else "localhost"
    if host not in ("127.0.0.1", "::1", "localhost"):
        msg = f"a test tried to reach {host}"
        raise AssertionError(msg)
    _CONNECT(self, address)


_POPEN = subprocess.Popen.__init__


def _start_no_python(self: Any, command: Any, *more: Any, **options: Any) -> None:
    # Libraries ask the system, as Matplotlib does for its fonts.
    if sys.executable in str(command):
        msg = "a test that starts a process is slow: mark it so"
        raise AssertionError(msg)
    _POPEN(self, command, *more, **options)


_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("homes")


@pytest.fixture(autouse=True)
def sealed(request: pytest.FixtureRequest, homes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.node.get_closest_marker("slow") is None:
        monkeypatch.setattr(subprocess.Popen, "__init__", _start_no_python)
    for name in [name for name in os.environ if name.startswith("BIQA_")]:
        monkeypatch.delenv(name)
    # Made by what writes there: most tests write nothing.
    home = homes / str(next(_NUMBERS))
    monkeypatch.setenv("BIQA_CACHE", str(home / "cache"))
    monkeypatch.setenv("BIQA_STORE", str(home / "scores.sqlite"))
    monkeypatch.setenv("BIQA_JOURNALS", str(home / "journals"))
    monkeypatch.setattr(socket.socket, "connect", _connect_to_loopback)


@pytest.fixture(autouse=True)
def fresh_log() -> Iterator[None]:
    """Take back what a command has set up: its handler writes to a stream that is closed by now."""
    yield
    if logging.root.level != logging.WARNING:
        logging.basicConfig(level=logging.WARNING, handlers=[logging.NullHandler()], force=True)


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Start every test from the same random numbers of torch, in whatever order tests run."""
    if "torch" in sys.modules:
        # Of the CPU alone: torch.manual_seed asks every other device, which takes 200 times longer.
        sys.modules["torch"].default_generator.manual_seed(0)


@pytest.fixture
def cache(sealed: None) -> Path:  # noqa: ARG001  the cache is the sealed one
    path = Path(os.environ["BIQA_CACHE"])
    path.mkdir(parents=True)
    return path
