"""One NVIDIA device: memory, loaded kernels, launches, and what they ran into.

Oxide shares the device's primary context with PyTorch, CuPy and Numba. It is made current in the
calling thread for the length of a call, and what was current before is restored. Device, streams,
events, memory and object code are those of cuda.core; a launch goes straight to the driver.

Order between streams. Each allocation remembers its last writer and who has read it since: see
`ordering`. While all of them were on the default stream, a launch there needs nothing. Of a stream
that is not ours an event is recorded at once, because it may be gone when the event is needed.

Freeing. What is garbage is only noted, because a finalizer runs anywhere, within our own calls too.
It is freed, behind its last uses, by the next call that allocates, launches or waits, and at exit.

Failures. A failing check on the device writes a record in pinned host memory: see
`failure_records`. The host looks at those that are everybody's whenever it has waited for the
device.
"""

from __future__ import annotations

import atexit
import os
import threading
import time
import warnings
from functools import cached_property
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

from oxide_codegen import enqueue
from oxide_codegen.cuda_context import Current, Unseen
from oxide_codegen.cuda_uses import Using, is_reached, point_on
from oxide_codegen.device_memory import SEVERAL, Memory
from oxide_codegen.devices import DeviceId
from oxide_codegen.driver import check, libraries
from oxide_codegen.errands import EVERYBODY
from oxide_codegen.errors import DeviceError
from oxide_codegen.failure_records import Records
from oxide_codegen.ordering import Point, Uses
from oxide_codegen.pinned_memory import PinnedPool
from oxide_codegen.pools import Pools
from oxide_codegen.streams import Stream

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from oxide_analyzer.ir.nodes import Ownership
    from oxide_analyzer.launch import Extent
    from oxide_codegen.arrays import ArrayView
    from oxide_codegen.buffers import DeviceBuffer
    from oxide_codegen.cuda_kernel import Arena, CudaKernel
    from oxide_codegen.failure_records import Record
    from oxide_codegen.operations.graphs import CudaCapture
    from oxide_codegen.pinned_memory import Pinned

_devices: dict[int, Cuda] = {}
_lock = threading.Lock()
# So long, in seconds, a process that ends waits for what is in flight.
_GRACE = 1.0
# Not empty in a process that was forked from one that used a GPU.
_forked: list[bool] = []


def _note_fork() -> None:
    if _devices:
        _forked[:] = [True]
    for device in devices_in_use():
        # Launches that are repeated blindly look, and find that the device is lost.
        device.moved, device.is_lost = object(), True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)


def demand_no_fork() -> None:
    """Raise in a process where CUDA does not work, because its parent has used it."""
    if _forked:
        raise DeviceError(
            "this process was forked from one that used a GPU, and CUDA does not work in it: "
            'start it with multiprocessing.get_context("spawn")'
        )


def cuda(index: int) -> Cuda:
    """The device `cuda:<index>`, initialised at its first use."""
    demand_no_fork()
    device = _devices.get(index)
    if device is None:
        with _lock:
            device = _devices.get(index)
            if device is None:
                if not _devices:
                    atexit.register(_drain)
                device = _devices[index] = Cuda(index)
    return device


def _drain() -> None:
    """At the end of the process: wait a little for what is in flight, say what nobody was told."""
    if _forked:
        return
    end = time.monotonic() + _GRACE
    for device in devices_in_use():
        try:
            if device.is_idle_before(end):
                device.records.all_done()
                device.reap()
                device.raise_failures()
        except Exception as error:
            warnings.warn(f"when the process ended: {error}", RuntimeWarning, stacklevel=1)


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
        self.default_point = Point(self.default_handle)
        # Bytes of memory that was allocated and is not freed.
        self.held = 0
        # What `Memory` leaves behind: its owner, its last uses, and whether to free it.
        self.garbage: SimpleQueue[tuple[Any, Uses, bool]] = SimpleQueue()
        # Held from looking at the uses of memory until the new use is noted and enqueued.
        self.lock = threading.RLock()
        # Those of ours that somebody has, by their handles.
        self._streams: WeakValueDictionary[int, Stream] = WeakValueDictionary()
        # Events of cuda.core that nobody waits for any more.
        self.events: list[Any] = []
        # Streams that write down a graph of ours.
        self.captures: dict[int, CudaCapture] = {}
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
        self.pools = Pools(self)
        self.pinned_pool = PinnedPool(self)
        # Foreign memory that arrays of ours lie in, by where it starts and ends.
        self._borrowed: WeakValueDictionary[tuple[int, int], Memory] = WeakValueDictionary()
        self.records = Records(index, self._pinned.allocate)
        self.functions = enqueue.functions()
        # What says in one step whether the context is current, once there have been launches.
        self._entered: Callable[[bytes], int] | None = None
        self._packed = b""
        # Another object whenever memory came to another stream: what has seen it here, and finds
        # the same again, need not look at each `Memory`.
        self.moved: object = None
        # Whether this is a process that was forked from one that used the device.
        self.is_lost = False
        if int(before) not in (0, self.context_handle):
            check(driver, driver.cuCtxSetCurrent(before), "restoring the context")

    @cached_property
    def enqueue(self) -> enqueue.Routines | None:
        """What enqueues a `Call` in one step, if this process can."""
        made = None if self.functions is None else enqueue.routines()
        if self.functions is not None and made is not None:
            self._packed = enqueue.context(self.functions, self.context_handle)
            self._entered = made.entered
        return made

    def enter(self) -> Any:
        """Make the primary context current; what `leave` needs to restore the one before."""
        if _forked:
            demand_no_fork()
        entered = self._entered
        if entered is not None and entered(self._packed):
            return None
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

    def current(self) -> Current:
        """The primary context, current within."""
        return Current(self)

    def unseen(self) -> Unseen:
        """The same; nothing that this thread does within ends what anybody captures."""
        return Unseen(self)

    # ------------------------------------------------------------ memory

    def allocate(self, size: int, stream: Stream | None = None) -> Memory:
        """`size` bytes, ready for use on a stream of ours, or on the default one."""
        if size == 0:
            return Memory(self, 0, None, is_ours=True)
        self.reap()
        if stream is not None and stream.handle in self.captures:
            # Memory of a graph lives as long as the graph.
            stream = None
        with self.current():
            handle = self.default_handle if stream is None else stream.handle
            memory = self._memory(self.pools.room(size, handle), size)
        if stream is not None:
            with self.lock:
                memory.uses = Uses(point_on(stream.handle, stream))
            memory.stream = SEVERAL
        return memory

    def managed(self, size: int) -> Memory:
        """`size` bytes that host and device see at one address."""
        if size == 0:
            return Memory(self, 0, None, is_ours=True)
        self.reap()
        with self.current():
            return self._memory(self.pools.managed(size, self.default_handle), size)

    def _memory(self, buffer: Any, size: int) -> Memory:
        with self.lock:
            self.held += size
        return Memory(self, int(buffer.handle), buffer, is_ours=True)

    @property
    def sees_managed_memory(self) -> bool:
        """Whether the host may use managed memory while work of others is on the device."""
        return bool(self.device.properties.concurrent_managed_access)

    def pinned(self, size: int) -> Pinned:
        """Host memory that copies reach without the help of the processor."""
        self.reap()
        with self.current():
            return self.pinned_pool.take(size)

    def reap(self) -> None:
        """Free what is garbage, behind its last uses."""
        garbage = self.garbage
        if garbage.empty():
            return
        with self.current():
            while True:
                try:
                    owner, uses, is_ours = garbage.get_nowait()
                except Empty:
                    return
                if not is_ours:
                    continue
                # Who has noted a use may be about to enqueue it.
                with self.lock:
                    self.held -= owner.size
                    for point in uses.points():
                        if point.lane != self.default_handle and not is_reached(point):
                            self.default_stream.wait(self.event(point))
                owner.close(self.default_stream)

    def borrow(self, described: ArrayView) -> Memory:
        """Foreign memory; used on the default stream behind the stream that it names.

        Whoever borrows the same once more, or a part of it, shares its uses.
        """
        if described.stream is not None:
            self.wait_for(described.stream)
        place = described.address, described.address + described.size
        with self.lock:
            known = self._borrowed.get(place)
            if known is not None and not known.is_freed:
                return known
            made = Memory(self, described.address, described.owner, is_ours=False)
            self._join(made, place)
            self._borrowed[place] = made
        return made

    def _join(self, made: Memory, place: tuple[int, int]) -> None:
        """Let foreign memory share its uses with all that it meets, and with what these meet."""
        start, end = place
        others = [*self._borrowed.items()]
        met = {id(one.uses) for (low, high), one in others if max(low, start) < min(high, end)}
        if not met:
            return
        # The default stream is behind all uses of foreign memory until now.
        uses = Uses(self.default_point)
        for one in (made, *(one for _, one in others if id(one.uses) in met)):
            one.uses, one.is_joined, one.stream = uses, True, SEVERAL
        self.moved = object()

    def lend(self, memory: Memory, stream: int) -> None:
        """Let what others enqueue on a stream next come behind all uses, and ours behind theirs.

        Ours come behind what is on that stream now.
        """
        with self.current(), self.using(((memory, True),), stream):
            return

    def wait_for(self, stream: int, waiting: int | None = None) -> None:
        """Let later work on `waiting`, by default the default stream, come behind `stream`."""
        target = self.default_handle if waiting is None else waiting
        if stream != target:
            with self.current():
                self.stream(target).wait(self.stream(stream))

    def clear(self, buffer: DeviceBuffer[Any]) -> None:
        """Set all bytes to zero."""
        with self.current(), self.using(((buffer.memory, True),), self.default_handle) as stream:
            answer = self.driver.cuMemsetD8Async(buffer.view().address, 0, buffer.nbytes, stream)
            check(self.driver, answer, "clearing a buffer")

    def read(self, view: ArrayView, buffer: DeviceBuffer[Any] | None, stream: int) -> Any:
        """The elements of an array, behind all that comes before on `stream`."""
        from oxide_codegen.buffers import import_numpy
        from oxide_codegen.elements import dtype_of

        array = import_numpy().empty(view.shape, dtype_of(view.element))
        with self.current():
            if view.stream is not None and buffer is None:
                self.wait_for(view.stream, stream)
            with self.using(() if buffer is None else ((buffer.memory, False),), stream):
                if array.nbytes:
                    answer = self.driver.cuMemcpyDtoHAsync(
                        array.ctypes.data, view.address, array.nbytes, stream
                    )
                    check(self.driver, answer, "copying from the device")
            self.wait(stream)
        return array

    # ------------------------------------------------------------ launches

    def launch(
        self,
        kernel: CudaKernel,
        grid: Extent,
        block: Extent,
        arena: Arena,
        stream: int,
        requested: int,
        record: Record | None = None,
    ) -> None:
        """Enqueue one launch, which leaves its failure in a record; the context is current."""
        shared = kernel.shared(requested)
        with kernel.reporting(arena, record):
            if kernel.is_cooperative:
                kernel.launch_together(grid, block, arena, stream, shared)
                return
            result = self.driver.cuLaunchKernel(
                kernel.handle, *kernel.launched(grid), *block, shared, stream, arena.address, 0
            )
        if int(result[0]):
            kernel.raise_launch_error(result[0])

    def using(
        self, touched: Sequence[tuple[Memory, bool]], stream: int, owner: Stream | None = None
    ) -> Using:
        """Enqueue work within, on `stream`, that reads the memories, or also writes them.

        It comes behind all that it has to, and what comes later behind it. `owner` is that stream
        where it lives as long as somebody may wait for it. The context is current.
        """
        return Using(self, touched, stream, owner)

    def consolidated(self, memory: Memory) -> int:
        """A stream behind which all uses of the memory lie, for others to wait for."""
        if memory.stream != self.default_handle:
            with self.current(), self.using(((memory, False),), self.default_handle):
                return self.default_handle
        return self.default_handle

    def event(self, point: Point) -> Any:
        """What stands for a point; of the default stream, which goes on, a new one each time."""
        if point.lane == self.default_handle:
            return self.default_stream
        if point.event is None:
            point.event = self.stream(point.lane).record()
        return point.event

    def is_captured(self, stream: int) -> bool:
        """Whether work on a stream is written down, and done later."""
        driver = self.driver
        answer = driver.cuStreamIsCapturing(stream)
        status = check(driver, answer, "asking whether a stream is captured")
        return status != driver.CUstreamCaptureStatus.CU_STREAM_CAPTURE_STATUS_NONE

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
                    buffer = self.pools.room(described.size, stream)
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
                self.wait(stream, kernel.kernel.name)
            finally:
                for buffer, _, _ in copies:
                    buffer.close(waiting)
        self.raise_failures()

    # ------------------------------------------------------------ waiting and failures

    def new_stream(self) -> Stream:
        """A new stream that does not wait for the default one by itself."""
        with self.current():
            made = self.device.create_stream()
        stream = Stream(self.id, int(made.handle), made)
        self._streams[stream.handle] = stream
        return stream

    def record(self, stream: int) -> Any:
        """An event behind all that is on a stream, with the time of day."""
        options = self.core.EventOptions(timing_enabled=True)
        with self.current():
            return self.stream(stream).record(options=options)

    def mark(self, stream: int) -> Any:
        """An event behind all that is on a stream, to be put back when nobody asks for it.

        Who waits for it on a stream has done so: what is recorded later is another matter.
        """
        try:
            event = self.events.pop()
        except IndexError:
            event = None
        return self.stream(stream).record(event)

    def sync_stream(self, stream: Stream) -> None:
        """Wait for one stream, and raise what a launch ran into."""
        self.reap()
        self.reach(stream)
        self.raise_failures()

    def reach(self, stream: Stream) -> None:
        """Wait for one stream; nobody has to for what is on it now."""
        # Under the lock: what has a number by then is enqueued.
        with self.lock:
            last = stream.last
        with self.current():
            self.wait(stream.handle)
        stream.reached = max(stream.reached, last)

    def sync(self) -> None:
        """Wait for the device, and raise what a launch ran into."""
        self.reap()
        with self.current():
            self.wait_for_all()
        self.records.all_done()
        self.raise_failures()

    def raise_failures(self) -> None:
        """Raise the first failure that a finished launch of everybody's has recorded."""
        lane = self.records.lane
        error = self.records.failure() or EVERYBODY.take(lambda other: other == lane)
        if error is not None:
            raise error

    def as_error(self, error: Exception, kernels: tuple[str, ...] = ()) -> DeviceError:
        """What the bindings raised, as Oxide says it, of work with these kernels."""
        names = ", ".join(kernels) or None
        return DeviceError(f"the work on {self.id} failed: {error}", kernel=names)

    def is_idle_before(self, end: float) -> bool:
        """Whether all work on streams of ours is done by this time of `time.monotonic`."""
        with self.current():
            handles = (self.default_handle, *self._streams.keys())
            events = [self.stream(handle).record() for handle in handles]
            while not all(event.is_done for event in events):
                if time.monotonic() >= end:
                    return False
                time.sleep(1e-3)
        return True

    def wait_for_all(self) -> None:
        """Wait for all work on the device; the context is current."""
        check(self.driver, self.driver.cuCtxSynchronize(), f"waiting for {self.id}")

    def wait(self, stream: int, kernel: str | None = None) -> None:
        """Wait for one stream; the context is current."""
        check(self.driver, self.driver.cuStreamSynchronize(stream), "waiting for a stream", kernel)

    def stream(self, handle: int) -> Any:
        """A stream as cuda.core has it."""
        if handle == self.default_handle:
            return self.default_stream
        ours = self._streams.get(handle)
        return self.core.Stream.from_handle(handle) if ours is None else ours.inner


def _import() -> tuple[Any, Any]:
    core, driver = libraries(
        ("cuda.core", "cuda.bindings.driver"),
        "running on an NVIDIA device",
        "cuda-core with cuda-bindings",
        "cuda",
    )
    return driver, core
