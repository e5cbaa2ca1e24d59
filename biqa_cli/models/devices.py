"""Which device to score on, found without importing torch where that is not needed."""

import ctypes

from biqa_cli.errors import UsageError
from biqa_cli.models.installed_torch import has_torch, require_torch


def resolve_device(wanted: str) -> str:
    """Return the device to use: "cpu", "cuda" or "mps".

    Args:
        wanted: One of these, or "auto": cuda where there is one, else the CPU.

    Raises:
        UsageError: If torch is not installed, or cannot use the wanted device.
    """
    if wanted == "cpu":
        return "cpu"
    if wanted == "auto":
        usable = has_torch() and _has_nvidia_device() and _torch_can_use("cuda")
        return "cuda" if usable else "cpu"
    if wanted not in ("cuda", "mps"):
        msg = f"there is no device {wanted!r}: use auto, cpu, cuda or mps"
        raise UsageError(msg)
    require_torch(f"-d {wanted}")
    if not _torch_can_use(wanted):
        msg = f"torch finds no usable {wanted} device here: use -d auto or -d cpu"
        raise UsageError(msg)
    return wanted


def _has_nvidia_device() -> bool:
    """Ask the driver itself: it answers in milliseconds, importing torch takes seconds."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    count = ctypes.c_int(0)
    return bool(
        driver.cuInit(0) == 0 and driver.cuDeviceGetCount(ctypes.byref(count)) == 0 and count.value
    )


def _torch_can_use(device: str) -> bool:
    import torch

    if device == "cuda":
        return torch.cuda.is_available()
    return torch.backends.mps.is_available()
