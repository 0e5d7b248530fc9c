"""`cuda.atomic.*` and `jit.atomic_*`: relaxed, of the scope of the device, on any array.

cuda.atomic.add(bins, k, 1)              %1 = atomic add bins[k], 1
cuda.atomic.cas(lock, 0, 0, 1)           %1 = atomic compare_exchange lock[0], 0, 1
cuda.atomic.inc(count, 0, n)             %1 = atomic inc count[0], n
cuda.atomic.max(tops, k, x)              %1 = atomic load tops[k]; if %1 == %1: %1 = atomic max …
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide.indexing import element
from oxide_analyzer.frontends.oxide.values import UNKNOWN, ArrayValue, Number, Unknown
from oxide_analyzer.ir.nodes import (
    Atomic,
    AtomicOp,
    Compare,
    CompareOp,
    If,
    Order,
    Read,
    Scope,
    Space,
)
from oxide_analyzer.language.records import alignment_of
from oxide_analyzer.language.types import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_analyzer.frontends.numba.lowering import NumbaLowering
    from oxide_analyzer.frontends.oxide.values import Value
    from oxide_analyzer.ir.nodes import Expr
    from oxide_analyzer.language.row import Builtin

_OPS = {
    "add": AtomicOp.ADD,
    "sub": AtomicOp.SUB,
    "max": AtomicOp.MAX,
    "min": AtomicOp.MIN,
    "nanmax": AtomicOp.MAX,
    "nanmin": AtomicOp.MIN,
    "and": AtomicOp.AND,
    "or": AtomicOp.OR,
    "xor": AtomicOp.XOR,
    "exch": AtomicOp.EXCHANGE,
    "inc": AtomicOp.INC,
    "dec": AtomicOp.DEC,
    "cas": AtomicOp.COMPARE_EXCHANGE,
    "compare_and_swap": AtomicOp.COMPARE_EXCHANGE,
}
_INTEGERS = {AtomicOp.AND, AtomicOp.OR, AtomicOp.XOR}
# Where a NaN in the array stays.
_KEEPING = {"max", "min"}
_COUNTS = {AtomicOp.INC, AtomicOp.DEC}
_LEAST = 32


def atomic(lowering: NumbaLowering, node: ast.Call, row: Builtin) -> Value:
    """One change of an element as one step; gives what was there before."""
    name = row.short_name.removeprefix("atomic_").rstrip("_")
    arguments = list(node.args)
    if name == "compare_and_swap" and arguments:
        # It is about the first element.
        arguments.insert(1, ast.copy_location(ast.Constant(0), node))
    op = _OPS[name]
    wanted = 4 if op is AtomicOp.COMPARE_EXCHANGE else 3
    target = lowering.evaluate(arguments[0]) if arguments else UNKNOWN
    if not isinstance(target, ArrayValue) or target.array.name in lowering.lost:
        for argument in arguments[1:]:
            lowering.evaluate(argument)
        if not isinstance(target, ArrayValue | Unknown):
            lowering.assume(node, f"`{lowering.text(node)}`")
        return lowering.forget(node, "what was there before")
    if len(arguments) != wanted:
        lowering.lose(target)
        lowering.assume(node, f"`{lowering.text(node)}` with {len(arguments)} arguments")
        return UNKNOWN
    array = target.array
    part = array.part
    if target.elements is not None or (
        part is not None
        and alignment_of(part.record, part.leaf, part.record.alignment) < array.element.size
    ):
        # Of several numbers, or of one that lies across two words, there is no one step.
        lowering.lose(target)
        lowering.assume(node, f"`{lowering.text(node)}` on `{lowering.text(arguments[0])}`")
        return lowering.forget(node, "what was there before")
    index = element(lowering, target, arguments[1], arguments[1])
    if index is None or array.space is Space.LOCAL:
        lowering.lose(target)
        return lowering.forget(node, "what was there before")
    # Bits of floats are changed as integers nowhere, and only unsigned words count round.
    element_type = array.element
    is_odd = (op in _INTEGERS and not element_type.is_integer) or (
        op in _COUNTS and (element_type.kind is not Kind.UNSIGNED or element_type.bits < _LEAST)
    )
    op = AtomicOp.EXCHANGE if is_odd else op
    operands: list[Expr] = []
    for argument in arguments[2:]:
        number = lowering.evaluate_number(argument)
        if is_odd:
            number = lowering.forget(node, f"what `{name}` makes of {element_type}")
        operands.append(lowering.convert(number, array.element, argument, "a value"))
    compare, value = (operands[0], operands[1]) if len(operands) == 2 else (None, operands[0])
    span, local = lowering.span(node), lowering.temporary(array.element)
    scope, order, site = Scope.DEVICE, Order.RELAXED, lowering.site()
    change = Atomic(op, local, array.name, index, value, scope, order, site, span, compare)
    if name in _KEEPING and element_type.is_float and lowering.launched is not None:
        # What is no number stays; `nanmax` and `nanmin` replace it. Whoever only judges a kernel
        # need not know the difference.
        load, site = AtomicOp.LOAD, lowering.site()
        lowering.emit(Atomic(load, local, array.name, index, None, scope, order, site, span))
        is_number = Compare(CompareOp.EQ, Read(local, span), Read(local, span), span)
        lowering.emit(If(is_number, (change,), (), span))
    else:
        lowering.emit(change)
    return Number(Read(local, span), array.element)


CALLS: dict[str, Callable[[NumbaLowering, ast.Call, Builtin], Value]] = {
    **{f"cuda.atomic.{name}": atomic for name in _OPS},
    **{f"cuda.atomic.{name}_": atomic for name in ("and", "or")},
    **{f"jit.atomic_{name}": atomic for name in _OPS if name != "compare_and_swap"},
}
