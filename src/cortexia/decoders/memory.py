"""Keep freed picture buffers in the process: glibc gives each back to the kernel, about 900 page faults a frame."""

from __future__ import annotations

import ctypes
import functools
import platform

_M_TRIM_THRESHOLD = -1
_M_TOP_PAD = -2
_M_MMAP_THRESHOLD = -3
_MIB = 1024 * 1024


@functools.cache
def keep_freed_buffers() -> bool:
    """Tune malloc once per process; whether that was possible (glibc only).

    32 MiB is the largest threshold that glibc takes: it covers a 4K picture in BGR (25 MB).
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False
    settings = ((_M_MMAP_THRESHOLD, 32 * _MIB), (_M_TRIM_THRESHOLD, 256 * _MIB), (_M_TOP_PAD, 16 * _MIB))
    accepted = [mallopt(name, value) == 1 for name, value in settings]
    return all(accepted)
