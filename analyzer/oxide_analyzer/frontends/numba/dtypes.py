"""Types of elements as programs write them for NumPy and Numba, by reading.

    np.complex64, "c8", complex                        complex numbers
    np.dtype([("x", np.float32), ("v", "f4", 3)])      a record, packed
    np.dtype(fields, align=True)                       laid out as C does
    np.dtype({"names": …, "formats": …, "offsets": …, "itemsize": …})
    numba.from_dtype(point), point                     where `point` is assigned once

What is anything else is not known.
"""

from __future__ import annotations

import ast
from math import prod
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide import constants
from oxide_analyzer.frontends.oxide.meanings import HostObject, Known, NumberConstant
from oxide_analyzer.frontends.oxide.scopes import Assigned
from oxide_analyzer.language.numba import DTYPE_CODES, SCALAR_DTYPES
from oxide_analyzer.language.records import (
    COMPLEX64,
    COMPLEX128,
    COMPLEXES,
    XOROSHIRO,
    Record,
    RecordField,
    record_of,
)
from oxide_analyzer.language.types import BOOL, F64, I64, SCALARS

if TYPE_CHECKING:
    from oxide_analyzer.frontends.numba.resolution import NumbaResolver
    from oxide_analyzer.frontends.oxide.scopes import Scope
    from oxide_analyzer.language.records import Element

_DEEPEST = 8
_CODES = {
    **DTYPE_CODES,
    **SCALAR_DTYPES,
    "b1": "bool",
    "?": "bool",
    "f": "f32",
    "d": "f64",
    "float": "f64",
    "int": "i64",
    "bool": "bool",
}
_COMPLEX_CODES = {
    "c8": COMPLEX64,
    "c16": COMPLEX128,
    "F": COMPLEX64,
    "D": COMPLEX128,
    "complex": COMPLEX128,
    **COMPLEXES,
}
_PYTHON: dict[str, Element] = {"float": F64, "int": I64, "bool": BOOL, "complex": COMPLEX128}


def element(node: ast.expr, scope: Scope, resolver: NumbaResolver) -> Element | None:
    """The type of elements that an expression names; None if it is not known."""
    return _Reading(resolver).element(node, scope, 0)


def of_code(text: str) -> Element | None:
    """The type of a code such as `<f4`, or of a name such as `float32`."""
    if text.startswith(">"):
        return None
    code = text.lstrip("<=|")
    name = _CODES.get(code)
    return SCALARS[name] if name is not None else _COMPLEX_CODES.get(code)


def laid_out(name: str, fields: list[tuple[str, Element, tuple[int, ...]]], align: bool) -> Record:
    """Fields one behind the other, each aligned if NumPy's `align` says so."""
    found: list[RecordField] = []
    end, widest = 0, 1
    for field, type, shape in fields:
        own = _alignment(type) if align else 1
        widest = max(widest, own)
        start = -(-end // own) * own
        found.append(RecordField(field, type, start, shape))
        end = start + type.size * prod(shape)
    return record_of(name, tuple(found), -(-end // widest) * widest)


def _alignment(type: Element) -> int:
    if isinstance(type, Record):
        return max((_alignment(field.type) for field in type.fields), default=1)
    return type.size


class _Reading:
    """One reading of a type."""

    def __init__(self, resolver: NumbaResolver) -> None:
        self._resolver = resolver

    def element(self, node: ast.expr, scope: Scope, depth: int) -> Element | None:
        if depth > _DEEPEST:
            return None
        match node:
            case ast.Constant(value=str(text)):
                return of_code(text)
            case ast.Name(id=name):
                known = self._known(node, scope, depth)
                return known or self._assigned(name, scope, depth)
            case ast.Attribute():
                return self._known(node, scope, depth)
            case ast.Call(func=function, args=[given, *_]):
                called = function.attr if isinstance(function, ast.Attribute) else ""
                called = function.id if isinstance(function, ast.Name) else called
                if called == "from_dtype":
                    return self.element(given, scope, depth + 1)
                if called == "dtype":
                    return self._dtype(node, given, scope, depth + 1)
                return None
            case _:
                return None

    def _known(self, node: ast.expr, scope: Scope, depth: int) -> Element | None:
        match self._resolver.expression(node, scope):
            case Known(builtin=row):
                name = "complex128" if row.name == "complex" else row.name
                return SCALARS.get(name) or COMPLEXES.get(name)
            case NumberConstant(value=None, scope=where, name=name):
                # What a call gives; it may stand in another file.
                return self._assigned(name, where, depth + 1)
            case HostObject(what=what) if "xoroshiro128p_" in what:
                return XOROSHIRO
            case _:
                return _PYTHON.get(node.id) if isinstance(node, ast.Name) else None

    def _assigned(self, name: str, scope: Scope, depth: int) -> Element | None:
        """What a name is assigned, if it is so once."""
        inside: Scope | None = scope
        while inside is not None:
            match inside.bindings.get(name):
                case [Assigned(value=ast.expr() as value)]:
                    return self.element(value, inside, depth + 1)
                case None:
                    inside = inside.parent
                case _:
                    return None
        return None

    def _dtype(self, node: ast.Call, given: ast.expr, scope: Scope, depth: int) -> Element | None:
        align = any(
            keyword.arg == "align"
            and isinstance(keyword.value, ast.Constant)
            and bool(keyword.value.value)
            for keyword in node.keywords
        )
        match given:
            case ast.List(elts=items):
                fields = [self._field(item, scope, depth) for item in items]
                kept = [field for field in fields if field is not None]
                return laid_out("record", kept, align) if len(kept) == len(fields) else None
            case ast.Dict():
                return self._by_dictionary(given, scope, depth, align)
            case ast.Name(id=name):
                inner = self._assigned_list(name, scope)
                if inner is not None:
                    return self._dtype(node, inner, scope, depth + 1)
                return self.element(given, scope, depth)
            case _:
                return self.element(given, scope, depth)

    def _assigned_list(self, name: str, scope: Scope) -> ast.expr | None:
        inside: Scope | None = scope
        while inside is not None and name not in inside.bindings:
            inside = inside.parent
        match inside.bindings[name] if inside is not None else None:
            case [Assigned(value=(ast.List() | ast.Dict()) as value)]:
                return value
            case _:
                return None

    def _field(
        self, node: ast.expr, scope: Scope, depth: int
    ) -> tuple[str, Element, tuple[int, ...]] | None:
        match node:
            case ast.Tuple(elts=[ast.Constant(value=str(name)), type_, *rest]):
                found = self._sized(type_, scope, depth)
                shape = self._shape(rest[0], scope) if rest else ()
                if found is None or shape is None:
                    return None
                return name, found[0], (*shape, *found[1])
            case _:
                return None

    def _sized(
        self, node: ast.expr, scope: Scope, depth: int
    ) -> tuple[Element, tuple[int, ...]] | None:
        """A type, or one with a shape: `(np.float32, 3)`, `"3f4"`."""
        match node:
            case ast.Tuple(elts=[inner, extents]):
                found, shape = self.element(inner, scope, depth + 1), self._shape(extents, scope)
            case ast.List():
                fields = [self._field(item, scope, depth + 1) for item in node.elts]
                kept = [field for field in fields if field is not None]
                found = laid_out("record", kept, False) if len(kept) == len(fields) else None
                shape = ()
            case _:
                found, shape = self.element(node, scope, depth + 1), ()
        return None if found is None or shape is None else (found, shape)

    def _shape(self, node: ast.expr, scope: Scope) -> tuple[int, ...] | None:
        items = node.elts if isinstance(node, ast.Tuple) else [node]
        found = [self._number(item, scope) for item in items]
        kept = tuple(number for number in found if number is not None and number > 0)
        return kept if len(kept) == len(found) else None

    def _number(self, node: ast.expr, scope: Scope) -> int | None:
        match constants.evaluate(node, scope, self._resolver):
            case NumberConstant(value=int() as value):
                return int(value)
            case _:
                return None

    def _by_dictionary(
        self, node: ast.Dict, scope: Scope, depth: int, align: bool
    ) -> Record | None:
        given = {
            key.value: value
            for key, value in zip(node.keys, node.values, strict=True)
            if isinstance(key, ast.Constant)
        }
        names, formats = given.get("names"), given.get("formats")
        if not isinstance(names, ast.List | ast.Tuple) or not isinstance(
            formats, ast.List | ast.Tuple
        ):
            return None
        texts = [str(n.value) for n in names.elts if isinstance(n, ast.Constant)]
        types = [self._sized(one, scope, depth + 1) for one in formats.elts]
        known = [one for one in types if one is not None]
        if not len(texts) == len(known) == len(names.elts) == len(types):
            return None
        made = laid_out(
            "record",
            [(text, type, shape) for text, (type, shape) in zip(texts, known, strict=True)],
            align,
        )
        offsets = given.get("offsets")
        if offsets is None:
            return made
        if not isinstance(offsets, ast.List | ast.Tuple):
            return None
        places = [self._number(one, scope) for one in offsets.elts]
        fields = [
            RecordField(field.name, field.type, place, field.shape)
            for field, place in zip(made.fields, places, strict=False)
            if place is not None and place >= 0
        ]
        if len(fields) != len(made.fields):
            return None
        end = max(f.offset + f.type.size * prod(f.shape) for f in fields)
        size = given.get("itemsize")
        whole = end if size is None else self._number(size, scope)
        if whole is None or whole < end:
            return None
        return record_of("record", tuple(fields), whole)
