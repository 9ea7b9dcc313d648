"""Keeping SQLCipher's memory protection affordable.

`cipher_memory_security` wipes what the library frees and locks what it allocates. Locking every page of a
cache costs two system calls per allocation (five times the whole time of building a view), and a program
may lock little anyway: the usual limit is 64 KiB to 8 MiB. So the limit is set to 64 KiB, which holds
the keys that are allocated first; everything is still wiped when freed.
"""

from __future__ import annotations

import ctypes
import sys
import threading

LOCKED_BYTES = 64 * 1024
_CAP_IPC_LOCK = 14
_CAPABILITY_VERSION_3 = 0x20080522
_done = threading.local()


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Data(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def limit_locked_memory() -> None:
    """Lower the limit of locked memory for this thread and those it starts. A superuser's exemption is given up
    for them.
    """
    if getattr(_done, "yes", False):
        return
    _done.yes = True
    import resource  # the module does not exist on Windows, where the program says so and ends earlier

    _, hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    limit = LOCKED_BYTES if hard == resource.RLIM_INFINITY else min(LOCKED_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (limit, hard))
    if sys.platform == "linux":
        _give_up_ipc_lock()


def _give_up_ipc_lock() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    header, data = _Header(_CAPABILITY_VERSION_3, 0), (_Data * 2)()
    if libc.capget(ctypes.byref(header), data) != 0 or not data[0].effective & (1 << _CAP_IPC_LOCK):
        return
    data[0].effective &= ~(1 << _CAP_IPC_LOCK)
    libc.capset(ctypes.byref(header), data)
