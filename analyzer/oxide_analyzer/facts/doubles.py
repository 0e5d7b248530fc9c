"""Arithmetic in 64 bits that nobody asked for: f64 operations on narrower data.

A kernel whose arrays hold f32 or f16 may still compute in f64, because a literal, a scalar or an
integer took an expression there:

    y[i] = x[i] * 0.5          in Numba 0.5 is an f64, x[i] is converted, and the product again
    y[i] = x[i] / n            so is every integer of 32 bits or more that meets a float

In Oxide literals take the type of what they meet, so there it is a local, or a parameter, that is
declared f64.

`doubles` gives, for each statement that computes in f64, what brought it there first. Only kernels
are looked at whose arrays of floats are all narrower than 64 bits: in others f64 is what is meant.
Conversions that someone wrote (`f64(x)`) are what is meant, too: an operation counts only where one
operand is narrow data that was converted, or a local that holds such.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from oxide_analyzer.ir.nodes import (
    Assign,
    Binary,
    Const,
    Convert,
    Math,
    Param,
    Read,
    Space,
    Unary,
)
from oxide_analyzer.ir.walk import operands, statements, subexpressions
from oxide_analyzer.language.types import F64
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Expr, Stmt
    from oxide_analyzer.source import Span


class Cause(Enum):
    """What takes an operation to 64 bits."""

    LITERAL = "literal"
    INTEGER = "integer"
    SCALAR = "scalar"
    LOCAL = "local"
    FUNCTION = "function"


@record
class Double:
    """A statement that computes `count` operations in f64: where that begins, and why.

    `what` is the literal, or the name of the scalar, local or function; `span` that of the cause.
    """

    span: Span
    cause: Cause
    what: str
    count: int


def doubles(kernel: Kernel) -> tuple[Double, ...]:
    """The statements that compute in f64 where the data are narrower, in source order."""
    floats = [
        array.element
        for array in kernel.arrays.values()
        if array.element.is_float and array.space in (Space.GLOBAL, Space.SHARED)
    ]
    if not floats or any(element == F64 for element in floats):
        return ()
    return tuple(_found(kernel))


def _found(kernel: Kernel) -> Iterator[Double]:
    declared: dict[str, Span] = {}
    told: set[object] = set()
    for stmt in statements(kernel.body):
        if isinstance(stmt, Assign) and stmt.target.type == F64 and _is_declared(stmt.value):
            declared.setdefault(stmt.target.name, stmt.span)
        operations = _operations(stmt)
        for operation in operations:
            found = _cause(operation, declared)
            if found is not None:
                span, cause, what = found
                # A local brings every statement with it; it is told once.
                key = (cause, what) if cause is Cause.LOCAL else span
                if key not in told:
                    told.add(key)
                    yield Double(span, cause, what, len(operations))
                break


def _operations(stmt: Stmt) -> list[Binary | Unary | Math]:
    """The operations in f64 directly in a statement, inner before outer."""
    found = [
        expr
        for root in operands(stmt)
        for expr in subexpressions(root)
        if isinstance(expr, (Binary, Unary, Math)) and expr.type == F64
    ]
    return found[::-1]


def _cause(
    operation: Binary | Unary | Math, declared: dict[str, Span]
) -> tuple[Span, Cause, str] | None:
    parts = _parts(operation)
    own = next((p for p in parts if isinstance(p, Read) and p.local.type == F64), None)
    if not any(_is_narrow(part) for part in parts) and own is None:
        return None
    for part in parts:
        inner = part.operand if isinstance(part, Convert) else part
        if isinstance(inner, Const):
            # The source may say `2` of what Numba converted.
            return inner.span, Cause.LITERAL, f"{inner.value:.15g}"
        if isinstance(part, Convert) and inner.type.is_integer:
            return inner.span, Cause.INTEGER, str(inner.type)
        if isinstance(part, Param):
            return part.span, Cause.SCALAR, part.name
    if own is not None and own.local.name in declared and not own.local.name.startswith("%"):
        return declared[own.local.name], Cause.LOCAL, own.local.source_name
    if isinstance(operation, Math):
        return operation.span, Cause.FUNCTION, str(operation.function)
    return None


def _parts(operation: Binary | Unary | Math) -> tuple[Expr, ...]:
    match operation:
        case Binary(left=left, right=right):
            return left, right
        case Unary(operand=operand):
            return (operand,)
        case Math(operands=parts):
            return parts


def _is_declared(value: Expr) -> bool:
    """Whether the value has no need of 64 bits, so that its local's declaration asks for them."""
    if isinstance(value, Convert):
        # A conversion that someone wrote is longer than what it converts.
        return value.operand.span == value.span
    return isinstance(value, Const)


def _is_narrow(expr: Expr) -> bool:
    """Whether it is a narrower float that was converted."""
    return (
        isinstance(expr, Convert)
        and expr.operand.type.is_float
        and expr.operand.type.bits < F64.bits
    )
