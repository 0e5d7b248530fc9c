"""Calls in Numba kernels: of what `numba.cuda` offers, of functions of the source, of anything.

A call of what nobody knows gives a value that nobody knows. What it does to an array that it is
given is not known either, so nothing is said of that array from there on.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.numba import (
    atomics,
    complex_calls,
    complexes,
    cooperation,
    intrinsics,
    memory,
    operator_calls,
    supplied,
    written,
)
from oxide_analyzer.frontends.oxide import calls
from oxide_analyzer.frontends.oxide.callables import call_function
from oxide_analyzer.frontends.oxide.inlining import inline
from oxide_analyzer.frontends.oxide.iteration import index_along
from oxide_analyzer.frontends.oxide.meanings import HostObject, Known, UserFunction
from oxide_analyzer.frontends.oxide.values import (
    NOTHING,
    UNKNOWN,
    ArrayValue,
    FunctionValue,
    MeaningValue,
    Number,
    TupleValue,
)
from oxide_analyzer.ir.nodes import Binary, BinaryOp, Register, Select, Space, Special
from oxide_analyzer.language.types import F64, I64

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_analyzer.frontends.numba.lowering import NumbaLowering
    from oxide_analyzer.frontends.oxide.scopes import FunctionNode
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.ir.nodes import Expr
    from oxide_analyzer.language.row import Builtin
    from oxide_analyzer.source import Span

# Modules whose functions compute numbers from numbers and do nothing else.
_PURE = (
    "`numpy.",
    "`cupy.",
    "`math.",
    "`cmath.",
    "an attribute of `numba",
)


def call(lowering: NumbaLowering, node: ast.Call) -> Value:
    """A call, by what is called."""
    if isinstance(node.func, ast.Attribute) and node.func.attr in ("conjugate", "conj"):
        base = lowering.evaluate(node.func.value)
        if isinstance(base, Number) or complexes.is_complex(base):
            return complex_calls.conjugate(lowering, node, base)
        if not isinstance(base, MeaningValue):
            lowering.lose(base)
            lowering.assume(node, f"what `{lowering.text(node.func)}` does")
            return lowering.forget(node, f"`{lowering.text(node)}`")
    method = _METHODS.get(node.func.attr) if isinstance(node.func, ast.Attribute) else None
    if method is not None and isinstance(node.func, ast.Attribute):
        count, rule = method
        base = lowering.evaluate(node.func.value)
        if isinstance(base, Number) and len(node.args) == count:
            return rule(lowering, node, base)
    target = lowering.evaluate(node.func)
    match target:
        case MeaningValue(meaning=Known(builtin=row)):
            if row.name in complex_calls.RULES:
                return complex_calls.call(lowering, node, row)
            made = written.call(lowering, node, row)
            if made is not None:
                return made
            rule = _CALLS.get(row.name)
            if rule is not None:
                return rule(lowering, node, row)
            return calls.known(lowering, node, row)
        case MeaningValue(meaning=UserFunction() as function, path=path):
            if any(isinstance(argument, ast.Starred) for argument in node.args):
                return unknown(lowering, node)
            value = inline(lowering, node, function, path)
            if isinstance(value, Number) and may_give_none(function.node):
                # What is made of the number is guarded by a question for None.
                return lowering.forget(node, f"what `{lowering.text(node.func)}` gives", value.type)
            said = lowering.convention_of(function)
            return value if said is None else lowering.as_element(value, said.result, node)
        case FunctionValue(function=UserFunction()):
            return call_function(lowering, node, target)
        case MeaningValue(meaning=HostObject(what=what)):
            not_there = written.refused(lowering, node, what)
            if not_there is not None:
                return not_there
            return unknown(lowering, node, pure=what.startswith(_PURE))
        case _:
            return unknown(lowering, node)


def may_give_none(node: FunctionNode) -> bool:
    """Whether a function says `return None` beside what it returns else."""
    returned = [
        inner.value is None or (isinstance(inner.value, ast.Constant) and inner.value.value is None)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Return)
    ]
    return any(returned) and not all(returned)


def unknown(lowering: NumbaLowering, node: ast.Call, *, pure: bool = False) -> Value:
    """A call of what nobody knows."""
    given = [_handed(lowering, a.value if isinstance(a, ast.Starred) else a) for a in node.args]
    given += [_handed(lowering, keyword.value) for keyword in node.keywords]
    if isinstance(node.func, ast.Attribute):
        # A method may do something to its object.
        base = lowering.evaluate(node.func.value)
        if isinstance(base, ArrayValue):
            given.append(base)
    for value in given:
        lowering.lose(value)
    if not pure or any(isinstance(value, ArrayValue) for value in given):
        lowering.assume(node, f"what `{lowering.text(node.func)}` does")
    of = given if pure else None
    return lowering.forget(node, f"the result of `{lowering.text(node.func)}`", of=of)


def _handed(lowering: NumbaLowering, node: ast.expr) -> Value:
    """What an unknown function is given: of an element of shared memory it may be the place."""
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        base = lowering.evaluate(node.value)
        if isinstance(base, ArrayValue) and base.array.space is Space.SHARED:
            return base
    return lowering.evaluate(node)


def _grid(lowering: NumbaLowering, node: ast.Call, row: Builtin) -> Value:
    """`cuda.grid(ndim)` and `cuda.gridsize(ndim)`: along x, y, z."""
    make = index_along if row.name == "cuda.grid" else _size_along
    count = node.args[0] if len(node.args) == 1 else None
    number = lowering.evaluate(count) if count is not None else UNKNOWN
    rank = number.value if isinstance(number, Number) else None
    if rank not in (1, 2, 3):
        return unknown(lowering, node)
    span = lowering.span(node)
    numbers = (Number(make(axis, span), I64, depth=2) for axis in range(int(rank)))
    along = [lowering.register(number, span) for number in numbers]
    return along[0] if rank == 1 else TupleValue(tuple(along))


def _size_along(axis: int, span: Span) -> Expr:
    blocks = Special(Register.GRID_DIM, axis, span)
    threads = Special(Register.BLOCK_DIM, axis, span)
    return Binary(BinaryOp.MUL, blocks, threads, I64, span)


def _random(lowering: NumbaLowering, node: ast.Call, row: Builtin) -> Value:
    """A random number: the state of the generator is read and written."""
    if len(node.args) != 2:
        return unknown(lowering, node)
    states, index = lowering.evaluate(node.args[0]), lowering.evaluate(node.args[1])
    if isinstance(states, ArrayValue) and states.rank == 1 and isinstance(index, Number):
        if states.array.name in lowering.lost:
            return UNKNOWN
        elements = states.elements
        if elements is not None and all(elements.type.field(name) for name in ("s0", "s1")):
            return supplied.random(lowering, node, row.short_name, states, index)
        lowering.lose(states)
    lowering.assume(node, f"what `{lowering.text(node.func)}` does")
    return lowering.forget(node, "a random number", F64)


def _select(lowering: NumbaLowering, node: ast.Call, row: Builtin) -> Value:
    """`cuda.selp(p, a, b)`."""
    if len(node.args) != 3:
        return unknown(lowering, node)
    condition = lowering.truth(lowering.evaluate(node.args[0]), node.args[0])
    one, other = (lowering.evaluate_number(argument) for argument in node.args[1:])
    met = lowering.meet(one, other)
    type = met[0] if met is not None else F64
    span = lowering.span(node)
    first = lowering.convert(one, type, node.args[1], row.name)
    second = lowering.convert(other, type, node.args[2], row.name)
    return lowering.flat(Number(Select(condition, first, second, type, span), type, depth=3))


def _nothing(lowering: NumbaLowering, node: ast.Call, row: Builtin) -> Value:
    """A call that does nothing to arrays and gives nothing."""
    del row
    for argument in node.args:
        if not isinstance(argument, ast.Starred):
            lowering.evaluate(argument)
    return NOTHING


def _printed(lowering: NumbaLowering, node: ast.Call, row: Builtin) -> Value:
    """`print(…)`: it does nothing to arrays, so only who runs the kernel needs its line."""
    if lowering.launched is None:
        return _nothing(lowering, node, row)
    return intrinsics.print_line(lowering, node, row)


def _round(lowering: NumbaLowering, node: ast.Call, row: Builtin) -> Value:
    """`round(x)`, an integer, and `round(x, digits)`, a float."""
    if len(node.args) == 2:
        return intrinsics.digits(lowering, node)
    return intrinsics.whole(lowering, node, row)


# Methods of numbers, and how many arguments they have.
_METHODS: dict[str, tuple[int, Callable[[NumbaLowering, ast.Call, Number], Value]]] = {
    "view": (1, intrinsics.bits),
    "bit_count": (0, intrinsics.ones),
}
_CALLS: dict[str, Callable[[NumbaLowering, ast.Call, Builtin], Value]] = {
    "cuda.grid": _grid,
    "cuda.gridsize": _grid,
    "cuda.selp": _select,
    "cuda.nanosleep": _nothing,
    "print": _printed,
    **{f"cuda.random.{name}": _random for name in supplied.GENERATORS},
    **intrinsics.CALLS,
    "round": _round,
    **memory.CALLS,
    **operator_calls.CALLS,
    **atomics.CALLS,
    **cooperation.CALLS,
}
