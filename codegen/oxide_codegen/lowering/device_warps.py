"""Warp operations in PTX: `shfl.sync`, `vote.sync`, `match.sync`, `redux.sync`.

A lane that has returned is not waited for, wherever its bit is set in a mask, so the mask of an
operation without one holds all lanes. Which of them take part says a ballot:

    warp.reduce_add(v)     is     integers of 32 bits, width 32, sm_80:  redux.sync.add
                                  else, if all lanes of each segment are there:  5 × shfl.bfly, add
                                  else the tree of `warps`, whose leaves are shfl.idx

The question is left out where the answer is known: blocks of whole warps, and no thread ends
early.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.ir.nodes import BinaryOp, Const, WarpFunction
from oxide_analyzer.ir.operators import REDUCTIONS, SCANS, SHUFFLES
from oxide_analyzer.launch import WARP
from oxide_codegen.lowering import arithmetic, warps
from oxide_codegen.lowering.builder import Builder, Value

if TYPE_CHECKING:
    from oxide_analyzer.ir.nodes import WarpOp
    from oxide_analyzer.language.types import Scalar
    from oxide_codegen.lowering.environment import WarpOperands
    from oxide_codegen.target import Capabilities

_EVERYBODY = Value("-1", "i32")
_REDUX = 80
_REDUX_NAMES = {
    BinaryOp.ADD: "add",
    BinaryOp.AND: "and",
    BinaryOp.OR: "or",
    BinaryOp.XOR: "xor",
}
_SHUFFLES = {
    WarpFunction.SHUFFLE_UP: "up",
    WarpFunction.SHUFFLE_DOWN: "down",
    WarpFunction.SHUFFLE_XOR: "bfly",
}


class _Shuffled:
    """Peers that a lane asks by `shfl.sync.idx`."""

    has_minimum = True
    is_loop = True
    attributes = "convergent nounwind"

    def parameters(self, type_: str) -> str:
        return f"{type_} %value, i32 %mask, i32 %present, i32 %own"

    def value(self, build: Builder, lane: Value, type_: str) -> Value:
        return _shuffle(build, "idx", Value("%mask", "i32"), Value("%value", type_), lane, WARP - 1)


def lower(
    build: Builder,
    statement: WarpOp,
    operands: WarpOperands,
    own: Value,
    target: Capabilities,
    *,
    is_whole: bool,
) -> Value | None:
    """One warp operation; `own` is the lane as i32, `is_whole` rules out missing lanes."""
    mask, value = operands.mask or _EVERYBODY, operands.value
    function = statement.function
    if function is WarpFunction.SYNC:
        build.emit(f"call void @llvm.nvvm.bar.warp.sync({mask})")
        return None
    assert value is not None
    if function in SHUFFLES:
        assert operands.lane is not None
        return _shuffled(build, statement, mask, value, own, operands.lane)
    match function:
        case WarpFunction.ANY | WarpFunction.ALL:
            return build.call("i1", f"llvm.nvvm.vote.{function.value}.sync", mask, value)
        case WarpFunction.BALLOT:
            return build.call("i32", "llvm.nvvm.vote.ballot.sync", mask, value)
        case WarpFunction.MATCH_ANY:
            bits = warps.comparable(build, value)
            return build.call("i32", f"llvm.nvvm.match.any.sync.{bits.type}", mask, bits)
        case WarpFunction.MATCH_ALL:
            bits = warps.comparable(build, value)
            both = build.call("{ i32, i1 }", f"llvm.nvvm.match.all.sync.{bits.type}p", mask, bits)
            return build.value("i32", f"extractvalue {both}, 0")
        case _:
            pass
    assert statement.value is not None
    scalar = statement.value.type
    whole = is_whole and statement.mask is None
    op = warps.COMBINATIONS[function]
    narrow = scalar.is_integer and scalar.bits <= 32 and statement.width == WARP
    if function in REDUCTIONS and narrow and target.number >= _REDUX:
        return _redux(build, op, scalar, value, mask)
    return _combined(build, statement, scalar, value, own, mask, whole=whole)


def _redux(build: Builder, op: BinaryOp, scalar: Scalar, value: Value, mask: Value) -> Value:
    """One instruction, of a whole warp.

    Segments that name each other alone would do it as well, each with a mask of its own; but from
    there on the warp is parted, and may come to a barrier of the block in parts.
    """
    wide = arithmetic.resize(build, value, "i32", signed=scalar.is_signed)
    name = _REDUX_NAMES.get(op, f"{'' if scalar.is_signed else 'u'}{op.value}")
    total = build.call("i32", f"llvm.nvvm.redux.sync.{name}", wide, mask)
    return arithmetic.resize(build, total, value.type, signed=True)


def _combined(
    build: Builder,
    statement: WarpOp,
    scalar: Scalar,
    value: Value,
    own: Value,
    mask: Value,
    *,
    whole: bool,
) -> Value:
    exchange = _reduce if statement.function in REDUCTIONS else _scan
    if whole:
        return exchange(build, statement, scalar, value, own, mask)
    slot = build.variable(value.type, "warp")
    present = build.call("i32", "llvm.nvvm.vote.ballot.sync", mask, Value("true", "i1"))
    complete = _is_complete(build, present, statement.width)
    fast, slow, end = build.label("fast"), build.label("slow"), build.label("combined")
    build.branch(complete.text, fast, slow)
    build.place(fast)
    build.store(exchange(build, statement, scalar, value, own, mask), slot)
    build.jump(end)
    build.place(slow)
    name = warps.tree(build, statement, scalar, _Shuffled())
    build.store(build.call(value.type, name, value, mask, present, own), slot)
    build.place(end)
    return build.load(value.type, slot)


def _is_complete(build: Builder, present: Value, width: int) -> Value:
    """Whether of each segment all lanes are there, or none: the same for all of them."""
    if width == WARP:
        return build.compare("icmp eq", present, "-1")
    every, some, distance = present, present, 1
    while distance < width:
        every = build.binary("and", every, build.binary("lshr", every, str(distance)))
        some = build.binary("or", some, build.binary("lshr", some, str(distance)))
        distance *= 2
    firsts = sum(1 << lane for lane in range(0, WARP, width))
    mixed = build.binary("and", build.binary("xor", every, some), str(firsts))
    return build.compare("icmp eq", mixed, "0")


def _reduce(
    build: Builder, statement: WarpOp, scalar: Scalar, value: Value, own: Value, mask: Value
) -> Value:
    del own
    op, distance = REDUCTIONS[statement.function], statement.width // 2
    while distance:
        other = _shuffle(build, "bfly", mask, value, Value(str(distance), "i32"), WARP - 1)
        value = arithmetic.combined(build, op, value, other, scalar, has_minimum=True)
        distance //= 2
    return value


def _scan(
    build: Builder, statement: WarpOp, scalar: Scalar, value: Value, own: Value, mask: Value
) -> Value:
    op, width, distance = SCANS[statement.function], statement.width, 1
    place = build.binary("and", own, str(width - 1))
    clamp = (WARP - width) << 8
    while distance < width:
        below = _shuffle(build, "up", mask, value, Value(str(distance), "i32"), clamp)
        total = arithmetic.combined(build, op, below, value, scalar, has_minimum=True)
        there = build.compare("icmp uge", place, str(distance))
        value = build.select(there, total, value)
        distance *= 2
    if not statement.exclusive:
        return value
    below = _shuffle(build, "up", mask, value, Value("1", "i32"), clamp)
    first = build.compare("icmp eq", place, "0")
    return build.select(first, warps.identity(op, scalar).text, below)


def _shuffled(
    build: Builder, statement: WarpOp, mask: Value, value: Value, own: Value, lane: Value
) -> Value:
    """A shuffle as the language defines it; a small literal distance is an operand of PTX's."""
    kind, width = _SHUFFLES.get(statement.function), statement.width
    literal = statement.lane.value if isinstance(statement.lane, Const) else None
    if kind is not None and literal is not None and 0 <= literal < width:
        clamp = (WARP - width) << 8 | (0 if kind == "up" else WARP - 1)
        return _shuffle(build, kind, mask, value, Value(str(int(literal)), "i32"), clamp)
    found = warps.source(build, statement, own, lane)
    return _shuffle(build, "idx", mask, value, found, WARP - 1)


def _shuffle(
    build: Builder, kind: str, mask: Value, value: Value, lane: Value, clamp: int
) -> Value:
    """`shfl.sync` of a value of any type, by 32 bits at a time."""
    wide = value.type in ("i64", "double")
    bits = warps.as_bits(build, value, "i64" if wide else "i32")

    def moved(part: Value) -> Value:
        return build.call(
            "i32", f"llvm.nvvm.shfl.sync.{kind}.i32", mask, part, lane, f"i32 {clamp}"
        )

    if not wide:
        return warps.from_bits(build, moved(bits), value.type)
    low = moved(build.cast("trunc", bits, "i32"))
    high = moved(build.cast("trunc", build.binary("lshr", bits, "32"), "i32"))
    upper = build.binary("shl", build.cast("zext", high, "i64"), "32")
    both = build.binary("or", build.cast("zext", low, "i64"), upper)
    return warps.from_bits(build, both, value.type)
