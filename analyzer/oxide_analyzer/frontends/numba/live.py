"""Names of a kernel that is read for a launch: what the live program holds under them.

    cfg.BLOCK       256, an i64 like a literal
    SCALE           the f32 0.5, where SCALE is np.float32(0.5)
    LUT[k]          an element of a constant array
    op(x)           a call of the function that the closure cell holds

What is no number, tuple, array, type, function or module that kernels know is left to the source.
"""

from __future__ import annotations

import ast
from math import prod
from typing import TYPE_CHECKING, assert_never

from oxide_analyzer.frontends.numba import complexes, records
from oxide_analyzer.frontends.numba.given import (
    LiveArray,
    LiveComplex,
    LiveFunction,
    LiveModule,
    LiveName,
    LiveNumber,
    LiveRecords,
    LiveTuple,
    LiveType,
)
from oxide_analyzer.frontends.oxide import places
from oxide_analyzer.frontends.oxide.meanings import HostObject, Known, ModuleMeaning
from oxide_analyzer.frontends.oxide.scopes import Scope
from oxide_analyzer.frontends.oxide.values import (
    UNKNOWN,
    ArrayValue,
    Give,
    MeaningValue,
    Number,
    TupleValue,
)
from oxide_analyzer.ir.nodes import Const
from oxide_analyzer.language import numba
from oxide_analyzer.language.builtins import lookup
from oxide_analyzer.language.records import COMPLEXES, Record
from oxide_analyzer.language.types import F64, I64
from oxide_analyzer.source import SourceFile

if TYPE_CHECKING:
    from oxide_analyzer.frontends.numba.given import Live
    from oxide_analyzer.frontends.numba.lowering import NumbaLowering
    from oxide_analyzer.frontends.oxide.lowering import Frame
    from oxide_analyzer.frontends.oxide.meanings import Meaning
    from oxide_analyzer.frontends.oxide.values import Value

_MOST_ELEMENTS = 65536
# A scope that binds nothing: names in it are Python's.
_NOWHERE = Scope(SourceFile("", ""), ast.Module([], []))


def name(lowering: NumbaLowering, node: ast.Name) -> Value:
    """A name: of this function, of the live program, of the source."""
    found = held(lowering, node)
    return places.name(lowering, node) if found is None else found


def held(lowering: NumbaLowering, node: ast.Name | ast.Attribute) -> Value | None:
    """What the live program holds under a dotted name; None if the source is to say it."""
    if lowering.launched is None or lowering.frame.place is not None:
        # What the language itself supplies has the names of its text.
        return None
    path = _path(node)
    if path is None or _is_own(lowering.frame, path[0]):
        return None
    found = lowering.launched.names.find(lowering.frame.function, path)
    return None if found is None else _value(lowering, found, path, node)


def _is_own(frame: Frame, name: str) -> bool:
    """Whether a name is one of the function that is being read, or of one round a lambda."""
    inside: Frame | None = frame
    while inside is not None:
        if name in inside.statics or name in inside.body.assigned:
            return True
        inside = inside.closure
    return False


def _path(node: ast.expr) -> tuple[str, ...] | None:
    match node:
        case ast.Name(id=name):
            return (name,)
        case ast.Attribute(value=value, attr=attribute):
            base = _path(value)
            return None if base is None else (*base, attribute)
        case _:
            return None


def _value(lowering: NumbaLowering, live: Live, path: tuple[str, ...], node: ast.expr) -> Value:
    span = lowering.span(node)
    match live:
        case LiveNumber(value=value, type=type):
            give = Give.LITERAL if type in (I64, F64) else Give.FIXED
            return Number(Const(value, type, span), type, give, value, True)
        case LiveTuple(items=items):
            return TupleValue(tuple(_value(lowering, item, path, node) for item in items))
        case LiveArray() | LiveRecords():
            return _array(lowering, live, path, node)
        case LiveComplex(value=value, part=part):
            number = complexes.of_literal(lowering, value, span)
            return complexes.cast(lowering, number, part, span)
        case LiveType(type=Record() as type) if type not in COMPLEXES.values():
            return MeaningValue(HostObject("a type of elements", type), path)
        case LiveType(type=type):
            row = lookup(type.name) or numba.row(type.name)
            return UNKNOWN if row is None else MeaningValue(Known(row), path)
        case LiveModule(name=module):
            return MeaningValue(ModuleMeaning(module, None), path)
        case LiveName(module=module, path=within):
            meaning: Meaning | None = ModuleMeaning(module, None)
            if module == "builtins":
                meaning, within = lowering.dialect.name(within[0], _NOWHERE), ()
            for attribute in within:
                meaning = meaning and lowering.dialect.attribute(meaning, attribute)
            return UNKNOWN if meaning is None else MeaningValue(meaning, path)
        case LiveFunction(function=function, convention=convention):
            lowering.conventions[id(function.node)] = convention
            return MeaningValue(function, path)
        case _:
            assert_never(live)


def _array(
    lowering: NumbaLowering, live: LiveArray | LiveRecords, path: tuple[str, ...], node: ast.expr
) -> Value:
    """A constant array: one for each array of the program, however often it is named."""
    if not 0 < prod(live.shape) <= _MOST_ELEMENTS:
        lowering.assume(node, f"`{'.'.join(path)}`, an array of {prod(live.shape)} elements")
        return UNKNOWN
    known = lowering.constant_arrays.get(live)
    if known is None:
        span, name = lowering.span(node), lowering.unique(path[-1])
        if isinstance(live, LiveRecords):
            known = records.constant(lowering, name, live.element, live.shape, live.columns, span)
        else:
            known = ArrayValue(
                records.table(lowering, name, live.element, live.shape, live.values, span), True
            )
        lowering.constant_arrays[live] = known
    return known
