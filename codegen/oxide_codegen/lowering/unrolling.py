"""Which loops LLVM is told to unroll.

A loop whose bounds are numbers and whose body is small is unrolled whole: that is what turns a
local array into registers. LLVM does not do it by itself where the body reads shared memory.
A short innermost loop with a step that is no number, as over a grid stride, is unrolled four
times, so that four loads are under way at once; LLVM does it by itself for steps that are numbers.
Loops with a barrier are left to LLVM, and so is everything for which code size decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.ir.nodes import (
    AsyncCopy,
    Barrier,
    Break,
    For,
    If,
    Inline,
    Leave,
    Return,
    Unsafe,
    While,
)
from oxide_analyzer.ir.walk import statements

if TYPE_CHECKING:
    from oxide_analyzer.ir.nodes import Block
    from oxide_codegen.lowering.context import Context

MOST_TRIPS = 64
MOST_STATEMENTS = 1024
SHORT = 12
STRIDED = 4


def unrolling(context: Context, loop: For | While) -> tuple[str, ...]:
    """The attachments of the branch back to the head of `loop`."""
    if isinstance(loop, While):
        return ()
    size, trips = _size(context, loop.body), _trips(context, loop)
    if size is None or _can_be_left(loop):
        return ()
    if trips is not None and 1 < trips <= MOST_TRIPS and trips * size <= MOST_STATEMENTS:
        return _mark(context, '!{!"llvm.loop.unroll.full"}')
    if is_strided(context, loop):
        return _mark(context, f'!{{!"llvm.loop.unroll.count", i32 {STRIDED}}}')
    return ()


def is_strided(context: Context, loop: For) -> bool:
    """Whether a loop is unrolled by a number; its trips must be counted before it.

    Only in 32 bits: a division in 64 bits costs more than the unrolling saves.
    """
    head = [context.ranges.of(e) for e in (loop.start, loop.stop, loop.step)]
    if head[2].literal is not None or not all(context.fits(interval) for interval in head):
        return False
    size = _size(context, loop.body)
    return size is not None and size <= SHORT and _is_innermost(loop)


def _can_be_left(loop: For) -> bool:
    """Whether something in the loop ends it early: then LLVM may fail to unroll, and warns."""
    return any(isinstance(s, Break | Return | Leave) for s in statements(loop.body))


def _mark(context: Context, hint: str) -> tuple[str, ...]:
    names = context.build.names
    mark = names.reserve()
    names.define(mark, f"distinct !{{{mark}, {names.shared(hint)}}}")
    return (f"!llvm.loop {mark}",)


def _is_innermost(loop: For) -> bool:
    return not any(isinstance(s, For | While) for s in statements(loop.body))


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
            case Inline(body=body) | Unsafe(body=body) | AsyncCopy(body=body):
                parts = (_size(context, body),)
            case _:
                parts = ()
        for part in parts:
            if part is None:
                return None
            size += part
    return size
