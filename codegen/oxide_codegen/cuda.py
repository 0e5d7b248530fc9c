"""One NVIDIA device: memory, loaded kernels, launches, and what they ran into.

Oxide shares the device's primary context with PyTorch, CuPy and Numba. It is made current in the
calling thread for the length of a call, and what was current before is restored. Device, streams,
events, memory and object code are those of cuda.core; a launch goes straight to the driver.

Order between streams. Each allocation remembers the stream of its last use. A launch on the same
stream needs nothing. On another one it first waits for that use; since every user of the memory
goes through here, waiting for the last one orders it behind all of them. For a use on any stream
but the default one an event is recorded at once, because the stream may be gone when it is needed.

Failures. Each kernel has one record in pinned host memory, which a failing check on the device
writes (the first one wins). The host looks at it whenever it has waited for the device.
"""

from __future__ import annotations

import ctypes
import importlib
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from oxide_codegen import enqueue
from oxide_codegen.devices import DeviceId
from oxide_codegen.driver import check
from oxide_codegen.errors import DeviceError, MissingExtraError
from oxide_codegen.streams import Stream

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from oxide_analyzer.ir.nodes import Ownership
    from oxide_analyzer.launch import Extent
    from oxide_codegen.arrays import ArrayView
    from oxide_codegen.buffers import DeviceBuffer
    from oxide_codegen.cuda_kernel import Arena, CudaKernel

_RECORD_STRIDE = 128
_RECORDS_PER_PAGE = 64

_devices: dict[int, Cuda] = {}
_lock = threading.Lock()


def cuda(index: int) -> Cuda:
    """The device `cuda:<index>`, initialised at its first use."""
    device = _devices.get(index)
    if device is None:
        with _lock:
            device = _devices.get(index)
            if device is None:
                device = _devices[index] = Cuda(index)
    return device


def devices_in_use() -> list[Cuda]:
    """The devices that this process has used."""
    return list(_devices.values())


def device_of_pointer(address: int) -> DeviceId:
    """The device whose memory `address` points into."""
    driver, _ = _import()
    check(driver, driver.cuInit(0), "initialising the driver")
    attribute = driver.CUpointer_attribute.CU_POINTER_ATTRIBUTE_DEVICE_ORDINAL
    index = check(driver, driver.cuPointerGetAttribute(attribute, address), "looking at a pointer")
    return DeviceId("cuda", int(index))


class Memory:
    """Device memory with the stream of its last use; freed behind that use."""

    __slots__ = ("__weakref__", "address", "device", "event", "owner", "stream")

    def __init__(self, device: Cuda, address: int, owner: Any) -> None:
        self.device = device
        self.address = address
        self.owner = owner
        self.stream = device.default_handle
        self.event: Any = None

    def __del__(self) -> None:
        # cuda.core frees in the order of the default stream, so that must come behind the use.
        if self.event is not None and not sys.is_finalizing():
            with self.device.current():
                self.device.default_stream.wait(self.event)


class Cuda:
    """One device in its primary context."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.id = DeviceId("cuda", index)
        self.driver, self.core = _import()
        driver = self.driver
        check(driver, driver.cuInit(0), "initialising the driver")
        before = driver.cuCtxGetCurrent()[1]
        self.device = self.core.Device(index)
        self.device.set_current()
        self._context = driver.cuCtxGetCurrent()[1]
        self.context_handle = int(self._context)
        self.default_stream = self.device.default_stream
        self.default_handle = int(self.default_stream.handle)
        major, minor = self.device.compute_capability
        self.capability = (int(major), int(minor))
        attributes = driver.CUdevice_attribute
        self.most_shared, self.multiprocessors = (
            int(check(driver, driver.cuDeviceGetAttribute(a, index), "asking for limits"))
            for a in (
                attributes.CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN,
                attributes.CU_DEVICE_ATTRIBUTE_MULTIPROCESSOR_COUNT,
            )
        )
        self._pinned = self.core.LegacyPinnedMemoryResource()
        self._pages: list[Any] = []
        self._kernels: list[CudaKernel] = []
        self.functions = enqueue.functions()
        # Another object whenever memory came to another stream: what has seen it here, and finds
        # the same again, need not look at each `Memory`.
        self.moved: object = None
        if int(before) not in (0, self.context_handle):
            check(driver, driver.cuCtxSetCurrent(before), "restoring the context")

    @property
    def enqueue(self) -> enqueue.Routines | None:
        """What enqueues a `Call` in one step, if this process can."""
        return None if self.functions is None else enqueue.routines()

    def enter(self) -> Any:
        """Make the primary context current; what `leave` needs to restore the one before."""
        before = self.driver.cuCtxGetCurrent()[1]
        if int(before) == self.context_handle:
            return None
        check(self.driver, self.driver.cuCtxSetCurrent(self._context), "entering the context")
        # Without any context before, that of the first device is what every library assumes.
        return None if self.index == 0 and int(before) == 0 else before

    def leave(self, before: Any) -> None:
        """Restore the context that `enter` found."""
        if before is not None:
            check(self.driver, self.driver.cuCtxSetCurrent(before), "restoring the context")

    @contextmanager
    def current(self) -> Generator[None]:
        """The primary context, current within."""
        before = self.enter()
        try:
            yield
        finally:
            self.leave(before)

    # ------------------------------------------------------------ memory

    def allocate(self, size: int) -> Memory:
        """`size` bytes, ready for use on the default stream."""
        if size == 0:
            return Memory(self, 0, None)
        with self.current():
            try:
                buffer = self.device.allocate(size, stream=self.default_stream)
            except Exception as error:
                raise DeviceError(f"allocating {size} bytes on {self.id} failed: {error}") from None
        return Memory(self, int(buffer.handle), buffer)

    def borrow(self, described: ArrayView) -> Memory:
        """Foreign memory; used on the default stream behind the stream that it names."""
        if described.stream is not None:
            self.wait_for(described.stream)
        return Memory(self, described.address, described.owner)

    def wait_for(self, stream: int, waiting: int | None = None) -> None:
        """Let later work on `waiting`, by default the default stream, come behind `stream`."""
        target = self.default_handle if waiting is None else waiting
        if stream != target:
            with self.current():
                self.stream(target).wait(self.stream(stream))

    def clear(self, buffer: DeviceBuffer[Any]) -> None:
        """Set all bytes to zero."""
        self._copy(buffer, "clearing a buffer", self.driver.cuMemsetD8Async, 0, buffer.nbytes)

    def upload(self, buffer: DeviceBuffer[Any], array: Any) -> None:
        """Copy a NumPy array to `buffer`; the array may change when this returns."""
        with self.current():
            stream = self._last_stream(buffer)
            if array.nbytes:
                check(
                    self.driver,
                    self.driver.cuMemcpyHtoDAsync(
                        buffer.view().address, array.ctypes.data, array.nbytes, stream
                    ),
                    "copying to the device",
                )
                # From pageable memory the copy may still be reading its source.
                self._wait(stream)

    def download(self, buffer: DeviceBuffer[Any], array: Any) -> None:
        """Wait for `buffer`, raise what a launch ran into, and copy to a NumPy array."""
        with self.current():
            stream = self._last_stream(buffer)
            if array.nbytes:
                check(
                    self.driver,
                    self.driver.cuMemcpyDtoHAsync(
                        array.ctypes.data, buffer.view().address, array.nbytes, stream
                    ),
                    "copying from the device",
                )
            self._wait(stream)
        self.raise_failures()

    def read(self, view: ArrayView, buffer: DeviceBuffer[Any] | None, stream: int) -> Any:
        """The elements of an array, behind all that comes before on `stream`."""
        from oxide_codegen.buffers import import_numpy
        from oxide_codegen.elements import dtype_of

        array = import_numpy().empty(view.shape, dtype_of(view.element))
        with self.current():
            if buffer is not None:
                self.order((buffer.memory,), stream)
            elif view.stream is not None:
                self.wait_for(view.stream, stream)
            if array.nbytes:
                answer = self.driver.cuMemcpyDtoHAsync(
                    array.ctypes.data, view.address, array.nbytes, stream
                )
                check(self.driver, answer, "copying from the device")
            self._wait(stream)
            if buffer is not None:
                self.stamp((buffer.memory,), stream)
        return array

    def _copy(self, buffer: DeviceBuffer[Any], doing: str, call: Any, *rest: Any) -> None:
        with self.current():
            stream = self._last_stream(buffer)
            check(self.driver, call(buffer.view().address, *rest, stream), doing)

    def _last_stream(self, buffer: DeviceBuffer[Any]) -> int:
        # Copies run on the default stream, behind the last use.
        self.order((buffer.memory,), self.default_handle)
        return self.default_handle

    # ------------------------------------------------------------ launches

    def launch(
        self,
        kernel: CudaKernel,
        grid: Extent,
        block: Extent,
        arena: Arena,
        stream: int,
        requested: int,
    ) -> None:
        """Enqueue one launch; the context is current."""
        shared = kernel.shared(requested)
        if kernel.is_cooperative:
            kernel.launch_together(grid, block, arena, stream, shared)
            return
        result = self.driver.cuLaunchKernel(
            kernel.handle, *kernel.launched(grid), *block, shared, stream, arena.address, 0
        )
        if int(result[0]):
            kernel.raise_launch_error(result[0])

    def order(self, memories: Sequence[Memory], stream: int) -> None:
        """Let `stream` come behind the last use of each of `memories`."""
        for memory in memories:
            if memory.stream != stream:
                waiting = self.stream(stream)
                waiting.wait(self.default_stream if memory.event is None else memory.event)
                memory.stream, memory.event = stream, None
                self.moved = object()

    def stamp(self, memories: Sequence[Memory], stream: int) -> None:
        """Note that work just enqueued on `stream` uses `memories`."""
        if stream == self.default_handle or not memories:
            return
        event = self.stream(stream).record()
        for memory in memories:
            memory.stream, memory.event = stream, event
        self.moved = object()

    def run_on_host_arrays(
        self,
        kernel: CudaKernel,
        grid: Extent,
        block: Extent,
        cells: list[int | float],
        views: Sequence[tuple[int, ArrayView, Ownership]],
        pack: Any,
        stream: int,
        requested: int,
    ) -> None:
        """Copy arrays in, launch, copy mutable ones out, wait, and raise what went wrong.

        `views` holds, for each array, the cell of its address.
        """
        from oxide_analyzer.ir.nodes import Ownership

        driver = self.driver
        with self.current():
            waiting = self.stream(stream)
            copies: list[tuple[Any, ArrayView, Ownership]] = []
            try:
                for cell, described, ownership in views:
                    if not described.size:
                        cells[cell] = 0
                        continue
                    buffer = self.device.allocate(described.size, stream=waiting)
                    copies.append((buffer, described, ownership))
                    cells[cell] = int(buffer.handle)
                    check(
                        driver,
                        driver.cuMemcpyHtoDAsync(
                            cells[cell], described.address, described.size, stream
                        ),
                        "copying to the device",
                        kernel.kernel.name,
                    )
                arena = kernel.arena(requested, grid)
                pack(arena.cells, 0, *cells)
                self.launch(kernel, grid, block, arena, stream, requested)
                kernel.release(arena, requested)
                for buffer, described, ownership in copies:
                    if ownership is not Ownership.READ_ONLY:
                        check(
                            driver,
                            driver.cuMemcpyDtoHAsync(
                                described.address, int(buffer.handle), described.size, stream
                            ),
                            "copying from the device",
                            kernel.kernel.name,
                        )
                self._wait(stream, kernel.kernel.name)
            finally:
                for buffer, _, _ in copies:
                    buffer.close(waiting)
        self.raise_failures()

    # ------------------------------------------------------------ waiting and failures

    def new_stream(self) -> Stream:
        """A new stream that does not wait for the default one by itself."""
        with self.current():
            made = self.device.create_stream()
        return Stream(self.id, int(made.handle), made)

    def sync_stream(self, handle: int) -> None:
        """Wait for one stream, and raise what a launch ran into."""
        with self.current():
            self._wait(handle)
        self.raise_failures()

    def sync(self) -> None:
        """Wait for the device, and raise what a launch ran into."""
        with self.current():
            check(self.driver, self.driver.cuCtxSynchronize(), f"waiting for {self.id}")
        self.raise_failures()

    def raise_failures(self) -> None:
        """Raise the first failure that a finished launch has recorded."""
        for kernel in self._kernels:
            kernel.raise_failure()

    def new_record(self, kernel: CudaKernel) -> int:
        """The address of an empty record for `kernel`, the same on host and device."""
        with _lock:
            slot = len(self._kernels) % _RECORDS_PER_PAGE
            if slot == 0:
                page = self._pinned.allocate(_RECORDS_PER_PAGE * _RECORD_STRIDE)
                ctypes.memset(int(page.handle), 0, _RECORDS_PER_PAGE * _RECORD_STRIDE)
                self._pages.append(page)
            self._kernels.append(kernel)
            return int(self._pages[-1].handle) + slot * _RECORD_STRIDE

    def _wait(self, stream: int, kernel: str | None = None) -> None:
        check(self.driver, self.driver.cuStreamSynchronize(stream), "waiting for a stream", kernel)

    def stream(self, handle: int) -> Any:
        """A stream as cuda.core has it."""
        if handle == self.default_handle:
            return self.default_stream
        return self.core.Stream.from_handle(handle)


def _import() -> tuple[Any, Any]:
    try:
        # By name, because type checkers see these packages only where they are installed.
        core = importlib.import_module("cuda.core")
        driver = importlib.import_module("cuda.bindings.driver")
    except ImportError as error:
        raise MissingExtraError(
            "running on an NVIDIA device", "cuda-core with cuda-bindings", "cuda"
        ) from error
    return driver, core
