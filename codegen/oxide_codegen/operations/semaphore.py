"""A semaphore of the C library: what a stream of a GPU wakes a thread with, without Python."""

from __future__ import annotations

import ctypes
import time


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class Semaphore:
    """Posted by anybody, waited for by one thread.

    Where there is none (Windows), `wait` sleeps for the shortest time that a clock there has.
    """

    _SIZE = 64

    def __init__(self) -> None:
        self._memory = ctypes.create_string_buffer(self._SIZE)
        self._address = ctypes.addressof(self._memory)
        library = ctypes.CDLL(None) if hasattr(ctypes, "pythonapi") else None
        self._post = getattr(library, "sem_post", None)
        if library is not None and self._post is not None:
            # What never waits keeps the interpreter's lock: to get it back may take long.
            at_once = ctypes.PyDLL(None)
            self._post = at_once.sem_post
            self._post.argtypes = [ctypes.c_void_p]
            self._try = at_once.sem_trywait
            self._try.argtypes = [ctypes.c_void_p]
            self._wait = library.sem_wait
            self._wait.argtypes = [ctypes.c_void_p]
            self._timed = library.sem_timedwait
            self._timed.argtypes = [ctypes.c_void_p, ctypes.POINTER(_Timespec)]
            library.sem_init(ctypes.c_void_p(self._address), 0, 0)

    @property
    def is_there(self) -> bool:
        """Whether a stream can post it."""
        return self._post is not None

    @property
    def host_function(self) -> tuple[int | None, int]:
        """What `cuLaunchHostFunc` calls, and with what."""
        assert self._post is not None
        return ctypes.cast(self._post, ctypes.c_void_p).value, self._address

    def post(self) -> None:
        """Wake who waits."""
        if self._post is not None:
            self._post(self._address)

    def wait(self, seconds: float | None) -> None:
        """Sleep until somebody posts, or so long; however often they have by then."""
        if self._post is None:
            time.sleep(0.001)
            return
        if seconds is None:
            self._wait(self._address)
        else:
            until = time.time() + seconds
            end = _Timespec(int(until), int(until % 1 * 1e9))
            self._timed(self._address, ctypes.byref(end))
        while self._try(self._address) == 0:
            continue
