"""What the conditions of a contract come to where a launch is written down: true, false, unknown.

    len(a) == len(out)          a = zeros(8), out = zeros(9)          8 == 9: false
    len(out) > n                out = zeros(n)                        n > n: false, whatever n is
    len(a) >= grid_dim.x        a = zeros(n), grid = n // 256         unknown

Both sides are sums of numbers and of terms that nothing is known of; only if their difference is a
number does anybody know which is larger.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.ir.nodes import (
    Binary,
    BinaryOp,
    Compare,
    Const,
    Convert,
    Dim,
    Logic,
    LogicOp,
    Not,
    Param,
    Register,
    Special,
)
from oxide_analyzer.ir.operators import HOLDS
from oxide_analyzer.record import record
from oxide_analyzer.sizes import Symbol, Whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oxide_analyzer.ir.nodes import CompareOp, Expr
    from oxide_analyzer.sizes import Size

Extents: TypeAlias = "tuple[Size | None, Size | None, Size | None]"
_Terms: TypeAlias = "dict[Size, int]"
_OPERATORS = {
    BinaryOp.ADD: "+",
    BinaryOp.SUB: "-",
    BinaryOp.MUL: "*",
    BinaryOp.FLOORDIV: "//",
    BinaryOp.MOD: "%",
    BinaryOp.MIN: "min",
    BinaryOp.MAX: "max",
}
_SMALLEST_DIVISOR = 1


@record
class Known:
    """What the source of a launch says: scalars, shapes, grid and block as (x, y, z)."""

    scalars: Mapping[str, Size]
    shapes: Mapping[str, tuple[Size, ...]]
    grid: Extents
    block: Extents


@record
class Broken:
    """A comparison that does not hold, with both its sides."""

    left: Size
    op: CompareOp
    right: Size

    def __str__(self) -> str:
        return f"{shown(self.left)} {self.op.value} {shown(self.right)}"


def broken(condition: Expr, known: Known) -> Broken | None:
    """The part of a condition that does not hold, if that is certain."""
    match condition:
        case Logic(op=LogicOp.AND, left=left, right=right):
            # A part may be an answer to the one before it: `n > 0 and len(a) % n == 0`.
            return broken(left, known) or broken(right, known)
        case Logic(op=LogicOp.OR, left=left, right=right):
            return broken(left, known) and broken(right, known)
        case Compare(op=op, left=left, right=right):
            one, other = _value(left, known), _value(right, known)
            if one is None or other is None:
                return None
            difference = _difference(one, other)
            if difference is None or HOLDS[op](difference, 0):
                return None
            return Broken(one, op, other)
        case _:
            return None


def _value(node: Expr, known: Known) -> Size | None:
    match node:
        case Const(value=bool()) | Const(value=float()):
            return None
        case Const(value=int() as number):
            return number
        case Param(name=name):
            return known.scalars.get(name)
        case Dim(array=array, axis=axis):
            shape = known.shapes.get(array)
            return shape[axis] if shape is not None and axis < len(shape) else None
        case Special(register=Register.BLOCK_DIM, axis=axis):
            return known.block[axis]
        case Special(register=Register.GRID_DIM, axis=axis):
            return known.grid[axis]
        case Binary(op=op, left=left, right=right) if op in _OPERATORS:
            one, other = _value(left, known), _value(right, known)
            if one is None or other is None:
                return None
            return computed(_OPERATORS[op], one, other)
        case Convert(operand=operand, type=type) if type.is_integer:
            found = _value(operand, known)
            if isinstance(found, int) and not type.min <= found <= type.max:
                return None
            return found
        case Not() | _:
            return None


def computed(op: str, one: Size, other: Size) -> Size | None:
    """`one op other`, a number if both are; None where there is none."""
    if not (isinstance(one, int) and isinstance(other, int)):
        return Whole(op, one, other)
    if op in ("//", "%", "ceil") and other < _SMALLEST_DIVISOR:
        return None
    match op:
        case "+":
            return one + other
        case "-":
            return one - other
        case "*":
            return one * other
        case "//":
            return one // other
        case "%":
            return one % other
        case "ceil":
            return -(-one // other)
        case "min":
            return min(one, other)
        case "max":
            return max(one, other)
        case _:
            return None


def folded(size: Size) -> Size:
    """A size, computed as far as its numbers are known."""
    if not isinstance(size, Whole):
        return size
    left, right = folded(size.left), folded(size.right)
    found = computed(size.op, left, right)
    return Whole(size.op, left, right) if found is None else found


def _difference(one: Size, other: Size) -> int | None:
    """`one - other` if that is a number."""
    terms: _Terms = {}
    number = _add(one, 1, terms) + _add(other, -1, terms)
    return None if any(terms.values()) else number


def _add(size: Size, factor: int, terms: _Terms) -> int:
    """Add `factor * size` to the terms; its part that is a number."""
    match size:
        case int():
            return factor * size
        case Whole(op="+", left=left, right=right):
            return _add(left, factor, terms) + _add(right, factor, terms)
        case Whole(op="-", left=left, right=right):
            return _add(left, factor, terms) + _add(right, -factor, terms)
        case Whole(op="*", left=int() as times, right=right):
            return _add(right, factor * times, terms)
        case Whole(op="*", left=left, right=int() as times):
            return _add(left, factor * times, terms)
        case Symbol() | Whole():
            key = _ordered(size)
            terms[key] = terms.get(key, 0) + factor
            return 0


def _ordered(size: Size) -> Size:
    """The same product for both orders of its factors."""
    match size:
        case Whole(op="*", left=left, right=right) if repr(left) > repr(right):
            return Whole("*", right, left)
        case _:
            return size


def shown(size: Size) -> str:
    """A size as the source might write it."""
    match size:
        case Symbol(name=name):
            return name.partition("#")[0]
        case Whole(op="ceil", left=left, right=right):
            return f"ceil({shown(left)} / {shown(right)})"
        case Whole(op="min" | "max" as op, left=left, right=right):
            return f"{op}({shown(left)}, {shown(right)})"
        case Whole(op=op, left=left, right=right):
            sides = [f"({shown(s)})" if isinstance(s, Whole) else shown(s) for s in (left, right)]
            return f"{sides[0]} {op} {sides[1]}"
        case int():
            return str(size)


def threads(block: Extents) -> int | None:
    """How many threads a block has."""
    extents = [extent for extent in block if isinstance(extent, int)]
    return prod(extents) if len(extents) == len(block) else None
