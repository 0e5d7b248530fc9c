"""What an integer operator gives for two polynomials.

Sums and products are polynomials again; quotients, remainders by them, and what is known of
shifted and masked bits are atoms with their bounds. What may leave its type is fitted into it by
the evaluator.

    a // 8, a % 8     a quotient q, and a - 8·q
    a // n, a % n     the same; of an n that is not 0 and of either sign an unknown q, and a - n·q
    a << 3, a << d    8·a, and a·(1 << d) where nothing is shifted out
    a ** 2            a·a
    a & 31            the remainder of a by 32
    a & b             0 <= a & b <= a, b      where neither is negative
    min(a, b)         one of the two, by which is less
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from oxide_analyzer.facts.conditions import all_of, any_of, at_least_zero, at_most, is_zero
from oxide_analyzer.facts.polys import Alias, Poly, constant
from oxide_analyzer.facts.radix import is_digit_sum, of_factor, of_quotient, of_sum
from oxide_analyzer.ir.nodes import Binary, BinaryOp
from oxide_analyzer.proof.affine import refutes

if TYPE_CHECKING:
    from oxide_analyzer.facts.state import Interval, State
    from oxide_analyzer.facts.values import Evaluator

_QUICK = 800
# Higher powers seldom are indices.
_HIGHEST_POWER = 4


def integer_operator(
    evaluator: Evaluator, expr: Binary, left: Poly, right: Poly, state: State
) -> Poly:
    """`left op right` in the type of `expr`, at a place that `state` describes."""
    terms = evaluator.launch.terms
    match expr.op:
        case BinaryOp.ADD:
            return evaluator.fitted(_sum(evaluator, left + right, state), expr, state)
        case BinaryOp.SUB:
            return evaluator.fitted(left - right, expr, state)
        case BinaryOp.MUL:
            for factor in (left, right):
                if is_digit_sum(factor):
                    evaluator.learn(state, of_factor(terms, evaluator.known(state), factor))
            return evaluator.fitted(terms.multiply(left, right), expr, state)
        case BinaryOp.FLOORDIV | BinaryOp.MOD:
            return _divide(evaluator, expr, left, right, state)
        case BinaryOp.MIN:
            bounds = _least_of(evaluator.interval(left), evaluator.interval(right))
            return evaluator.choice(at_most(left, right), left, right, bounds)
        case BinaryOp.MAX:
            bounds = _greatest_of(evaluator.interval(left), evaluator.interval(right))
            return evaluator.choice(at_most(left, right), right, left, bounds)
        case BinaryOp.SHL:
            return _shift_left(evaluator, expr, left, right, state)
        case BinaryOp.SHR:
            return _shift_right(evaluator, expr, left, right)
        case BinaryOp.AND | BinaryOp.OR | BinaryOp.XOR:
            return _bitwise(evaluator, expr, left, right)
        case BinaryOp.POW:
            return _power(evaluator, expr, left, right, state)
        case BinaryOp.DIV:
            raise TypeError(f"{expr.span}: / of integers")
        case _:
            assert_never(expr.op)


def _divide(evaluator: Evaluator, expr: Binary, left: Poly, right: Poly, state: State) -> Poly:
    terms = evaluator.launch.terms
    low, high = evaluator.interval(right)
    if high is not None and high < 0:
        # a // -d is -a // d, and a % -d is -(-a % d).
        left, right = -left, -right
        sign = -1
    elif (low is not None and low > 0) or refutes(
        terms, (*state.path, at_least_zero(-right)), _QUICK
    ):
        sign = 1
    elif refutes(terms, (*state.path, is_zero(right)), _QUICK):
        quotient = _signed_quotient(evaluator, left, right)
        if expr.op is BinaryOp.FLOORDIV:
            return evaluator.fitted(quotient, expr, state)
        return left - terms.multiply(right, quotient)
    else:
        value = evaluator.unknown(expr.type, max(left.level, right.level), expr.op.value)
        assert isinstance(value, Poly)
        return value
    quotient = floor_quotient(evaluator, left, right, state)
    if expr.op is BinaryOp.FLOORDIV:
        return evaluator.fitted(quotient, expr, state)
    return (left - terms.multiply(right, quotient)).scale(sign)


def _signed_quotient(evaluator: Evaluator, left: Poly, right: Poly) -> Poly:
    """`left // right` of a divisor of either sign, over Z; it is no further from zero than `left`.

    The same for the same operands: what `i // n` and `i % n` are together, only i is.
    """
    terms = evaluator.launch.terms
    known = terms.quotients.get((left, right))
    if known is not None:
        return known
    low, high = evaluator.interval(left)
    most = None if low is None or high is None else max(-low, high, 0)
    least = None if most is None else -most
    level = max(left.level, right.level)
    quotient = terms.quotients[left, right] = terms.fresh("quotient", level, least, most)
    rest = left - terms.multiply(right, quotient)
    signs = [
        all_of(
            (
                at_least_zero(divisor.shift(-1)),
                at_least_zero(part),
                at_least_zero((divisor - part).shift(-1)),
            )
        )
        for divisor, part in ((right, rest), (-right, -rest))
    ]
    terms.axiom(quotient, any_of(signs))
    return quotient


def floor_quotient(evaluator: Evaluator, left: Poly, right: Poly, state: State) -> Poly:
    """`left // right` of a positive divisor, over Z."""
    terms = evaluator.launch.terms
    quotient = terms.quotient(left, right)
    if right.value is None:
        if is_digit_sum(left):
            evaluator.learn(state, of_sum(terms, evaluator.known(state), left))
        evaluator.learn(state, of_quotient(evaluator.known(state), left, right, quotient))
    return quotient


def _sum(evaluator: Evaluator, total: Poly, state: State) -> Poly:
    """The sum, and what is known of it if it has a digit that is such a sum itself."""
    digits = (a.form for m in total.terms if len(m) > 1 for a in m)
    if any(isinstance(f, Alias) and is_digit_sum(f.definition) for f in digits):
        terms = evaluator.launch.terms
        evaluator.learn(state, of_sum(terms, evaluator.known(state), total))
    return total


def _power(evaluator: Evaluator, expr: Binary, base: Poly, exponent: Poly, state: State) -> Poly:
    times = exponent.value
    if times is None or not 0 <= times <= _HIGHEST_POWER:
        level = max(base.level, exponent.level)
        return evaluator.havoc("power", level, expr.type.min, expr.type.max)
    product = constant(1)
    for _ in range(times):
        product = evaluator.launch.terms.multiply(product, base)
    return evaluator.fitted(product, expr, state)


def _shift_left(evaluator: Evaluator, expr: Binary, left: Poly, right: Poly, state: State) -> Poly:
    amount = right.value
    if amount is not None:
        if not 0 <= amount < expr.type.bits:
            return constant(0)
        return evaluator.fitted(left.scale(1 << amount), expr, state)
    (low, high), (fewest, most) = evaluator.interval(left), evaluator.interval(right)
    if low is not None and low >= 0 and high is not None and high <= expr.type.max:
        room = expr.type.max.bit_length() - high.bit_length()
        if fewest is None or fewest < 0 or most is None or most > room:
            fewest, most = _at_most_shifted(evaluator, right, room, state), room
        if fewest is not None:
            # Nothing is shifted out: it is a product; `1 << (d + 1)` is twice `1 << d`.
            more = min(max(right.offset, 0), fewest)
            fewer = right.shift(-more)
            power = evaluator.launch.terms.bits(
                "<<", constant(1), fewer, 1 << (fewest - more), 1 << (most - more)
            )
            return evaluator.launch.terms.multiply(left, power).scale(1 << more)
    least = 0 if low is not None and low >= 0 and not expr.type.is_signed else expr.type.min
    return evaluator.launch.terms.bits("<<", left, right, least, expr.type.max)


def _at_most_shifted(evaluator: Evaluator, amount: Poly, room: int, state: State) -> int | None:
    """Zero, if the way here says that something is shifted by 0 to `room` bits."""
    terms = evaluator.launch.terms
    outside = at_least_zero((-amount).shift(-1)), at_least_zero(amount.shift(-room - 1))
    return 0 if all(refutes(terms, (*state.path, c), _QUICK) for c in outside) else None


def _shift_right(evaluator: Evaluator, expr: Binary, left: Poly, right: Poly) -> Poly:
    amount = right.value
    low, high = evaluator.interval(left)
    if amount is not None:
        if 0 <= amount < expr.type.bits:
            return evaluator.launch.terms.quotient(left, constant(1 << amount))
        if low is not None and low >= 0:
            return constant(0)
    terms = evaluator.launch.terms
    if low is not None and low >= 0:
        least, _ = evaluator.interval(right)
        most = high if high is not None else expr.type.max
        # Whatever the amount, it shifts by at least its lowest value.
        result = terms.bits(">>", left, right, 0, most >> max(0, min(least or 0, 64)))
        terms.axiom(result, at_most(result, left))
        return result
    return terms.bits(">>", left, right, expr.type.min, expr.type.max)


def _bitwise(evaluator: Evaluator, expr: Binary, left: Poly, right: Poly) -> Poly:
    terms = evaluator.launch.terms
    if expr.op is BinaryOp.AND:
        for value, mask in ((left, right), (right, left)):
            number = mask.value
            if number is not None and number >= 0 and (number & (number + 1)) == 0:
                low, high = evaluator.interval(value)
                if low is not None and low >= 0 and high is not None and high <= number:
                    return value
                return terms.remainder(value, constant(number + 1))
    left_low, left_high = evaluator.interval(left)
    right_low, right_high = evaluator.interval(right)
    sizes = (left_high, right_high)
    nonnegative = all(low is not None and low >= 0 for low in (left_low, right_low))
    if not nonnegative or None in sizes:
        return terms.bits(expr.op.value, left, right, expr.type.min, expr.type.max)
    known = [s for s in sizes if s is not None]
    if expr.op is BinaryOp.AND:
        result = terms.bits("&", left, right, 0, min(known))
        bounds = [at_most(result, left), at_most(result, right)]
    else:
        highest = (1 << max(known).bit_length()) - 1
        result = terms.bits(expr.op.value, left, right, 0, highest)
        bounds = [at_most(result, left + right)]
        if expr.op is BinaryOp.OR:
            bounds += [at_most(left, result), at_most(right, result)]
    atom = result.single()
    if atom is not None and atom not in terms.axioms:
        for bound in bounds:
            terms.axiom(result, bound)
    return result


def _least_of(left: Interval, right: Interval) -> Interval:
    """Where the lesser of two numbers lies."""
    low = None if left[0] is None or right[0] is None else min(left[0], right[0])
    highs = [high for high in (left[1], right[1]) if high is not None]
    return low, min(highs, default=None)


def _greatest_of(left: Interval, right: Interval) -> Interval:
    """Where the greater of two numbers lies."""
    high = None if left[1] is None or right[1] is None else max(left[1], right[1])
    lows = [low for low in (left[0], right[0]) if low is not None]
    return max(lows, default=None), high
