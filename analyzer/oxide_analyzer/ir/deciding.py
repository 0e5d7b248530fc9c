"""Which of the values that nobody knows decide what a kernel does, and not only what it computes.

    %1 = unknown              out[i] = %1          the value is stored and nothing else
    %2 = unknown              if %2 > 0: …         it decides whether a branch is taken
    %3 = unknown; a[i] = %3   x = a[j]; b[x] = 1   it decides, by way of `a`, where is written

A value decides if it can come into an index, a condition, an end of a loop, a divisor, a check, a
lane or a mask. It is followed through locals and arrays without regard to the order of
statements, so more values are said to decide than do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.ir.nodes import (
    Assign,
    Atomic,
    AtomicOp,
    Forget,
    Load,
    Read,
    Store,
    WarpOp,
)
from oxide_analyzer.ir.walk import operands, statements, subexpressions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Expr, Stmt


def deciding(kernel: Kernel) -> frozenset[int]:
    """The sites of the `Forget`s whose value can decide what happens."""
    every = list(statements(kernel.body))
    unknown = [s for s in every if isinstance(s, Forget)]
    if not unknown:
        return frozenset()
    # Backwards: what is read where something is decided, and what that is made of.
    wanted: set[str] = set()
    for statement in every:
        wanted.update(_locals(_decides(statement)))
    while True:
        count = len(wanted)
        for statement in every:
            wanted.update(_made_of(statement, wanted))
        if len(wanted) == count:
            break
    return frozenset(s.site for s in unknown if s.target.name in wanted)


def _decides(statement: Stmt) -> tuple[Expr, ...]:
    """The operands of a statement by which something is decided."""
    match statement:
        case Assign() | Forget():
            return ()
        case Store(index=index):
            return index
        case Atomic(op=AtomicOp.COMPARE_EXCHANGE):
            return operands(statement)
        case Atomic(index=index):
            return index
        case WarpOp(lane=lane, mask=mask):
            return tuple(expr for expr in (lane, mask) if expr is not None)
        case _:
            return operands(statement)


def _made_of(statement: Stmt, wanted: set[str]) -> Iterable[str]:
    """What the wanted locals and arrays that a statement writes are made of; an array stands
    among the locals with brackets."""
    match statement:
        case Assign(target=target, value=value) if target.name in wanted:
            return _locals((value,))
        case Load(target=target, array=array) if target.name in wanted:
            return (f"{array}[]",)
        case Store(array=array, value=value) if f"{array}[]" in wanted:
            return _locals((value,))
        case Atomic(target=target, array=array, value=value, compare=compare):
            found = set[str]()
            if target is not None and target.name in wanted:
                found.add(f"{array}[]")
            if f"{array}[]" in wanted or found:
                found.update(_locals(e for e in (value, compare) if e is not None))
            return found
        case WarpOp(target=target, value=value) if target is not None:
            return _locals((value,)) if target.name in wanted and value is not None else ()
        case Forget(target=target, of=of) if target.name in wanted:
            return _locals(of or ())
        case _:
            return ()


def _locals(exprs: Iterable[Expr]) -> set[str]:
    return {
        inner.local.name
        for expr in exprs
        for inner in subexpressions(expr)
        if isinstance(inner, Read)
    }
