"""Statements that Numba kernels have and Oxide's have not, or have otherwise."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.frontends.numba import arrays, operators, otherwise, records
from oxide_analyzer.frontends.numba.promotion import promoted
from oxide_analyzer.frontends.oxide import indexing, statements
from oxide_analyzer.frontends.oxide.meanings import Known
from oxide_analyzer.frontends.oxide.values import (
    UNKNOWN,
    ArrayValue,
    Number,
    TupleValue,
)
from oxide_analyzer.ir.nodes import Binary, BinaryOp, Const, For, Read, Return
from oxide_analyzer.language.types import I64
from oxide_analyzer.record import distinct

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_analyzer.frontends.numba.lowering import NumbaLowering
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.ir.nodes import Expr
    from oxide_analyzer.source import Span


# A loop over a tuple of more items is one whose rounds are not told apart.
_MOST_ROUNDS = 32


def augmented(lowering: NumbaLowering, node: ast.AugAssign, tail: bool) -> None:
    """`x += y`, `a[i] += y`, `p.x += y`."""
    del tail
    if isinstance(node.target, ast.Name):
        name = ast.copy_location(ast.Name(node.target.id, ast.Load()), node.target)
        old, right = lowering.evaluate(name), lowering.evaluate(node.value)
        new = operators.combined(lowering, node.op, old, right, node, node.value)
        key = (lowering.frame.key, node.target.id)
        lowering.assign(key, new, node.value, lowering.span(node))
    else:
        arrays.augmented(lowering, node, node.target)


def branch(lowering: NumbaLowering, node: ast.If, tail: bool) -> None:
    """`if`: of a condition that is known when the kernel is compiled, only what is done then."""
    if lowering.launched is not None and isinstance(node.test, ast.Name | ast.Constant):
        value = lowering.evaluate(node.test)
        if isinstance(value, Number) and isinstance(value.expr, Const):
            lowering.execute(node.body if value.expr.value else node.orelse, tail)
            return
    statements.branch(lowering, node, tail)


def while_loop(lowering: NumbaLowering, node: ast.While, tail: bool) -> None:
    """`while`, also with `else`."""
    if node.orelse:
        lowering.execute(otherwise.plain(node), tail)
    else:
        statements.while_loop(lowering, node, tail)


def for_loop(lowering: NumbaLowering, node: ast.For, tail: bool) -> None:
    """`for` over `range`, an array, `zip`, `enumerate`, or what nobody knows."""
    if node.orelse:
        lowering.execute(otherwise.plain(node), tail)
        return
    source = node.iter
    if isinstance(source, ast.Call):
        scope = lowering.frame.function.scope
        match lowering.resolver.expression(source.func, scope):
            case Known(builtin=row) if row.name == "range":
                statements.for_loop(lowering, node, tail)
                return
            case Known(builtin=row) if row.name in ("zip", "enumerate"):
                _side_by_side(lowering, node, _source(lowering, source))
                return
            case _:
                lowering.lose(lowering.evaluate(source))
                _unknown(lowering, node)
                return
    value = lowering.evaluate(source)
    if isinstance(value, TupleValue) and len(value.items) <= _MOST_ROUNDS and _runs_on(node.body):
        _each(lowering, node, value)
        return
    known = isinstance(value, ArrayValue) and value.array.name not in lowering.lost
    if known and isinstance(value, ArrayValue) and value.rank == 1:
        if value.elements is not None:
            _side_by_side(lowering, node, value)
        else:
            statements.for_loop(lowering, node, tail)
    else:
        lowering.lose(value)
        _unknown(lowering, node)


def _each(lowering: NumbaLowering, node: ast.For, values: TupleValue) -> None:
    """A loop over a tuple: its rounds, one behind the other."""
    for value in values.items:
        statements.put(lowering, node.target, value, node.iter, lowering.span(node.target))
        lowering.execute(node.body)


def _runs_on(body: list[ast.stmt]) -> bool:
    """Whether a round of a loop always goes through to the next."""
    return not any(
        isinstance(node, ast.Break | ast.Continue)
        for statement in body
        for node in ast.walk(statement)
    )


@distinct
class _Zip:
    """`zip(a, b)`."""

    sources: tuple[_Source, ...]


@distinct
class _Enumerate:
    """`enumerate(a, start)`."""

    source: _Source
    start: Number


_Source: TypeAlias = "_Zip | _Enumerate | Value"


def _source(lowering: NumbaLowering, node: ast.expr) -> _Source:
    """What a loop goes over, with what is nested in it."""
    if isinstance(node, ast.Call) and node.args:
        match lowering.resolver.expression(node.func, lowering.frame.function.scope):
            case Known(builtin=row) if row.name == "zip":
                return _Zip(tuple(_source(lowering, argument) for argument in node.args))
            case Known(builtin=row) if row.name == "enumerate":
                start = Number(Const(0, I64, lowering.span(node)), I64)
                for argument in (*node.args[1:], *(keyword.value for keyword in node.keywords)):
                    start = promoted(
                        lowering.hold(lowering.evaluate_number(argument), start.expr.span),
                        I64,
                        start.expr.span,
                    )
                return _Enumerate(_source(lowering, node.args[0]), start)
            case _:
                pass
    return lowering.evaluate(node)


def _leaves(source: _Source) -> list[Value]:
    match source:
        case _Zip(sources=sources):
            return [leaf for inner in sources for leaf in _leaves(inner)]
        case _Enumerate(source=inner):
            return _leaves(inner)
        case _:
            return [source]


def _item(source: _Source, round: Expr, leaf: Callable[[Value], Value], span: Span) -> Value:
    """What the targets of a loop are in one round."""
    match source:
        case _Zip(sources=sources):
            return TupleValue(tuple(_item(inner, round, leaf, span) for inner in sources))
        case _Enumerate(source=inner, start=start):
            number = Number(Binary(BinaryOp.ADD, start.expr, round, I64, span), I64, depth=2)
            if isinstance(start.expr, Const) and start.expr.value == 0:
                number = Number(round, I64)
            return TupleValue((number, _item(inner, round, leaf, span)))
        case _:
            return leaf(source)


def _side_by_side(lowering: NumbaLowering, node: ast.For, source: _Source) -> None:
    """`zip(a, b)` and `enumerate(a)` of arrays, and what is made of these: as many rounds as the
    shortest has elements. Tuples are taken item by item."""
    span = lowering.span(node.iter)
    values = _leaves(source)
    tuples = [value for value in values if isinstance(value, TupleValue)]
    rounds = min((len(value.items) for value in tuples), default=0)
    if len(tuples) == len(values) and rounds <= _MOST_ROUNDS and _runs_on(node.body):
        _rounds_of_tuples(lowering, node, source, rounds)
        return
    counter = lowering.temporary(I64)
    stop: Expr | None = None
    for value in values:
        if isinstance(value, ArrayValue) and value.array.name not in lowering.lost:
            extent = indexing.extent(value, 0, span)
            stop = extent if stop is None else Binary(BinaryOp.MIN, stop, extent, I64, span)
    if stop is None:
        _unknown(lowering, node)
        return

    def element(value: Value) -> Value:
        if isinstance(value, ArrayValue) and value.rank == 1:
            if value.array.name in lowering.lost:
                return UNKNOWN
            index = indexing.at(lowering, value, Read(counter, span), span)
            return records.item(lowering, value, index, node.iter)
        lowering.lose(value)
        return UNKNOWN

    with lowering.collect() as body:
        made = _item(source, Read(counter, span), element, span)
        statements.put(lowering, node.target, made, node.iter, lowering.span(node.target))
        _body(lowering, node)
    zero, one = Const(0, I64, span), Const(1, I64, span)
    lowering.emit(For(counter, zero, stop, one, tuple(body), span))


def _rounds_of_tuples(lowering: NumbaLowering, node: ast.For, source: _Source, rounds: int) -> None:
    span = lowering.span(node.iter)
    for number in range(rounds):

        def item(value: Value, number: int = number) -> Value:
            return value.items[number] if isinstance(value, TupleValue) else UNKNOWN

        made = _item(source, Const(number, I64, span), item, span)
        statements.put(lowering, node.target, made, node.iter, lowering.span(node.target))
        lowering.execute(node.body)


def _unknown(lowering: NumbaLowering, node: ast.For) -> None:
    """A loop over what nobody knows: any number of rounds, with any values."""
    span = lowering.span(node.iter)
    lowering.assume(node.iter, f"what `{lowering.text(node.iter)}` goes over")
    rounds = lowering.forget(node.iter, "how often a loop goes round", adapts=False)
    counter = lowering.temporary(I64)
    with lowering.collect() as body:
        _forget_targets(lowering, node.target)
        _body(lowering, node)
    zero, one = Const(0, I64, span), Const(1, I64, span)
    lowering.emit(For(counter, zero, rounds.expr, one, tuple(body), span))


def _forget_targets(lowering: NumbaLowering, target: ast.expr) -> None:
    match target:
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            for element in elements:
                _forget_targets(lowering, element)
        case ast.Name():
            statements.put(lowering, target, UNKNOWN, target, lowering.span(target))
        case _:
            pass


def _body(lowering: NumbaLowering, node: ast.For) -> None:
    lowering.frame.loops += 1
    lowering.execute(node.body)
    lowering.frame.loops -= 1


def stop(lowering: NumbaLowering, node: ast.Raise, tail: bool) -> None:
    """`raise`: the thread is done."""
    del tail
    lowering.emit(Return(lowering.site(), lowering.span(node)))


def attempt(lowering: NumbaLowering, node: ast.Try, tail: bool) -> None:
    """`try`: what is tried, and what follows in any case."""
    del tail
    lowering.assume(node, "what is done after an exception")
    lowering.execute(node.body)
    lowering.execute(node.orelse)
    lowering.execute(node.finalbody)


def context(lowering: NumbaLowering, node: ast.With, tail: bool) -> None:
    """`with`: what stands in it."""
    for item in node.items:
        value = lowering.evaluate(item.context_expr)
        lowering.lose(value)
        lowering.assume(item.context_expr, f"`with {lowering.text(item.context_expr)}`")
        if item.optional_vars is not None:
            _forget_targets(lowering, item.optional_vars)
    lowering.execute(node.body, tail)


def definition(lowering: NumbaLowering, node: ast.FunctionDef | ast.ClassDef, tail: bool) -> None:
    """A function inside of the kernel: what it does is not known where it is called."""
    del tail
    lowering.frame.statics[node.name] = UNKNOWN


def nothing(lowering: NumbaLowering, node: ast.stmt, tail: bool) -> None:
    """What does nothing on the device: `import`, `assert` outside of debugging, `del`."""
    del lowering, node, tail
