"""What the lanes of one warp compute together, once all that take part have come.

`results` is the meaning of each `WarpFunction`, over the values that the lanes brought:

    shuffle_down by 1 of width 4, lanes 0 1 2 4 5    ->  lane   0  1  2          4  5
        values 10 11 12 14 15                            gets  11 12 undefined  15 undefined

Lanes 3 and 6 take no part, so what comes from them is `UNDEFINED`; past the end of a segment a
lane gets its own value. Reductions and scans go over all 32 lanes in the order that `WarpOp`
fixes, so floats round alike everywhere; a lane that takes no part holds the identity. That of MIN
and MAX of floats is NaN, which gives way to every number.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias, assert_never

from oxide_analyzer.interpreter import arithmetic
from oxide_analyzer.ir.nodes import BinaryOp, WarpFunction
from oxide_analyzer.ir.operators import REDUCTIONS, SCANS
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from oxide_analyzer.ir.nodes import WarpOp
    from oxide_analyzer.language.types import Scalar
    from oxide_analyzer.launch import Number

WARP = 32


class Undefined:
    """The value that comes from a lane which took no part."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "undefined"


UNDEFINED = Undefined()
Result: TypeAlias = "Number | Undefined"


@record
class Brought:
    """What a lane brings: its value (SYNC has none), and the lane operand of a shuffle."""

    value: Number | None
    lane: int


def results(operation: WarpOp, lanes: Mapping[int, Brought]) -> Mapping[int, Result]:
    """What each lane that takes part gets; nothing of a SYNC."""
    match operation.function:
        case WarpFunction.SYNC:
            return {}
        case (
            WarpFunction.SHUFFLE
            | WarpFunction.SHUFFLE_UP
            | WarpFunction.SHUFFLE_DOWN
            | WarpFunction.SHUFFLE_XOR
        ):
            return {own: _shuffled(operation, own, lanes) for own in lanes}
        case WarpFunction.ANY:
            return dict.fromkeys(lanes, any(brought.value for brought in lanes.values()))
        case WarpFunction.ALL:
            return dict.fromkeys(lanes, all(brought.value for brought in lanes.values()))
        case WarpFunction.BALLOT:
            return dict.fromkeys(lanes, bits(lane for lane in lanes if lanes[lane].value))
        case WarpFunction.MATCH_ANY:
            return {
                own: bits(lane for lane in lanes if _equal(lanes[lane], brought))
                for own, brought in lanes.items()
            }
        case WarpFunction.MATCH_ALL:
            first = next(iter(lanes.values()))
            alike = all(_equal(brought, first) for brought in lanes.values())
            return dict.fromkeys(lanes, bits(lanes) if alike else 0)
        case (
            WarpFunction.REDUCE_ADD
            | WarpFunction.REDUCE_MIN
            | WarpFunction.REDUCE_MAX
            | WarpFunction.REDUCE_AND
            | WarpFunction.REDUCE_OR
            | WarpFunction.REDUCE_XOR
        ):
            return _reduced(operation, lanes)
        case WarpFunction.SCAN_ADD | WarpFunction.SCAN_MIN | WarpFunction.SCAN_MAX:
            return _scanned(operation, lanes)
        case _:
            assert_never(operation.function)


def bits(lanes: Iterable[int]) -> int:
    """The mask of some lanes."""
    return sum(1 << lane for lane in lanes)


def same_bits(a: Number, b: Number) -> bool:
    """Whether two values of one type are stored alike; of NaNs there is one."""
    if a == b:
        return a != 0 or math.copysign(1.0, a) == math.copysign(1.0, b)
    return math.isnan(a) and math.isnan(b)


def identity(op: BinaryOp, type: Scalar) -> Number:
    """The value that `op` on `type` gives way to."""
    match op:
        case BinaryOp.ADD:
            return -0.0 if type.is_float else 0
        case BinaryOp.MIN:
            return arithmetic.NAN if type.is_float else type.max
        case BinaryOp.MAX:
            return arithmetic.NAN if type.is_float else type.min
        case BinaryOp.AND:
            return type.wrap(-1)
        case BinaryOp.OR | BinaryOp.XOR:
            return 0
        case _:
            raise ValueError(f"no warp computes {op}")


def _equal(a: Brought, b: Brought) -> bool:
    return a.value is not None and b.value is not None and same_bits(a.value, b.value)


def _shuffled(operation: WarpOp, own: int, lanes: Mapping[int, Brought]) -> Result:
    width, operand = operation.width, lanes[own].lane
    start = own - own % width
    match operation.function:
        case WarpFunction.SHUFFLE:
            source = start + operand % width
        case WarpFunction.SHUFFLE_UP:
            source = own - operand
        case WarpFunction.SHUFFLE_DOWN:
            source = own + operand
        case _:
            source = own ^ operand
    if not start <= source < start + width:
        source = own
    if source not in lanes:
        return UNDEFINED
    value = lanes[source].value
    return UNDEFINED if value is None else value


def _column(
    operation: WarpOp, op: BinaryOp, lanes: Mapping[int, Brought]
) -> tuple[list[Number], Number, arithmetic.TwoOperands]:
    """The values of all 32 lanes, the identity, and the function of `op`."""
    assert operation.value is not None
    type = operation.value.type
    nothing = identity(op, type)
    values = [nothing] * WARP
    for lane, brought in lanes.items():
        if brought.value is not None:
            values[lane] = brought.value
    return values, nothing, arithmetic.binary_function(op, type)


def _reduced(operation: WarpOp, lanes: Mapping[int, Brought]) -> Mapping[int, Result]:
    values, _, combine = _column(operation, REDUCTIONS[operation.function], lanes)
    distance = operation.width // 2
    while distance:
        values = [combine(values[own], values[own ^ distance]) for own in range(WARP)]
        distance //= 2
    return {lane: values[lane] for lane in lanes}


def _scanned(operation: WarpOp, lanes: Mapping[int, Brought]) -> Mapping[int, Result]:
    values, nothing, combine = _column(operation, SCANS[operation.function], lanes)
    width = operation.width
    distance = 1
    while distance < width:
        values = [
            combine(values[own - distance], values[own]) if own % width >= distance else values[own]
            for own in range(WARP)
        ]
        distance *= 2
    if not operation.exclusive:
        return {lane: values[lane] for lane in lanes}
    return {lane: values[lane - 1] if lane % width else nothing for lane in lanes}
