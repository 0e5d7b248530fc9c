"""The ternary: `then if condition else otherwise`, of which one side alone is evaluated.

Numbers meet as operands do; tuples and structs are chosen item by item.

    v = a[i] if i < n else 0.0         if i < n:
                                           %1 = load a[i]
                                           %2 = %1
                                  is   else:
                                           %2 = 0.0
                                       v = %2
    x, y = (y, x) if y < x else (x, y)
                                  is   %1 = y if y < x else x; …
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide.values import (
    UNKNOWN,
    ArrayValue,
    Choice,
    Give,
    Number,
    TupleValue,
    Unknown,
    again,
)
from oxide_analyzer.ir.nodes import Assign, If, Read, Select
from oxide_analyzer.language.types import BOOL
from oxide_analyzer.record import distinct
from oxide_analyzer.rules.ox003_type_mismatch import no_common_type

if TYPE_CHECKING:
    import ast

    from oxide_analyzer.frontends.oxide.lowering import Lowering
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.ir.nodes import Expr, Stmt
    from oxide_analyzer.source import Span


def ternary(lowering: Lowering, node: ast.IfExp) -> Value:
    """`then if condition else otherwise`: only one side is evaluated."""
    value = lowering.decision(node.test)
    condition = lowering.truth(value, node.test)
    with lowering.collect() as then_block:
        then_value = lowering.evaluate(node.body)
    with lowering.collect() as other_block:
        other_value = lowering.evaluate(node.orelse)
    if condition is None:
        return UNKNOWN
    depth = value.depth if isinstance(value, Number) else 0
    then = Side(node.body, then_value, then_block)
    other = Side(node.orelse, other_value, other_block)
    return chosen(lowering, node, Number(condition, BOOL, depth=depth), node.test, then, other)


@distinct
class Side:
    """One side of a choice: where it stands, what it gives, and what it has to do for that."""

    node: ast.expr
    value: Value
    block: list[Stmt]


def chosen(
    lowering: Lowering,
    node: ast.expr,
    decided: Number,
    test: ast.expr,
    then: Side,
    other: Side,
) -> Value:
    """One of two sides, of which only that one is done; `test` is where it is decided."""
    pure, condition = not then.block and not other.block, decided.expr
    if any(isinstance(side.value, ArrayValue | Unknown) for side in (then, other)):
        if not pure:
            # What either side accesses it accesses, whatever comes of that.
            lowering.emit(If(condition, (*then.block,), (*other.block,), lowering.span(test)))
        if any(isinstance(side.value, ArrayValue) for side in (then, other)):
            message = "a ternary does not choose between arrays; use `if` and `else`"
            return lowering.refuse(node, message)
        return UNKNOWN
    if pure and isinstance(then.value, TupleValue):
        condition = lowering.hold(decided, lowering.span(test)).expr
    found = _Choosing(lowering, node, condition, decided.depth, pure, then, other)
    result = found.choose(then.value, other.value)
    if not pure:
        span = lowering.span(test)
        lowering.emit(If(condition, tuple(then.block), tuple(other.block), span))
    return result


class _Choosing:
    """One choice: what each side has emitted so far, and what they have in common."""

    def __init__(
        self,
        lowering: Lowering,
        node: ast.expr,
        condition: Expr,
        depth: int,
        pure: bool,
        then: Side,
        other: Side,
    ) -> None:
        self._lowering = lowering
        self._node = node
        self._condition = condition
        self._depth = depth
        self._pure = pure
        self._then = then
        self._other = other
        self._span: Span = lowering.span(node)

    def choose(self, then: Value, otherwise: Value) -> Value:
        """One of two values of one form."""
        lowering, node = self._lowering, self._node
        then, otherwise = lowering.alike(then, otherwise, self._span)
        if isinstance(then, TupleValue) and isinstance(otherwise, TupleValue):
            same = then.struct == otherwise.struct and len(then.items) == len(otherwise.items)
            if not same:
                return lowering.mismatch(node, "the two sides of this ternary differ in form")
            items = [
                self.choose(one, other)
                for one, other in zip(then.items, otherwise.items, strict=True)
            ]
            if any(isinstance(item, Unknown) for item in items):
                return UNKNOWN
            return TupleValue(tuple(items), then.struct)
        one = lowering.number(then, self._then.node)
        other = lowering.number(otherwise, self._other.node)
        return UNKNOWN if one is None or other is None else self._number(one, other)

    def _number(self, then: Number, otherwise: Number) -> Value:
        lowering, node, span = self._lowering, self._node, self._span
        met = lowering.meet(then, otherwise)
        if met is None:
            return lowering.mismatch(node, no_common_type("if else", then.type, otherwise.type))
        common, give = met
        depth = max(self._depth, then.depth, otherwise.depth) + 1
        if give is Give.LITERAL and self._pure:
            one, other = (
                lowering.convert(then, common, self._then.node, "it"),
                lowering.convert(otherwise, common, self._other.node, "it"),
            )
            if one is None or other is None:
                return UNKNOWN
            condition = self._again()
            expr = Select(condition, one, other, common, span)
            return Number(
                expr, common, give, depth=depth, choice=Choice(condition, then, otherwise, span)
            )
        if give is Give.LITERAL:
            give = Give.WEAK
        with _into(lowering, self._then.block):
            one = lowering.convert(then, common, self._then.node, "the value if true")
        with _into(lowering, self._other.block):
            other = lowering.convert(otherwise, common, self._other.node, "the value if false")
        if one is None or other is None:
            return UNKNOWN
        if self._pure:
            expr = Select(self._again(), one, other, common, span)
            return lowering.flat(Number(expr, common, give, depth=depth))
        local = lowering.temporary(common)
        self._then.block.append(Assign(local, one, lowering.span(self._then.node)))
        self._other.block.append(Assign(local, other, lowering.span(self._other.node)))
        return Number(Read(local, span), common, give)

    def _again(self) -> Expr:
        """The condition, as a node of its own where it is used for several items."""
        if not isinstance(self._condition, Read):
            return self._condition
        made = again(Number(self._condition, BOOL), self._condition.span)
        return made.expr if isinstance(made, Number) else self._condition


class _into:
    """Emit into statements that were collected before."""

    def __init__(self, lowering: Lowering, block: list[Stmt]) -> None:
        self._lowering, self._block = lowering, block
        self._outer = lowering.block

    def __enter__(self) -> None:
        self._outer, self._lowering.block = self._lowering.block, self._block

    def __exit__(self, *error: object) -> None:
        self._lowering.block = self._outer
