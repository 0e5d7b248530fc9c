"""Control flow: structured statements as blocks and branches.

    for v in range(start, stop, step)    is    i = start; while i < stop: v = i; body; i += step

where `i + step` cannot wrap, possibly as an unsigned number; where it could, and where the loop
is to be unrolled by a number, the trips are counted first, in the unsigned type:
ceil((stop - start) / step) fits it whatever the operands. The loop variable is a copy, so what
the body assigns to it does not change the loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from oxide_analyzer.ir.nodes import (
    Assert,
    Assign,
    AsyncCommit,
    AsyncCopy,
    AsyncWait,
    Atomic,
    Barrier,
    Break,
    Breakpoint,
    CheckAligned,
    CheckDivisor,
    CheckIndex,
    CheckView,
    Continue,
    Declare,
    DivisorRole,
    Fence,
    For,
    Forget,
    If,
    Inline,
    Leave,
    Load,
    MatrixOp,
    Print,
    Return,
    Store,
    Told,
    Unsafe,
    WarpOp,
    While,
)
from oxide_analyzer.record import record
from oxide_codegen.abi import FailureKind
from oxide_codegen.lowering import access, arithmetic, asynchronous, checks, matrix
from oxide_codegen.lowering.builder import Value
from oxide_codegen.lowering.environment import WarpOperands
from oxide_codegen.lowering.patterns import is_waiting_loop
from oxide_codegen.lowering.unrolling import is_strided, unrolling, whole_trips

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oxide_analyzer.ir.nodes import Block, Stmt
    from oxide_codegen.lowering.builder import Builder
    from oxide_codegen.lowering.context import Context


@record
class Exits:
    """Where `break`, `continue` and `Leave` go. `waits` is true in a loop that may wait."""

    end: str
    next: str
    leave: dict[int, str]
    waits: bool


OUTSIDE = Exits("", "", {}, False)


def block(context: Context, statements: Block, exits: Exits = OUTSIDE) -> None:
    """The statements of one block, one after the other."""
    behind = 0
    for position, statement in enumerate(statements):
        if position < behind:
            continue
        context.locate(statement.span)
        if isinstance(statement, CheckAligned):
            accesses = _together(statement, statements[position + 1 :])
            if accesses:
                access.wide(context, statement, accesses)
                behind = position + 1 + len(accesses)
                continue
        _statement(context, statement, exits)


def _together(check: CheckAligned, following: Block) -> Sequence[Load | Store]:
    """The accesses that a check makes one wide one of; none if they are not the next statements."""
    found = [
        s
        for s in following[: check.width]
        if isinstance(s, Load | Store) and s.array == check.array
    ]
    alike = len({type(s) for s in found}) == 1
    return found if alike and len(found) == check.width else ()


def _statement(context: Context, statement: Stmt, exits: Exits) -> None:
    build = context.build
    match statement:
        case Assign(target=target, value=value):
            context.assign(target, context.value(value))
        case Load():
            access.load(context, statement)
        case Store():
            access.store(context, statement)
        case Atomic():
            if exits.waits:
                context.environment.mark_loop_atomic(build)
            access.atomic(context, statement)
        case CheckDivisor(role=role):
            kind = FailureKind.STEP if role is DivisorRole.STEP else FailureKind.DIVISOR
            checks.check_divisor(context, statement, kind)
        case CheckIndex():
            checks.check_index(context, statement)
        case CheckView():
            checks.check_view(context, statement)
        case CheckAligned():
            checks.check_aligned(context, statement)
        case Assert():
            checks.check_assertion(context, statement)
        case Print(values=values):
            context.environment.print(build, statement, [context.widened(v) for v in values])
        case Forget(target=target, told=Told.ACTIVE_LANES):
            context.assign(target, context.environment.active_lanes(build, statement))
        case Forget(what=what, span=span):
            raise ValueError(f"{span}: {what} is unknown")
        case Declare(array=array):
            access.declare(context, array)
        case Breakpoint():
            # For who stops at it: see `oxide_codegen.debugging`.
            pass
        case Fence(scope=scope):
            context.environment.fence(build, scope)
        case AsyncCopy(body=body):
            if not asynchronous.copy(context, statement):
                block(context, body, exits)
        case MatrixOp(body=body):
            if not matrix.lower(context, statement):
                block(context, body, exits)
        case AsyncCommit():
            asynchronous.commit(context)
        case AsyncWait():
            asynchronous.wait(context, statement)
        case WarpOp():
            _warp(context, statement)
        case Unsafe(body=body):
            block(context, body, exits)
        case Barrier():
            context.environment.barrier(build, statement)
        case If():
            _if(context, statement, exits)
        case For():
            _for(context, statement, exits)
        case While():
            _while(context, statement, exits)
        case Break():
            build.jump(exits.end)
        case Continue():
            build.jump(exits.next)
        case Return():
            context.environment.finish(build)
        case Inline(label=label, body=body):
            end = build.label("inlined")
            block(
                context,
                body,
                Exits(exits.end, exits.next, {**exits.leave, label: end}, exits.waits),
            )
            build.place(end)
        case Leave(label=label):
            build.jump(exits.leave[label])
        case _:
            assert_never(statement)


def _warp(context: Context, statement: WarpOp) -> None:
    value, mask = (
        None if e is None else context.widened(e) for e in (statement.value, statement.mask)
    )
    lane = None if statement.lane is None else context.wide(statement.lane)
    result = context.environment.warp(context.build, statement, WarpOperands(value, lane, mask))
    if statement.target is not None and result is not None:
        context.assign(statement.target, result)


def _if(context: Context, statement: If, exits: Exits) -> None:
    build = context.build
    then, otherwise, end = build.label("then"), build.label("else"), build.label("endif")
    condition = context.value(statement.condition)
    build.branch(condition.text, then, otherwise if statement.otherwise else end)
    build.place(then)
    block(context, statement.then, exits)
    if statement.otherwise:
        build.jump(end)
        build.place(otherwise)
        block(context, statement.otherwise, exits)
    build.place(end)


def _while(context: Context, statement: While, exits: Exits) -> None:
    build = context.build
    head, body, end = build.label("while"), build.label("do"), build.label("endwhile")
    inside = Exits(end, head, exits.leave, True)
    turns = context.environment.turns(build, statement)
    build.place(head)
    _count(build, turns)
    block(context, statement.header, inside)
    context.locate(statement.span)
    condition = context.value(statement.condition)
    if context.continues and context.makes_checks and is_waiting_loop(statement):
        # The thread that this one waits for may have skipped what it was to do.
        failed = context.environment.has_failed(build)
        condition = build.binary("and", condition, build.binary("xor", failed, "true"))
    build.branch(condition.text, body, end)
    build.place(body)
    block(context, statement.body, inside)
    build.jump(head, unrolling(context, statement))
    build.place(end)


def _count(build: Builder, turns: str | None) -> None:
    if turns is not None:
        build.store(build.binary("add", build.load("i64", turns), "1"), turns)


@record
class Counter:
    """How a loop counts: in which type, until which comparison fails, by which addition.

    Without a predicate the trips are counted down.
    """

    type: str
    predicate: str | None
    addition: str


def _for(context: Context, statement: For, exits: Exits) -> None:
    build, signed = context.build, statement.variable.type.is_signed
    values = [context.value(e) for e in (statement.start, statement.stop, statement.step)]
    how = _counter(context, statement)
    start, stop, step = (arithmetic.resize(build, v, how.type, signed=signed) for v in values)
    head, body = build.label("for"), build.label("do")
    following, end = build.label("next"), build.label("endfor")
    counter, left = build.variable(how.type, "counter"), ""
    build.store(start, counter)
    turns = context.environment.turns(build, statement)
    if how.predicate is None:
        left = build.variable(how.type, "left")
        known = whole_trips(context, statement)
        count = Value(str(known), how.type) if known is not None else None
        build.store(count or _trips(context, start, stop, step, signed), left)
    elif how.predicate == "icmp ult" and signed:
        # An empty range may end below zero.
        stop = build.intrinsic("smax", stop, Value("0", how.type))
    build.place(head)
    if how.predicate is None:
        more = build.compare("icmp ne", build.load(how.type, left), "0")
    else:
        more = build.compare(how.predicate, build.load(how.type, counter), stop)
    build.branch(more.text, body, end)
    build.place(body)
    _count(build, turns)
    context.assign(statement.variable, build.load(how.type, counter))
    waits = exits.waits or is_waiting_loop(statement)
    block(context, statement.body, Exits(end, following, exits.leave, waits))
    build.place(following)
    context.locate(statement.span)
    build.store(build.binary(how.addition, build.load(how.type, counter), step), counter)
    if how.predicate is None:
        build.store(build.binary("sub", build.load(how.type, left), "1"), left)
    build.jump(head, unrolling(context, statement))
    build.place(end)


def _counter(context: Context, statement: For) -> Counter:
    """A counter that does not wrap, the step behind the last trip included."""
    ranges, scalar = context.ranges, statement.variable.type
    start, stop, step = (ranges.of(e) for e in (statement.start, statement.stop, statement.step))
    _, narrow = context.slot(statement.variable)
    sign, addition = ("s", "add nsw") if scalar.is_signed else ("u", "add nuw")
    if is_strided(context, statement):
        return Counter("i32", None, "add")
    if whole_trips(context, statement) is not None and start.literal is None:
        # Only the ranges know how often, so LLVM has to be told.
        return Counter(narrow, None, "add")
    for bits in sorted({int(narrow[1:]), scalar.bits}):
        low, high = 0, (1 << bits) - 1
        if scalar.is_signed:
            low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
        if not all(interval.within(low, high) for interval in (start, stop, step)):
            continue
        if step.low > 0 and stop.high - 1 + step.high <= high:
            return Counter(f"i{bits}", f"icmp {sign}lt", addition)
        if step.high < 0 and stop.low + 1 + step.low >= low:
            return Counter(f"i{bits}", f"icmp {sign}gt", addition)
        # Two numbers below 2**(bits - 1) have a sum below 2**bits.
        if scalar.is_signed and start.low >= 0 and step.low > 0:
            return Counter(f"i{bits}", "icmp ult", "add nuw")
    return Counter(f"i{scalar.bits}", None, "add")


def _trips(context: Context, start: Value, stop: Value, step: Value, signed: bool) -> Value:
    """How often the body runs: the distance over the step, rounded up, both unsigned."""
    build, sign = context.build, "s" if signed else "u"
    rising = build.compare(f"icmp {sign}gt", step, "0")
    forward, backward = build.binary("sub", stop, start), build.binary("sub", start, stop)
    distance = build.select(rising, forward, backward)
    negated = build.value(step.type, f"sub {step.type} 0, {step.text}")
    stride = build.select(rising, step, negated)
    up, down = (build.compare(f"icmp {sign}{p}", stop, start) for p in ("gt", "lt"))
    some = build.select(rising, up, down)
    zero = build.compare("icmp eq", stride, "0")
    divisor = build.select(zero, "1", stride)
    count = build.binary("udiv", build.binary("sub", distance, "1"), divisor)
    trips = build.binary("add", count, "1")
    runs = build.binary("and", some, build.binary("xor", zero, "true"))
    return build.value(step.type, f"select {runs}, {trips}, {step.type} 0")
