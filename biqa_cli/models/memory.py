"""What the C library does with memory that is freed: keeps it, or gives it back."""

import ctypes
import sys
from collections.abc import Callable

# Parameters of mallopt, from glibc's malloc.h.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4
_MOST, _PAD = 2**31 - 1, 2**28


def keep_freed_memory() -> bool:
    """Let the C library keep what is freed, for the next tensor, instead of giving it back.

    glibc maps every large tensor anew and unmaps it when it is freed, so that the kernel clears
    each page again: more than half of the time of small networks on large photos. The process
    stays as large as it once was. It is a setting of the process, for trainings on the CPU.

    Returns:
        Whether the C library has such a setting; others than glibc are left as they are.
    """
    mallopt = _of_glibc("mallopt")
    if mallopt is None:
        return False
    settings = ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, _MOST), (_TOP_PAD, _PAD))
    return all(bool(mallopt(name, value)) for name, value in settings)


def give_back_freed_memory() -> bool:
    """Let the C library give back what is freed, where it does so only when asked.

    While a model is loaded its weights are in memory three times. Without this, a process that
    scores one photo would stay as large as it was then, and need room for the photo beside it.

    Returns:
        Whether the C library can be asked; others than glibc are left as they are.
    """
    trim = _of_glibc("malloc_trim")
    if trim is None:
        return False
    trim(0)
    return True


def _of_glibc(name: str) -> Callable[..., int] | None:
    if not sys.platform.startswith("linux"):
        return None
    found: Callable[..., int] | None = getattr(ctypes.CDLL(None), name, None)
    return found
