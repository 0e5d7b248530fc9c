"""Fixes: the text that a declaration, a guard or a conversion takes in the source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Edit, Fix
from oxide_analyzer.ir.kernel import OWN_DIALECT
from oxide_analyzer.ir.nodes import (
    Binary,
    Compare,
    Const,
    Convert,
    Dim,
    Expr,
    Logic,
    Not,
    Order,
    Param,
    Read,
    Scope,
    Special,
    Symbol,
    Unary,
)
from oxide_analyzer.source import Span

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.proof.links import Missing


def declare(kernel: Kernel, text: str, names: Iterable[str]) -> Fix | None:
    """Say `text`, which speaks of the parameters `names`, in the contract of a kernel."""
    contract = kernel.contract
    wanted = list(dict.fromkeys(p.argument for p in kernel.parameters if p.name in set(names)))
    title = f"declare `{text}`"
    if contract.insertion is not None:
        declared = f"requires=lambda {', '.join(wanted)}: {text}"
        if not wanted:
            declared = f"requires=lambda: {text}"
        return Fix(
            title, (Edit(contract.insertion, f"{contract.prefix}{declared}{contract.suffix}"),)
        )
    if contract.conjunction is None or contract.naming is None:
        return None
    edits = [Edit(contract.conjunction, f" and {text}")]
    missing = [name for name in wanted if name not in contract.named]
    if missing:
        start = ", " if contract.named else " "
        edits.insert(0, Edit(contract.naming, start + ", ".join(missing)))
    return Fix(title, tuple(edits))


def missing_words(missing: Missing) -> str:
    """What the atomic in question does not do."""
    atomic, line = missing.atomic, missing.atomic.span.line
    if missing.across and atomic.scope is Scope.BLOCK:
        return f'the atomic on line {line} has scope="block", and they are of different blocks'
    if missing.releases:
        return f"nothing before the atomic on line {line} makes it seen: it does not release"
    return f"the atomic on line {line} does not acquire what it reads"


def order_fix(missing: Sequence[Missing], kernel: Kernel) -> tuple[Fix, ...]:
    """The order with which an atomic does what no fence does for it; Oxide's atomics alone have
    one."""
    atomic = missing[0].atomic
    if (
        kernel.dialect != OWN_DIALECT
        or atomic.order is not Order.RELAXED
        or (missing[0].across and atomic.scope is Scope.BLOCK)
    ):
        return ()
    wanted = {m.releases for m in missing if m.atomic is atomic}
    order = (
        Order.ACQ_REL if len(wanted) == 2 else Order.RELEASE if True in wanted else Order.ACQUIRE
    )
    span = atomic.span
    end = Span(span.path, span.end_line, span.end_column - 1, span.end_line, span.end_column - 1)
    text = f'order="{order.value}"'
    return (Fix(f"give the atomic on line {span.line} {text}", (Edit(end, f", {text}"),)),)


def widen(expr: Expr) -> Fix | None:
    """Compute `expr` in 64 bits: convert its first operand, or leave out a conversion."""
    match expr:
        case Convert(operand=operand) if operand.span != expr.span:
            outer, inner = expr.span, operand.span
            before = Span(outer.path, outer.line, outer.column, inner.line, inner.column)
            behind = Span(
                outer.path, inner.end_line, inner.end_column, outer.end_line, outer.end_column
            )
            return Fix("keep it in 64 bits", (Edit(before, "("), Edit(behind, ")")))
        case Binary(left=left):
            span = left.span
            before = Span(span.path, span.line, span.column, span.line, span.column)
            behind = Span(span.path, span.end_line, span.end_column, span.end_line, span.end_column)
            return Fix("compute it in 64 bits", (Edit(before, "int("), Edit(behind, ")")))
        case _:
            return None


_TIGHT = (Read, Param, Symbol, Const, Dim, Special)


def source_text(expr: Expr) -> str:
    """An expression as the source would say it; conversions that nobody wrote are left out."""
    match expr:
        case Const(value=value):
            return repr(value)
        case Symbol(name=name) | Param(name=name):
            return name
        case Read(local=local):
            return local.source_name
        case Dim(array=array, axis=axis):
            return f"len({array})" if axis == 0 else f"{array}.shape[{axis}]"
        case Special(register=register, axis=axis):
            return f"{register.value}.{'xyz'[axis]}"
        case Convert(operand=operand, type=type_):
            inner = source_text(operand)
            return inner if operand.span == expr.span else f"{type_.name}({inner})"
        case Unary(op=op, operand=operand):
            if op.value.isalpha():
                return f"{op.value}({source_text(operand)})"
            return f"{op.value}{_operand(operand)}"
        case Binary(op=op, left=left, right=right):
            if op.value.isalpha():
                return f"{op.value}({source_text(left)}, {source_text(right)})"
            return f"{_operand(left)} {op.value} {_operand(right)}"
        case Compare(op=op, left=left, right=right) | Logic(op=op, left=left, right=right):
            return f"{_operand(left)} {op.value} {_operand(right)}"
        case Not(operand=operand):
            return f"not {_operand(operand)}"
        case _:
            return "…"


def _operand(expr: Expr) -> str:
    text = source_text(expr)
    plain = isinstance(expr, (*_TIGHT, Convert)) or text.startswith(("min(", "max(", "abs("))
    return text if plain and " " not in text else f"({text})"
