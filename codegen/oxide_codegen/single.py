"""What a process has one of, made when somebody first asks for it.

    @single
    def _crew() -> _Crew: ...

`functools.cache` lets two threads make it and forgets one: of what owns machine code or threads,
one that somebody is still using.
"""

from __future__ import annotations

from threading import RLock
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Single(Generic[T]):
    """The value that `make` gives, which is called once."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self.forget()

    def __call__(self) -> T:
        """The value; who asks while another thread makes it waits."""
        made = self._made
        if made:
            return made[0]
        with self._lock:
            made = self._made
            if not made:
                made.append(self._make())
            return made[0]

    def forget(self) -> None:
        """Let the next who asks have another one; in a child process, too, where a lock stays as
        it was when the process was forked."""
        self._made: list[T] = []
        self._lock = RLock()


def single(make: Callable[[], T]) -> Single[T]:
    """One value for the process, whoever asks first."""
    return Single(make)
