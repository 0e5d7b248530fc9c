"""The signature of a Numba kernel as that of one of the IR."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.frontends.numba.signatures import Declared, declared
from oxide_analyzer.frontends.oxide.scopes import parameters
from oxide_analyzer.frontends.oxide.signatures import bind_value
from oxide_analyzer.frontends.oxide.values import UNKNOWN, ArrayValue, Number
from oxide_analyzer.ir.kernel import ArrayParameter, ScalarParameter
from oxide_analyzer.ir.nodes import Array, Dim, Ownership, Param, Space
from oxide_analyzer.language.types import F64, I64

if TYPE_CHECKING:
    from oxide_analyzer.frontends.numba.lowering import NumbaLowering
    from oxide_analyzer.frontends.numba.uses import Uses
    from oxide_analyzer.ir.kernel import Parameter
    from oxide_analyzer.language.types import Scalar
    from oxide_analyzer.source import Span


def kernel_parameters(lowering: NumbaLowering, uses: Uses) -> tuple[Parameter, ...]:
    """The parameters; their names are bound in the frame."""
    node, scope = lowering.root.node, lowering.root.scope
    types = declared(node.decorator_list, scope, lowering.dialect)
    found: list[Parameter] = []
    for place, (argument, _) in enumerate(parameters(node)):
        name, span = argument.arg, lowering.source.span(argument)
        lowering.unique(name)
        if place == 0 and scope.is_class and name in ("self", "cls"):
            lowering.frame.statics[name] = UNKNOWN
            continue
        type = types[place] if place < len(types) else None
        form = type if type is not None else _guessed(name, uses)
        if form.rank:
            found.append(_array(lowering, name, form, span))
        elif uses.fields.get(name) and not uses.is_array(name):
            found += _fields(lowering, name, uses, span)
        else:
            found.append(ScalarParameter(name, form.element, span))
            value = Number(Param(name, form.element, span), form.element)
            bind_value(lowering, name, value, argument)
    for extra in (node.args.vararg, node.args.kwarg):
        if extra is not None:
            lowering.frame.statics[extra.arg] = UNKNOWN
            lowering.assume(extra, f"what `*{extra.arg}` holds")
    return tuple(found)


def _guessed(name: str, uses: Uses) -> Declared:
    if uses.is_array(name):
        element = I64 if name in uses.integer_elements else F64
        return Declared(element, uses.rank[name])
    return Declared(I64 if name in uses.integers else F64)


def _array(lowering: NumbaLowering, name: str, form: Declared, span: Span) -> ArrayParameter:
    shape = tuple(Dim(name, axis, span) for axis in range(form.rank))
    # Whether it is written, the whole body says: see `reading`.
    array = Array(name, form.element, shape, Space.GLOBAL, Ownership.DISJOINT, span)
    lowering.arrays[name] = array
    lowering.frame.statics[name] = ArrayValue(array)
    return ArrayParameter(name, span)


def _fields(lowering: NumbaLowering, name: str, uses: Uses, span: Span) -> list[Parameter]:
    """A record or object of which fields are read: a number for each."""
    found: list[Parameter] = []
    lowering.records[name] = {}
    for field in sorted(uses.fields[name]):
        path = f"{name}.{field}"
        type: Scalar = I64 if path in uses.integers else F64
        found.append(ScalarParameter(path, type, span))
        lowering.records[name][field] = Number(Param(path, type, span), type)
    lowering.frame.statics[name] = UNKNOWN
    return found
