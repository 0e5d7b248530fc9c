"""Which parameters of a Numba function hold complex numbers, records or random states, by use.

    x[i].real, x[i] = 1j * y        the elements of x are complex
    p[i].mass, p["mass"][i]         the elements of p are records with a field `mass`
    r = p[i]; r.k += 1; out[r.k]    … and a field `k`, an integer, because it is an index
    xoroshiro128p_next(s, i)        the elements of s are states of generators
    helper(x, i)                    what helper does with it

How wide numbers are, and where in a record they lie, no use says: a record that is guessed has its
fields side by side, 64 bits each. Of one whose fields are themselves indexed or called nothing is
guessed.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide.meanings import Known, UserFunction
from oxide_analyzer.frontends.oxide.scopes import parameters
from oxide_analyzer.language.records import (
    COMPLEX128,
    COMPLEXES,
    XOROSHIRO,
    Record,
    RecordField,
    record_of,
)
from oxide_analyzer.language.types import F64, I64

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oxide_analyzer.frontends.numba.resolution import NumbaResolver
    from oxide_analyzer.frontends.oxide.scopes import FunctionNode, Scope

_ROUNDS = 3
_PARTS = {"real", "imag", "conj", "conjugate"}
# What arrays have, and elements of which nothing is known.
_OF_ARRAYS = {
    *("shape", "size", "ndim", "strides", "dtype", "itemsize", "nbytes", "T", "flat"),
    *("copy", "astype", "view", "ravel", "reshape", "flatten", "fill", "sum", "item"),
}
_NUMBERS = {"cmath.phase", "cmath.isnan", "cmath.isinf", "cmath.isfinite", "cmath.polar"}
_GENERATORS = "cuda.random."


@dataclass(slots=True)
class _Found:
    """What is known of the elements of one function's parameters."""

    known: dict[str, Record] = field(default_factory=dict[str, Record])
    fields: dict[str, dict[str, bool]] = field(default_factory=dict[str, "dict[str, bool]"])
    opaque: set[str] = field(default_factory=set[str])


def guessed_elements(
    node: FunctionNode, scope: Scope, resolver: NumbaResolver
) -> Mapping[str, Record]:
    """The parameters whose elements are more than one number, and what these are."""
    known = resolver.elements.get(id(node))
    if known is not None:
        return known
    # Of a function that calls itself, its own call says nothing.
    resolver.elements[id(node)] = {}
    look = _Look(node, scope, resolver)
    for _ in range(_ROUNDS):
        look.run()
    found = look.found
    guessed = dict(found.known)
    for name, fields in found.fields.items():
        if name not in guessed and name not in found.opaque:
            laid_out = tuple(
                RecordField(one, I64 if fields[one] else F64, 8 * place)
                for place, one in enumerate(sorted(fields))
            )
            guessed[name] = record_of("record", laid_out, 8 * len(laid_out))
    resolver.elements[id(node)] = guessed
    return guessed


class _Look:
    """One function."""

    def __init__(self, node: FunctionNode, scope: Scope, resolver: NumbaResolver) -> None:
        self.found = _Found()
        self._scope = scope
        self._resolver = resolver
        self._own = {argument.arg for argument, _ in parameters(node)}
        self._nodes = [inner for statement in node.body for inner in ast.walk(statement)]
        # Names of elements, by the parameter that they are of; names of complex numbers.
        self._elements: dict[str, str] = {}
        self._complex: set[str] = set()

    def run(self) -> None:
        for node in self._nodes:
            match node:
                case ast.Attribute(value=value, attr=name):
                    self._field(self._element(value), name)
                case ast.Subscript(value=value, slice=index):
                    self._subscript(value, index)
                case ast.Call():
                    self._call(node)
                case ast.Assign(targets=targets, value=value):
                    for target in targets:
                        self._assign(target, value)
                case ast.AugAssign(target=target, value=value):
                    self._assign(target, value)
                case ast.For(target=ast.Name(id=name), iter=ast.Name(id=base)):
                    if base in self._own:
                        self._elements[name] = base
                case _:
                    pass

    def _element(self, node: ast.expr) -> str | None:
        """The parameter that an expression is an element of."""
        match node:
            case ast.Name(id=name):
                return self._elements.get(name)
            case ast.Subscript(value=ast.Name(id=base), slice=index) if base in self._own:
                is_view = any(isinstance(part, ast.Slice) for part in _parts(index))
                return None if is_view or _is_text(index) else base
            case _:
                return None

    def _field(self, base: str | None, name: str, *, is_integer: bool = False) -> None:
        if base is None or name in _OF_ARRAYS:
            return
        if name in _PARTS:
            self.found.known[base] = COMPLEX128
            return
        fields = self.found.fields.setdefault(base, {})
        fields[name] = fields.get(name, False) or is_integer

    def _named(self, node: ast.expr) -> tuple[str, str] | None:
        """Parameter and field of `p[i].x`, `p[i]["x"]`, `p["x"][i]`, `p.x[i]`."""
        match node:
            case ast.Attribute(value=value, attr=name):
                base = self._element(value)
            case ast.Subscript(value=value, slice=ast.Constant(value=str(name))):
                base = self._element(value)
            case ast.Subscript(
                value=ast.Subscript(value=ast.Name(id=own), slice=ast.Constant(value=str(name)))
            ) if own in self._own:
                base = own
            case _:
                return None
        return None if base is None else (base, name)

    def _subscript(self, value: ast.expr, index: ast.expr) -> None:
        text = index.value if isinstance(index, ast.Constant) else None
        if isinstance(text, str):
            whole = isinstance(value, ast.Name) and value.id in self._own
            base = value.id if whole and isinstance(value, ast.Name) else self._element(value)
            self._field(base, text)
            return
        match value:
            case ast.Attribute(value=ast.Name(id=own), attr=name) if own in self._own:
                # `p.x[i]`: the field of each record.
                self._field(own, name)
            case _:
                pass
        named = self._named(value)
        if named is not None and not isinstance(value, ast.Subscript):
            # A field that is an array of its own.
            self.found.opaque.add(named[0])
        elif named is not None and isinstance(value, ast.Subscript) and _is_text(value.slice):
            self.found.opaque.add(named[0])
        for part in _parts(index):
            for leaf in ast.walk(part):
                inner = self._named(leaf) if isinstance(leaf, ast.expr) else None
                if inner is not None:
                    self._field(*inner, is_integer=True)

    def _call(self, node: ast.Call) -> None:
        if isinstance(node.func, ast.Attribute):
            base = self._element(node.func.value)
            if base is not None and node.func.attr not in _PARTS:
                self.found.opaque.add(base)
        match self._resolver.expression(node.func, self._scope):
            case Known(builtin=row) if row.name.startswith(_GENERATORS) and node.args:
                self._pass(node.args[0], XOROSHIRO)
            case Known(builtin=row) if row.name == "range":
                for argument in node.args:
                    named = self._named(argument)
                    if named is not None:
                        self._field(*named, is_integer=True)
            case UserFunction(node=callee, scope=scope):
                inner = guessed_elements(callee, scope, self._resolver)
                names = [argument.arg for argument, _ in parameters(callee)]
                for name, argument in zip(names, node.args, strict=False):
                    if name in inner:
                        self._pass(argument, inner[name])
            case _:
                pass

    def _pass(self, node: ast.expr, type: Record) -> None:
        base = node.value if isinstance(node, ast.Subscript) else node
        if not isinstance(base, ast.Name) or base.id not in self._own:
            return
        if type.is_complex or type == XOROSHIRO:
            self.found.known.setdefault(base.id, type)
            return
        for inner in type.fields:
            self._field(base.id, inner.name, is_integer=inner.type == I64)

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        base = self._element(value)
        match target:
            case ast.Name(id=name):
                if base is not None:
                    self._elements[name] = base
                if self._is_complex(value):
                    self._complex.add(name)
            case ast.Subscript(value=ast.Name(id=name)) if name in self._own:
                if self._is_complex(value) and not _is_text(target.slice):
                    self.found.known.setdefault(name, COMPLEX128)
            case _:
                pass

    def _is_complex(self, node: ast.expr) -> bool:
        match node:
            case ast.Constant(value=value):
                return isinstance(value, complex)
            case ast.Name(id=name):
                return name in self._complex or self._holds(self._elements.get(name))
            case ast.BinOp(left=left, right=right):
                return self._is_complex(left) or self._is_complex(right)
            case ast.UnaryOp(operand=operand):
                return self._is_complex(operand)
            case ast.IfExp(body=then, orelse=otherwise):
                return self._is_complex(then) or self._is_complex(otherwise)
            case ast.Subscript():
                return self._holds(self._element(node))
            case ast.Call(func=ast.Attribute(value=value, attr="conjugate" | "conj")):
                return self._is_complex(value)
            case ast.Call(func=function):
                match self._resolver.expression(function, self._scope):
                    case Known(builtin=row):
                        name = row.name
                        makes = name.startswith("cmath.") and name not in _NUMBERS
                        return makes or name == "complex" or name in COMPLEXES
                    case _:
                        return False
            case _:
                return False

    def _holds(self, base: str | None) -> bool:
        found = None if base is None else self.found.known.get(base)
        return found is not None and found.is_complex


def _parts(index: ast.expr) -> list[ast.expr]:
    return index.elts if isinstance(index, ast.Tuple) else [index]


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
