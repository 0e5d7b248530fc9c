"""Launches that are watched: races, reads of what nothing wrote, and failed checks, all of them.

    with oxide.device("sanitizer"):           every launch of host arrays; the first finding is an
        k[2, 64](a, out)                      exception, as in the interpreter

    with sanitised.gathering(report):         each finding is handed to `report`, and the program
        k[2, 64](a, out)                      goes on: `oxide sanitize`

As in the interpreter nothing is proved before, so what the compiler would refuse runs as well. It
runs as machine code that looks at a shadow of memory at each access, on one thread of the host:
`lowering.shadow` says what it sees, and what it overlooks.
"""

from __future__ import annotations

import ctypes
import mmap
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING, TypeAlias
from weakref import WeakKeyDictionary

from oxide_analyzer.diagnostics import AccessKind
from oxide_analyzer.interpreter.outcome import (
    BadView,
    Divergence,
    Event,
    FailedAssertion,
    Failure,
    HarmfulExit,
    Misaligned,
    OutOfBounds,
    Race,
    Uninitialised,
    WarpDivergence,
    ZeroDivisor,
    place,
)
from oxide_analyzer.ir.nodes import (
    Atomic,
    Barrier,
    Load,
    Read,
    Return,
    Space,
    Store,
    WarpOp,
)
from oxide_analyzer.ir.walk import statements
from oxide_analyzer.launch import Contents, Launch
from oxide_codegen import abi, compiled, devices, interpreted
from oxide_codegen.debugging import warn_of_breakpoints
from oxide_codegen.errors import LaunchValueError
from oxide_codegen.limits import demand_on_cpu
from oxide_codegen.lowering import patterns, shadow

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.launch import Extent
    from oxide_analyzer.source import Span
    from oxide_codegen.arguments import Arguments
    from oxide_codegen.native import Native

# What takes the findings of a launch instead of an exception.
Reporter: TypeAlias = "Callable[[Kernel, Launch, list[Failure]], None]"

# Of all threads of the process, so that none of a program's launches is overlooked.
_reporters: list[Reporter] = []
_natives: WeakKeyDictionary[Kernel, Native] = WeakKeyDictionary()

_CAPACITY = 1024
_MOST_THREADS = 1 << 32
_PAGE = 4096
_LARGE = 8 << 20


@contextmanager
def gathering(report: Reporter) -> Generator[None]:
    """Watch every launch within, of all threads, and hand what is found to `report`."""
    _reporters.append(report)
    try:
        with devices.forced(devices.Way.SANITIZER):
            yield
    finally:
        _reporters.pop()


def run_of(
    kernel: Kernel, arguments: Arguments, grid: Extent, block: Extent, shared: int
) -> Callable[[], None]:
    """What runs a watched launch of a kernel, of whose arguments all is checked."""
    native = native_of(kernel)
    demand_on_cpu(kernel, grid, block, native.static, shared)
    if prod(grid) * prod(block) >= _MOST_THREADS:
        raise LaunchValueError(
            kernel.name,
            f"the sanitizer watches fewer than {_MOST_THREADS} threads",
            parameter="grid",
            expected=_MOST_THREADS - 1,
            actual=prod(grid) * prod(block),
        )
    shapes = {
        array.name: _Unread(
            (*arguments.views[array.memory].shape, *(array.part.leaf.shape if array.part else ())),
            (),
        )
        for array in kernel.array_parameters()
    }
    launch = Launch(grid, block, arguments.scalars, shapes, shared)

    def run() -> None:
        # `arguments` is named here so that the arrays live as long as this closure.
        found = watched(kernel, native, launch, arguments.cells(kernel))
        if _reporters:
            _reporters[-1](kernel, launch, found)
        elif found:
            raise interpreted.failure(kernel, found[0])

    return run


def watched(
    kernel: Kernel, native: Native, launch: Launch, cells: list[int | float]
) -> list[Failure]:
    """Run a launch; what went wrong, in the order in which it was seen."""
    memory = _Shadow(kernel, launch)
    record = native.run(launch.grid, launch.block, cells, 1, launch.shared, memory.address)
    found = memory.failures()
    if record is not None:
        found.append(_failed_check(kernel, launch, record))
    return found


def native_of(kernel: Kernel) -> Native:
    """The machine code that watches a kernel, compiled once."""
    native = _natives.get(kernel)
    if native is None:
        warn_of_breakpoints(kernel, "the sanitizer")
        from oxide_analyzer.analysis import unproved

        native = _natives[kernel] = compiled.watched(unproved(kernel))
    return native


@dataclass(frozen=True)
class _Unread(Contents):
    """An array of which only the shape is told."""

    def __post_init__(self) -> None:
        """There are no elements to count."""


# ---------------------------------------------------------------- the shadow of one launch


class _Shadow:
    """The memory behind `lowering.shadow`, zero at first; what is never touched costs nothing."""

    def __init__(self, kernel: Kernel, launch: Launch) -> None:
        from oxide_codegen.lowering.watched import sites

        self.kernel = kernel
        self.launch = launch
        self.sites = sites(kernel)
        self.arrays = shadow.shadowed(kernel)
        blocks, size = prod(launch.grid), prod(launch.block)
        copies = blocks if patterns.waits_for_others(kernel) else 1
        head = shadow.SHADOWS + 16 * len(self.arrays)
        parts = [
            head,
            _CAPACITY * shadow.FOUND.size,
            len(shadow.Kind) * len(self.sites) ** 2 + 1,
            (blocks * size + 1) * shadow.THREAD,
            blocks * shadow.BLOCK,
        ]
        strides: list[int] = []
        for array in self.arrays:
            stride = self._count(array.name) * shadow.cell_size(kernel, array)
            strides.append(stride)
            parts.append(stride * (copies if array.space is Space.SHARED else 1))
        starts = [0]
        for part in parts:
            starts.append(starts[-1] + -(-max(part, 1) // _PAGE) * _PAGE)
        try:
            self._memory = mmap.mmap(-1, starts[-1])
        except (OSError, ValueError, OverflowError):
            raise LaunchValueError(
                kernel.name,
                f"the sanitizer needs {starts[-1] >> 20} MiB for its shadow of this launch's "
                "memory, which are not there: try a smaller launch",
                parameter="grid",
                expected="less memory",
                actual=starts[-1],
            ) from None
        if starts[-1] >= _LARGE and hasattr(mmap, "MADV_HUGEPAGE"):
            # Every page is met for the first time, which takes longer than what is done there.
            with suppress(OSError):
                self._memory.madvise(mmap.MADV_HUGEPAGE)
        self._owner = ctypes.c_char.from_buffer(self._memory)
        self.address = ctypes.addressof(self._owner)
        self.places = [self.address + start for start in starts]
        self.starts = self.places[5:-1]
        self._put(shadow.CAPACITY, _CAPACITY)
        for offset, where in zip(
            (shadow.FINDINGS, shadow.SEEN, shadow.THREADS, shadow.BLOCKS),
            self.places[1:5],
            strict=True,
        ):
            self._put(offset, where)
        self._put(shadow.SIZE, size, 4)
        self._put(shadow.SITES, len(self.sites), 4)
        for number, (start, stride) in enumerate(zip(self.starts, strides, strict=True)):
            self._put(shadow.SHADOWS + 16 * number, start)
            self._put(shadow.SHADOWS + 16 * number + 8, stride)

    def failures(self) -> list[Failure]:
        """What was found; a read of what another thread writes in time is a race, and no more."""
        count = int.from_bytes(self._memory[:8], "little")
        first = self.places[1] - self.address
        found = [
            shadow.FOUND.unpack_from(self._memory, first + number * shadow.FOUND.size)
            for number in range(count)
        ]
        racing = {
            site for kind, *pair, _, _, _, _ in found for site in pair if kind == shadow.Kind.RACE
        }
        return [
            self._failure(*one)
            for one in found
            if not (one[0] == shadow.Kind.UNINITIALISED and one[1] in racing)
        ]

    def _failure(
        self, kind: int, site: int, before: int, me: int, other: int, left: int, cell: int
    ) -> Failure:
        after = self._event(site, me - 1, cell)
        if kind == shadow.Kind.UNINITIALISED:
            return Uninitialised(after, True)
        first = self._event(before, other - 1, cell)
        exits = [s for s in statements(self.kernel.body) if isinstance(s, Return)]
        if left and exits:
            block, thread = place(self.launch, other - 1)
            leave = exits[0]
            barrier = next(
                (s for s in statements(self.kernel.body) if isinstance(s, Barrier)), leave
            )
            gone = Event(AccessKind.EXIT, leave.site, leave.span, block, thread, None, (), {})
            waits = Event(
                AccessKind.WAIT, barrier.site, barrier.span, after.block, after.thread, None, (), {}
            )
            return HarmfulExit(gone, waits, after, first, True)
        return Race(first, after, True)

    def _event(self, site: int, thread: int, cell: int) -> Event:
        statement = self.sites[site]
        where, who = place(self.launch, thread)
        if isinstance(statement, Read):
            return Event(AccessKind.READ, None, statement.span, where, who, None, (), {})
        index: tuple[int, ...] = ()
        if cell:
            index = self._index(statement.array, cell)
        return Event(
            _KINDS[type(statement)],
            statement.site,
            statement.span,
            where,
            who,
            statement.array,
            index,
            {},
            self.kernel.arrays[statement.array].spelling,
        )

    def _index(self, name: str, cell: int) -> tuple[int, ...]:
        number = next(k for k, array in enumerate(self.arrays) if array.name == name)
        array = self.arrays[number]
        offset = (cell - self.starts[number]) // shadow.cell_size(self.kernel, array)
        offset %= max(self._count(name), 1)
        index: list[int] = []
        for extent in reversed(self._shape(name)):
            offset, at = divmod(offset, max(extent, 1))
            index.append(at)
        return tuple(reversed(index))

    def _shape(self, name: str) -> tuple[int, ...]:
        from oxide_codegen.lowering.room import extents

        array = self.kernel.arrays[name]
        if array.space is not Space.SHARED:
            return self.launch.arrays[name].shape
        if array.is_dynamic:
            return (self.launch.shared // array.element.size,)
        return extents(array)

    def _count(self, name: str) -> int:
        return prod(self._shape(name))

    def _put(self, offset: int, value: int, size: int = 8) -> None:
        self._memory[offset : offset + size] = value.to_bytes(size, "little")


_KINDS: Mapping[type, AccessKind] = {
    Load: AccessKind.READ,
    Store: AccessKind.WRITE,
    Atomic: AccessKind.ATOMIC,
}


# ---------------------------------------------------------------- failed checks


def _failed_check(kernel: Kernel, launch: Launch, record: abi.FailureRecord) -> Failure:
    """The first check that failed."""
    site = abi.failure_sites(kernel).get(record.site)
    if record.kind is abi.FailureKind.DIVERGENCE or site is None:
        return _divergence(kernel, launch, record)
    kind = {"write": AccessKind.WRITE, "atomic": AccessKind.ATOMIC}.get(
        site.access, AccessKind.READ
    )
    index: tuple[int, ...] = ()
    if site.array is not None:
        index = (record.index,)
        if site.access in ("read", "write", "atomic"):
            # Of the other axes only the one that failed is known.
            index = tuple(
                record.index if axis == record.axis else 0
                for axis in range(kernel.arrays[site.array].rank)
            )
    event = Event(kind, record.site, site.span, record.block, record.thread, site.array, index, {})
    match record.kind:
        case abi.FailureKind.BOUNDS:
            view, row = site.access in ("view", "row"), site.access == "row"
            return OutOfBounds(event, record.axis, record.length, True, view, row)
        case abi.FailureKind.VIEW:
            return BadView(event, record.axis, record.index, record.stop, record.length, True)
        case abi.FailureKind.ALIGNMENT:
            return Misaligned(event, record.length, True)
        case abi.FailureKind.ASSERTION:
            return FailedAssertion(event, site.message, True)
        case abi.FailureKind.DIVISOR | abi.FailureKind.STEP:
            return ZeroDivisor(event, True)


def _divergence(kernel: Kernel, launch: Launch, record: abi.FailureRecord) -> Failure:
    """Threads that do not meet, told by the states in which two of them were left."""
    from oxide_codegen.lowering.schedule import WARPS, barrier_numbers

    numbers, _ = barrier_numbers(kernel)
    barriers = {number: statement for statement, number in numbers.items()}
    operations = [s for s in statements(kernel.body) if isinstance(s, WarpOp)]

    def event(state: int, number: int) -> Event:
        statement = barriers.get(state)
        if statement is None and state <= WARPS and WARPS - state < len(operations):
            statement = operations[WARPS - state]
        thread = place(launch, number)[1]
        if isinstance(statement, Barrier | WarpOp):
            span, kind, site = statement.span, AccessKind.WAIT, statement.site
        else:
            span, kind, site = _end(kernel.span), AccessKind.EXIT, None
        return Event(kind, site, span, record.block, thread, None, (), {})

    # Sites are unsigned there, states have a sign.
    state = record.site - (1 << 32) if record.site >> 31 else record.site
    waiting, other = event(state, record.index), event(record.stop, record.length)
    if state <= WARPS:
        return WarpDivergence(waiting, other, True)
    return Divergence(waiting, other, True)


def _end(span: Span) -> Span:
    return type(span)(span.path, span.end_line, span.end_column, span.end_line, span.end_column)
