"""Where the memory of arrays comes from: resources of cuda.core, or what answers to their names.

    options = DeviceMemoryResourceOptions(max_size=1 << 30)
    oxide.set_memory_resource(DeviceMemoryResource(0, options))     arrays of the device
    oxide.set_memory_resource(PinnedMemoryResource())               arrays of `oxide.pinned`
    oxide.set_memory_resource(None)                                 what it was before

What a resource is for, it says itself: `is_managed`, `is_host_accessible`. Without one, memory of a
device comes from the pool that is the device's current one, managed memory from the driver's, and
pinned memory is pinned for us and kept: see `pinned_memory`.

Where there is no room, all that is done is waited for and given back to the device, kept memory and
that of pools too, and it is tried once more.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from enum import Enum
from math import prod
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakSet

from oxide_codegen import devices, host_streams
from oxide_codegen.driver import check
from oxide_codegen.errors import DeviceError, DeviceMemoryError, MissingExtraError, OxideError

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_codegen.cuda import Cuda
    from oxide_codegen.devices import DeviceId
    from oxide_codegen.host_streams import HostMemory

T = TypeVar("T")

# What the bindings' exceptions say of it: they have no code.
_NO_ROOM = "OUT_OF_MEMORY"


class Use(Enum):
    """What memory is for."""

    DEVICE = "device"
    PINNED = "pinned"
    MANAGED = "managed"


def use_of(resource: Any) -> Use:
    """What the memory of a resource is for."""
    if not callable(getattr(resource, "allocate", None)):
        raise TypeError(
            "a memory resource has a method `allocate(size, *, stream)`, as those of cuda.core "
            f"have; got {type(resource).__name__}"
        )
    if getattr(resource, "is_managed", False):
        return Use.MANAGED
    return Use.PINNED if getattr(resource, "is_host_accessible", False) else Use.DEVICE


def tried_twice(
    size: int,
    allocate: Callable[[], T],
    make_room: Callable[[], None],
    no_room: Callable[[Exception], DeviceMemoryError],
    doing: str,
) -> T:
    """What `allocate` gives: where there is no room, once more when some has been made.

    Whatever else it ran into is no matter of room, and is said as it is.
    """
    if size > sys.maxsize:
        # No allocator counts so far; what each says of it is something else.
        raise no_room(MemoryError("there are not so many addresses"))
    try:
        return allocate()
    except Exception as error:
        _demand_lack_of_room(error, doing)
    make_room()
    try:
        return allocate()
    except Exception as error:
        _demand_lack_of_room(error, doing)
        raise no_room(error) from None


def _demand_lack_of_room(error: Exception, doing: str) -> None:
    if isinstance(error, OxideError) and not isinstance(error, MemoryError):
        raise error
    if not isinstance(error, MemoryError) and _NO_ROOM not in str(error):
        raise DeviceError(f"{doing} failed: {error}") from None


# ---------------------------------------------------------------- of a GPU


class Pools:
    """The resources of one GPU."""

    def __init__(self, device: Cuda) -> None:
        self._device = device
        self.chosen: dict[Use, Any] = {}

    @property
    def resource(self) -> Any:
        """Where memory of the device comes from."""
        chosen = self.chosen.get(Use.DEVICE)
        return self._device.device.memory_resource if chosen is None else chosen

    def choose(self, resource: Any) -> None:
        """Take memory from a resource from now on; None: as in the beginning."""
        device = self._device
        if resource is None:
            self.chosen.clear()
            device.pinned_pool.resource = device.core.LegacyPinnedMemoryResource()
            return
        use = use_of(resource)
        of = getattr(resource, "device_id", device.index) if use is Use.DEVICE else device.index
        if of != device.index:
            raise DeviceError(f"the memory resource is one of cuda:{of}, not of {device.id}")
        self.chosen[use] = resource
        if use is Use.PINNED:
            device.pinned_pool.resource = resource

    def room(self, size: int, stream: int) -> Any:
        """Memory of the device, in the order of a stream; the context is current."""
        return self._room(self._of_device, Use.DEVICE, size, stream)

    def managed(self, size: int, stream: int) -> Any:
        """Memory that host and device see at one address; the context is current."""
        device = self._device
        if not device.device.properties.managed_memory:
            raise DeviceError(
                f"{device.id} has no managed memory: use `oxide.zeros` and copies, from "
                "`oxide.pinned` if they are to go on beside the program"
            )
        return self._room(self._managed, Use.MANAGED, size, stream)

    def _of_device(self, size: int, stream: Any) -> Any:
        chosen = self.chosen.get(Use.DEVICE)
        if chosen is None:
            return self._device.device.allocate(size, stream=stream)
        return chosen.allocate(size, stream=stream)

    def _managed(self, size: int, stream: Any) -> Any:
        chosen = self.chosen.get(Use.MANAGED)
        if chosen is None:
            return _Managed(self._device.driver, size)
        return chosen.allocate(size, stream=stream)

    def _room(self, allocate: Any, use: Use, size: int, stream: int) -> Any:
        device = self._device
        where = device.stream(stream)
        return tried_twice(
            size,
            lambda: allocate(size, where),
            lambda: self._give_back(use),
            lambda error: self._no_room(use, size, error),
            f"allocating {size} bytes on {device.id}",
        )

    def _give_back(self, use: Use) -> None:
        """Let the device have all that is done with."""
        device, driver = self._device, self._device.driver
        device.wait_for_all()
        device.reap()
        device.wait_for_all()
        device.pinned_pool.trim()
        chosen = getattr(self.chosen.get(use), "handle", None)
        pools = [chosen] if isinstance(chosen, driver.CUmemoryPool) else []
        # Of a device without pools there is nothing to trim.
        status, *current = driver.cuDeviceGetMemPool(device.index)
        for pool in pools if int(status) else (*pools, *current):
            check(driver, driver.cuMemPoolTrimTo(pool, 0), "trimming a pool")

    def _no_room(self, use: Use, size: int, error: Exception) -> DeviceMemoryError:
        device = self._device
        _, free, total = device.driver.cuMemGetInfo()
        others = max(int(total) - int(free) - device.held, 0)
        chosen = self.chosen.get(use)
        limit = ""
        if chosen is not None:
            used = getattr(getattr(chosen, "attributes", None), "used_mem_current", None)
            held = "" if used is None else f", of which {used:,} are used"
            limit = f"; they come from the {type(chosen).__name__} that was set{held}"
        return DeviceMemoryError(
            f"{device.id} has no room for {size:,} bytes: {free:,} of {total:,} are free, "
            f"arrays of Oxide hold {device.held:,}, others {others:,}{limit} ({error})",
            requested=size,
            free=int(free),
            held=device.held,
            others=others,
        )


class _Managed:
    """Managed memory of the driver's own, which every device with managed memory has."""

    def __init__(self, driver: Any, size: int) -> None:
        self._driver = driver
        self.size = size
        everywhere = driver.CUmemAttach_flags.CU_MEM_ATTACH_GLOBAL
        answer = driver.cuMemAllocManaged(size, int(everywhere))
        if int(answer[0]) == int(driver.CUresult.CUDA_ERROR_OUT_OF_MEMORY):
            raise MemoryError(f"CUDA_ERROR_{_NO_ROOM}")
        self.handle = check(driver, answer, "allocating managed memory")

    def close(self, stream: Any) -> None:
        """Give it back when the stream has come here: unlike that of pools it has no order."""
        stream.sync()
        check(self._driver, self._driver.cuMemFree(self.handle), "freeing managed memory")


# ---------------------------------------------------------------- of the cpu


class HostPool:
    """Where memory of the cpu device comes from, and how much of it arrays hold."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._memories: WeakSet[HostMemory] = WeakSet()
        self.chosen: Any = None

    def note(self, memory: HostMemory) -> None:
        """Memory was made for an array."""
        with self._lock:
            self._memories.add(memory)

    def memories(self) -> tuple[HostMemory, ...]:
        """All memory that was made for arrays and that somebody still has."""
        with self._lock:
            return tuple(self._memories)

    @property
    def held(self) -> int:
        """Bytes of memory that was made and is not freed."""
        return sum(getattr(memory.owner, "nbytes", 0) for memory in self.memories())

    def room(self, shape: tuple[int, ...], dtype: Any, size: int) -> Any:
        """An array of the host with undefined elements."""
        # Where there is none, what is in flight may keep some.
        return tried_twice(
            size,
            lambda: self._allocate(shape, dtype, size),
            host_streams.sync,
            lambda error: self._no_room(size, error),
            f"allocating {size} bytes on cpu",
        )

    def _no_room(self, size: int, error: Exception) -> DeviceMemoryError:
        free = _free_memory()
        limit = ""
        if self.chosen is not None:
            limit = f"; they come from the {type(self.chosen).__name__} that was set"
        return DeviceMemoryError(
            f"cpu has no room for {size:,} bytes: {free:,} are free, arrays of Oxide hold "
            f"{self.held:,}{limit} ({error})",
            requested=size,
            free=free,
            held=self.held,
            others=0,
        )

    def _allocate(self, shape: tuple[int, ...], dtype: Any, size: int) -> Any:
        try:
            import numpy
        except ImportError as error:
            raise MissingExtraError("running kernels", "NumPy", "cpu") from error
        if self.chosen is None or not size:
            return numpy.empty(shape, dtype)
        buffer = self.chosen.allocate(size, stream=None)
        return array_at(int(buffer.handle), shape, dtype, buffer)


def array_at(address: int, shape: tuple[int, ...], dtype: Any, keeps: object) -> Any:
    """Memory of the host as a NumPy array, which keeps an object."""
    import numpy

    size = prod(shape) * dtype.itemsize
    if not size:
        return numpy.empty(shape, dtype)
    memory: Any = (ctypes.c_char * size).from_address(address)
    memory.__dict__["keeps"] = keeps
    return numpy.frombuffer(memory, dtype).reshape(shape)


HOST = HostPool()


def _free_memory() -> int:
    if not hasattr(os, "sysconf"):
        return 0
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")


# ---------------------------------------------------------------- what programs call


def memory_resource(device: str | None = None) -> Any:
    """The resource that memory of a device comes from; of the cpu, None where none was set."""
    where = _place(device)
    if where.kind == "cpu":
        return HOST.chosen
    from oxide_codegen.cuda import cuda

    return cuda(where.index).pools.resource


def set_memory_resource(resource: Any, device: str | None = None) -> None:
    """Take memory of new arrays on a device from a memory resource of cuda.core.

    A resource for managed or pinned memory is used for `oxide.managed` or `oxide.pinned`, any other
    for all arrays of the device. `None` undoes this. Arrays that are there stay where they are.
    """
    where = _place(device)
    if where.kind == "cpu":
        reaches = getattr(resource, "is_host_accessible", True)
        if resource is not None and use_of(resource) is Use.DEVICE and not reaches:
            raise DeviceError(f"{where} does not reach memory of {type(resource).__name__}")
        HOST.chosen = resource
        return
    from oxide_codegen.cuda import cuda

    cuda(where.index).pools.choose(resource)


def _place(device: str | None) -> DeviceId:
    return devices.current() if device is None else devices.parse(device)
