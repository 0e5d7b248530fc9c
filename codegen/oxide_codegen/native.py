"""CheckedKernel to machine code of the host, and its launches on the `cpu` device.

Blocks run on the threads of a `crew`, started in the order of their index. The code releases the
interpreter lock while it runs.
"""

from __future__ import annotations

import ctypes
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from struct import Struct
from time import perf_counter
from typing import TYPE_CHECKING

from oxide_analyzer.ir import walk
from oxide_analyzer.ir.nodes import For, While
from oxide_analyzer.record import record
from oxide_codegen import abi, crew
from oxide_codegen.lowering import patterns
from oxide_codegen.lowering.room import (
    ALIGNMENT,
    RESIDENT,
    block_size,
    rounded,
    shared_offsets,
)
from oxide_codegen.printing import PRINTER, Printer, prints

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from oxide_analyzer.checked import CheckedKernel
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.launch import Extent

_RUN = ctypes.CFUNCTYPE(
    None,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.c_int64,
    ctypes.c_int64,
    ctypes.c_void_p,
)
_FRAME_SIZE = ctypes.CFUNCTYPE(ctypes.c_int64)
# Grid, block, bytes of dynamic shared memory, and the address of a shadow: see `lowering.watched`.
_EXTENTS = Struct("<7qQ")


@dataclass(frozen=True)
class Native:
    """A compiled kernel: how to call it, how to read its failures, how to run it.

    So many blocks as `seats` says have begun at once, of all that one worker runs; one worker runs
    all blocks where they may wait for what has not begun (`is_alone`). `static` is what the
    kernel's own shared arrays take.
    """

    layout: abi.Layout
    sites: Mapping[int, abi.FailureSite]
    llvm: str
    _run: Callable[[int, int, int, int, int, int], None]
    _arena_size: Callable[[int, int], int]
    seats: int
    is_alone: bool
    static: int
    _owner: object
    _repeats: bool
    _printer: Printer | None = None
    _arenas: list[Arena] = field(default_factory=list["Arena"])
    _paces: crew.Paces = field(default_factory=crew.Paces)

    def run(
        self,
        grid: Extent,
        block: Extent,
        arguments: Sequence[int | float],
        workers: int | None = None,
        shared: int = 0,
        shadow: int = 0,
        keeps: object = None,
    ) -> abi.FailureRecord | None:
        """Run a launch to its end; the first failed check, if there was one.

        `arguments` has one value per slot of `layout`: numbers, and addresses as ints; `shared`
        is how many bytes of dynamic shared memory a block gets, `shadow` where a kernel that
        watches itself does so. `keeps` owns the memory behind the addresses, or who calls keeps it
        alive, and has checked sizes, facts and limits.

        With a number of `workers` this thread is one of them. Without, it takes a launch upon
        itself that was short before, and else waits for others, so that Ctrl-C is seen.
        """
        blocks = prod(grid)
        if not blocks or not prod(block):
            return None
        # Record, extents and cells in one stretch of memory: one conversion a launch.
        memory = bytearray(self._packer.pack(*grid, *block, shared, shadow, *arguments))
        record = ctypes.addressof(ctypes.c_char.from_buffer(memory))
        launch = record + abi.RECORD_SIZE
        size = self._arena_size(prod(block), shared) * min(self.seats, blocks)
        threads = 1 if self.is_alone else min(workers or crew.processors(), blocks)
        if workers is not None:
            way = crew.Way.TOGETHER if threads > 1 else crew.Way.ALONE
        else:
            way = self._paces.choose(self._alike(block, arguments, shared), blocks, threads)
        at = launch + _EXTENTS.size
        try:
            if way is crew.Way.ALONE:
                seconds = self._alone(at, launch, record, blocks, size)
            else:
                work = _Work(self, at, launch, record, size, memory, keeps)
                run = work.stretch, blocks, threads, work.stop
                seconds = crew.run(way, *run, whole=self.is_alone)
        finally:
            if self._printer is not None:
                self._printer.flush(record)
        self._paces.learn(way, seconds, blocks)
        return abi.decode(memory)

    def _alone(self, arguments: int, launch: int, record: int, blocks: int, size: int) -> float:
        """All blocks, in this thread; how many seconds that took."""
        clock = perf_counter()
        if size:
            with self.arena(size) as at:
                self.call(arguments, launch, record, 0, blocks, at)
        else:
            self.call(arguments, launch, record, 0, blocks, 0)
        return perf_counter() - clock

    def _alike(
        self, block: Extent, arguments: Sequence[int | float], shared: int
    ) -> tuple[object, ...]:
        """What launches have in common whose blocks take as long: sizes and scalars.

        Where nothing is repeated, blocks are as large as they look.
        """
        if not self._repeats:
            return block, shared
        sizes = (arguments[number] for number in self._sizes)
        return block, shared, *sizes

    def call(
        self, arguments: int, launch: int, record: int, first: int, last: int, at: int
    ) -> None:
        """Run the blocks from `first` up to `last`, with addresses of everything."""
        self._run(arguments, launch, record, first, last, at)

    @cached_property
    def _packer(self) -> Struct:
        """An empty record, the extents and the cells, each behind the one before."""
        extents, cells = (packer.format.lstrip("<") for packer in (_EXTENTS, self.layout.packer))
        return Struct(f"<{abi.RECORD_SIZE}x{extents}{cells}")

    @cached_property
    def _sizes(self) -> tuple[int, ...]:
        return tuple(
            number
            for number, slot in enumerate(self.layout.slots)
            if not isinstance(slot, abi.PointerSlot)
        )

    @contextmanager
    def arena(self, size: int) -> Generator[int]:
        """The address of scratch memory for one worker."""
        if not size:
            yield 0
            return
        try:
            arena = self._arenas.pop()
        except IndexError:
            # All are in use by other workers.
            arena = Arena()
        try:
            yield arena.address(size)
        finally:
            self._arenas.append(arena)


@record
class _Work:
    """One launch: a kernel and the addresses of its arguments, extents and record.

    They lie in `memory`; `keeps` is what owns the memory of its arrays.
    """

    native: Native
    arguments: int
    launch: int
    record: int
    arena: int
    memory: bytearray
    keeps: object

    def stretch(self, first: int, last: int) -> None:
        """The blocks from `first` up to `last`, here and now."""
        with self.native.arena(self.arena) as at:
            self.native.call(self.arguments, self.launch, self.record, first, last, at)

    def stop(self) -> None:
        """Let threads that wait for one another give up: nobody waits for the launch any more."""
        at = abi.STATE_OFFSET
        if not any(self.memory[at : at + 4]):
            self.memory[at : at + 4] = int(abi.FailureState.STOPPED).to_bytes(4, "little")


class Arena:
    """Scratch memory of one worker: shared arrays, and the frames of a block's threads."""

    def __init__(self) -> None:
        self._buffer: ctypes.Array[ctypes.c_char] | None = None

    def address(self, size: int) -> int:
        """The address of at least `size` bytes, aligned."""
        if not size:
            return 0
        if self._buffer is None or len(self._buffer) < size + ALIGNMENT:
            self._buffer = (ctypes.c_char * (size + ALIGNMENT))()
        return -(-ctypes.addressof(self._buffer) // ALIGNMENT) * ALIGNMENT


@record
class NativeCode:
    """A kernel as an object file for this processor, and the LLVM text that it comes from."""

    image: bytes
    llvm: str


def compile_native(
    checked: CheckedKernel, *, contract: bool = True, narrows: bool = False
) -> Native:
    """Machine code for this processor, ready to run; see `emit_native`."""
    return link_native(checked.kernel, emit_native(checked, contract=contract, narrows=narrows))


def emit_native(
    checked: CheckedKernel, *, contract: bool = True, narrows: bool = False
) -> NativeCode:
    """Machine code for this processor.

    `contract` lets a product and a sum become one operation. `narrows` computes in 32 bits what
    fits, as on a device: no gain here, where LLVM then misses that accesses are neighbours, but
    a way to compare that lowering with the interpreter.
    """
    from oxide_analyzer.facts.ranges import ranges
    from oxide_codegen import llvm
    from oxide_codegen.lowering import coroutines, thread_loop

    kernel = checked.kernel
    facts = ranges(kernel, compact=checked.compact, conditions=[f.condition for f in checked.facts])
    lower = coroutines.lower if patterns.meets(kernel) else thread_loop.lower
    flags, has_halves = "contract " if contract else "", llvm.converts_halves()
    text = lower(checked, facts, flags, narrows=narrows, has_halves=has_halves)
    image = llvm.object_code(text, vectorises=not patterns.divides(kernel.body))
    return NativeCode(image, text)


def emit_watched(checked: CheckedKernel) -> NativeCode:
    """Machine code of a kernel that watches what its threads do: see `lowering.watched`."""
    from oxide_analyzer.facts.ranges import ranges
    from oxide_codegen import llvm
    from oxide_codegen.lowering import watched

    facts = ranges(checked.kernel, compact=False, conditions=[])
    text = watched.lower(checked, facts, has_halves=llvm.converts_halves())
    return NativeCode(llvm.object_code(text, vectorises=False), text)


def link_native(kernel: Kernel, code: NativeCode) -> Native:
    """The machine code of `kernel`, put into memory."""
    from oxide_codegen import llvm

    owner, addresses = llvm.linked(code.image, symbols(kernel))
    return native_of(kernel, code.llvm, owner, addresses)


def symbols(kernel: Kernel) -> list[str]:
    """What the object file of a kernel defines."""
    found = ["run"]
    if patterns.meets(kernel):
        found.append("frame_size")
    if prints(kernel):
        found.append(PRINTER)
    return found


def native_of(kernel: Kernel, llvm: str, owner: object, addresses: Mapping[str, int]) -> Native:
    """A kernel whose `symbols` lie in memory, which `owner` keeps."""
    waits = patterns.meets(kernel)
    printer = Printer(kernel) if prints(kernel) else None
    if printer is not None:
        printer.install(addresses[PRINTER])
    static = shared_offsets(kernel)[1]
    frame = int(_FRAME_SIZE(addresses["frame_size"])()) if waits else 0

    def arena_size(threads: int, shared: int) -> int:
        if waits:
            return block_size(threads, frame, static + rounded(shared))
        return static + rounded(shared)

    return Native(
        abi.layout(kernel),
        abi.failure_sites(kernel),
        llvm,
        _RUN(addresses["run"]),
        arena_size,
        _seats(kernel),
        patterns.waits_for_blocks(kernel),
        static,
        owner,
        any(isinstance(s, For | While) for s in walk.statements(kernel.body)),
        printer,
    )


def _seats(kernel: Kernel) -> int:
    """How many blocks have begun at once: all of them, as many as wait, or one."""
    if abi.Hidden.WORKSPACE in abi.hidden(kernel):
        return sys.maxsize
    return RESIDENT if patterns.waits_for_others(kernel) else 1
