"""Memory of the host that arrays of ours lie in and others own.

Who borrows memory once more, all of it or a part, uses it in order with those who have it already,
and with arrays of ours that were given away and come back.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from oxide_codegen.host_streams import HostMemory
from oxide_codegen.pools import HOST

if TYPE_CHECKING:
    from oxide_codegen.ordering import Uses

_lock = threading.RLock()
_borrowed: WeakSet[BorrowedMemory] = WeakSet()


class BorrowedMemory(HostMemory):
    """Memory that somebody else frees."""

    __slots__ = ()

    is_borrowed = True

    def forsaken(self) -> BorrowedMemory:
        """What an array has in its place that was freed; other arrays have borrowed it too."""
        made = BorrowedMemory(None)
        made.is_freed = True
        return made


def host_memory(address: int, size: int, owner: Any, uses: Uses | None = None) -> BorrowedMemory:
    """So many bytes at an address, with their uses, which may be known already."""
    made = BorrowedMemory(owner, address, size)
    if uses is not None:
        made.uses = uses
    with _lock:
        made.meets((*_borrowed, *HOST.memories()))
        _borrowed.add(made)
    return made
