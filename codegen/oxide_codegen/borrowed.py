"""Memory of the host that arrays of ours lie in and others own.

Who borrows the same memory once more shares its uses, so that what both enqueue is in order.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from oxide_codegen.host_streams import HostMemory

if TYPE_CHECKING:
    from oxide_codegen.ordering import Uses

_lock = threading.Lock()
_borrowed: WeakValueDictionary[int, BorrowedMemory] = WeakValueDictionary()


class BorrowedMemory(HostMemory):
    """Memory that somebody else frees."""

    __slots__ = ()

    is_borrowed = True

    def forsaken(self) -> BorrowedMemory:
        """What an array has in its place that was freed; other arrays have borrowed it too."""
        made = BorrowedMemory(None)
        made.is_freed = True
        return made


def host_memory(address: int, owner: Any, uses: Uses | None = None) -> BorrowedMemory:
    """The memory at an address, with its uses, which may be known already."""
    if uses is not None:
        made = BorrowedMemory(owner)
        made.uses = uses
        return made
    with _lock:
        known = _borrowed.get(address)
        if known is None:
            known = _borrowed[address] = BorrowedMemory(owner)
        return known
