"""Small functions of `numba.cuda` that are put together from operators, and `print`.

cuda.ffs(x)              width - clz(x & -x): the place of the lowest one, from 1; 0 if none
cuda.lanemask_lt()       the u32 (1 << lane) - 1
print("x =", x[i], i)    print 'x = ', x[i], ' ', i, ''
print((i, 2))            print '(', i, ', ', 2, ')'
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.numba import supplied
from oxide_analyzer.frontends.numba.promotion import arithmetic_type, as_type, common, promoted
from oxide_analyzer.frontends.oxide import calls
from oxide_analyzer.frontends.oxide.meanings import Known, ModuleMeaning
from oxide_analyzer.frontends.oxide.values import NOTHING, MeaningValue, Number, TupleValue
from oxide_analyzer.interpreter.lines import MOST_FIELDS
from oxide_analyzer.ir.nodes import (
    Binary,
    BinaryOp,
    Compare,
    CompareOp,
    Const,
    Convert,
    Forget,
    Logic,
    LogicOp,
    Math,
    MathFunction,
    Print,
    Read,
    Register,
    Reinterpret,
    Select,
    Special,
    Told,
    Unary,
    UnaryOp,
    WarpFunction,
    WarpOp,
)
from oxide_analyzer.language.types import BOOL, F64, I32, I64, SCALARS, U32, Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_analyzer.frontends.numba.lowering import NumbaLowering
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.ir.nodes import Expr
    from oxide_analyzer.language.row import Builtin

_WIDE = 32
_PAIR = 2
_MOST_DIGITS = 22
# From here on every float is a whole number.
_ROUND = {16: 2.0**10, 32: 2.0**23, 64: 2.0**52}


def lowest_one(lowering: NumbaLowering, node: ast.Call, row: Builtin) -> Value:
    """`cuda.ffs(x)`."""
    if len(node.args) != 1:
        return lowering.assume(node, f"`{row.name}` with {len(node.args)} arguments")
    span = lowering.span(node)
    number = lowering.evaluate_number(node.args[0])
    type = number.expr.type if number.expr.type.is_integer else I64
    if type.bits < _WIDE:
        type = I32
    x = lowering.hold(
        Number(lowering.convert(number, type, node.args[0], "the argument"), type), span
    ).expr
    lowest = Binary(BinaryOp.AND, x, Unary(UnaryOp.NEG, x, type, span), type, span)
    above = Unary(UnaryOp.CLZ, lowest, type, span)
    place = Binary(BinaryOp.SUB, Const(type.bits, type, span), above, type, span)
    return lowering.flat(Number(Convert(place, I64, span), I64, depth=5))


def active_lanes(lowering: NumbaLowering, node: ast.Call, row: Builtin) -> Value:
    """`cuda.activemask()`: some lanes, of which only the own one is sure.

    A kernel that is compiled brings them together where no branch and no loop parts them.
    """
    span, target = lowering.span(node), lowering.temporary(U32)
    site = lowering.site()
    if lowering.launched is not None and lowering.is_outermost:
        here = Const(True, BOOL, span)
        ballot = WarpFunction.BALLOT
        lowering.emit(WarpOp(ballot, target, here, None, None, 32, False, site, span))
        return Number(Read(target, span), U32)
    lowering.emit(Forget(target, f"`{row.name}`", site, span, Told.ACTIVE_LANES))
    lane = Convert(Special(Register.LANE, 0, span), U32, span)
    own = Binary(BinaryOp.SHL, Const(1, U32, span), lane, U32, span)
    both = Binary(BinaryOp.OR, Read(target, span), own, U32, span)
    return lowering.flat(Number(both, U32, depth=4))


def lanes_below(lowering: NumbaLowering, node: ast.Call, row: Builtin) -> Value:
    """`cuda.lanemask_lt()`."""
    del row
    span = lowering.span(node)
    one = Const(1, U32, span)
    lane = Convert(Special(Register.LANE, 0, span), U32, span)
    bit = Binary(BinaryOp.SHL, one, lane, U32, span)
    return Number(Binary(BinaryOp.SUB, bit, one, U32, span), U32, depth=3)


def ones(lowering: NumbaLowering, node: ast.Call, number: Number) -> Value:
    """`n.bit_count()`: the ones in the size of an integer."""
    span, type = lowering.span(node), number.expr.type
    wide = number.expr if type.is_integer else as_type(number, I64, span)
    size = Unary(UnaryOp.ABS, wide, wide.type, span) if wide.type.is_signed else wide
    count = Convert(Unary(UnaryOp.POPC, size, wide.type, span), I64, span)
    return lowering.flat(Number(count, I64, depth=number.depth + 3))


def bits(lowering: NumbaLowering, node: ast.Call, number: Number) -> Value:
    """`x.view(np.int32)` of a number: its bits as a number of another type."""
    span, own = lowering.span(node), number.expr.type
    match lowering.evaluate(node.args[0]):
        case MeaningValue(meaning=Known(builtin=row)) if type := SCALARS.get(row.name):
            if type.bits == own.bits and BOOL not in (type, own):
                made = Reinterpret(number.expr, type, span)
                return lowering.flat(Number(made, type, depth=number.depth + 1))
        case _:
            pass
    return lowering.forget(node, f"`{lowering.text(node)}`")


def extremum(lowering: NumbaLowering, node: ast.Call, row: Builtin) -> Value:
    """`min(a, b, …)`, `max(a, b, …)`, in the type that holds all of them."""
    if len(node.args) < _PAIR or node.keywords or lowering.launched is None:
        return calls.known(lowering, node, row)
    numbers = [lowering.evaluate_number(argument) for argument in node.args]
    span, op = lowering.span(node), BinaryOp(row.name)
    result = numbers[0]
    for number in numbers[1:]:
        type = common(result.expr.type, number.expr.type)
        one, other = as_type(result, type, span), as_type(number, type, span)
        depth = max(result.depth, number.depth) + 1
        if type.kind is Kind.BOOL:
            logic = LogicOp.AND if op is BinaryOp.MIN else LogicOp.OR
            result = lowering.flat(Number(Logic(logic, one, other, span), type, depth=depth))
        else:
            result = lowering.flat(Number(Binary(op, one, other, type, span), type, depth=depth))
    return result


def whole(lowering: NumbaLowering, node: ast.Call, row: Builtin) -> Value:
    """`math.floor(x)` and its kin, an integer; of NumPy's functions the float that it is."""
    if len(node.args) != 1 or lowering.launched is None:
        return calls.known(lowering, node, row)
    number, span = lowering.evaluate_number(node.args[0]), lowering.span(node)
    type = number.expr.type
    if not type.is_float:
        wide = I64 if row.name == "round" else arithmetic_type(type, type)
        return promoted(number, wide, span)
    expr = Math(MathFunction(row.short_name), (number.expr,), type, span)
    if isinstance(node.func, ast.Attribute):
        match lowering.evaluate(node.func.value):
            case MeaningValue(meaning=ModuleMeaning(name="numpy" | "cupy")):
                return lowering.flat(Number(expr, type, depth=number.depth + 1))
            case _:
                pass
    return lowering.flat(Number(Convert(expr, I64, span), I64, depth=number.depth + 2))


def digits(lowering: NumbaLowering, node: ast.Call) -> Value:
    """`round(x, 2)`: to so many digits, half to even, as Numba computes it."""
    number, count = (lowering.evaluate_number(argument) for argument in node.args)
    places = count.value
    if not isinstance(places, int) or not abs(places) <= _MOST_DIGITS:
        return supplied.round_to(lowering, node, number, count)
    span, type = lowering.span(node), number.expr.type
    if not type.is_float:
        if places >= 0:
            return promoted(number, I64, span)
        return supplied.round_to(lowering, node, number, count)
    x = lowering.hold(number, span).expr
    power = Const(10.0 ** abs(places), type, span)
    up, down = (BinaryOp.MUL, BinaryOp.DIV) if places >= 0 else (BinaryOp.DIV, BinaryOp.MUL)
    scaled = lowering.hold(Number(Binary(up, x, power, type, span), type), span).expr
    whole = Math(MathFunction.ROUND, (scaled,), type, span)
    made = Binary(down, whole, power, type, span)
    # What is too large for a fraction, or no number, is as round as it gets.
    size = Unary(UnaryOp.ABS, scaled, type, span)
    is_small = Compare(CompareOp.LT, size, Const(_ROUND[type.bits], type, span), span)
    return lowering.flat(Number(Select(is_small, made, x, type, span), type, depth=6))


def converted(lowering: NumbaLowering, node: ast.Call, row: Builtin) -> Value:
    """`float(x)` of a float is itself, whatever its width; `int(n)` of an integer, too."""
    is_plain = isinstance(node.func, ast.Name) and node.func.id in ("int", "float")
    if is_plain and lowering.launched is not None and len(node.args) == 1:
        number = lowering.evaluate_number(node.args[0])
        own, span = number.expr.type, lowering.span(node)
        type = F64 if row.name == "f64" else I64
        keeps = own.is_float if row.name == "f64" else own.is_integer
        return promoted(number, own if keeps else type, span)
    if not node.args and not node.keywords:
        # `int()` and `float32()` are zero.
        return Number(Const(0, I64, lowering.span(node)), I64, value=0)
    return calls.known(lowering, node, row)


def print_line(lowering: NumbaLowering, node: ast.Call, row: Builtin) -> Value:
    """`print("x =", x[i])`: texts and numbers, a space between two."""
    del row
    texts = [""]
    values: list[Expr] = []
    for place, argument in enumerate(node.args):
        texts[-1] += " " if place else ""
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            texts[-1] += argument.value.replace("\0", "")
            continue
        if not _shown(lowering, argument, _triple(lowering, argument), texts, values):
            lowering.assume(node, "what is printed")
            return NOTHING
    if node.keywords or len(values) > MOST_FIELDS:
        lowering.assume(node, "what is printed")
        return NOTHING
    lowering.emit(Print(tuple(texts), tuple(values), lowering.site(), lowering.span(node)))
    return NOTHING


def _triple(lowering: NumbaLowering, node: ast.expr) -> Value:
    """What is printed; of `cuda.threadIdx` and its kin all three numbers."""
    value = lowering.evaluate(node)
    match value:
        case MeaningValue(meaning=Known(builtin=row)) if row.name in _TRIPLES:
            register, span = _TRIPLES[row.name], lowering.span(node)
            return TupleValue(
                tuple(Number(Special(register, axis, span), I64) for axis in range(3))
            )
        case _:
            return value


def _shown(
    lowering: NumbaLowering, node: ast.expr, value: Value, texts: list[str], values: list[Expr]
) -> bool:
    """Append a value to a line, a tuple with its brackets; whether that can be done."""
    match value:
        case Number(expr=expr):
            if expr.type.kind is not Kind.BOOL and value.value is not None:
                expr = lowering.convert(value, expr.type, node, "what is printed")
            values.append(expr)
            texts.append("")
            return True
        case TupleValue(items=items, struct=None):
            texts[-1] += "("
            for place, item in enumerate(items):
                texts[-1] += ", " if place else ""
                if not _shown(lowering, node, item, texts, values):
                    return False
            texts[-1] += ",)" if len(items) == 1 else ")"
            return True
        case _:
            return False


_TRIPLES = {
    "thread": Register.THREAD,
    "block": Register.BLOCK,
    "block_dim": Register.BLOCK_DIM,
    "grid_dim": Register.GRID_DIM,
}
CALLS: dict[str, Callable[[NumbaLowering, ast.Call, Builtin], Value]] = {
    "cuda.ffs": lowest_one,
    "cuda.activemask": active_lanes,
    "cuda.lanemask_lt": lanes_below,
    "min": extremum,
    "max": extremum,
    "round": whole,
    "math.floor": whole,
    "math.ceil": whole,
    "math.trunc": whole,
    "int": converted,
    "f64": converted,
}
