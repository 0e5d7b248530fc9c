"""Control flow: structured statements as blocks and branches.

    for v in range(start, stop, step)    is    i = start; while i < stop: v = i; body; i += step

where `i + step` cannot wrap; where it could, the trips are counted first, in the unsigned type:
ceil((stop - start) / step) fits it whatever the operands. The loop variable is a copy, so what
the body assigns to it does not change the loop.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, assert_never

from oxide_analyzer.ir.nodes import (
    Assign,
    Atomic,
    Barrier,
    Break,
    CheckDivisor,
    Continue,
    Declare,
    DivisorRole,
    For,
    If,
    Inline,
    Leave,
    Load,
    Return,
    Store,
    While,
)
from oxide_codegen.abi import FailureKind
from oxide_codegen.lowering import access, arithmetic
from oxide_codegen.lowering.unrolling import unrolling

if TYPE_CHECKING:
    from oxide_analyzer.ir.nodes import Block, Stmt
    from oxide_codegen.lowering.builder import Value
    from oxide_codegen.lowering.context import Context


@dataclass(frozen=True, slots=True)
class Exits:
    """Where `break`, `continue` and `Leave` go. `waits` is true inside a `while`."""

    end: str
    next: str
    leave: dict[int, str]
    waits: bool


OUTSIDE = Exits("", "", {}, False)


def block(context: Context, statements: Block, exits: Exits = OUTSIDE) -> None:
    """The statements of one block, one after the other."""
    for statement in statements:
        context.locate(statement.span)
        _statement(context, statement, exits)


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
            access.check_divisor(context, statement, kind)
        case Declare(array=array):
            access.declare(context, array)
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
    build.place(head)
    block(context, statement.header, inside)
    context.locate(statement.span)
    condition = context.value(statement.condition)
    build.branch(condition.text, body, end)
    build.place(body)
    block(context, statement.body, inside)
    build.jump(head, unrolling(context, statement))
    build.place(end)


def _for(context: Context, statement: For, exits: Exits) -> None:
    build, ranges = context.build, context.ranges
    scalar = statement.variable.type
    start, stop = context.value(statement.start), context.value(statement.stop)
    step = context.value(statement.step)
    _, variable_type = context.slot(statement.variable)
    steps, stops = ranges.of(statement.step), ranges.of(statement.stop)
    rising, falling = steps.low > 0, steps.high < 0
    bits = int(variable_type[1:])
    low, high = (
        (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
        if scalar.is_signed
        else (scalar.min, scalar.max)
    )
    starts = ranges.of(statement.start)
    simple = (
        starts.within(low, high)
        and stops.within(low, high)
        and (
            (rising and stops.high - 1 + steps.high <= high)
            or (falling and stops.low + 1 + steps.low >= low)
        )
    )
    type_ = variable_type if simple else f"i{scalar.bits}"
    start, stop, step = (
        arithmetic.resize(build, v, type_, signed=scalar.is_signed) for v in (start, stop, step)
    )
    head, body = build.label("for"), build.label("do")
    following, end = build.label("next"), build.label("endfor")
    counter = build.variable(type_, "counter")
    build.store(start, counter)
    sign = "s" if scalar.is_signed else "u"
    left = ""
    if not simple:
        left = build.variable(type_, "left")
        build.store(_trips(context, start, stop, step, sign), left)
    build.place(head)
    if simple:
        predicate = f"icmp {sign}lt" if rising else f"icmp {sign}gt"
        more = build.compare(predicate, build.load(type_, counter), stop)
    else:
        more = build.compare("icmp ne", build.load(type_, left), "0")
    build.branch(more.text, body, end)
    build.place(body)
    context.assign(statement.variable, build.load(type_, counter))
    block(context, statement.body, Exits(end, following, exits.leave, exits.waits))
    build.place(following)
    context.locate(statement.span)
    build.store(build.binary("add", build.load(type_, counter), step), counter)
    if not simple:
        build.store(build.binary("sub", build.load(type_, left), "1"), left)
    build.jump(head, unrolling(context, statement))
    build.place(end)


def _trips(context: Context, start: Value, stop: Value, step: Value, sign: str) -> Value:
    """How often the body runs: the distance over the step, rounded up, both unsigned."""
    build = context.build
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
