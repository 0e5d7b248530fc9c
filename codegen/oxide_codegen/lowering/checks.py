"""Run-time checks: what stands where the proof left an obligation open.

    CheckIndex(i, n)    is    if i >= n (unsigned): record what was found, end the thread

Where threads may wait for each other (`grid_sync`, or a loop that waits on an atomic), one that
ended would be waited for: there a failed check records, the access is skipped, and the thread
goes on. What was proved behind the check, with the check as a premise, then holds no longer, so
in such a kernel either every check is proved, or every one is made: see `Context.is_proved`.

The checks of a kernel stay in `unsafe` regions too: they are what keeps an unproved access from
memory that is not the array's. Regions lift the obligation, which no longer keeps the kernel from
being compiled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_codegen.abi import FailureKind
from oxide_codegen.lowering import arithmetic
from oxide_codegen.lowering.environment import Failure

if TYPE_CHECKING:
    from oxide_analyzer.ir.nodes import (
        Array,
        Assert,
        CheckAligned,
        CheckDivisor,
        CheckIndex,
        CheckView,
        Expr,
    )
    from oxide_codegen.lowering.builder import Names, Value
    from oxide_codegen.lowering.context import Context

_UNLIKELY = '!{!"branch_weights", i32 1, i32 1048576}'


def check_divisor(context: Context, statement: CheckDivisor, kind: FailureKind) -> None:
    """Fail if the divisor is zero, unless that gives 0 in the kernel's dialect."""
    if context.is_proved(statement.site):
        return
    if kind is FailureKind.DIVISOR and context.checked.kernel.divides_by_zero:
        return
    divisor = context.value(statement.divisor)
    if context.ranges.of(statement.divisor).excludes(0):
        return
    zero = context.build.compare("icmp eq", divisor, "0")
    _demand(context, zero, Failure(str(statement.site), str(int(kind))))


def check_index(context: Context, statement: CheckIndex) -> None:
    """Fail unless an index lies within a view."""
    if context.is_proved(statement.site):
        return
    found = outside(
        context,
        statement.site,
        statement.axis,
        statement.index,
        context.value(statement.index),
        statement.extent,
    )
    if found is not None:
        _demand(context, *found)


def check_view(context: Context, statement: CheckView) -> None:
    """Fail unless a view lies within its array."""
    if context.is_proved(statement.site):
        return
    build = context.build
    start, stop, extent = (
        context.wide(e) for e in (statement.start, statement.stop, statement.extent)
    )
    # With 0 <= extent: stop beyond it, also a negative one, is a huger number, and so is a
    # negative start beyond a stop that is within.
    beyond = build.compare("icmp ugt", stop, extent)
    crossed = build.compare("icmp ugt", start, stop)
    failure = Failure(
        str(statement.site),
        str(int(FailureKind.VIEW)),
        str(statement.axis),
        start.text,
        extent.text,
        stop.text,
    )
    _demand(context, build.binary("or", beyond, crossed), failure)


def check_aligned(context: Context, statement: CheckAligned) -> None:
    """Fail unless an offset is a multiple of a width, which is a power of two."""
    if context.is_proved(statement.site):
        return
    offset = context.wide(statement.offset)
    rest = context.build.binary("and", offset, str(statement.width - 1))
    odd = context.build.compare("icmp ne", rest, "0")
    failure = Failure(
        str(statement.site),
        str(int(FailureKind.ALIGNMENT)),
        index=offset.text,
        length=str(statement.width),
    )
    _demand(context, odd, failure)


def check_assertion(context: Context, statement: Assert) -> None:
    """Fail unless a condition holds."""
    if context.is_proved(statement.site):
        return
    condition = context.value(statement.condition)
    broken = context.build.binary("xor", condition, "true")
    _demand(context, broken, Failure(str(statement.site), str(int(FailureKind.ASSERTION))))


def check_bounds(
    context: Context,
    array: Array,
    index: tuple[Expr, ...],
    values: list[Value],
    site: int,
    skip: str,
) -> None:
    """Fail unless an element exists; where threads go on, jump to `skip`."""
    for axis, value in enumerate(values):
        found = outside(context, site, axis, index[axis], value, array.shape[axis])
        if found is not None:
            _demand(context, *found, skip=skip)


def outside(
    context: Context, site: int, axis: int, index: Expr, value: Value, extent: Expr
) -> tuple[Value, Failure] | None:
    """Whether an index lies outside of an extent, and what to record then; None: it never does."""
    limit, interval = context.ranges.of(extent), context.ranges.of(index)
    if interval.low >= 0 and interval.high < limit.low:
        return None
    narrow = context.fits(limit) and context.fits(interval)
    type_ = "i32" if narrow else "i64"
    at = arithmetic.resize(context.build, value, type_, signed=True)
    length = arithmetic.resize(context.build, context.value(extent), type_, signed=True)
    # A negative index is a huge unsigned one.
    beyond = context.build.compare("icmp uge", at, length)
    wide_index, wide_length = context.resized(at), context.resized(length)
    failure = Failure(
        str(site), str(int(FailureKind.BOUNDS)), str(axis), wide_index.text, wide_length.text
    )
    return beyond, failure


def _demand(context: Context, broken: Value, failure: Failure, skip: str = "") -> None:
    build = context.build
    failed, passed = build.label("failed"), build.label("passed")
    build.branch(broken.text, failed, passed, _unlikely(build.names))
    build.place(failed)
    if context.continues:
        context.environment.note(build, failure)
        build.jump(skip or passed)
    else:
        context.environment.fail(build, failure)
    build.place(passed)


def _unlikely(names: Names) -> tuple[str]:
    return (f"!prof {names.shared(_UNLIKELY)}",)
