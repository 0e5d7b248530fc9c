"""Which loops LLVM is told to unroll.

A loop that runs a known number of times and whose body is small is unrolled whole: that is what
turns a local array into registers. LLVM does not do it by itself where the body reads shared
memory, or where only the ranges know how often:

    for r in range(thread.y, 32, 8)      in blocks of 32 × 8: always four times

A short innermost loop that loads is unrolled up to sixteen times, so that as many loads are under
way at once: on an H200 a softmax of rows moves 3,540 GB/s instead of 3,070, and the sum of a grid
stride 4,280 instead of 2,470. One that runs few times is unrolled less, so that most of its rounds
are unrolled ones. Loops with a barrier are left to LLVM, and so is everything for which code size
decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.ir.nodes import (
    AsyncCopy,
    Barrier,
    Break,
    Const,
    Dim,
    For,
    If,
    Inline,
    Leave,
    Load,
    Param,
    Return,
    Symbol,
    Unsafe,
    While,
)
from oxide_analyzer.ir.walk import statements
from oxide_codegen.lowering.optimisations import Optimisation

if TYPE_CHECKING:
    from oxide_analyzer.ir.nodes import Block
    from oxide_codegen.lowering.context import Context

MOST_TRIPS = 64
MOST_STATEMENTS = 1024
SHORT = 12
# How often a short loop is unrolled, by the statements of its body.
_TIMES = ((4, 16), (8, 8), (SHORT, 4))
# Of an unrolled loop this many rounds can run, or it is unrolled less.
_ROUNDS = 4
# With a step that is no number the trips behind the last round cost more.
_MOST_STRIDED = 8
_ROLLED = '!{!"llvm.loop.unroll.disable"}'
# What LLVM calls how often a loop is unrolled.
COUNTED = "llvm.loop.unroll.count"


def unrolling(context: Context, loop: For | While) -> tuple[str, ...]:
    """The attachments of the branch back to the head of `loop`."""
    if isinstance(loop, While):
        return ()
    rolled = () if _assembler_may_unroll(context, loop) else _mark(context, _ROLLED)
    if Optimisation.UNROLLING in context.without:
        return rolled
    if whole_trips(context, loop) is not None:
        return _mark(context, '!{!"llvm.loop.unroll.full"}')
    times = 1 if _can_be_left(loop) else _times(context, loop)
    if times == 1:
        return rolled
    return _mark(context, f'!{{!"{COUNTED}", i32 {times}}}')


def _assembler_may_unroll(context: Context, loop: For) -> bool:
    """Whether the assembler counts the trips of a loop right.

    That of CUDA 13.0 unrolls what LLVM has left. Where a loop ends at the negative of a register
    it takes that register for the end in one of its parts, and leaves trips out: of
    `range(5, -t, -3)` it ran the first trip alone for t = 2. So it may unroll what counts up to an
    end that is a number of the launch, or is not negative.
    """
    step, stop = context.ranges.of(loop.step), context.ranges.of(loop.stop)
    return step.low > 0 and (stop.low >= 0 or isinstance(loop.stop, Param | Dim | Const | Symbol))


def whole_trips(context: Context, loop: For) -> int | None:
    """How often a loop runs that is unrolled whole."""
    if Optimisation.UNROLLING in context.without or _can_be_left(loop):
        return None
    size, trips = _size(context, loop.body), _trips(context, loop)
    if size is None or trips is None or not 1 < trips <= MOST_TRIPS:
        return None
    return trips if trips * size <= MOST_STATEMENTS else None


def _times(context: Context, loop: For) -> int:
    """How often the body of a loop stands in the code that repeats."""
    if is_strided(context, loop):
        return min(_MOST_STRIDED, _short(context, loop))
    step = context.ranges.of(loop.step).literal
    loads = any(isinstance(s, Load) for s in statements(loop.body))
    # On the cpu several threads at once are the better way: see `thread_loop`.
    if not context.narrows or not loads or not step or _trips(context, loop) is not None:
        return 1
    times, most = _short(context, loop), _bounds(context, loop, step)[1]
    while times > 1 and most < times * _ROUNDS:
        times //= 2
    return times


def _short(context: Context, loop: For) -> int:
    size = _size(context, loop.body)
    if size is None or not _is_innermost(loop):
        return 1
    return next((times for most, times in _TIMES if size <= most), 1)


def is_strided(context: Context, loop: For) -> bool:
    """Whether a loop is unrolled by a number; its trips must be counted before it.

    Only in 32 bits: a division in 64 bits costs more than the unrolling saves.
    """
    head = [context.ranges.of(e) for e in (loop.start, loop.stop, loop.step)]
    if head[2].literal is not None or not all(context.fits(interval) for interval in head):
        return False
    return Optimisation.UNROLLING not in context.without and _short(context, loop) > 1


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
    """How often a loop runs, if that is the same whatever its bounds are."""
    step = context.ranges.of(loop.step).literal
    if not step:
        return None
    least, most = _bounds(context, loop, step)
    return most if most == least else None


def _bounds(context: Context, loop: For, step: int) -> tuple[int, int]:
    """How often a loop runs with this step, which is not 0: at least and at most."""
    start, stop = context.ranges.of(loop.start), context.ranges.of(loop.stop)
    if step > 0:
        distances = stop.low - start.high, stop.high - start.low
    else:
        distances = start.low - stop.high, start.high - stop.low
    least, most = (max(0, -(-distance // abs(step))) for distance in distances)
    return least, most


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
