"""Calls of what the language offers: conversions, arrays, barriers, atomics, functions."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, TypeVar

from oxide_analyzer.frontends.oxide.annotations import SCALAR_NAMES
from oxide_analyzer.frontends.oxide.inlining import inline
from oxide_analyzer.frontends.oxide.meanings import (
    FunctionRole,
    HostObject,
    Known,
    UserFunction,
)
from oxide_analyzer.frontends.oxide.operators import divisor_check, operand
from oxide_analyzer.frontends.oxide.places import index_list, length, scalar_of
from oxide_analyzer.frontends.oxide.values import (
    NOTHING,
    UNKNOWN,
    ArrayValue,
    Give,
    MeaningValue,
    Number,
    TupleValue,
    Unknown,
    at,
    literal_at,
    meet,
)
from oxide_analyzer.interpreter import arithmetic
from oxide_analyzer.ir.nodes import (
    Array,
    Atomic,
    AtomicOp,
    Barrier,
    Binary,
    BinaryOp,
    Const,
    Convert,
    Declare,
    DivisorRole,
    Math,
    MathFunction,
    Order,
    Ownership,
    Read,
    Register,
    Scope,
    Space,
    Special,
    Unary,
    UnaryOp,
)
from oxide_analyzer.language.builtins import BuiltinKind, lookup
from oxide_analyzer.language.types import BOOL, I64, Kind, join
from oxide_analyzer.rules import ox002_unsupported_construct
from oxide_analyzer.rules.ox003_type_mismatch import no_common_type

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_analyzer.frontends.oxide.lowering import Lowering
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.ir.nodes import Expr
    from oxide_analyzer.language.builtins import Builtin
    from oxide_analyzer.language.types import Scalar
    from oxide_analyzer.source import Span

Word = TypeVar("Word", Scope, Order)


def call(lowering: Lowering, node: ast.Call) -> Value:
    """A call, by what is called."""
    target = lowering.evaluate(node.func)
    match target:
        case MeaningValue(meaning=Known(builtin=row)):
            return _known(lowering, node, row)
        case MeaningValue(meaning=UserFunction(role=FunctionRole.DEVICE) as function, path=path):
            return inline(lowering, node, function, path)
        case MeaningValue(meaning=HostObject(what=what)):
            message = ox002_unsupported_construct.python_function(what)
            if message is not None:
                return lowering.refuse(node, message)
            lowering.refuse_value(target, node.func)
            return UNKNOWN
        case MeaningValue():
            lowering.refuse_value(target, node.func)
            return UNKNOWN
        case Unknown():
            for argument in node.args:
                lowering.evaluate(argument)
            return UNKNOWN
        case _:
            return _not_callable(lowering, node, target)


def iteration(lowering: Lowering, node: ast.expr) -> tuple[Expr, Expr, Expr] | None:
    """Start, stop and step of what a `for` goes over; None where it was reported."""
    if isinstance(node, ast.Call):
        target = lowering.evaluate(node.func)
        if isinstance(target, Unknown):
            return None
        if isinstance(target, MeaningValue) and isinstance(target.meaning, Known):
            name = target.meaning.builtin.name
            if name == "range":
                return _range(lowering, node)
            if name == "grid_stride":
                return _grid_stride(lowering, node)
        text = lowering.text(node.func)
        lowering.refuse(node, ox002_unsupported_construct.loop_over(text))
        return None
    value = lowering.evaluate(node)
    match value:
        case ArrayValue(array=array):
            lowering.refuse(
                node, f"kernels loop over indices: `for k in range(len({lowering.text(node)}))`"
            )
            del array
        case Unknown():
            pass
        case _:
            lowering.refuse(node, "kernels loop over `range(…)` and `grid_stride(…)`")
    return None


def _known(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    name = row.name
    scalar = SCALAR_NAMES.get(name)
    if scalar is not None:
        return _conversion(lowering, node, scalar)
    rule = _CALLS.get(name)
    if rule is not None:
        return rule(lowering, node, row)
    if row.kind is BuiltinKind.ITERATOR:
        return lowering.refuse(node, f"`{name}` is for the head of a loop: `{row.signature}`")
    return lowering.mismatch(
        node.func, f"`{lowering.text(node.func)}` is a {row.kind} and cannot be called"
    )


def _not_callable(lowering: Lowering, node: ast.Call, target: Value) -> Value:
    text = lowering.text(node.func)
    if isinstance(target, Number):
        return lowering.mismatch(
            node, f"`{text}` is a number of type {target.type} and cannot be called"
        )
    return lowering.mismatch(node, f"`{text}` cannot be called")


def _arguments(
    lowering: Lowering, node: ast.Call, row: Builtin, least: int, most: int | None
) -> list[ast.expr] | None:
    """The positional arguments, counted; None where they were reported."""
    if node.keywords:
        lowering.mismatch(node, f"`{row.name}` takes no keywords: `{row.signature}`")
        return None
    return _counted(lowering, node, row, least, most)


def _counted(
    lowering: Lowering, node: ast.Call, row: Builtin, least: int, most: int | None
) -> list[ast.expr] | None:
    if any(isinstance(argument, ast.Starred) for argument in node.args):
        lowering.refuse(node, "kernels have no starred arguments; write each one")
        return None
    count = len(node.args)
    if count < least or (most is not None and count > most):
        lowering.mismatch(
            node,
            f"`{row.name}` is called with {count} argument{'s' * (count != 1)}: `{row.signature}`",
        )
        return None
    return node.args


def _conversion(lowering: Lowering, node: ast.Call, type: Scalar) -> Value:
    if len(node.args) != 1 or node.keywords or isinstance(node.args[0], ast.Starred):
        return lowering.mismatch(node, f"`{type}(x)` converts one number")
    number = lowering.evaluate_number(node.args[0])
    if number is None:
        return UNKNOWN
    span = lowering.span(node)
    if number.give is Give.LITERAL and type is not BOOL:
        expr = literal_at(number, type)
        if expr is None or not isinstance(expr, Const):
            natural = number.expr
            expr = natural if natural.type == type else Convert(natural, type, span)
        if isinstance(expr, Convert) and isinstance(expr.operand, Const):
            source = expr.operand
            expr = Const(arithmetic.convert(source.value, source.type, type), type, span)
        value = expr.value if isinstance(expr, Const) else number.value
        return Number(expr, type, Give.FIXED, value, number.constant, number.depth + 1)
    if number.expr.type == type:
        return Number(number.expr, type, Give.FIXED, number.value, number.constant, number.depth)
    expr = Convert(number.expr, type, span)
    return lowering.flat(Number(expr, type, depth=number.depth + 1))


def _length(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    arguments = _arguments(lowering, node, row, 1, 1)
    if arguments is None:
        return UNKNOWN
    value = lowering.evaluate(arguments[0])
    match value:
        case ArrayValue(array=array):
            return Number(length(array, 0, lowering.span(node)), I64)
        case TupleValue(items=items):
            return Number(
                Const(len(items), I64, lowering.span(node)), I64, Give.LITERAL, len(items), True
            )
        case Unknown():
            return UNKNOWN
        case _:
            text = lowering.text(arguments[0])
            return lowering.mismatch(arguments[0], f"`{text}` has no length; arrays have")


def _extremum(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    op = BinaryOp(row.name)
    arguments = _arguments(lowering, node, row, 1, None)
    if arguments is None:
        return UNKNOWN
    if len(arguments) == 1:
        return lowering.refuse(
            node, f"`{row.name}` of one argument; kernels compare numbers: `{row.signature}`"
        )
    values = [operand(lowering, lowering.evaluate(argument), argument) for argument in arguments]
    result: Number | None = values[0]
    span = lowering.span(node)
    for right, right_node in zip(values[1:], arguments[1:], strict=True):
        if result is None or right is None:
            return UNKNOWN
        met = meet(result, right)
        if met is None or Kind.BOOL in (result.type.kind, right.type.kind):
            return lowering.mismatch(right_node, no_common_type(row.name, result.type, right.type))
        type, give = met
        if give is Give.LITERAL:
            result = _literal_extremum(lowering, op, result, right, span)
            continue
        one = lowering.convert(result, type, arguments[0], f"an argument of `{row.name}`")
        other = lowering.convert(right, type, right_node, f"an argument of `{row.name}`")
        if one is None or other is None:
            return UNKNOWN
        depth = max(result.depth, right.depth) + 1
        result = lowering.flat(Number(Binary(op, one, other, type, span), type, give, depth=depth))
    return result or UNKNOWN


def _literal_extremum(
    lowering: Lowering, op: BinaryOp, left: Number, right: Number, span: Span
) -> Number:
    """`min` or `max` of literals and constants: a literal again."""
    value = None
    if left.value is not None and right.value is not None:
        first = (left.value <= right.value) == (op is BinaryOp.MIN)
        value = left.value if first else right.value
        if isinstance(left.expr, Const) and isinstance(right.expr, Const):
            return left if first else right
    # What the source says of a constant may be another value when the kernel is launched.
    type = join(left.expr.type, right.expr.type) or I64
    one, other = at(left, type), at(right, type)
    if one is None or other is None:
        return left
    default = join(left.type, right.type) or type
    constant = left.constant and right.constant
    depth = max(left.depth, right.depth) + 1
    give = Give.LITERAL if constant else Give.WEAK
    made = Number(
        Binary(op, one, other, type, span), default if constant else type, give, value, constant
    )
    made.depth = depth
    return lowering.flat(made)


def _magnitude(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    arguments = _arguments(lowering, node, row, 1, 1)
    if arguments is None:
        return UNKNOWN
    number = operand(lowering, lowering.evaluate(arguments[0]), arguments[0])
    if number is None:
        return UNKNOWN
    if number.type.kind is Kind.BOOL:
        return lowering.mismatch(arguments[0], "`abs` of a bool")
    give = Give.WEAK if number.give is Give.LITERAL else number.give
    expr = number.expr
    if number.give is Give.LITERAL:
        expr = lowering.convert(number, number.type, arguments[0], "the argument of `abs`")
        if expr is None:
            return UNKNOWN
    made = Unary(UnaryOp.ABS, expr, number.type, lowering.span(node))
    return lowering.flat(Number(made, number.type, give, depth=number.depth + 1))


def _math(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    arguments = _arguments(lowering, node, row, 1, 1)
    if arguments is None:
        return UNKNOWN
    number = operand(lowering, lowering.evaluate(arguments[0]), arguments[0])
    if number is None:
        return UNKNOWN
    if not number.type.is_float:
        text = lowering.text(arguments[0])
        return lowering.mismatch(
            arguments[0],
            f"`{row.name}` is for floats, the value is {number.type}; write `f32({text})`",
        )
    expr = lowering.convert(number, number.type, arguments[0], "it")
    if expr is None:
        return UNKNOWN
    give = Give.WEAK if number.give is Give.LITERAL else number.give
    made = Math(MathFunction(row.short_name), expr, number.type, lowering.span(node))
    return lowering.flat(Number(made, number.type, give, depth=number.depth + 1))


def _linear_index(span: Span) -> Expr:
    return _along(0, span)


def _along(axis: int, span: Span) -> Expr:
    """The thread's index in the grid along an axis."""
    block = Special(Register.BLOCK, axis, span)
    extent = Special(Register.BLOCK_DIM, axis, span)
    base = Binary(BinaryOp.MUL, block, extent, I64, span)
    return Binary(BinaryOp.ADD, base, Special(Register.THREAD, axis, span), I64, span)


def _index_1d(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    if _arguments(lowering, node, row, 0, 0) is None:
        return UNKNOWN
    return Number(_linear_index(lowering.span(node)), I64, depth=2)


def _index_2d(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    if _arguments(lowering, node, row, 0, 0) is None:
        return UNKNOWN
    span = lowering.span(node)
    return TupleValue(
        (Number(_along(1, span), I64, depth=2), Number(_along(0, span), I64, depth=2))
    )


def _sync_threads(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    if _arguments(lowering, node, row, 0, 0) is None:
        return UNKNOWN
    lowering.emit(Barrier(lowering.site(), lowering.span(node)))
    return NOTHING


def _scratch(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    """`SharedArray(T, shape)` and `LocalArray(T, shape)`."""
    arguments = _arguments(lowering, node, row, 2, 2)
    if arguments is None:
        return UNKNOWN
    value = lowering.evaluate(arguments[0])
    element = scalar_of(value)
    shape = _shape(lowering, arguments[1])
    if element is None:
        if not isinstance(value, Unknown):
            text = lowering.text(arguments[0])
            lowering.mismatch(
                arguments[0], f"`{text}` is not a scalar type; write `{row.name}(f32, …)`"
            )
        return UNKNOWN
    if shape is None:
        return UNKNOWN
    space = Space.SHARED if row.name == "SharedArray" else Space.LOCAL
    made = lowering.allocation(node)
    if made is None:
        name = lowering.unique(lowering.allocation_name or space.value)
        span = lowering.span(node)
        made = lowering.allocate(node, Array(name, element, shape, space, Ownership.SCRATCH, span))
    if space is Space.LOCAL:
        lowering.emit(Declare(made.array.name, lowering.span(node)))
    return made


def _shape(lowering: Lowering, node: ast.expr) -> tuple[Expr, ...] | None:
    """A shape: compile-time constants, each at least 1."""
    with lowering.at_compile_time():
        value = lowering.evaluate(node)
    if isinstance(value, Unknown):
        return None
    items = value.items if isinstance(value, TupleValue) else (value,)
    nodes = node.elts if isinstance(node, ast.Tuple) else [node] * len(items)
    shape: list[Expr] = []
    for item, item_node in zip(items, nodes, strict=True):
        number = lowering.number(item, item_node)
        if number is None:
            return None
        text = lowering.text(item_node)
        if not number.constant or not number.type.is_integer:
            lowering.mismatch(
                item_node, f"a shape is made of integers known at compile time, `{text}` is not"
            )
            return None
        if number.value is not None and number.value < 1:
            lowering.mismatch(item_node, f"an array of extent {number.value}; it is at least 1")
            return None
        expr = lowering.convert(number, I64, item_node, "an extent")
        if expr is None:
            return None
        shape.append(expr)
    if not 1 <= len(shape) <= 3:
        lowering.mismatch(node, f"an array has 1 to 3 dimensions, not {len(shape)}")
        return None
    return tuple(shape)


def _atomic_add(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    if _counted(lowering, node, row, 0, 3) is None:
        return UNKNOWN
    given: dict[str, ast.expr] = {}
    for name, argument in zip(("target", "index", "value"), node.args, strict=False):
        given[name] = argument
    for keyword in node.keywords:
        if (
            keyword.arg not in ("target", "index", "value", "scope", "order")
            or keyword.arg in given
        ):
            return lowering.mismatch(
                keyword.value, f"`{row.name}` has no such keyword left: `{row.signature}`"
            )
        given[keyword.arg] = keyword.value
    if not {"target", "index", "value"} <= given.keys():
        return lowering.mismatch(
            node, f"`{row.name}` needs target, index and value: `{row.signature}`"
        )
    scope = _word(lowering, given.get("scope"), Scope.DEVICE, "scope")
    order = _word(lowering, given.get("order"), Order.RELAXED, "order")
    target = lowering.evaluate(given["target"])
    array = _atomic_target(lowering, target, given["target"])
    parts = given["index"].elts if isinstance(given["index"], ast.Tuple) else [given["index"]]
    index = None if array is None else index_list(lowering, array, parts, given["index"])
    number = lowering.evaluate_number(given["value"])
    if array is None or index is None or number is None or scope is None or order is None:
        return UNKNOWN
    expr = lowering.convert(number, array.element, given["value"], f"an element of `{array.name}`")
    if expr is None:
        return UNKNOWN
    span = lowering.span(node)
    local = lowering.temporary(array.element)
    lowering.emit(
        Atomic(AtomicOp.ADD, local, array.name, index, expr, scope, order, lowering.site(), span)
    )
    return Number(Read(local, span), array.element)


def _atomic_target(lowering: Lowering, value: Value, node: ast.expr) -> Array | None:
    if isinstance(value, Unknown):
        return None
    text = lowering.text(node)
    if not isinstance(value, ArrayValue):
        lowering.mismatch(
            node, f"`{text}` is not an array; atomics change an `AtomicSlice` or `SharedArray`"
        )
        return None
    array = value.array
    shared = array.space is Space.SHARED
    if not shared and array.ownership is not Ownership.ATOMIC:
        kind = "LocalArray" if array.space is Space.LOCAL else "DisjointSlice"
        kind = "Slice" if value.read_only else kind
        lowering.mismatch(
            node, f"`{text}` is a `{kind}`; atomics change an `AtomicSlice` or `SharedArray`"
        )
        return None
    if array.element.kind is Kind.BOOL:
        lowering.mismatch(node, f"`{text}` holds bool; atomics add integers and floats")
        return None
    return array


def _word(lowering: Lowering, node: ast.expr | None, default: Word, what: str) -> Word | None:
    """A scope or order, written as a literal string; None where it was reported."""
    if node is None:
        return default
    for choice in type(default):
        if isinstance(node, ast.Constant) and node.value == choice.value:
            return choice
    names = ", ".join(f'"{choice.value}"' for choice in type(default))
    lowering.mismatch(node, f"{what} is one of {names}")
    return None


def _range(lowering: Lowering, node: ast.Call) -> tuple[Expr, Expr, Expr] | None:
    row = lookup("range")
    assert row is not None
    arguments = _arguments(lowering, node, row, 1, 3)
    if arguments is None:
        return None
    span = lowering.span(node)
    found = [lowering.index(argument, "an argument of `range`") for argument in arguments]
    if any(expr is None for expr in found):
        return None
    exprs = [expr for expr in found if expr is not None]
    zero, one = Const(0, I64, span), Const(1, I64, span)
    if len(exprs) == 1:
        return zero, exprs[0], one
    if len(exprs) == 2:
        return exprs[0], exprs[1], one
    start, stop, step = exprs
    divisor_check(lowering, step, DivisorRole.STEP, lowering.span(arguments[2]))
    return start, stop, step


def _grid_stride(lowering: Lowering, node: ast.Call) -> tuple[Expr, Expr, Expr] | None:
    row = lookup("grid_stride")
    assert row is not None
    arguments = _arguments(lowering, node, row, 1, 1)
    if arguments is None:
        return None
    stop = lowering.index(arguments[0], "the argument of `grid_stride`")
    span = lowering.span(node)
    extent = Special(Register.BLOCK_DIM, 0, span)
    step = Binary(BinaryOp.MUL, Special(Register.GRID_DIM, 0, span), extent, I64, span)
    return None if stop is None else (_linear_index(span), stop, step)


_CALLS: dict[str, Callable[[Lowering, ast.Call, Builtin], Value]] = {
    "len": _length,
    "min": _extremum,
    "max": _extremum,
    "abs": _magnitude,
    "math.sqrt": _math,
    "math.exp": _math,
    "thread.index_1d": _index_1d,
    "thread.index_2d": _index_2d,
    "sync_threads": _sync_threads,
    "SharedArray": _scratch,
    "LocalArray": _scratch,
    "atomic.add": _atomic_add,
}
