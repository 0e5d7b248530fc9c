"""Lemmas about bit operations, made when a solver's answer needs them.

An operation of which one operand is a number is linear arithmetic with remainders:

    x & 0b0110  =  x % 8 - x % 2         one difference for each run of ones
    x | c       =  x + c - (x & c)
    x ^ c       =  x + c - 2·(x & c)
    x >> 3      =  x // 8

So where the values at hand break an operation, it is stated for one operand fixed at its value,
the one that more threads share. Three things hold for all values at once: the result of `^` and
`|` has no more digits than the longer operand; that of `&` lies between 0 and an operand that is
not negative; and exclusive or with the same number is its own inverse, which makes exchanges
`i ^ j` disjoint for every j. `v & (v - 1) == 0` is a choice among the powers of two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.facts.polys import Poly
from oxide_analyzer.proof.models import bit_operation
from oxide_analyzer.proof.powers import as_power, runs
from oxide_analyzer.proof.products import number
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from oxide_analyzer.facts.polys import Atom, Bits

# Shifts by more than this are stated by the sign of what is shifted.
_WIDEST = 128
_WORD = 64


@record
class Operation:
    """A bit operation of a query: its form, and what the solver calls it and its operands."""

    atom: Atom
    form: Bits
    name: str
    left: str
    right: str


def bit_lemmas(operations: Sequence[Operation], value: Callable[[str | Poly], int]) -> list[str]:
    """Lemmas that the values break; none if all operations are right."""
    found: list[str] = []
    wrong: list[Operation] = []
    for operation in operations:
        left, right = value(operation.form.left), value(operation.form.right)
        result = value(operation.name)
        if result != bit_operation(operation.form, left, right):
            wrong.append(operation)
            beyond = 1 << max(left, right, 0).bit_length()
            tested = as_power(Poly({(operation.atom,): 1})) is not None
            if tested and result == 0 and max(left, right) < 1 << _WORD:
                found.append(_power(operation))
            elif operation.form.op in "^|" and min(left, right) >= 0 and not 0 <= result < beyond:
                found.append(_short(operation, beyond))
            elif operation.form.op == "&" and _is_beyond(result, left, right):
                found.append(_masked(operation))
            else:
                found.append(_fixed(operation, left, right))
    for operation in wrong:
        if operation.form.op == "^":
            for other in operations:
                if other.form.op == "^" and other is not operation:
                    found.extend(_exchange(operation, other))
    return list(dict.fromkeys(found))


def _power(operation: Operation) -> str:
    """What `v & (v - 1)` is zero for: zero, and one of the powers of two that fit a word."""
    form = operation.form
    left = form.left if form.right == form.left.shift(-1) else form.right
    text = operation.left if left is form.left else operation.right
    powers = " ".join(f"(= {text} {1 << k})" for k in range(_WORD))
    return (
        f"(=> (= {operation.name} 0)"
        f" (and (>= {text} 0) (or (= {text} 0) {powers} (>= {text} {1 << _WORD}))))"
    )


def _short(operation: Operation, beyond: int) -> str:
    """The result has no more digits than its operands."""
    left, right, name = operation.left, operation.right, operation.name
    operands = f"(<= 0 {left}) (< {left} {beyond}) (<= 0 {right}) (< {right} {beyond})"
    return f"(=> (and {operands}) (and (<= 0 {name}) (< {name} {beyond})))"


def _is_beyond(result: int, *operands: int) -> bool:
    """Whether no `&` of these operands is `result`, for one of them is not negative."""
    return any(operand >= 0 and not 0 <= result <= operand for operand in operands)


def _masked(operation: Operation) -> str:
    """The result keeps some of the bits of an operand that is not negative."""
    name = operation.name
    kept = " ".join(
        f"(=> (<= 0 {operand}) (and (<= 0 {name}) (<= {name} {operand})))"
        for operand in (operation.left, operation.right)
    )
    return f"(and {kept})"


def _fixed(operation: Operation, left: int, right: int) -> str:
    """The operation for one operand as it is."""
    form, name = operation.form, operation.name
    if form.op == ">>":
        if 0 <= right <= _WIDEST:
            shifted = f"(div {operation.left} {1 << right})"
            return f"(=> (= {operation.right} {right}) (= {name} {shifted}))"
        beyond = f"(or (< {operation.right} 0) (> {operation.right} {_WIDEST}))"
        reach = f"(< {number(-(1 << _WIDEST))} {operation.left} {1 << _WIDEST})"
        sign = f"(ite (< {operation.left} 0) (- 1) 0)"
        return f"(=> (and {beyond} {reach}) (= {name} {sign}))"
    if form.op == "<<":
        width = form.high.bit_length() + (form.low < 0)
        if not 0 <= right < width:
            outside = f"(or (< {operation.right} 0) (>= {operation.right} {width}))"
            return f"(=> {outside} (= {name} 0))"
        half = 1 << (width - 1) if form.low < 0 else 0
        moved = f"(+ (* {1 << right} {operation.left}) {half})"
        wrapped = f"(- (mod {moved} {1 << width}) {half})"
        return f"(=> (= {operation.right} {right}) (= {name} {wrapped}))"
    if form.left.level < form.right.level or form.left.value is not None:
        fixed, fixed_value, free = operation.left, left, operation.right
    else:
        fixed, fixed_value, free = operation.right, right, operation.left
    both = _and(free, fixed_value)
    match form.op:
        case "&":
            result = both
        case "|":
            result = f"(+ {free} {number(fixed_value)} (- {both}))"
        case _:
            result = f"(+ {free} {number(fixed_value)} (* (- 2) {both}))"
    return f"(=> (= {fixed} {number(fixed_value)}) (= {name} {result}))"


def _and(free: str, mask: int) -> str:
    """`free & mask`; the mask of a negative number is what its complement does not keep."""
    if mask < 0:
        return f"(- {free} {_and(free, ~mask)})"
    parts = [f"(- (mod {free} {1 << end}) (mod {free} {1 << start}))" for start, end in runs(mask)]
    return f"(+ 0 {' '.join(parts)})" if parts else "0"


def _exchange(one: Operation, other: Operation) -> list[str]:
    """Exclusive or with equal numbers is injective and its own inverse."""
    found: list[str] = []
    for x, s in ((one.left, one.right), (one.right, one.left)):
        for y, t in ((other.left, other.right), (other.right, other.left)):
            same = f"(= {s} {t})"
            found.append(f"(=> {same} (= (= {x} {y}) (= {one.name} {other.name})))")
            found.append(f"(=> (and {same} (= {y} {one.name})) (= {other.name} {x}))")
    return found
