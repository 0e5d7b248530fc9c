"""`grid_sync` on a device whose blocks are all there at once.

All threads of a block meet; one of them, the first to find that nobody has yet, meets those of the
other blocks at a word in global memory; all threads of the block meet again.

    word:  phase (24 bits)  departed (20)  arrived (20)

A block arrives by adding 1. The last to arrive starts the next phase: it sets `arrived` to the
blocks that have departed, which have arrived for ever; the others wait for another phase. A block
departs when its last thread has returned. The word is 0 when the launch starts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.ir.nodes import Register
from oxide_codegen import abi
from oxide_codegen.lowering.builder import Builder, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOST_BLOCKS = (1 << 20) - 1

_BITS = 20
_PHASE = 2 * _BITS
_WORDS = "@grid.words"
_WORD = f"ptr addrspace(1) %{abi.Hidden.WORKSPACE}"


class GridBarrier:
    """The barrier in one kernel: `special` gives special registers, `block_barrier` is the
    instruction at which the threads of a block meet.

    Two shared words of each block: the number of the last barrier at which one thread went to
    the other blocks, and how many threads have not returned.
    """

    size = 16

    def __init__(self, special: Callable[[Register, int], Value], block_barrier: str) -> None:
        self._special = special
        self._block_barrier = block_barrier
        self._turn = ""

    def globals(self) -> Iterator[str]:
        """The shared words."""
        yield f"{_WORDS} = internal addrspace(3) global [2 x i32] undef, align 16"

    def begin(self, build: Builder, number: Value, threads: Value) -> None:
        """At the start, in front of a barrier; `number` is that of the thread in its block."""
        self._turn = build.variable("i32", "turn")
        build.store(Value("0", "i32"), self._turn)
        first, end = build.label("first"), build.label("begun")
        build.branch(build.compare("icmp eq", number, "0").text, first, end)
        build.place(first)
        build.emit(f"store i32 0, {_word(build, 0)}")
        build.emit(f"store {build.cast('trunc', threads, 'i32')}, {_word(build, 1)}")
        build.place(end)

    def meet(self, build: Builder) -> None:
        """`grid_sync()`."""
        turn = build.binary("add", build.load("i32", self._turn), "1")
        build.store(turn, self._turn)
        build.emit(self._block_barrier)
        old = build.value("i32", f"atomicrmw xchg {_word(build, 0)}, {turn} monotonic")
        mine, end = build.label("across"), build.label("met")
        build.branch(build.compare("icmp ne", old, turn).text, mine, end)
        build.place(mine)
        before = _add(build, Value("1", "i64"))
        last, wait = build.label("last"), build.label("wait")
        build.branch(self._completes(build, before).text, last, wait)
        build.place(last)
        self._start_phase(build, before, 0)
        build.jump(end)
        build.place(wait)
        now = build.value(
            "i64",
            f'call i64 asm sideeffect "ld.acquire.gpu.global.b64 $0, [$1];", '
            f'"=l,l,~{{memory}}"({_WORD})',
        )
        changed = build.binary("lshr", build.binary("xor", now, before), str(_PHASE))
        build.branch(build.compare("icmp ne", changed, "0").text, end, wait)
        build.place(end)
        build.emit(self._block_barrier)

    def leave(self, build: Builder) -> None:
        """A thread returns: the last one of its block departs."""
        left = build.value("i32", f"atomicrmw add {_word(build, 1)}, i32 -1 monotonic")
        depart, last, end = build.label("depart"), build.label("last"), build.label("gone")
        build.branch(build.compare("icmp eq", left, "1").text, depart, end)
        build.place(depart)
        before = _add(build, Value(str((1 << _BITS) + 1), "i64"))
        build.branch(self._completes(build, before).text, last, end)
        build.place(last)
        self._start_phase(build, before, 1)
        build.place(end)

    def _blocks(self, build: Builder) -> Value:
        extent = [self._special(Register.GRID_DIM, axis) for axis in range(3)]
        return build.binary("mul", build.binary("mul", extent[0], extent[1]), extent[2])

    def _completes(self, build: Builder, before: Value) -> Value:
        """Whether who found `before` was the last to arrive."""
        arrived = build.binary("and", before, str(MOST_BLOCKS))
        return build.compare("icmp eq", build.binary("add", arrived, "1"), self._blocks(build))

    def _start_phase(self, build: Builder, before: Value, departing: int) -> None:
        shifted = build.binary("lshr", before, str(_BITS))
        departed = build.binary("and", shifted, str(MOST_BLOCKS))
        departed = build.binary("add", departed, str((1 << _PHASE) + departing))
        _add(build, build.binary("sub", departed, self._blocks(build)))


def _word(build: Builder, number: int) -> Value:
    return build.value(
        "ptr addrspace(3)", f"getelementptr i32, ptr addrspace(3) {_WORDS}, i64 {number}"
    )


def _add(build: Builder, value: Value) -> Value:
    return build.value(
        "i64",
        f'call i64 asm sideeffect "atom.acq_rel.gpu.global.add.u64 $0, [$1], $2;", '
        f'"=l,l,l,~{{memory}}"({_WORD}, {value})',
    )
