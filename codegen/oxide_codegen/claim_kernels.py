"""Facts about the elements of an array on a GPU, asked there: three kernels of our own.

    within(idx, low, high)     every thread looks at its share; one that finds an element outside
                               says so
    injective(idx)             first the least and the largest element, then a bit for each number
                               between them, which the first to come sets: a second one finds it

They are written in Oxide, proved and compiled as any kernel, once for each type of elements. They
say whether a fact holds; which element breaks it is looked up on the host, where the words for it
are found. Where numbers lie so far apart that the bits take more memory than is worth it, or
nothing can be compiled here, they say nothing, and the host is asked.
"""

from __future__ import annotations

import ctypes
import threading
from contextlib import ExitStack
from functools import cache
from importlib.util import find_spec
from math import prod
from typing import TYPE_CHECKING, Any

from oxide_analyzer.ir.kernel import DataProperty
from oxide_codegen import abi
from oxide_codegen.driver import check

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from oxide_analyzer.checked import CheckedKernel
    from oxide_analyzer.ir.kernel import DataFact
    from oxide_codegen.arrays import ArrayView
    from oxide_codegen.buffers import DeviceBuffer
    from oxide_codegen.cuda import Cuda
    from oxide_codegen.cuda_kernel import CudaKernel

_TEXT = """
from oxide import AtomicSlice, Slice, atomic, block, grid_stride, i8, i16, i32, i64, kernel, thread
from oxide import u8, u16, u32, u64


@kernel(block=256, domain=1, requires=lambda found: len(found) >= 1)
def outside(a: Slice[{type}], low: i64, high: i64, found: AtomicSlice[i32]):
    for i in grid_stride(len(a)):
        v = i64(a[i])
        if v < low or v >= high:
            atomic.store(found, 0, 1)


@kernel(block=256, domain=1, requires=lambda ends: len(ends) >= 2)
def extent(a: Slice[{type}], ends: AtomicSlice[i64]):
    least, most = i64(9223372036854775807), i64(-9223372036854775808)
    for i in grid_stride(len(a)):
        least, most = min(least, i64(a[i])), max(most, i64(a[i]))
    least, most = block.reduce_min(least), block.reduce_max(most)
    if thread.x == 0:
        atomic.min(ends, 0, least)
        atomic.max(ends, 1, most)


@kernel(block=256, domain=1, requires=lambda found: len(found) >= 1)
def twice(a: Slice[{type}], low: i64, bits: AtomicSlice[u32], found: AtomicSlice[i32]):
    for i in grid_stride(len(a)):
        k = i64(a[i]) - low
        if k >= 0 and k // 32 < len(bits):
            bit = u32(1) << u32(k % 32)
            if atomic.or_(bits, k // 32, bit) & bit != 0:
                atomic.store(found, 0, 1)
"""
_BLOCK = 256
# So many blocks a multiprocessor keep it busy; each thread takes several elements then.
_BLOCKS = 8
# The bits may take as much memory as the array, and this much in any case.
_SMALL = 64 << 20
_LEAST, _MOST = -(1 << 63), (1 << 63) - 1

_lock = threading.Lock()
_loaded: dict[tuple[int, str, str], CudaKernel] = {}


def holds(
    device: Cuda,
    fact: DataFact,
    bounds: tuple[int, int] | None,
    view: ArrayView,
    buffer: DeviceBuffer[Any] | None,
    stream: int,
) -> bool | None:
    """Whether a fact holds of an array on this device; None where only the host can say.

    Behind all work on the array that comes before on `stream`.
    """
    if not view.size:
        return True
    if find_spec("llvmlite") is None:
        return None
    with device.current():
        if buffer is None and view.stream is not None:
            device.wait_for(view.stream, stream)
        touched = () if buffer is None else ((buffer.memory, False),)
        with device.using(touched, stream), ExitStack() as memory:
            question = _Question(device, view, stream, memory)
            match fact.property:
                case DataProperty.WITHIN:
                    assert bounds is not None
                    answer: bool | None = question.is_within(*bounds)
                case DataProperty.INJECTIVE:
                    answer = question.is_injective()
    return answer


class _Question:
    """One array on one stream; `memory` frees what the answer takes."""

    def __init__(self, device: Cuda, view: ArrayView, stream: int, memory: ExitStack) -> None:
        self._device = device
        self._view = view
        self._stream = stream
        self._memory = memory
        self._count = prod(view.shape)

    def is_within(self, low: int, high: int) -> bool:
        """Whether all elements are in `low … high`, the last excluded."""
        if self._view.element == "u64":
            # What has the highest bit set is negative for the kernel, and above every bound.
            low = max(low, 0)
        found = self._filled(4)
        self._launch("outside", {"low": low, "high": high}, {"found": (found, 1)})
        return not self._read(found, ctypes.c_int32, 1)[0]

    def is_injective(self) -> bool | None:
        """Whether no two elements are equal."""
        ends = self._filled(16)
        start = (ctypes.c_int64 * 2)(_MOST, _LEAST)
        driver = self._device.driver
        answer = driver.cuMemcpyHtoDAsync(ends, ctypes.addressof(start), 16, self._stream)
        check(driver, answer, "copying to the device")
        self._launch("extent", {}, {"ends": (ends, 2)})
        low, high = self._read(ends, ctypes.c_int64, 2)
        if self._count > high - low + 1:
            return False
        words = (high - low) // 32 + 1
        if 4 * words > max(_SMALL, self._view.size):
            return None
        bits, found = self._filled(4 * words), self._filled(4)
        self._launch("twice", {"low": low}, {"bits": (bits, words), "found": (found, 1)})
        return not self._read(found, ctypes.c_int32, 1)[0]

    def _launch(
        self, name: str, scalars: Mapping[str, int], arrays: Mapping[str, tuple[int, int]]
    ) -> None:
        """One launch over the array; other arrays are given by address and length."""
        device = self._device
        loaded = _kernel(device, name, self._view.element)
        own = {"a": (self._view.address, self._count)}
        layout = abi.layout(loaded.kernel)
        blocks = min(-(-self._count // _BLOCK), _BLOCKS * device.multiprocessors)
        grid, block = (blocks, 1, 1), (_BLOCK, 1, 1)
        arena = loaded.arena(0, grid)
        cells = tuple(_cells(layout.slots, scalars, {**own, **arrays}))
        layout.packer.pack_into(arena.cells, 0, *cells)
        device.launch(loaded, grid, block, arena, self._stream, 0)
        loaded.release(arena, 0)

    def _filled(self, size: int) -> int:
        """The address of so many bytes of zeros."""
        device = self._device
        queue = device.stream(self._stream)
        buffer = device.pools.room(size, self._stream)
        self._memory.callback(buffer.close, queue)
        address = int(buffer.handle)
        answer = device.driver.cuMemsetD8Async(address, 0, size, self._stream)
        check(device.driver, answer, "clearing memory")
        return address

    def _read(self, address: int, kind: Any, count: int) -> Sequence[int]:
        """So many numbers from the device, when all before is done."""
        driver = self._device.driver
        numbers = (kind * count)()
        size = ctypes.sizeof(numbers)
        answer = driver.cuMemcpyDtoHAsync(ctypes.addressof(numbers), address, size, self._stream)
        check(driver, answer, "copying from the device")
        check(driver, driver.cuStreamSynchronize(self._stream), "waiting for a stream")
        return list(numbers)


def _cells(
    slots: Sequence[abi.Slot], scalars: Mapping[str, int], arrays: Mapping[str, tuple[int, int]]
) -> Iterator[int]:
    for slot in slots:
        match slot:
            case abi.ScalarSlot(name=name):
                yield max(_LEAST, min(scalars[name], _MOST))
            case abi.PointerSlot(array=name):
                yield arrays[name][0]
            case abi.DimensionSlot(array=name):
                yield arrays[name][1]


def _kernel(device: Cuda, name: str, element: str) -> CudaKernel:
    """One of the kernels for a type of elements, loaded."""
    from oxide_codegen import compiled
    from oxide_codegen.cuda_kernel import CudaKernel
    from oxide_codegen.target import nearest

    key = device.index, name, element
    with _lock:
        found = _loaded.get(key)
        if found is None or found.device is not device:
            checked = _checked(element)[name]
            ptx = compiled.ptx(checked, nearest(*device.capability))
            assert ptx is not None
            slots = len(abi.layout(checked.kernel).slots)
            found = _loaded[key] = CudaKernel(device, checked.kernel, ptx, slots)
        return found


@cache
def _checked(element: str) -> dict[str, CheckedKernel]:
    """The kernels for a type of elements, proved."""
    from oxide_analyzer.analysis import check as analyse
    from oxide_analyzer.modules import NoModules
    from oxide_analyzer.source import SourceFile

    report = analyse(SourceFile("<claims>", _TEXT.format(type=element)), NoModules())
    found = {one.name: one.checked for one in report.kernels if one.checked is not None}
    assert len(found) == 3, report.diagnostics
    return found
