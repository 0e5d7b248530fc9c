"""Calls: conversions, `len`, `min`, `max`, `abs`, `math`; whom the others are handed to."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide import matrix
from oxide_analyzer.frontends.oxide.annotations import SCALAR_NAMES
from oxide_analyzer.frontends.oxide.arguments import positional
from oxide_analyzer.frontends.oxide.asynchronous import async_commit, async_copy, async_wait
from oxide_analyzer.frontends.oxide.atomics import atomic
from oxide_analyzer.frontends.oxide.block_operations import block_operation
from oxide_analyzer.frontends.oxide.callables import call_function
from oxide_analyzer.frontends.oxide.indexing import extent
from oxide_analyzer.frontends.oxide.inlining import inline
from oxide_analyzer.frontends.oxide.iteration import index_along, linear_index
from oxide_analyzer.frontends.oxide.mathematics import FUNCTIONS
from oxide_analyzer.frontends.oxide.meanings import (
    ClassKind,
    FunctionRole,
    HostObject,
    Known,
    UserClass,
    UserFunction,
)
from oxide_analyzer.frontends.oxide.meeting import (
    fence,
    grid_sync,
    stop_here,
    sync_threads,
    sync_warp,
    warp,
)
from oxide_analyzer.frontends.oxide.memory import dynamic_shared, scratch
from oxide_analyzer.frontends.oxide.operators import operand
from oxide_analyzer.frontends.oxide.printing import print_line
from oxide_analyzer.frontends.oxide.structs import construct
from oxide_analyzer.frontends.oxide.values import (
    UNKNOWN,
    ArrayValue,
    FunctionValue,
    Give,
    MeaningValue,
    Number,
    TupleValue,
    Unknown,
    at,
    literal_at,
)
from oxide_analyzer.frontends.oxide.wide import WIDE, wide
from oxide_analyzer.interpreter import arithmetic
from oxide_analyzer.ir.nodes import (
    AtomicOp,
    Binary,
    BinaryOp,
    Const,
    Convert,
    Unary,
    UnaryOp,
    WarpFunction,
)
from oxide_analyzer.ir.operators import REDUCTIONS, SCANS
from oxide_analyzer.language.builtins import BuiltinKind
from oxide_analyzer.language.types import BOOL, I64, Kind, join
from oxide_analyzer.rules import ox002_unsupported_construct
from oxide_analyzer.rules.ox003_type_mismatch import no_common_type

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_analyzer.frontends.oxide.lowering import Lowering
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.language.builtins import Builtin
    from oxide_analyzer.language.types import Scalar
    from oxide_analyzer.source import Span


def call(lowering: Lowering, node: ast.Call) -> Value:
    """A call, by what is called."""
    if isinstance(node.func, ast.Attribute) and node.func.attr in WIDE:
        base = lowering.evaluate(node.func.value)
        if isinstance(base, ArrayValue):
            return wide(lowering, node, base, node.func)
    target = lowering.evaluate(node.func)
    match target:
        case MeaningValue(meaning=Known(builtin=row)):
            return known(lowering, node, row)
        case MeaningValue(meaning=UserFunction(role=FunctionRole.DEVICE) as function, path=path):
            return inline(lowering, node, function, path)
        case FunctionValue():
            return call_function(lowering, node, target)
        case MeaningValue(meaning=UserClass() as owner, path=path):
            if owner.kind is not ClassKind.ENUM:
                return construct(lowering, node, owner, path)
            name = owner.node.name
            return lowering.refuse(
                node, f"a number becomes no `{name}` in a kernel; compare it with the members"
            )
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


def known(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    """A call of a name of the language."""
    name = row.name
    scalar = SCALAR_NAMES.get(name)
    if scalar is not None:
        return _conversion(lowering, node, scalar)
    rule = _CALLS.get(name)
    if rule is not None:
        return rule(lowering, node, row)
    if row.kind is BuiltinKind.ITERATOR:
        return lowering.refuse(node, f"`{name}` is for the head of a loop: `{row.signature}`")
    if row.kind is BuiltinKind.FACT:
        return lowering.refuse(node, f"`{name}` is for a contract: `{row.signature}`")
    if row.kind is BuiltinKind.REGION:
        return lowering.refuse(node, f"`{name}` is for the head of a `with`: `{row.signature}`")
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
    arguments = positional(lowering, node, row, 1, 1)
    if arguments is None:
        return UNKNOWN
    value = lowering.evaluate(arguments[0])
    match value:
        case ArrayValue():
            return Number(extent(value, 0, lowering.span(node)), I64)
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
    arguments = positional(lowering, node, row, 1, None)
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
        met = lowering.meet(result, right)
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
    arguments = positional(lowering, node, row, 1, 1)
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


def _index_1d(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    if positional(lowering, node, row, 0, 0) is None:
        return UNKNOWN
    return Number(linear_index(lowering.span(node)), I64, depth=2)


def _index_nd(lowering: Lowering, node: ast.Call, row: Builtin) -> Value:
    if positional(lowering, node, row, 0, 0) is None:
        return UNKNOWN
    span = lowering.span(node)
    axes = (1, 0) if row.name == "thread.index_2d" else (2, 1, 0)
    return TupleValue(tuple(Number(index_along(axis, span), I64, depth=2) for axis in axes))


_CALLS: dict[str, Callable[[Lowering, ast.Call, Builtin], Value]] = {
    "len": _length,
    "min": _extremum,
    "max": _extremum,
    "abs": _magnitude,
    **FUNCTIONS,
    "thread.index_1d": _index_1d,
    "thread.index_2d": _index_nd,
    "thread.index_3d": _index_nd,
    "sync_threads": sync_threads,
    "sync_warp": sync_warp,
    "grid_sync": grid_sync,
    "fence": fence,
    "print": print_line,
    "breakpoint": stop_here,
    "mma.FragmentA": matrix.fragment,
    "mma.FragmentB": matrix.fragment,
    "mma.Accumulator": matrix.fragment,
    "mma.load": matrix.load,
    "mma.multiply_add": matrix.multiply_add,
    "mma.fill": matrix.fill,
    "mma.store": matrix.store,
    "async_copy": async_copy,
    "async_commit": async_commit,
    "async_wait": async_wait,
    "SharedArray": scratch,
    "LocalArray": scratch,
    "dynamic_shared": dynamic_shared,
    **{f"atomic.{op}": atomic for op in AtomicOp},
    **{f"block.{function}": block_operation for function in (*REDUCTIONS, *SCANS)},
    **{f"warp.{function}": warp for function in WarpFunction if function is not WarpFunction.SYNC},
}
