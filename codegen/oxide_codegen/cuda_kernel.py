"""One kernel on one NVIDIA device: its code, its arguments in memory, its limits, its failures.

A launch passes a table of pointers to cells: the arguments, and behind them what `abi.Hidden`
names. A cooperative launch goes through the bindings alone; the others may be written out as one
native call: see `enqueue`.
"""

from __future__ import annotations

import ctypes
import threading
import warnings
from contextlib import contextmanager
from math import prod
from typing import TYPE_CHECKING, Any

from oxide_codegen import abi, limits
from oxide_codegen.driver import check
from oxide_codegen.enqueue import Call
from oxide_codegen.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.launch import Extent
    from oxide_codegen.cuda import Cuda
    from oxide_codegen.failure_records import Record
    from oxide_codegen.ptx import Ptx


class Arena:
    """The arguments of a launch in memory: cells, and the table of pointers to them.

    `hidden` are the cells behind the arguments.
    """

    __slots__ = ("address", "cells", "table")

    def __init__(self, count: int, hidden: Sequence[int]) -> None:
        self.cells = (ctypes.c_uint64 * (count + len(hidden)))()
        self.cells[count:] = hidden
        start = ctypes.addressof(self.cells)
        number = len(self.cells)
        self.table = (ctypes.c_void_p * number)(*(start + 8 * k for k in range(number)))
        self.address = ctypes.addressof(self.table)


def _loaded(core: Any, name: str, ptx: Ptx) -> tuple[Any, Any]:
    """The object code of a kernel, and the kernel in it: assembled already, or by the driver."""
    if ptx.cubin:
        try:
            assembled = core.ObjectCode.from_cubin(ptx.cubin, name=name)
            return assembled, assembled.get_kernel(ptx.entry)
        except Exception as error:
            # Of an assembler that is newer than the driver; the driver has one of its own.
            warnings.warn(
                f"{name}: its cubin for {ptx.sm} cannot be loaded, so the driver assembles its "
                f"PTX: {error}",
                RuntimeWarning,
                stacklevel=2,
            )
    translated = core.ObjectCode.from_ptx(ptx.text.encode(), name=name)
    return translated, translated.get_kernel(ptx.entry)


class CudaKernel:
    """One form of a kernel, loaded on one device.

    `is_ordinary` says that it is for ordinary launches alone: see `forms`.
    """

    def __init__(self, device: Cuda, kernel: Kernel, ptx: Ptx, slots: int) -> None:
        self.device = device
        self.kernel = kernel
        self.is_ordinary = ptx.ordinary
        self._lanes = ptx.lanes
        core, driver = device.core, device.driver
        with device.current():
            # The object code owns the library: it lives as long as its kernel.
            self._code, self._loaded = _loaded(core, kernel.name, ptx)
            self.handle = check(
                driver, driver.cuKernelGetFunction(self._loaded.handle), "loading", kernel.name
            )
            self.record = device.records.permanent(kernel).address
        # Shared arrays that only a dynamic allocation can hold; and all that a block takes itself.
        self._placed = ptx.dynamic_shared
        self._static = ptx.shared
        self._reserved = 48 * 1024
        self._slots = slots
        self._hidden = abi.hidden(kernel, ptx.lanes)
        self.is_cooperative = kernel.contract.cooperative
        self._arenas: dict[int, list[Arena]] = {}
        self._lock = threading.Lock()
        self._reporting = threading.Lock()
        self._fitting: dict[tuple[int, int], int] = {}
        attribute = driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_THREADS_PER_BLOCK
        with device.current():
            answer = driver.cuFuncGetAttribute(attribute, self.handle)
        self._most_threads = int(check(driver, answer, "asking for limits", kernel.name))
        self._reserve(self._placed)

    def launched(self, grid: Extent) -> Extent:
        """The grid that the driver gets, where threads do the work of several."""
        x, y, z = grid
        return -(-x // self._lanes), y, z

    def shared(self, requested: int) -> int:
        """The dynamic shared memory of a launch that asks for so much."""
        return self._placed + requested

    def _reserve(self, size: int) -> None:
        """Allow launches with so much dynamic shared memory."""
        if size <= self._reserved:
            return
        driver = self.device.driver
        with self.device.current():
            check(
                driver,
                driver.cuFuncSetAttribute(
                    self.handle,
                    driver.CUfunction_attribute.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES,
                    size,
                ),
                f"reserving {size} bytes of shared memory",
                self.kernel.name,
            )
        self._reserved = size

    def demand_limits(self, grid: Extent, block: Extent, requested: int) -> None:
        """Raise `LaunchValueError` unless the device has room for a launch."""
        name, where = self.kernel.name, str(self.device.id)
        limits.demand_threads(name, where, block, self._most_threads)
        limits.demand_shared(name, where, self._static, requested, self.device.most_shared)
        self._reserve(self.shared(requested))
        if self.is_cooperative:
            limits.demand_resident(name, where, grid, self._resident(prod(block), requested))

    def _resident(self, threads: int, requested: int) -> int:
        """How many blocks fit on the device at once."""
        key = (threads, requested)
        if key not in self._fitting:
            driver = self.device.driver
            with self.device.current():
                answer = driver.cuOccupancyMaxActiveBlocksPerMultiprocessor(
                    self.handle, threads, self.shared(requested)
                )
            fit = int(check(driver, answer, "asking how many blocks fit", self.kernel.name))
            self._fitting[key] = fit * self.device.multiprocessors
        return self._fitting[key]

    def arena(self, requested: int, grid: Extent) -> Arena:
        """Memory for the arguments of one launch; give it back with `release`."""
        # list.pop and append are atomic, so no two threads get the same one.
        pool = self.arenas(requested)
        if pool:
            arena = pool.pop()
            if abi.Hidden.GRID in self._hidden:
                arena.cells[self._slots + self._hidden.index(abi.Hidden.GRID)] = grid[0]
            return arena
        return self.new_arena(requested, grid)

    def new_arena(self, requested: int, grid: Extent) -> Arena:
        """The same, which nobody else gets."""
        return Arena(self._slots, self.hidden(requested, grid))

    def hidden(self, requested: int, grid: Extent) -> list[int]:
        """The cells behind the arguments."""
        values = {
            abi.Hidden.FAILURE: self.record,
            abi.Hidden.SHARED: requested,
            abi.Hidden.WORKSPACE: 0,
            abi.Hidden.GRID: grid[0],
        }
        return [values[name] for name in self._hidden]

    def arenas(self, requested: int) -> list[Arena]:
        """Arenas that nobody uses, for launches that ask for so much shared memory."""
        return self._arenas.setdefault(requested, [])

    def release(self, arena: Arena, requested: int) -> None:
        """Take back an arena: the driver has copied the arguments."""
        self.arenas(requested).append(arena)

    @contextmanager
    def reporting(self, arena: Arena, record: Record | None) -> Generator[None]:
        """Launch within, with a record of its own; without one, with that of the kernel."""
        if record is None:
            yield
            return
        place = self.failure_slot
        # A launch whose arguments are bound has one arena, for whoever repeats it.
        with self._reporting:
            arena.cells[place] = record.address
            try:
                yield
            finally:
                arena.cells[place] = self.record

    @property
    def failure_slot(self) -> int:
        """The cell of the address of the failure record."""
        return self._slots + self._hidden.index(abi.Hidden.FAILURE)

    def call(self, grid: Extent, block: Extent, shared: int, stream: int, arena: Arena) -> Call:
        """A launch as `Cuda.enqueue` takes it; `shared` counts all dynamic shared memory."""
        functions = self.device.functions
        assert functions is not None
        return Call(
            functions,
            self.device.context_handle,
            int(self.handle),
            self.launched(grid),
            block,
            shared,
            stream,
            arena,
        )

    def launch_together(
        self, grid: Extent, block: Extent, arena: Arena, stream: int, shared: int
    ) -> None:
        """Enqueue a cooperative launch, with a word of its own for the barriers of the grid.

        Allocated, cleared, used and freed in the order of the stream, the word is 0 at the start
        of every launch, whatever runs beside it.
        """
        device, driver = self.device, self.device.driver
        queue = device.stream(stream)
        word: Any = None
        # Between setting the word's cell and launching nobody else may set it.
        with self._lock:
            if abi.Hidden.WORKSPACE in self._hidden:
                word = device.pools.room(8, stream)
                address = int(word.handle)
                place = self._slots + self._hidden.index(abi.Hidden.WORKSPACE)
                arena.cells[place] = address
                answer = driver.cuMemsetD8Async(address, 0, 8, stream)
                check(driver, answer, "clearing the grid's barrier", self.kernel.name)
            result = driver.cuLaunchCooperativeKernel(
                self.handle, *grid, *block, shared, stream, arena.address
            )
        if word is not None:
            word.close(queue)
        if int(result[0]):
            self.raise_launch_error(result[0])

    def raise_launch_error(self, status: Any) -> None:
        """Raise what the driver answered to a launch."""
        driver = self.device.driver
        if type(status) is int:
            try:
                status = driver.CUresult(status)
            except ValueError:
                # Of a driver that is newer than the bindings.
                raise DeviceError(
                    f"the launch failed (code {status})", kernel=self.kernel.name, code=status
                ) from None
        check(driver, (status,), "the launch", self.kernel.name)
