"""Memory of one NVIDIA device, and pinned memory of the host: who used it last, and how it goes.

What is garbage is only noted, because a finalizer runs anywhere, within our own calls to the driver
too: `Cuda.reap` frees it.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

from oxide_codegen.ordering import Uses

if TYPE_CHECKING:
    from oxide_codegen.cuda import Cuda

# The `stream` of memory that was used on others than the default one; no stream has this handle.
SEVERAL = -1


class Memory:
    """Device memory with its last uses; freed behind them.

    `stream` is the default one while every use was there; only then may a launch on it go ahead
    without looking at `uses`.
    """

    __slots__ = (
        "__weakref__",
        "address",
        "device",
        "is_freed",
        "is_ours",
        "owner",
        "stream",
        "uses",
    )

    def __init__(self, device: Cuda, address: int, owner: Any, *, is_ours: bool) -> None:
        self.device = device
        self.address = address
        self.owner = owner
        self.is_ours = is_ours
        self.stream = device.default_handle
        self.uses = Uses(device.default_point)
        self.is_freed = False

    def free(self) -> None:
        """Give it back behind its last uses, and let nobody use it any more."""
        self.is_freed = True
        # Launches that are repeated look at their memory once more.
        self.stream = SEVERAL
        self.device.moved = object()
        self.__del__()
        self.owner = None
        self.device.reap()

    def __del__(self) -> None:
        # No call to the driver and no lock: this may run within either.
        if self.owner is not None:
            self.device.garbage.put((self.owner, self.uses, self.is_ours))


class Pinned:
    """Pinned memory of the host; what is an array of it keeps it alive."""

    __slots__ = ("_device", "_owner", "address")

    def __init__(self, device: Cuda, owner: Any) -> None:
        self._device = device
        self._owner = owner
        self.address = 0 if owner is None else int(owner.handle)

    def array(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """The memory as a NumPy array."""
        import numpy

        size = int(numpy.prod(shape)) * dtype.itemsize
        if not size:
            return numpy.empty(shape, dtype)
        view = (ctypes.c_char * size).from_address(self.address)
        view.__dict__["owner"] = self
        return numpy.frombuffer(view, dtype).reshape(shape)

    def __del__(self) -> None:
        if self._owner is not None:
            self._device.garbage.put((self._owner, Uses(), True))
