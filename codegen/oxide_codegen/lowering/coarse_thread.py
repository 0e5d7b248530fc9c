"""One thread of a device that plays some neighbours: see `coarsening` for which kernels.

The grid that the driver gets is smaller by `lanes`; block B of it plays the blocks `lanes * B` and
following of the launch, as far as there are such. Where all of them are there, every thread of
them passes the guard and every array is aligned, which is one answer for the block, thread t
plays the neighbours that start at `(B * block_dim + t) * lanes`, with wide accesses. Else it plays
thread t of each block in turn, as the source has it: the same elements, next to each other for
the threads of a warp.

    if (B + 1) * lanes <= grid and last < limit and a % 16 == 0 and …:
        x0, x1, x2, x3 = a[first : first + 4]; …
    else:
        for k in range(lanes):
            if lanes * B + k < grid: i = (lanes * B + k) * block_dim + t; the kernel
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from oxide_analyzer.ir.nodes import Inline, Load, Register, Store
from oxide_codegen import abi
from oxide_codegen.lowering import access, statements
from oxide_codegen.lowering.builder import Value
from oxide_codegen.lowering.coarsening import WIDEST, flat
from oxide_codegen.lowering.device import Device

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Block
    from oxide_codegen.lowering.builder import Builder
    from oxide_codegen.lowering.coarsening import Coarsening
    from oxide_codegen.lowering.context import Context
    from oxide_codegen.lowering.optimisations import Optimisation
    from oxide_codegen.target import Capabilities


class CoarseDevice(Device):
    """The environment of the neighbours: the grid is that of the launch."""

    def __init__(
        self,
        kernel: Kernel,
        build: Builder,
        target: Capabilities,
        plan: Coarsening,
        *,
        alignment: int = 1,
        without: Collection[Optimisation] = (),
    ) -> None:
        hidden = abi.hidden(kernel, plan.lanes)
        super().__init__(kernel, build, target, hidden, alignment=alignment, without=without)
        self.plan = plan
        self.lanes = plan.lanes
        self.end = build.label("endthread")

    def special(self, register: Register, axis: int) -> Value:
        """A special register as i64."""
        if (register, axis) == (Register.GRID_DIM, 0):
            return Value(f"%{abi.Hidden.GRID}", "i64")
        return super().special(register, axis)

    def finish(self, build: Builder) -> None:
        """Go on with the next thread."""
        build.jump(self.end)


def lower(context: Context, device: CoarseDevice) -> None:
    """The body of the function."""
    build, plan, lanes = context.build, device.plan, device.lanes
    block, width = device.special(Register.BLOCK, 0), device.special(Register.BLOCK_DIM, 0)
    wide, single, end = build.label("wide"), build.label("single"), build.label("endwide")
    together = _are_together(context, device, plan)
    build.branch(together.text, wide, single)
    build.place(wide)
    start = build.binary("mul", block, width)
    number = build.binary("add", start, device.special(Register.THREAD, 0))
    first = _index(context, build.binary("mul", number, str(lanes)))
    neighbours = [
        # The first is a multiple of `lanes`, which is a power of two.
        _played(context, build.binary("or disjoint", first, str(k)) if k else first)
        for k in range(lanes)
    ]
    for thread in neighbours:
        thread.zero_locals()
    _block(neighbours, plan, plan.body)
    build.jump(end)
    build.place(single)
    _in_turn(context, device, lanes)
    build.place(end)


def _are_together(context: Context, device: CoarseDevice, plan: Coarsening) -> Value:
    """Whether the whole block may go the wide way."""
    build, lanes, kernel = context.build, plan.lanes, context.checked.kernel
    block, width = device.special(Register.BLOCK, 0), device.special(Register.BLOCK_DIM, 0)
    grid = device.special(Register.GRID_DIM, 0)
    behind = build.binary("mul", build.binary("add", block, "1"), str(lanes))
    answer = build.compare("icmp sle", behind, grid)
    # Beyond the grid an index may be more than its type holds: `select` does not look at it then.
    last = build.binary("sub", build.binary("mul", behind, width), "1")
    thread = _played(context, _index(context, last))
    for bound in plan.bounds:
        index, limit = thread.wide(bound.index), thread.wide(bound.limit)
        passes = build.compare("icmp slt", index, limit)
        answer = build.value("i1", f"select {answer}, {passes}, i1 false")
    for name in plan.arrays:
        array = kernel.arrays[name]
        size = min(WIDEST, lanes * array.element.size)
        if size == array.element.size:
            continue
        type_, pointer = device.pointer(array)
        rest = build.binary(
            "and", build.cast("ptrtoint", Value(pointer, type_), "i64"), f"{size - 1}"
        )
        answer = build.binary("and", answer, build.compare("icmp eq", rest, "0"))
    return answer


def _in_turn(context: Context, device: CoarseDevice, lanes: int) -> None:
    """The same threads one after the other."""
    build, names = context.build, context.build.names
    rolled = names.shared('!{!"llvm.loop.unroll.disable"}')
    mark = names.reserve()
    names.define(mark, f"distinct !{{{mark}, {rolled}}}")
    start = build.binary("mul", device.special(Register.BLOCK, 0), str(lanes))
    stop = build.binary("add", start, str(lanes))
    stop = build.intrinsic("smin", stop, device.special(Register.GRID_DIM, 0))
    with build.counted(start, stop, mark=mark) as block:
        base = build.binary("mul", block, device.special(Register.BLOCK_DIM, 0))
        index = build.binary("add", base, device.special(Register.THREAD, 0))
        thread = _played(context, _index(context, index))
        thread.zero_locals()
        statements.block(thread, context.checked.kernel.body)
        build.place(device.end)


def _played(context: Context, index: Value) -> Context:
    """A thread with an index of its own, and locals of its own."""
    return replace(context, thread_index=index, slots={})


def _index(context: Context, index: Value) -> Value:
    """A thread index in the width that the kernel computes it in."""
    is_narrow = context.narrows and context.is_compact
    return context.build.cast("trunc", index, "i32") if is_narrow else index


def _block(neighbours: Sequence[Context], plan: Coarsening, block: Block) -> None:
    """Each statement by all neighbours, before the next one."""
    for statement in block:
        if isinstance(statement, Load | Store) and statement.site in plan.wide:
            neighbours[0].locate(statement.span)
            if isinstance(statement, Load):
                access.load_neighbours(neighbours, statement, WIDEST)
            else:
                access.store_neighbours(neighbours, statement, WIDEST)
            continue
        inner = flat(statement) if isinstance(statement, Inline) else None
        if inner is not None:
            _block(neighbours, plan, inner)
            continue
        for thread in neighbours:
            statements.block(thread, (statement,))
