"""On which core a child begins: the one that its worker is on, which then has nothing to do until the child has ended.

The kernel would rather begin it on another core, which has neither the worker's memory in its caches nor, where there
are as many workers as cores, anything to spare. That costs a fifth of the programs a second (docs/results.md). Nothing
stays bound: worker and child may run everywhere as soon as the child is there.
"""

from __future__ import annotations

import ctypes

_CORES = 8192  # the most that a Linux kernel is built for
_BITS = 8 * ctypes.sizeof(ctypes.c_ulong)
_Cores = ctypes.c_ulong * (_CORES // _BITS)  # ``cpu_set_t``

_libc = ctypes.PyDLL(None)  # keeps the lock: in a child there is nobody to give it to
_get, _set, _current = _libc.sched_getaffinity, _libc.sched_setaffinity, _libc.sched_getcpu


class Affinity:
    """Of this process, and of a child that it is about to fork. What the kernel refuses stays as it is.

    Attributes:
        loosen: a C function and its arguments: may run where it might before `hold`. To be called by both.
    """

    def __init__(self) -> None:
        """Both may run where they want."""
        self._here, all_cores = _Cores(), _Cores()
        whole = (ctypes.c_int(0), ctypes.c_size_t(ctypes.sizeof(_Cores)))
        self._one, self._every = (*whole, self._here), (*whole, all_cores)
        self._word = 0
        self.loosen = (_set, self._every)

    def hold(self) -> None:
        """Stay on this core."""
        core = _current()
        if _get(*self._every) < 0 or not 0 <= core < _CORES:
            return
        self._here[self._word] = 0
        self._word, bit = divmod(core, _BITS)
        self._here[self._word] = 1 << bit
        _set(*self._one)
