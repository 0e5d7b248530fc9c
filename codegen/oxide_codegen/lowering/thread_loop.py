"""Kernels without barriers on the host: a loop over the threads of each block.

    for block in first .. last:
        for z, y, x in the block:      body

Where the launch has one dimension and the kernel reads nothing but the thread's index in the
grid, both are one loop over it.

LLVM vectorises the loop over x: threads of a checked kernel do not race, so its iterations are
independent, and it is told so. A guard that all the work lies under is folded into the trip
count, for a masked loop is three times slower:

    i = block.x * block_dim.x + thread.x               i0 = block.x * block_dim.x
    if i < n: body(i)                           is     for x in 0 .. min(block_dim.x, n - i0):
                                                           body(i0 + x)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.ir.nodes import Register, Space
from oxide_codegen.lowering import statements
from oxide_codegen.lowering.access import alias_marks
from oxide_codegen.lowering.builder import Builder, Names, Value
from oxide_codegen.lowering.context import Context
from oxide_codegen.lowering.failure import FailureBlock
from oxide_codegen.lowering.guards import Guard, folded_guard
from oxide_codegen.lowering.host import Host, block_places
from oxide_codegen.lowering.patterns import is_one_row, reads_places_apart

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oxide_analyzer.checked import CheckedKernel
    from oxide_analyzer.facts.ranges import Ranges
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Barrier, Forget, WarpOp
    from oxide_codegen.lowering.environment import Failure, WarpOperands

ENTRY = (
    "define void @run(ptr noalias readonly %arguments, ptr noalias readonly %launch, "
    "ptr %failure, i64 %first, i64 %last, ptr %shared)"
)


class LoopThread(Host):
    """The environment of one iteration."""

    def __init__(self, kernel: Kernel, build: Builder) -> None:
        super().__init__(kernel, build)
        self.failures = FailureBlock(build, "ptr")
        self.end = build.label("endthread")

    def barrier(self, build: Builder, statement: Barrier) -> None:
        """There is none."""
        raise ValueError(f"{statement.span}: a kernel with a barrier runs as coroutines")

    def warp(self, build: Builder, statement: WarpOp, operands: WarpOperands) -> Value | None:
        """There is none."""
        raise ValueError(f"{statement.span}: a kernel with a warp operation runs as coroutines")

    def active_lanes(self, build: Builder, statement: Forget) -> Value:
        """Nobody asks."""
        raise ValueError(f"{statement.span}: lanes that are together run as coroutines")

    def mark_loop_atomic(self, build: Builder) -> None:
        """A kernel that may wait runs as coroutines."""
        raise ValueError(f"`{self.kernel.name}` may wait for another thread")

    def finish(self, build: Builder) -> None:
        """Go on with the next thread."""
        build.jump(self.end)

    def fail(self, build: Builder, failure: Failure) -> None:
        """Go to where the failure is recorded."""
        self.failures.jump(build, failure)


def lower(
    checked: CheckedKernel, ranges: Ranges, flags: str, *, narrows: bool, has_halves: bool = True
) -> str:
    """The LLVM text of a kernel without barriers."""
    kernel, names = checked.kernel, Names(has_halves)
    build = Builder(names)
    thread = LoopThread(kernel, build)
    thread.read_arguments()
    group = names.node("distinct !{}")
    marks = {
        name: (*alias_marks_of, f"!llvm.access.group {group}")
        for name, alias_marks_of in _with_all(kernel, alias_marks(names, checked)).items()
    }
    context = Context(checked, build, thread, ranges, flags, narrows, marks, lambda _: "")
    parallel = names.node(f'!{{!"llvm.loop.parallel_accesses", {group}}}')
    mark = names.reserve()
    names.define(mark, f"distinct !{{{mark}, {parallel}}}")
    loops = _one_loop if _counts_threads(kernel, ranges) else _nested_loops
    loops(context, thread, mark)
    return _text(build)


def _text(build: Builder) -> str:
    build.end("ret void")
    text = ["entry:", *build.entry, "  br label %start", "start:", *build.lines]
    return "\n".join([f"{ENTRY} {{", *text, "}", *build.functions.values(), *build.names.text()])


def lower_watched(
    checked: CheckedKernel,
    ranges: Ranges,
    threads: type[LoopThread],
    contexts: type[Context],
    *,
    has_halves: bool,
) -> str:
    """The same for threads that race: one after the other, of these kinds: see `watched`."""
    kernel, names = checked.kernel, Names(has_halves)
    build = Builder(names)
    thread = threads(kernel, build)
    thread.read_arguments()
    context = contexts(checked, build, thread, ranges, "", False, {}, lambda _: "")
    _nested_loops(context, thread, "")
    return _text(build)


def _counts_threads(kernel: Kernel, ranges: Ranges) -> bool:
    """Whether a thread is known by its index along x alone: blocks then need no loop of theirs."""
    has_shared = any(array.space is Space.SHARED for array in kernel.arrays.values())
    return is_one_row(kernel, ranges) and not has_shared and not reads_places_apart(kernel.body)


def _one_loop(context: Context, thread: LoopThread, mark: str) -> None:
    build, kernel = context.build, context.checked.kernel
    width = thread.places[Register.BLOCK_DIM, 0]
    start = build.binary("mul", Value("%first", "i64"), width)
    stop = build.binary("mul", build.binary("sub", Value("%last", "i64"), "%first"), width)
    guard, body = folded_guard(kernel), kernel.body
    context.thread_index = start
    if guard is not None:
        body, stop = guard.body, _trips(context, guard, stop)
    with build.counted("0", stop, mark=mark) as number:
        index = context.thread_index = build.binary("add", start, number)
        context.zero_locals()
        statements.block(context, body)
        if thread.failures.is_used:
            build.jump(thread.end)
            # Within the block that records failures, which stands next.
            places = thread.failures.open(build)
            zero = Value("0", "i64")
            block = build.binary("udiv", index, width)
            within = build.binary("urem", index, width)
            thread.failures.close(build, places, [block, zero, zero], [within, zero, zero])
        build.place(thread.end)


def _nested_loops(context: Context, thread: LoopThread, mark: str) -> None:
    build, kernel = context.build, context.checked.kernel
    guard = folded_guard(kernel)
    extent = [thread.places[Register.BLOCK_DIM, axis] for axis in range(3)]
    with build.counted(Value("%first", "i64"), "%last") as number:
        block_places(build, thread, number)
        thread.zero_shared(build, context.checked.initialised, Value("%shared", "ptr"))
        with build.counted("0", extent[2]) as z, build.counted("0", extent[1]) as y:
            thread.places[Register.THREAD, 1] = y
            thread.places[Register.THREAD, 2] = z
            body, stop = kernel.body, extent[0]
            if guard is not None:
                body, stop = guard.body, _trips(context, guard, extent[0])
            with build.counted("0", stop, mark=mark) as x:
                thread.places[Register.THREAD, 0] = x
                context.zero_locals()
                statements.block(context, body)
                if thread.failures.is_used:
                    build.jump(thread.end)
                    here, there = (
                        [thread.places[r, axis] for axis in range(3)]
                        for r in (Register.BLOCK, Register.THREAD)
                    )
                    thread.failures.place(build, here, there)
                build.place(thread.end)


def _trips(context: Context, guard: Guard, width: Value) -> Value:
    """How many of the next `width` threads pass the guard: they are the first ones."""
    build, host = context.build, context.environment
    assert isinstance(host, Host)
    host.places[Register.THREAD, 0] = Value("0", "i64")
    for bound in guard.bounds:
        first, limit = context.wide(bound.index), context.wide(bound.limit)
        left = build.value("i64", f"call i64 @llvm.ssub.sat.i64({limit}, {first})")
        some = build.intrinsic("smax", left, Value("0", "i64"))
        width = build.intrinsic("smin", some, width)
    return width


def _with_all(kernel: Kernel, marks: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """The marks of each array that is not private to a thread."""
    private = {a.name for a in kernel.arrays.values() if a.space.value == "local"}
    return {name: marks.get(name, ()) for name in kernel.arrays if name not in private}
