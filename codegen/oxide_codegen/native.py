"""CheckedKernel to machine code of the host, and its launches on the `cpu` device.

Blocks run on a pool of threads, started in the order of their index. The code releases the
interpreter lock while it runs.
"""

from __future__ import annotations

import ctypes
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from math import prod
from typing import TYPE_CHECKING

from oxide_analyzer.facts.ranges import ranges
from oxide_codegen import abi
from oxide_codegen.lowering import coroutines, thread_loop
from oxide_codegen.lowering.host import ALIGNMENT, shared_offsets

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from oxide_analyzer.checked import CheckedKernel
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
_Launch = ctypes.c_int64 * 6
_Record = ctypes.c_char * abi.RECORD_SIZE

# Each worker takes so many stretches of blocks, so that uneven blocks even out.
_STRETCHES = 8


@dataclass(frozen=True)
class Native:
    """A compiled kernel: how to call it, how to read its failures, how to run it."""

    layout: abi.Layout
    sites: Mapping[int, abi.FailureSite]
    llvm: str
    _run: Callable[[int, int, int, int, int, int], None]
    _arena_size: Callable[[int], int]
    _owner: object
    _arenas: list[Arena] = field(default_factory=list["Arena"])

    def run(
        self,
        grid: Extent,
        block: Extent,
        arguments: Sequence[int | float],
        workers: int | None = None,
    ) -> abi.FailureRecord | None:
        """Run a launch to its end; the first failed check, if there was one.

        `arguments` has one value per slot of `layout`: numbers, and addresses as ints. Who calls
        keeps the memory behind them alive, and has checked sizes, facts and limits.
        """
        blocks = prod(grid)
        threads = prod(block)
        if not blocks or not threads:
            return None
        cells = self.layout.pack(arguments)
        launch, record = _Launch(*grid, *block), _Record()
        places = ctypes.addressof(launch), ctypes.addressof(record)
        size = self._arena_size(threads)
        crew = min(workers or _processors(), blocks)
        cell_buffer = ctypes.create_string_buffer(cells, max(len(cells), 1))
        stretch = max(1, blocks // (crew * _STRETCHES))
        numbers = count()

        def work() -> None:
            arena = self._arenas.pop() if self._arenas else Arena()
            at = arena.address(size)
            while (first := next(numbers) * stretch) < blocks:
                last = min(first + stretch, blocks)
                self._run(ctypes.addressof(cell_buffer), *places, first, last, at)
            self._arenas.append(arena)

        if crew == 1:
            work()
        else:
            for job in [_pool().submit(work) for _ in range(crew)]:
                job.result()
        return abi.decode(record.raw)


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


def compile_native(
    checked: CheckedKernel, *, contract: bool = True, narrows: bool = False
) -> Native:
    """Machine code for this processor.

    `contract` lets a product and a sum become one operation. `narrows` computes in 32 bits what
    fits, as on a device: no gain here, where LLVM then misses that accesses are neighbours, but
    a way to compare that lowering with the interpreter.
    """
    from oxide_codegen import llvm

    kernel = checked.kernel
    facts = ranges(kernel, compact=checked.compact, conditions=[f.condition for f in checked.facts])
    waits = thread_loop.may_wait(kernel)
    lower = coroutines.lower if waits else thread_loop.lower
    text = lower(checked, facts, "contract " if contract else "", narrows=narrows)
    symbols = ("run", "frame_size") if waits else ("run",)
    owner, addresses = llvm.loaded(text, symbols)
    shared = shared_offsets(kernel)[1]
    arena_size: Callable[[int], int] = lambda threads: shared  # noqa: E731
    if waits:
        frame = int(_FRAME_SIZE(addresses["frame_size"])())
        arena_size = lambda threads: coroutines.arena_size(threads, frame, shared)  # noqa: E731
    return Native(
        abi.layout(kernel),
        abi.failure_sites(kernel),
        text,
        _RUN(addresses["run"]),
        arena_size,
        owner,
    )


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_processors(), thread_name_prefix="oxide-cpu")


@cache
def _processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
