"""How the C library keeps memory: it decides how fast a network learns on a CPU."""

import ctypes
import sys

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
    if not sys.platform.startswith("linux"):
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    settings = ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, _MOST), (_TOP_PAD, _PAD))
    return all(bool(mallopt(name, value)) for name, value in settings)
