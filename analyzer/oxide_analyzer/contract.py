"""What the conditions of a contract, and inferred facts, say about one launch.

A proof takes them as axioms over the integers, so they are evaluated with Python's: nothing
wraps. `len(out) >= grid_dim.x * block_dim.x` is compared as it reads, however large the grid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from oxide_analyzer.ir.kernel import Requirement
from oxide_analyzer.ir.nodes import (
    Apply,
    Binary,
    BinaryOp,
    Compare,
    CompareOp,
    Const,
    Convert,
    Dim,
    Logic,
    LogicOp,
    Math,
    Not,
    Param,
    Read,
    Register,
    Reinterpret,
    Select,
    Space,
    Special,
    Symbol,
    Unary,
    UnaryOp,
)
from oxide_analyzer.ir.operators import HOLDS
from oxide_analyzer.language.types import I64, Kind
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Expr
    from oxide_analyzer.language.types import Scalar
    from oxide_analyzer.launch import Extent, Number

_BINARY: Mapping[BinaryOp, Callable[[int, int], int]] = {
    BinaryOp.ADD: lambda x, y: x + y,
    BinaryOp.SUB: lambda x, y: x - y,
    BinaryOp.MUL: lambda x, y: x * y,
    BinaryOp.FLOORDIV: lambda x, y: x // y if y else 0,
    BinaryOp.MOD: lambda x, y: x % y if y else 0,
    BinaryOp.AND: lambda x, y: x & y,
    BinaryOp.OR: lambda x, y: x | y,
    BinaryOp.XOR: lambda x, y: x ^ y,
    # A shift beyond any width of the language keeps no bit; Python would build the number.
    BinaryOp.SHL: lambda x, y: x << y if 0 <= y < 64 else 0,
    BinaryOp.SHR: lambda x, y: x >> y if 0 <= y < 64 else -(x < 0),
    BinaryOp.MIN: min,
    BinaryOp.MAX: max,
}
_UNARY: Mapping[UnaryOp, Callable[[int], int]] = {
    UnaryOp.NEG: lambda x: -x,
    UnaryOp.INVERT: lambda x: ~x,
    UnaryOp.ABS: abs,
}


class NotEvaluable(Exception):
    """A condition holds something that no launch gives a value to."""


@record
class Given:
    """What one launch fixes: scalars and shapes by parameter, grid and block as (x, y, z)."""

    scalars: Mapping[str, Number]
    shapes: Mapping[str, tuple[int, ...]]
    grid: Extent
    block: Extent


def evaluate(
    condition: Expr,
    scalars: Mapping[str, Number],
    shapes: Mapping[str, tuple[int, ...]],
    grid: Extent,
    block: Extent,
) -> Number:
    """The value of `condition` over Z for one launch; raises `NotEvaluable`."""
    return value(condition, Given(scalars, shapes, grid, block))


def value(expression: Expr, given: Given) -> Number:
    """The value of `expression` over Z; raises `NotEvaluable`."""
    match expression:
        case Const(value=constant):
            return constant
        case Param(name=name):
            return given.scalars[name]
        case Dim(array=array, axis=axis):
            return given.shapes[array][axis]
        case Special(register=Register.BLOCK_DIM, axis=axis):
            return given.block[axis]
        case Special(register=Register.GRID_DIM, axis=axis):
            return given.grid[axis]
        case Unary(op=op, operand=operand):
            if op not in _UNARY:
                raise NotEvaluable(f"`{op}` has no value before the launch")
            return _UNARY[op](_integer(operand, given))
        case Binary(op=op, left=left, right=right):
            if op not in _BINARY:
                raise NotEvaluable(f"`{op}` is not integer arithmetic")
            return _BINARY[op](_integer(left, given), _integer(right, given))
        case Compare(op=op, left=left, right=right):
            return HOLDS[op](value(left, given), value(right, given))
        case Logic(op=op, left=left, right=right):
            if op is LogicOp.AND:
                return bool(value(left, given)) and bool(value(right, given))
            return bool(value(left, given)) or bool(value(right, given))
        case Not(operand=operand):
            return not value(operand, given)
        case Select(condition=condition, then=then, otherwise=otherwise):
            return value(then if value(condition, given) else otherwise, given)
        case Convert(operand=operand, type=type_):
            return _convert(value(operand, given), type_)
        case Symbol() | Read() | Special() | Reinterpret() | Math() | Apply():
            raise NotEvaluable(f"{type(expression).__name__} has no value before the launch")
        case _:
            assert_never(expression)


def limits(kernel: Kernel) -> tuple[Requirement, ...]:
    """What `shared=`, `max_threads=` and `cluster=` say, as conditions on launches.

    A launch has at least the dynamic shared memory that the contract declares, at most so many
    threads in a block, and whole clusters.
    """
    contract, span = kernel.contract, kernel.name_span
    found: list[Requirement] = []
    if isinstance(contract.shared, Const):
        for array in kernel.arrays.values():
            if array.space is Space.SHARED and any(isinstance(e, Dim) for e in array.shape):
                count = int(contract.shared.value) // array.element.size
                length = Dim(array.name, 0, span)
                least = Compare(CompareOp.GE, length, Const(count, I64, span), span)
                found.append(Requirement(least, f"len({array.name}) >= {count}", span))
    if isinstance(contract.max_threads, Const):
        threads: Expr = Special(Register.BLOCK_DIM, 0, span)
        for axis in (1, 2):
            extent = Special(Register.BLOCK_DIM, axis, span)
            threads = Binary(BinaryOp.MUL, threads, extent, I64, span)
        most = Const(int(contract.max_threads.value), I64, span)
        fits = Compare(CompareOp.LE, threads, most, span)
        text = f"block_dim.x * block_dim.y * block_dim.z <= {most.value}"
        found.append(Requirement(fits, text, span))
    return (*found, *whole_clusters(kernel))


def whole_clusters(kernel: Kernel) -> Iterator[Requirement]:
    """That the grid is made of whole clusters."""
    span = kernel.name_span
    for axis, side in enumerate(kernel.contract.cluster or ()):
        if side > 1:
            blocks = Special(Register.GRID_DIM, axis, span)
            rest = Binary(BinaryOp.MOD, blocks, Const(side, I64, span), I64, span)
            condition = Compare(CompareOp.EQ, rest, Const(0, I64, span), span)
            yield Requirement(condition, f"grid_dim.{'xyz'[axis]} % {side} == 0", span)


def sides(condition: Expr, given: Given) -> tuple[Number, CompareOp, Number] | None:
    """Both sides of a comparison that does not hold: what a message shows; else None."""
    match condition:
        case Compare(op=op, left=left, right=right):
            return value(left, given), op, value(right, given)
        case Logic(op=LogicOp.AND, left=left, right=right):
            return sides(right if value(left, given) else left, given)
        case _:
            return None


def _integer(expression: Expr, given: Given) -> int:
    result = value(expression, given)
    if isinstance(result, float):
        raise NotEvaluable("conditions on launches are about integers")
    return int(result)


def _convert(number: Number, target: Scalar) -> Number:
    if target.kind is Kind.BOOL:
        return bool(number)
    if target.is_float:
        return float(number)
    if isinstance(number, float):
        raise NotEvaluable("conditions on launches are about integers")
    # Widening, which is what the frontend inserts, keeps the number.
    return int(number) if target.min <= number <= target.max else target.wrap(int(number))
