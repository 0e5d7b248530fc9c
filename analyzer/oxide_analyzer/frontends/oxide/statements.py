"""Statements: assignment, branches, loops, and what ends them."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide import indexing, operators, places
from oxide_analyzer.frontends.oxide.iteration import iteration
from oxide_analyzer.frontends.oxide.scopes import parameters
from oxide_analyzer.frontends.oxide.values import (
    NOTHING,
    UNKNOWN,
    ArrayValue,
    FunctionValue,
    Give,
    MeaningValue,
    Nothing,
    Number,
    TupleValue,
    Unknown,
)
from oxide_analyzer.ir.expressions import RESULT
from oxide_analyzer.ir.nodes import (
    Break,
    Const,
    Continue,
    For,
    If,
    Leave,
    Local,
    Ownership,
    Read,
    Return,
    Symbol,
    While,
)
from oxide_analyzer.language.types import I64
from oxide_analyzer.rules import ox001_syntax_error, ox106_mixed_atomic_access
from oxide_analyzer.rules.ox002_unsupported_construct import operator as unsupported
from oxide_analyzer.rules.ox002_unsupported_construct import without_call

if TYPE_CHECKING:
    from oxide_analyzer.frontends.oxide.functions import Body
    from oxide_analyzer.frontends.oxide.lowering import Lowering
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.source import Span


def assign(lowering: Lowering, node: ast.Assign, tail: bool) -> None:
    """`target = value`, `a = b = value`, `x, y = y, x`: first the value, then the targets."""
    del tail
    first = node.targets[0]
    value = _named(lowering, node.value, first.id if isinstance(first, ast.Name) else None)
    if len(node.targets) > 1 or isinstance(value, TupleValue):
        names = {name for target in node.targets for name in _assigned(target)}
        value = _held(lowering, value, names if len(node.targets) == 1 else None, node.value)
    span = lowering.span(node)
    for target in node.targets:
        put(lowering, target, value, node.value, span)


def put(lowering: Lowering, target: ast.expr, value: Value, node: ast.expr, span: Span) -> None:
    """Store a value in a target; `node` is where the value stands."""
    match target:
        case ast.Name(id=name):
            _put_name(lowering, target, name, value, node, span)
        case ast.Subscript():
            lowering.store(lowering, target, value, node)
        case ast.Tuple(elts=targets) | ast.List(elts=targets):
            _unpack(lowering, target, targets, value, node, span)
        case ast.Starred():
            lowering.refuse(target, "kernels have no starred targets; name each item")
        case ast.Attribute():
            lowering.store_attribute(lowering, target, value, node)
        case _:
            lowering.refuse(target, "kernels cannot assign to this")


def annotated(lowering: Lowering, node: ast.AnnAssign, tail: bool) -> None:
    """`x: f32 = 0`: a local of a declared type."""
    del tail
    if not isinstance(node.target, ast.Name):
        lowering.refuse(node.target, "only names are annotated in a kernel")
        return
    if node.value is not None:
        value = _named(lowering, node.value, node.target.id)
        put(lowering, node.target, value, node.value, lowering.span(node))


def augmented(lowering: Lowering, node: ast.AugAssign, tail: bool) -> None:
    """`x += y`; of an element, the index is evaluated once and the load precedes `y`."""
    del tail
    if type(node.op) not in operators.BINARY:
        lowering.refuse(node, unsupported(node.op))
        return
    match node.target:
        case ast.Name(id=name):
            old = places.name(lowering, ast.copy_location(ast.Name(name, ast.Load()), node.target))
            left = operators.operand(lowering, old, node.target)
            new = _combined(lowering, node, left)
            if new is not None:
                key = (lowering.frame.key, name)
                lowering.assign(key, new, node.value, lowering.span(node))
        case ast.Subscript() as target:
            _augmented_element(lowering, node, target)
        case _:
            lowering.refuse(node.target, "kernels cannot assign to this")


def branch(lowering: Lowering, node: ast.If, tail: bool) -> None:
    """`if`, `elif`, `else`."""
    condition = lowering.condition(node.test)
    with lowering.collect() as then:
        lowering.execute(node.body, tail)
    with lowering.collect() as otherwise:
        lowering.execute(node.orelse, tail)
    if condition is not None:
        lowering.emit(If(condition, tuple(then), tuple(otherwise), lowering.span(node.test)))


def while_loop(lowering: Lowering, node: ast.While, tail: bool) -> None:
    """`while`: what the condition needs is computed before each test."""
    del tail
    if node.orelse:
        lowering.refuse(
            node.orelse[0], "kernels have no `else` on loops; set a flag before `break`"
        )
    with lowering.collect() as header:
        condition = lowering.condition(node.test)
    with lowering.collect() as body:
        lowering.frame.loops += 1
        lowering.execute(node.body)
        lowering.frame.loops -= 1
    if condition is not None:
        lowering.emit(While(tuple(header), condition, tuple(body), lowering.span(node.test)))


def for_loop(lowering: Lowering, node: ast.For, tail: bool) -> None:
    """`for i in range(…)`, `for i in grid_stride(n)`, and `for v in row`."""
    del tail
    if node.orelse:
        lowering.refuse(
            node.orelse[0], "kernels have no `else` on loops; set a flag before `break`"
        )
    bounds = iteration(lowering, node.iter)
    if isinstance(bounds, ArrayValue):
        _elements(lowering, node, bounds)
        return
    span = lowering.span(node.target)
    if not isinstance(node.target, ast.Name):
        if bounds is not None:
            lowering.refuse(node.target, "a loop over `range` has one variable")
        variable = lowering.temporary(I64)
        prologue = None
    else:
        key = (lowering.frame.key, node.target.id)
        counter = Number(Read(Local("", I64), span), I64)
        entry = lowering.names.assign(key, counter)
        if not entry.refused and entry.arity is None and entry.type == I64:
            variable, prologue = lowering.local(key, I64), None
        else:
            # The name has another type elsewhere: the loop counts for itself.
            variable, prologue = lowering.temporary(I64), key
    with lowering.collect() as body:
        if prologue is not None:
            lowering.assign(prologue, Number(Read(variable, span), I64), node.target, span)
        lowering.frame.loops += 1
        lowering.execute(node.body)
        lowering.frame.loops -= 1
    if bounds is None:
        return
    start, stop, step = bounds
    lowering.emit(For(variable, start, stop, step, tuple(body), _head(lowering, node)))


def _elements(lowering: Lowering, node: ast.For, array: ArrayValue) -> None:
    """`for v in row`: each element in turn, loaded when its round begins."""
    span = lowering.span(node.iter)
    counter = lowering.temporary(I64)
    with lowering.collect() as body:
        index = indexing.at(lowering, array, Read(counter, span), span)
        element = places.load(lowering, array.array, index, node.iter)
        put(lowering, node.target, element, node.iter, lowering.span(node.target))
        lowering.frame.loops += 1
        lowering.execute(node.body)
        lowering.frame.loops -= 1
    stop = indexing.extent(array, 0, span)
    zero, one = Const(0, I64, span), Const(1, I64, span)
    lowering.emit(For(counter, zero, stop, one, tuple(body), _head(lowering, node)))


def _head(lowering: Lowering, node: ast.For) -> Span:
    start, end = lowering.span(node), lowering.span(node.iter)
    return start.__class__(start.path, start.line, start.column, end.end_line, end.end_column)


def expression(lowering: Lowering, node: ast.Expr, tail: bool) -> None:
    """A call for its effect; any other expression is read and dropped."""
    del tail
    value = node.value
    if isinstance(value, ast.Constant) and (isinstance(value.value, str) or value.value is ...):
        return
    result = lowering.evaluate(value)
    if isinstance(result, MeaningValue) and not _nameable(result):
        lowering.refuse_value(result, value)
    elif isinstance(result, MeaningValue):
        lowering.refuse(value, without_call(lowering.text(value)))


def leave(lowering: Lowering, node: ast.Return, tail: bool) -> None:
    """`return`: the thread is done, or the helper gives its result."""
    frame = lowering.frame
    if frame.label is None:
        if node.value is not None and not _is_none(node.value):
            lowering.refuse(node, "a kernel returns nothing; store the result into a slice")
            return
        lowering.emit(Return(lowering.site(), lowering.span(node)))
        return
    value: Value = NOTHING if node.value is None else lowering.evaluate(node.value)
    if node.value is not None and _is_none(node.value):
        value = NOTHING
    if isinstance(value, Nothing):
        if frame.body.returns_value and not isinstance(node.value, ast.Call):
            lowering.mismatch(node, f"`{frame.function.node.name}` returns a value elsewhere")
    elif isinstance(value, ArrayValue) and not lowering.is_typed and _is_only(node, frame.body):
        frame.returned = value
    elif node.value is not None:
        result(lowering, value, node.value, lowering.span(node))
    if not tail:
        frame.leaves = True
        lowering.emit(Leave(frame.label, lowering.span(node)))


def _is_only(node: ast.Return, body: Body) -> bool:
    """Whether a function ends with this `return` and has no other."""
    inside = [inner for statement in body.statements for inner in ast.walk(statement)]
    return body.statements[-1] is node and sum(isinstance(n, ast.Return) for n in inside) == 1


def result(lowering: Lowering, value: Value, node: ast.expr, span: Span) -> None:
    """Keep what a helper returns."""
    frame = lowering.frame
    if isinstance(value, ArrayValue | MeaningValue | FunctionValue):
        lowering.refuse(node, "a helper returns numbers; pass it the array to write to")
        return
    lowering.assign((frame.key, RESULT), value, node, span)


def stop(lowering: Lowering, node: ast.Break | ast.Continue, tail: bool) -> None:
    """`break` and `continue`."""
    del tail
    if not lowering.frame.loops:
        word = (
            "'break' outside loop"
            if isinstance(node, ast.Break)
            else "'continue' not properly in loop"
        )
        lowering.report(ox001_syntax_error.RULE, node, word)
        return
    span = lowering.span(node)
    lowering.emit(Break(span) if isinstance(node, ast.Break) else Continue(span))


def nothing(lowering: Lowering, node: ast.Pass, tail: bool) -> None:
    """`pass`."""
    del lowering, node, tail


def _named(lowering: Lowering, node: ast.expr, name: str | None) -> Value:
    """The value; an array that it allocates gets the name that it is assigned to."""
    lowering.allocation_name = name
    value = lowering.evaluate(node)
    lowering.allocation_name = None
    return value


def _put_name(
    lowering: Lowering, target: ast.Name, name: str, value: Value, node: ast.expr, span: Span
) -> None:
    frame = lowering.frame
    if isinstance(value, MeaningValue | ArrayValue | FunctionValue) or _is_static(value):
        given = any(argument.arg == name for argument, _ in parameters(frame.function.node))
        if given or frame.body.assigned.get(name, 0) > 1:
            lowering.mixed(name)
            lowering.refuse(
                target,
                f"`{name}` is assigned more than once; {_own(value)} needs a name of its own",
            )
            frame.statics[name] = UNKNOWN
            lowering.lose(value)
            return
        if isinstance(value, MeaningValue) and not _nameable(value):
            lowering.refuse_value(value, node)
            frame.statics[name] = UNKNOWN
            return
        frame.statics[name] = value
        return
    match frame.statics.get(name):
        case None:
            pass
        case Unknown():
            return
        case _:
            what = _kind(frame.statics[name])
            lowering.mixed(name)
            lowering.mismatch(target, f"`{name}` is {what}; give the number another name")
            return
    lowering.assign((frame.key, name), value, node, span)


def _is_static(value: Value) -> bool:
    """Whether a tuple or struct holds what is no number."""
    if not isinstance(value, TupleValue):
        return False
    return any(
        isinstance(item, MeaningValue | ArrayValue | FunctionValue) or _is_static(item)
        for item in value.items
    )


def _own(value: Value) -> str:
    return "a function" if isinstance(value, FunctionValue) else "an array"


def _kind(value: Value) -> str:
    match value:
        case FunctionValue():
            return "a function"
        case ArrayValue():
            return "an array"
        case _:
            return "known when compiling"


def _nameable(value: MeaningValue) -> bool:
    from oxide_analyzer.frontends.oxide.meanings import FunctionRole, Known, UserFunction

    match value.meaning:
        case Known() | UserFunction(role=FunctionRole.DEVICE):
            return True
        case _:
            return False


def _unpack(
    lowering: Lowering,
    target: ast.expr,
    targets: list[ast.expr],
    value: Value,
    node: ast.expr,
    span: Span,
) -> None:
    if isinstance(value, Unknown):
        return
    if not isinstance(value, TupleValue) or value.struct is not None:
        text = lowering.text(node)
        lowering.mismatch(node, f"`{text}` is not a tuple, and {len(targets)} names take it apart")
        return
    if any(isinstance(inner, ast.Starred) for inner in targets):
        lowering.refuse(target, "kernels have no starred targets; name each item")
        return
    if len(value.items) != len(targets):
        lowering.mismatch(
            target, f"{len(targets)} targets take apart a tuple of {len(value.items)}"
        )
        return
    nodes = [node] * len(targets)
    if isinstance(node, ast.Tuple) and len(node.elts) == len(targets):
        nodes = node.elts
    for inner, item, item_node in zip(targets, value.items, nodes, strict=True):
        put(lowering, inner, item, item_node, span)


def _assigned(target: ast.expr) -> list[str]:
    match target:
        case ast.Name(id=name):
            return [name]
        case ast.Tuple(elts=elements) | ast.List(elts=elements):
            return [name for element in elements for name in _assigned(element)]
        case _:
            return []


def _held(lowering: Lowering, value: Value, names: set[str] | None, node: ast.expr) -> Value:
    """The value, held in temporaries where a target could change what it reads.

    `names` are those that the statement assigns; None says that the value is used repeatedly.
    """
    match value:
        case TupleValue(items=items):
            if names is not None and not any(
                isinstance(part, ast.Name) and part.id in names for part in ast.walk(node)
            ):
                return value
            held = tuple(_held(lowering, item, None, node) for item in items)
            return TupleValue(held, value.struct)
        case Number() if names is None and value.give is not Give.LITERAL:
            if isinstance(value.expr, Const | Symbol):
                return value
            return lowering.hold(value, lowering.span(node))
        case _:
            return value


def _combined(lowering: Lowering, node: ast.AugAssign, left: Number | None) -> Number | None:
    right = operators.operand(lowering, lowering.evaluate(node.value), node.value)
    if left is None or right is None:
        return None
    return operators.arithmetic(lowering, node.op, left, right, node, node.value)


def _augmented_element(lowering: Lowering, node: ast.AugAssign, target: ast.Subscript) -> None:
    base = lowering.evaluate(target.value)
    if not isinstance(base, ArrayValue):
        if not isinstance(base, Unknown):
            text = lowering.text(target.value)
            lowering.refuse(target, f"`{text}` is not an array, so its items cannot be assigned")
        lowering.evaluate(node.value)
        return
    index = indexing.element(lowering, base, target.slice, target)
    if base.array.ownership is Ownership.ATOMIC:
        rule = ox106_mixed_atomic_access
        lowering.report(rule.RULE, target, rule.message(lowering.text(target.value), "changed"))
        lowering.evaluate(node.value)
        return
    old = None if index is None else places.load(lowering, base.array, index, target)
    new = _combined(lowering, node, old)
    places.put(lowering, base, index, new, target, node.value)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
