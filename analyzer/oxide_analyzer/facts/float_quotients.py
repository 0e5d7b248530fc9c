"""Integers that are made by way of floats: `int(n / 16)`, `math.ceil(n / threads)`.

    ceil(f64(a) / f64(b))     (a + b - 1) // b
    floor(f64(a) / f64(b))    a // b
    i64(f64(a) / f64(b))      a // b, where a is not negative

of integers up to 2**51 in magnitude, b at least 1. Both are then floats without rounding. A
quotient that is no integer is at least 1/b from the next one, and its rounding moves it by at most
(a/b + 1) * 2**-53, which is less: so no rounded quotient comes to an integer that it is not, and
none passes one. Of larger integers, and of other floats, nothing is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.facts.arithmetic import floor_quotient
from oxide_analyzer.facts.conditions import less
from oxide_analyzer.facts.literals import number_of
from oxide_analyzer.facts.polys import constant
from oxide_analyzer.proof.affine import refutes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.facts.conditions import Condition
    from oxide_analyzer.facts.polys import Poly
    from oxide_analyzer.facts.state import Real, State
    from oxide_analyzer.facts.terms import Terms
    from oxide_analyzer.facts.values import Evaluator

_LARGEST = 1 << 51
_QUICK = 800
_ROUNDINGS = ("ceil", "floor", "trunc")


def whole_part(evaluator: Evaluator, real: Real, state: State) -> Poly | None:
    """The integer that a float converts to, if it is a quotient of integers; else None."""
    key, parts = real.key, list(real.parts)
    rounding = "trunc"
    if key[0] in _ROUNDINGS and key[1:2] == ("(",) and key[-1] == ")":
        rounding, key = key[0], key[2:-1]
    if key[:1] != ("/",) or key[-1] != ")":
        # Where arithmetic is fast, the key ends with the place: it may be rounded otherwise.
        return None
    operands = list(_operands(key[1:]))
    if len(operands) != 2:
        return None
    found = [_integer(operand, parts) for operand in operands]
    left, right = found
    if left is None or right is None or parts:
        return None
    if not _lies(evaluator, left, -_LARGEST, state) or not _lies(evaluator, right, 1, state):
        return None
    if rounding == "ceil":
        return floor_quotient(evaluator, left + right - constant(1), right, state)
    if rounding == "trunc" and not _lies(evaluator, left, 0, state):
        return None
    return floor_quotient(evaluator, left, right, state)


def _lies(evaluator: Evaluator, value: Poly, least: int, state: State) -> bool:
    """Whether an integer is at least that much, and not too large."""
    terms, path = evaluator.launch.terms, state.path
    low, high = evaluator.interval(value)
    return (
        (low is not None and low >= least) or _never(terms, path, less(value, constant(least)))
    ) and (
        (high is not None and high <= _LARGEST)
        or _never(terms, path, less(constant(_LARGEST), value))
    )


def _never(terms: Terms, path: tuple[Condition, ...], condition: Condition) -> bool:
    return refutes(terms, (*path, condition), _QUICK)


def _operands(key: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The keys of the operands, which stand in parentheses."""
    depth = begin = 0
    for place, part in enumerate(key):
        if part == "(":
            depth += 1
            if depth == 1:
                begin = place + 1
        elif part == ")":
            depth -= 1
            if depth == 0:
                yield key[begin:place]


def _integer(key: tuple[str, ...], parts: list[Poly]) -> Poly | None:
    """The integer that an operand is, taken from the parts in their order."""
    if key == ("f64", "#") and parts:
        return parts.pop(0)
    number = number_of(key)
    if number is not None and number.is_integer() and key[-1] == "f64":
        return constant(int(number))
    return None
