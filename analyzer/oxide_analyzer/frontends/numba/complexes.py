"""Complex numbers: two floats of one type that Numba's operators and functions take as one.

They are taken apart while the kernel is read, as structs are; in the IR there are floats.

    z * w            a*c - b*d, a*d + b*c          z = a + bj, w = c + dj
    z / w            divided by the larger part of w first, as Python does it; by zero it is NaN
    abs(z)           hypot(a, b)
    z == w           a == c and b == d
    z ** 3           z * z * z
    z * x            x, a number, is x + 0j: of 64 bits where an operator makes x a float of 64

Two of 32 bits give one of 32 bits. Each part of a result is in a temporary, so that it can be
named as often as it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.frontends.numba.promotion import as_type, common, zero
from oxide_analyzer.frontends.oxide import indexing
from oxide_analyzer.frontends.oxide.values import Number, TupleValue
from oxide_analyzer.ir.nodes import (
    Binary,
    BinaryOp,
    Compare,
    CompareOp,
    Const,
    Forget,
    Logic,
    LogicOp,
    Math,
    MathFunction,
    Read,
    Select,
    Unary,
    UnaryOp,
)
from oxide_analyzer.language.records import COMPLEX128
from oxide_analyzer.language.types import BOOL, F32, F64

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeGuard

    from oxide_analyzer.frontends.numba.lowering import NumbaLowering
    from oxide_analyzer.frontends.oxide.indexing import Leaf
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.ir.nodes import Expr
    from oxide_analyzer.language.types import Scalar
    from oxide_analyzer.source import Span

# What marks a tuple as a complex number, whatever the type of its parts.
COMPLEX = COMPLEX128
_MOST_FACTORS = 16


def is_complex(value: Value | None) -> TypeGuard[TupleValue]:
    """Whether a value is a complex number."""
    return isinstance(value, TupleValue) and value.struct == COMPLEX


def part_type(value: TupleValue) -> Scalar:
    """The type of both parts."""
    first = value.items[0]
    return first.expr.type if isinstance(first, Number) else F64


def float_of(type: Scalar) -> Scalar:
    """The type of the parts that a number has as a complex one."""
    return F32 if common(type, F32) == F32 else F64


def made(lowering: NumbaLowering, real: Expr, imaginary: Expr, span: Span) -> TupleValue:
    """The complex number of two floats of one type."""
    items = (_held(lowering, part, span) for part in (real, imaginary))
    return TupleValue(tuple(items), COMPLEX)


def of_number(lowering: NumbaLowering, number: Number, span: Span) -> TupleValue:
    """A number as a complex one."""
    type = float_of(number.expr.type)
    return made(lowering, as_type(number, type, span), zero(type, span), span)


def pure(number: Number, span: Span) -> TupleValue:
    """A number as a complex one whose parts are expressions: to be used once."""
    type = float_of(number.expr.type)
    parts = as_type(number, type, span), zero(type, span)
    return TupleValue(tuple(Number(part, type) for part in parts), COMPLEX)


def of_literal(lowering: NumbaLowering, value: complex, span: Span) -> TupleValue:
    """A literal such as `2j`."""
    return made(lowering, Const(value.real, F64, span), Const(value.imag, F64, span), span)


def converted(
    lowering: NumbaLowering, value: TupleValue, part: Scalar, span: Span
) -> tuple[Expr, Expr]:
    """The parts as floats of a type."""
    real, imaginary = parts(lowering, value, span)
    return (
        as_type(Number(real, real.type), part, span),
        as_type(Number(imaginary, imaginary.type), part, span),
    )


def cast(lowering: NumbaLowering, value: TupleValue, part: Scalar, span: Span) -> TupleValue:
    """The complex number with parts of a type."""
    if part_type(value) == part:
        return value
    return made(lowering, *converted(lowering, value, part, span), span)


def parts(lowering: NumbaLowering, value: TupleValue, span: Span) -> tuple[Leaf, Leaf]:
    """The parts, as leaves to be used at `span`; a part that nobody knows is one of some value."""
    found: list[Leaf] = []
    for item in value.items:
        part = item.expr if isinstance(item, Number) else _nobody_knows(lowering, span)
        found.append(indexing.placed(indexing.leaf(lowering, part, span), span))
    real, imaginary = found
    return real, imaginary


def met(
    lowering: NumbaLowering, left: Value, right: Value, span: Span
) -> tuple[TupleValue, TupleValue] | None:
    """Two operands, of which one is complex, as complex numbers of one type; None where one is
    neither that nor a number."""
    both: list[TupleValue] = []
    for side in (left, right):
        if is_complex(side):
            both.append(side)
        elif isinstance(side, Number):
            both.append(of_number(lowering, side, span))
        else:
            return None
    part = common(part_type(both[0]), part_type(both[1]))
    one, other = (cast(lowering, side, part, span) for side in both)
    return one, other


# ---------------------------------------------------------------- operators


def arithmetic(
    lowering: NumbaLowering, op: BinaryOp, left: Value, right: Value, span: Span
) -> TupleValue | None:
    """`left op right`, of which one is complex; None if there is no such operator."""
    if op is BinaryOp.POW and is_complex(left) and isinstance(right, Number):
        power = _power(lowering, left, right, span)
        if power is not None:
            return power
    rule = _OPERATORS.get(op)
    operands = None if rule is None else met(lowering, left, right, span)
    if rule is None or operands is None:
        return None
    work = _Work(lowering, span, part_type(operands[0]))
    a, b = parts(lowering, operands[0], span)
    c, d = parts(lowering, operands[1], span)
    return made(lowering, *rule(work, a, b, c, d), span)


def negated(lowering: NumbaLowering, value: TupleValue, span: Span) -> TupleValue:
    """`-z`."""
    real, imaginary = parts(lowering, value, span)
    return made(lowering, _minus(real, span), _minus(imaginary, span), span)


def conjugate(lowering: NumbaLowering, value: TupleValue, span: Span) -> TupleValue:
    """`z.conjugate()`."""
    real, imaginary = parts(lowering, value, span)
    return made(lowering, real, _minus(imaginary, span), span)


def magnitude(lowering: NumbaLowering, value: TupleValue, span: Span) -> Number:
    """`abs(z)`."""
    real, imaginary = parts(lowering, value, span)
    expr = Math(MathFunction.HYPOT, (real, imaginary), real.type, span)
    return lowering.flat(Number(expr, real.type, depth=2))


def truth(lowering: NumbaLowering, value: TupleValue, span: Span) -> Expr:
    """`bool(z)`."""
    real, imaginary = parts(lowering, value, span)
    one, other = (
        Compare(CompareOp.NE, part, zero(part.type, span), span) for part in (real, imaginary)
    )
    return Logic(LogicOp.OR, one, other, span)


def compared(
    lowering: NumbaLowering, op: CompareOp, left: Value, right: Value, span: Span
) -> Number | None:
    """`left == right` and `left != right`; complex numbers have no order."""
    operands = met(lowering, left, right, span)
    if operands is None or op not in (CompareOp.EQ, CompareOp.NE):
        return None
    pairs = zip(*(parts(lowering, side, span) for side in operands), strict=True)
    one, other = (Compare(op, left, right, span) for left, right in pairs)
    joined = LogicOp.AND if op is CompareOp.EQ else LogicOp.OR
    return lowering.flat(Number(Logic(joined, one, other, span), BOOL, depth=3))


def _power(
    lowering: NumbaLowering, value: TupleValue, exponent: Number, span: Span
) -> TupleValue | None:
    """A power by a literal number of factors."""
    count = exponent.value
    if not isinstance(count, int) or not 1 <= count <= _MOST_FACTORS:
        return None
    result = value
    for _ in range(count - 1):
        product = arithmetic(lowering, BinaryOp.MUL, result, value, span)
        assert product is not None
        result = product
    return result


class _Work:
    """Operators on floats of one type at one place."""

    def __init__(self, lowering: NumbaLowering, span: Span, type: Scalar) -> None:
        self._lowering = lowering
        self.span = span
        self.type = type

    def __call__(self, op: BinaryOp, left: Leaf, right: Expr) -> Expr:
        """An operator on operands that are used elsewhere, too."""
        return Binary(op, self.again(left), right, self.type, self.span)

    def times(self, left: Leaf, right: Leaf) -> Expr:
        return self(BinaryOp.MUL, left, self.again(right))

    def again(self, leaf: Leaf) -> Leaf:
        return indexing.placed(leaf, self.span)

    def held(self, expr: Expr) -> Leaf:
        return indexing.leaf(self._lowering, expr, self.span)


def _sum(work: _Work, a: Leaf, b: Leaf, c: Leaf, d: Leaf) -> tuple[Expr, Expr]:
    return work(BinaryOp.ADD, a, c), work(BinaryOp.ADD, b, d)


def _difference(work: _Work, a: Leaf, b: Leaf, c: Leaf, d: Leaf) -> tuple[Expr, Expr]:
    return work(BinaryOp.SUB, a, c), work(BinaryOp.SUB, b, d)


def _product(work: _Work, a: Leaf, b: Leaf, c: Leaf, d: Leaf) -> tuple[Expr, Expr]:
    type, span = work.type, work.span
    real = Binary(BinaryOp.SUB, work.times(a, c), work.times(b, d), type, span)
    imaginary = Binary(BinaryOp.ADD, work.times(a, d), work.times(b, c), type, span)
    return real, imaginary


def _quotient(work: _Work, a: Leaf, b: Leaf, c: Leaf, d: Leaf) -> tuple[Expr, Expr]:
    """Top and bottom are divided by the larger part of the bottom."""
    type, span = work.type, work.span
    size_of_c, size_of_d = (Unary(UnaryOp.ABS, work.again(part), type, span) for part in (c, d))
    by_real = work.held(Compare(CompareOp.GE, size_of_c, size_of_d, span))

    def chosen(then: Expr, otherwise: Expr) -> Expr:
        return Select(work.again(by_real), then, otherwise, type, span)

    larger = work.held(chosen(work.again(c), work.again(d)))
    smaller = work.held(chosen(work.again(d), work.again(c)))
    ratio = work.held(work(BinaryOp.DIV, smaller, work.again(larger)))
    bottom = work.held(work(BinaryOp.ADD, larger, work.times(smaller, ratio)))
    a_part, b_part = work.held(work.times(a, ratio)), work.held(work.times(b, ratio))
    real = chosen(
        work(BinaryOp.ADD, a, work.again(b_part)), work(BinaryOp.ADD, a_part, work.again(b))
    )
    imaginary = chosen(
        work(BinaryOp.SUB, b, work.again(a_part)), work(BinaryOp.SUB, b_part, work.again(a))
    )
    return (
        Binary(BinaryOp.DIV, real, work.again(bottom), type, span),
        Binary(BinaryOp.DIV, imaginary, work.again(bottom), type, span),
    )


_OPERATORS: dict[BinaryOp, Callable[[_Work, Leaf, Leaf, Leaf, Leaf], tuple[Expr, Expr]]] = {
    BinaryOp.ADD: _sum,
    BinaryOp.SUB: _difference,
    BinaryOp.MUL: _product,
    BinaryOp.DIV: _quotient,
}


def _minus(part: Leaf, span: Span) -> Expr:
    return Unary(UnaryOp.NEG, part, part.type, span)


def _nobody_knows(lowering: NumbaLowering, span: Span) -> Expr:
    local = lowering.temporary(F64)
    lowering.emit(Forget(local, "a part of a complex number", lowering.site(), span))
    return Read(local, span)


def _held(lowering: NumbaLowering, part: Expr, span: Span) -> Number:
    """A part in a temporary, or as it stands where nothing can change it."""
    return Number(indexing.leaf(lowering, part, span), part.type)
