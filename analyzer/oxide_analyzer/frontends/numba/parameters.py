"""The signature of a Numba kernel as that of one of the IR."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.frontends.numba import complexes, records
from oxide_analyzer.frontends.numba.element_uses import guessed_elements
from oxide_analyzer.frontends.numba.given import ArrayForm, ScalarForm, TupleForm
from oxide_analyzer.frontends.numba.signatures import Declared, declared
from oxide_analyzer.frontends.oxide.scopes import parameters
from oxide_analyzer.frontends.oxide.signatures import bind_value
from oxide_analyzer.frontends.oxide.values import (
    UNKNOWN,
    ArrayValue,
    Elements,
    Number,
    TupleValue,
)
from oxide_analyzer.ir.kernel import ArrayParameter, ScalarParameter
from oxide_analyzer.ir.nodes import Array, Dim, Ownership, Param, Space
from oxide_analyzer.language.records import Record
from oxide_analyzer.language.types import F64, I64, Scalar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oxide_analyzer.frontends.numba.given import Form, Launched
    from oxide_analyzer.frontends.numba.lowering import NumbaLowering
    from oxide_analyzer.frontends.numba.uses import Uses
    from oxide_analyzer.ir.kernel import Parameter
    from oxide_analyzer.language.records import Element
    from oxide_analyzer.source import Span


def launched_parameters(lowering: NumbaLowering, launched: Launched) -> tuple[Parameter, ...]:
    """The parameters as the arguments of a launch are; their names are bound in the frame."""
    found: list[Parameter] = []
    for argument, _ in parameters(lowering.root.node):
        name = argument.arg
        lowering.unique(name)
        form = launched.forms[name]
        value = _given(lowering, name, form, lowering.source.span(argument), found)
        if isinstance(form, TupleForm) and form.names:
            lowering.named_tuples[name] = form.names
        if isinstance(value, ArrayValue):
            lowering.frame.statics[name] = value
        else:
            bind_value(lowering, name, value, argument)
    return tuple(found)


def _given(
    lowering: NumbaLowering, name: str, form: Form, span: Span, found: list[Parameter]
) -> Number | TupleValue | ArrayValue:
    """An argument of the launch; the parameters that it is are appended."""
    match form:
        case ScalarForm(type=type):
            return _value(name, type, span, found)
        case ArrayForm(same=same, element=element, rank=rank) if same:
            if isinstance(element, Record):
                elements = Elements(same, element, (), rank)
                return ArrayValue(lowering.arrays[same], elements=elements)
            return ArrayValue(lowering.arrays[same])
        case ArrayForm(element=element, rank=rank):
            shape = tuple(Dim(name, axis, span) for axis in range(rank))
            if isinstance(element, Record):
                found.append(ArrayParameter(name, span))
                return records.allocated(lowering, name, element, shape, Space.GLOBAL, span)
            array = Array(name, element, shape, Space.GLOBAL, Ownership.DISJOINT, span)
            lowering.arrays[name] = array
            found.append(ArrayParameter(name, span))
            return ArrayValue(array)
        case TupleForm(items=items):
            parts = (
                _given(lowering, f"{name}.{k}", item, span, found) for k, item in enumerate(items)
            )
            return TupleValue(tuple(parts))


def kernel_parameters(
    lowering: NumbaLowering, uses: Uses, given: Mapping[str, Declared], same: Mapping[str, str]
) -> tuple[Parameter, ...]:
    """The parameters; their names are bound in the frame.

    A type is that of the signature, else what all launches are `given`, else what uses say. What
    is the `same` as an earlier array is no parameter of its own.
    """
    node, scope = lowering.root.node, lowering.root.scope
    types = declared(node.decorator_list, scope, lowering.dialect)
    elements = guessed_elements(node, scope, lowering.dialect)
    found: list[Parameter] = []
    for place, (argument, _) in enumerate(parameters(node)):
        name, span = argument.arg, lowering.source.span(argument)
        lowering.unique(name)
        if place == 0 and scope.is_class and name in ("self", "cls"):
            lowering.frame.statics[name] = UNKNOWN
            continue
        type = types[place] if place < len(types) else None
        form = type
        if form is None:
            form = _met(_guessed(name, uses, elements), given.get(name))
        # What the kernel does not use as an array is none that others could be the same as.
        earlier = lowering.frame.statics.get(same.get(name, ""))
        if form.rank and earlier is not None:
            lowering.frame.statics[name] = earlier
        elif form.rank:
            found.append(_array(lowering, name, form, span))
        elif isinstance(form.element, Scalar) and uses.fields.get(name) and not uses.is_array(name):
            found += _fields(lowering, name, uses, span)
        else:
            bind_value(lowering, name, _value(name, form.element, span, found), argument)
    for extra in (node.args.vararg, node.args.kwarg):
        if extra is not None:
            lowering.frame.statics[extra.arg] = UNKNOWN
            lowering.assume(extra, f"what `*{extra.arg}` holds")
    return tuple(found)


def _value(name: str, type: Element, span: Span, found: list[Parameter]) -> Number | TupleValue:
    """A number, or what consists of numbers: a parameter for each is appended."""
    if isinstance(type, Scalar):
        found.append(ScalarParameter(name, type, span))
        return Number(Param(name, type, span), type)
    # A field that is an array is left out.
    items = (
        UNKNOWN if field.shape else _value(f"{name}.{field.name}", field.type, span, found)
        for field in type.fields
    )
    return TupleValue(tuple(items), complexes.COMPLEX if type.is_complex else type)


def _guessed(name: str, uses: Uses, elements: Mapping[str, Record]) -> Declared:
    if name in elements:
        return Declared(elements[name], max(uses.rank.get(name, 1), 1))
    if uses.is_array(name):
        element = I64 if name in uses.integer_elements else F64
        return Declared(element, uses.rank[name])
    return Declared(I64 if name in uses.integers else F64)


def _met(guessed: Declared, given: Declared | None) -> Declared:
    """What a parameter is by its uses, with the type that launches give to it."""
    if given is not None and isinstance(given.element, Record) and given.rank:
        # Indices of a field that is an array count among those of its record.
        more = guessed.rank if given.element.is_complex else 0
        return Declared(given.element, max(given.rank, more))
    if given is None or (given.rank == 0) is not (guessed.rank == 0):
        return guessed
    if isinstance(guessed.element, Record) and not isinstance(given.element, Record):
        return guessed
    given_integer = isinstance(given.element, Scalar) and given.element.is_integer
    if guessed.element == I64 and not given_integer:
        # As an index or a bound it is converted, or it is no launch that works.
        return guessed
    return Declared(given.element, guessed.rank)


def _array(lowering: NumbaLowering, name: str, form: Declared, span: Span) -> ArrayParameter:
    shape = tuple(Dim(name, axis, span) for axis in range(form.rank))
    if isinstance(form.element, Record):
        made = records.allocated(lowering, name, form.element, shape, Space.GLOBAL, span)
        lowering.frame.statics[name] = made
        return ArrayParameter(name, span)
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
