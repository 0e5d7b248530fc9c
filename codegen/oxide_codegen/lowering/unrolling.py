"""Which loops LLVM is told to unroll.

A loop whose bounds are numbers and whose body is small is unrolled whole: that is what turns a
local array into registers. LLVM does not do it by itself where the body reads shared memory.
Loops with a barrier are left to LLVM, and so is everything for which code size decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.ir.nodes import Barrier, For, If, Inline, While

if TYPE_CHECKING:
    from oxide_analyzer.ir.nodes import Block
    from oxide_codegen.lowering.context import Context

MOST_TRIPS = 64
MOST_STATEMENTS = 1024


def unrolling(context: Context, loop: For | While) -> tuple[str, ...]:
    """The attachments of the branch back to the head of `loop`."""
    if isinstance(loop, While):
        return ()
    trips = _trips(context, loop)
    if trips is None or not 0 < trips <= MOST_TRIPS:
        return ()
    size = _size(context, loop.body)
    if size is None or trips * size > MOST_STATEMENTS:
        return ()
    names = context.build.names
    full = names.shared('!{!"llvm.loop.unroll.full"}')
    mark = names.reserve()
    names.define(mark, f"distinct !{{{mark}, {full}}}")
    return (f"!llvm.loop {mark}",)


def _trips(context: Context, loop: For) -> int | None:
    numbers = [context.ranges.of(e).literal for e in (loop.start, loop.stop, loop.step)]
    start, stop, step = numbers
    if start is None or stop is None or not step:
        return None
    return len(range(start, stop, step))


def _size(context: Context, block: Block) -> int | None:
    """Statements that a block comes to when its own loops are unrolled, None with a barrier."""
    size = 0
    for statement in block:
        size += 1
        match statement:
            case Barrier():
                return None
            case If(then=then, otherwise=otherwise):
                parts = (_size(context, then), _size(context, otherwise))
            case For(body=body):
                inner = _size(context, body)
                parts = (None if inner is None else inner * (_trips(context, statement) or 1),)
            case While(header=header, body=body):
                parts = (_size(context, header), _size(context, body))
            case Inline(body=body):
                parts = (_size(context, body),)
            case _:
                parts = ()
        for part in parts:
            if part is None:
                return None
            size += part
    return size
