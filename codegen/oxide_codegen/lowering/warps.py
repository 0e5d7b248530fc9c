"""What the lanes of a warp compute together, in terms of what one lane can ask of another.

A lane finds the lane that a shuffle reads, and sums a segment as a balanced tree whose leaves are
the values of the lanes: that gives, bit for bit, what the exchanges of `WarpOp` give, also where
lanes are missing, which count as the identity. Of a width of 4, for the lane with place 2:

    reduce    (v0 + v2) + (v1 + v3)            scan    (- + v0) + (v1 + v2)

The tree is a function of its own, `oxide.warp.…`, made once for an operation, type and width. On
the host it is written out. On a device it is a loop over the leaves, with a partial sum for each
level of the tree, as a binary counter has a digit: written out, with its 32 conditions, ptxas 13
fails to allocate registers (C7600). A machine that has all lanes at hand does less; see
`device_warps`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from oxide_analyzer.ir.nodes import BinaryOp, WarpFunction
from oxide_analyzer.ir.operators import REDUCTIONS, SCANS
from oxide_analyzer.launch import WARP
from oxide_codegen.lowering import arithmetic
from oxide_codegen.lowering.builder import Builder, Value, constant, register_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oxide_analyzer.ir.nodes import WarpOp
    from oxide_analyzer.language.types import Scalar

COMBINATIONS = {**REDUCTIONS, **SCANS}


class Peers(Protocol):
    """How the function of a tree gets at the value of another lane; `own` is an i32."""

    has_minimum: bool
    is_loop: bool
    attributes: str

    def parameters(self, type_: str) -> str:
        """Its parameters, of which `%own` and `%present` are i32."""
        ...

    def value(self, build: Builder, lane: Value, type_: str) -> Value:
        """What the lane `lane`, an i32 below 32, brought; anything if it is not present."""
        ...


def identity(op: BinaryOp, scalar: Scalar) -> Value:
    """The value that an operator gives way to."""
    if op in (BinaryOp.MIN, BinaryOp.MAX):
        if scalar.is_float:
            return constant(float("nan"), scalar)
        return constant(scalar.max if op is BinaryOp.MIN else scalar.min, scalar)
    if op is BinaryOp.AND:
        return Value("-1", register_type(scalar))
    return constant(-0.0 if scalar.is_float else 0, scalar)


def source(build: Builder, statement: WarpOp, own: Value, lane: Value) -> Value:
    """The lane (i32) that a shuffle reads; `lane` is its operand, an i64."""
    place = build.binary("and", own, str(statement.width - 1))
    start = build.binary("and", own, str(-statement.width))
    if statement.function is WarpFunction.SHUFFLE:
        at = build.binary("and", build.cast("trunc", lane, "i32"), str(statement.width - 1))
        return build.binary("or", start, at)
    opcodes = {
        WarpFunction.SHUFFLE_UP: "sub",
        WarpFunction.SHUFFLE_DOWN: "add",
        WarpFunction.SHUFFLE_XOR: "xor",
    }
    wide = build.cast("zext", place, "i64")
    at = build.binary(opcodes[statement.function], wide, lane)
    inside = build.compare("icmp ult", at, str(statement.width))
    found = build.binary("or", start, build.cast("trunc", at, "i32"))
    return build.select(inside, found, own)


def tree(build: Builder, statement: WarpOp, scalar: Scalar, peers: Peers) -> str:
    """The name of the function that gives a lane the result of a reduction or a scan."""
    op = COMBINATIONS[statement.function]
    kind = statement.function.value + ("_exclusive" if statement.exclusive else "")
    name = f"oxide.warp.{kind}.{scalar.name}.{statement.width}"
    if name not in build.functions:
        inner = Builder(build.names)
        type_ = register_type(scalar)
        if peers.is_loop:
            total = _counted(inner, statement, op, scalar, peers)
        else:
            values = [
                _leaf(inner, lane, inside, op, scalar, peers)
                for lane, inside in _lanes(inner, statement)
            ]
            total = _summed(inner, values, op, scalar, statement.function in REDUCTIONS, peers)
        build.functions[name] = "\n".join(
            [
                f"define internal {type_} @{name}({peers.parameters(type_)}) {peers.attributes} {{",
                *inner.entry,
                "  br label %start",
                "start:",
                *inner.lines,
                f"  ret {total}",
                "}",
            ]
        )
        build.functions |= inner.functions
    return name


def _lanes(build: Builder, statement: WarpOp) -> list[tuple[Value, Value | None]]:
    """The leaves from left to right: their lanes, and whether they lie within the segment."""
    own, width = Value("%own", "i32"), statement.width
    start = build.binary("and", own, str(-width))
    if statement.function in REDUCTIONS:
        return [(build.binary("or", start, str(place)), None) for place in range(width)]
    last = 1 if statement.exclusive else 0
    found: list[tuple[Value, Value | None]] = []
    for back in range(width - 1 + last, last - 1, -1):
        lane = build.binary("sub", own, str(back))
        # Of the first segment the lanes below 0 are none; as unsigned ones they are huge.
        inside = build.compare("icmp sge", lane, start)
        found.append((build.binary("and", lane, str(WARP - 1)), inside))
    return found


def _leaf(
    build: Builder,
    lane: Value,
    inside: Value | None,
    op: BinaryOp,
    scalar: Scalar,
    peers: Peers,
) -> Value:
    value = peers.value(build, lane, register_type(scalar))
    shifted = build.binary("lshr", Value("%present", "i32"), lane)
    there = build.cast("trunc", shifted, "i1")
    if inside is not None:
        there = build.binary("and", there, inside)
    return build.select(there, value, identity(op, scalar))


def _summed(
    build: Builder,
    values: Sequence[Value],
    op: BinaryOp,
    scalar: Scalar,
    folds: bool,
    peers: Peers,
) -> Value:
    """The tree: a reduction folds the upper half onto the lower, a scan adds neighbours."""
    while len(values) > 1:
        half = len(values) // 2
        pairs = (
            zip(values[:half], values[half:], strict=True)
            if folds
            else zip(values[::2], values[1::2], strict=True)
        )
        values = [
            arithmetic.combined(build, op, a, b, scalar, has_minimum=peers.has_minimum)
            for a, b in pairs
        ]
    return values[0]


def _counted(
    build: Builder, statement: WarpOp, op: BinaryOp, scalar: Scalar, peers: Peers
) -> Value:
    """The tree as a loop: the sum of the leaves so far of each level that is half done."""
    levels, type_ = statement.width.bit_length() - 1, register_type(scalar)
    sums = [build.variable(type_, "sum") for _ in range(levels)]
    for slot in sums:
        build.store(identity(op, scalar), slot)
    total = build.variable(type_, "total")
    mark = build.names.reserve()
    rolled = build.names.shared('!{!"llvm.loop.unroll.disable"}')
    build.names.define(mark, f"distinct !{{{mark}, {rolled}}}")
    with build.counted("0", str(statement.width), mark=mark) as counter:
        number = build.cast("trunc", counter, "i32")
        lane, inside = _lane(build, statement, number)
        value = _leaf(build, lane, inside, op, scalar, peers)
        carries = Value("true", "i1")
        for level, slot in enumerate(sums):
            full = build.cast("trunc", build.binary("lshr", number, str(level)), "i1")
            before = build.load(type_, slot)
            both = arithmetic.combined(
                build, op, before, value, scalar, has_minimum=peers.has_minimum
            )
            # A level that is half done is completed; one that is not begins with the value.
            ends = build.binary("and", carries, build.binary("xor", full, "true"))
            build.store(build.select(ends, value, before), slot)
            carries = build.binary("and", carries, full)
            value = build.select(carries, both, value)
        build.store(value, total)
    return build.load(type_, total)


def _lane(build: Builder, statement: WarpOp, number: Value) -> tuple[Value, Value | None]:
    """The lane of a leaf by its number from the left, and whether it lies within the segment."""
    own, width = Value("%own", "i32"), statement.width
    start = build.binary("and", own, str(-width))
    if statement.function in REDUCTIONS:
        # Neighbours of the tree are half of the segment apart, their pairs a quarter, …
        turned = build.intrinsic("bitreverse", number)
        place = build.binary("lshr", turned, str(WARP - (width.bit_length() - 1)))
        return build.binary("or", start, place), None
    last = 1 if statement.exclusive else 0
    first = build.binary("sub", own, str(width - 1 + last))
    lane = build.binary("add", first, number)
    inside = build.compare("icmp sge", lane, start)
    return build.binary("and", lane, str(WARP - 1)), inside


def comparable(build: Builder, value: Value) -> Value:
    """The bits of a value as an integer of at least 32 bits, in which all NaNs are one."""
    if value.type in ("float", "double"):
        bits = 32 if value.type == "float" else 64
        nan = build.compare("fcmp uno", value, value)
        number = build.cast("bitcast", value, f"i{bits}")
        return build.select(nan, "2143289344" if bits == 32 else "9221120237041090560", number)
    if value.type in ("i1", "i8", "i16"):
        return build.cast("zext", value, "i32")
    return value


def as_bits(build: Builder, value: Value, type_: str) -> Value:
    """A value in an integer type that is at least as wide."""
    if value.type in ("float", "double"):
        value = build.cast("bitcast", value, "i32" if value.type == "float" else "i64")
    return value if value.type == type_ else build.cast("zext", value, type_)


def from_bits(build: Builder, bits: Value, type_: str) -> Value:
    """The value of `type_` in the low bits of an integer."""
    width = {"float": "i32", "double": "i64"}.get(type_, type_)
    if bits.type != width:
        bits = build.cast("trunc", bits, width)
    return bits if width == type_ else build.cast("bitcast", bits, type_)
