"""The driver is asked for a device, and torch only where there is one."""

import ctypes
from typing import Any

import pytest

from biqa_cli.models import devices
from biqa_cli.models.devices import resolve_device


class Driver:
    """NVIDIA's driver, as far as it is asked."""

    def __init__(self, started: int, counted: int, count: int) -> None:
        self.started, self.counted, self.count = started, counted, count

    def cuInit(self, flags: int) -> int:  # noqa: N802  as the driver calls it
        assert flags == 0
        return self.started

    def cuDeviceGetCount(self, found: Any) -> int:  # noqa: N802  the same
        found._obj.value = self.count  # noqa: SLF001  what ctypes.byref refers to
        return self.counted


@pytest.mark.parametrize(
    ("answers", "device"),
    [((0, 0, 1), "cuda"), ((0, 0, 0), "cpu"), ((100, 0, 1), "cpu"), ((0, 3, 1), "cpu")],
)
def test_auto_is_cuda_where_the_driver_has_a_device(
    monkeypatch: pytest.MonkeyPatch, answers: tuple[int, int, int], device: str
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Driver(*answers))
    monkeypatch.setattr(devices, "has_torch", lambda: True)
    monkeypatch.setattr(devices, "_torch_can_use", lambda _: True)
    assert resolve_device("auto") == device


def test_auto_is_the_cpu_without_a_driver_or_a_torch_that_uses_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda _: Driver(0, 0, 1))
    monkeypatch.setattr(devices, "has_torch", lambda: True)
    monkeypatch.setattr(devices, "_torch_can_use", lambda _: False)
    assert resolve_device("auto") == "cpu"

    def missing(_: str) -> Driver:
        raise OSError

    monkeypatch.setattr(devices, "_torch_can_use", lambda _: True)
    monkeypatch.setattr(ctypes, "CDLL", missing)
    assert resolve_device("auto") == "cpu"
