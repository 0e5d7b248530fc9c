"""Values of host code, as far as one reading says them: sizes, tuples, shapes of arrays, kernels.

    n = 1 << 20                          1048576
    blocks = (n + 255) // 256            (n + 255) // 256, in terms of what n is
    x = np.zeros((rows, cols))           an array of the shape (rows, cols)
    d = cuda.to_device(x)                an array of that shape
    self.blocks                          what the one method says that assigns it
    def run(image): …                    image: an array, or a number, of its own

What the statements of a function have assigned up to a place, `flow` knows, and says in `known`. A
name that is asked for from elsewhere is what it is assigned if that happens once. Of a name that is
assigned more often, or by a loop, nothing is known, as of any call that is not listed here.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.numba import host_arrays, host_views
from oxide_analyzer.frontends.numba.changes import (
    copied,
    in_loops,
    leaked,
    own_statements,
    reassigned,
    resized,
    root,
)
from oxide_analyzer.frontends.numba.fields import (
    SELF,
    assigned_fields,
    is_open_field,
    is_property,
    one_memory,
    self_of,
    set_alike,
)
from oxide_analyzer.frontends.numba.launched import name_of
from oxide_analyzer.frontends.numba.quantities import (
    NOT_KNOWN,
    Configured,
    HostArray,
    HostFunction,
    HostScalar,
    HostValue,
    Instance,
    NotKnown,
    Region,
    Sizes,
    Table,
    as_size,
    ceiling,
    holds_lists,
    item,
    one_of,
    renamed,
    symbols_of,
    whole,
)
from oxide_analyzer.frontends.oxide.constants import fold
from oxide_analyzer.frontends.oxide.meanings import (
    HostObject,
    Known,
    NumberConstant,
    NumberKind,
    UserFunction,
)
from oxide_analyzer.frontends.oxide.scopes import Assigned, Defined, Imported, Parameter
from oxide_analyzer.language.records import COMPLEX128, COMPLEXES, Record
from oxide_analyzer.language.types import F16, F32, F64
from oxide_analyzer.sizes import Symbol, Whole, differs, divides

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_analyzer.frontends.numba.resolution import NumbaResolver
    from oxide_analyzer.frontends.oxide.scopes import Scope
    from oxide_analyzer.language.records import Element

_DEEPEST = 24
# What calls of types give; an integer stays the number that it is.
_MADE: dict[str, Element] = {
    **{type.name: type for type in (F16, F32, F64)},
    **COMPLEXES,
    "complex": COMPLEX128,
}
_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Div: "/",
}

# Functions of these are known by their names.
_KNOWN_MODULES = frozenset(
    (
        *("numpy", "cupy", "cupyx", "numba", "numba_cuda", "math", "random", "functools"),
        *("copy", "torch", "jax", "scipy", "oxide"),
    )
)

Names = dict[tuple[int, str], HostValue]


@dataclass(slots=True, eq=False)
class Host:
    """The host code of one scope; `known` says what names hold here, by the node of their scope."""

    scope: Scope
    resolver: NumbaResolver
    known: Names = field(default_factory=dict[tuple[int, str], "HostValue"])
    # What names hold that are asked for from elsewhere, whatever the place.
    steady: Names = field(default_factory=dict[tuple[int, str], "HostValue"])
    # What a function of the source gives for such a call; None where nobody follows calls.
    play: Callable[[Host, HostFunction, ast.Call], HostValue] | None = None
    # Which call, and which round of the loops in it, this is: what is made in another is another.
    path: str = ""

    def elsewhere(self, scope: Scope) -> Host:
        """The same reading, of code of another scope, at no place of it."""
        return Host(scope, self.resolver, {}, self.steady, self.play)

    def value(self, node: ast.expr, depth: int = 0) -> HostValue:
        """What an expression gives."""
        if depth > _DEEPEST:
            return NOT_KNOWN
        match node:
            case ast.Constant(value=bool()):
                return NOT_KNOWN
            case ast.Constant(value=int() as number):
                return number
            case ast.Constant(value=float()):
                return HostScalar(F64)
            case ast.Constant(value=complex()):
                return HostScalar(COMPLEX128)
            case ast.Name(id=name):
                if name not in reassigned(root(self.scope)):
                    return self._name(name, depth)
                return HostArray(host_arrays.place(self, node), None, None, self._lie(name, depth))
            case ast.NamedExpr(value=inner):
                return self.value(inner, depth + 1)
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                if any(isinstance(element, ast.Starred) for element in elements):
                    return NOT_KNOWN
                items = tuple(self.value(element, depth + 1) for element in elements)
                return Sizes(items, isinstance(node, ast.List))
            case ast.Dict(keys=keys, values=values):
                return self._table(keys, values, depth)
            case ast.BinOp(left=left, op=op, right=right):
                return self._binary(op, left, right, depth)
            case ast.UnaryOp(
                op=ast.USub(),
                operand=ast.BinOp(
                    op=ast.FloorDiv(),
                    left=ast.UnaryOp(op=ast.USub(), operand=left),
                    right=right,
                ),
            ):
                # `-(-n // b)` is n / b, rounded up.
                return ceiling(self.value(left, depth + 1), self.value(right, depth + 1))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self._negative(self.value(operand, depth + 1))
            case ast.IfExp(body=one, orelse=other) | ast.BoolOp(values=[one, other]):
                either = [self.value(one, depth + 1), self.value(other, depth + 1)]
                return one_of(either, host_arrays.place(self, node))
            case ast.Attribute():
                return self._attribute(node, depth)
            case ast.Subscript():
                return self._subscript(node, depth)
            case ast.Call():
                return self._call(node, depth)
            case _:
                return NOT_KNOWN

    def element(self, node: ast.expr | None) -> Element | None:
        """The type of elements that an expression names: `np.float32`, `"float32"`."""
        return host_arrays.element(self, node)

    # ------------------------------------------------------------ names

    def constant(self, name: str) -> HostValue:
        """What a name holds that kernels see as a constant."""
        return NOT_KNOWN if name in reassigned(root(self.scope)) else self._name(name, 0)

    def _lie(self, name: str, depth: int) -> tuple[Region, ...]:
        """Where an array lies that functions may give a name to: perhaps where others do."""
        found = [Region(f"{name}@global")]
        for other in copied(root(self.scope)).get(name, ()):
            if other in reassigned(root(self.scope)):
                found += self._lie(other, depth + 1) if depth < _DEEPEST else ()
            elif isinstance(held := self._name(other, depth + 1), HostArray):
                found += held.lies
        return tuple(dict.fromkeys(found))

    def _name(self, name: str, depth: int) -> HostValue:
        inside: Scope | None = self.scope
        while inside is not None:
            if (not inside.is_class or inside is self.scope) and (
                (id(inside.node), name) in self.known or name in inside.bindings
            ):
                break
            inside = inside.parent
        if inside is None:
            return self._meant(ast.Name(name, ast.Load()))
        key = id(inside.node), name
        if key in self.known:
            return self.known[key]
        if key not in self.steady:
            self.steady[key] = NOT_KNOWN
            self.steady[key] = self.kept(self._bound(name, inside, depth), name)
        return self.steady[key]

    def kept(self, value: HostValue, name: str) -> HostValue:
        """What a name, or `.name` of an object, holds that was given a value: a list whose items
        others may change, or an array that gets another shape, is anything."""
        module = root(self.scope)
        match value:
            case HostArray() if name in resized(module):
                return NOT_KNOWN
            case Sizes() | Table() if holds_lists(value):
                is_flat = isinstance(value, Table) or value.is_list
                items = (
                    [held for _, held in value.items] if isinstance(value, Table) else value.items
                )
                is_seen = is_flat and not any(map(holds_lists, items))
                return value if is_seen and name not in leaked(module) else NOT_KNOWN
            case _:
                return value

    def _bound(self, name: str, scope: Scope, depth: int) -> HostValue:
        bindings = scope.bindings[name]
        place = f"{name}@{scope.qualname or 'module'}"
        match bindings:
            case [Parameter()]:
                return self_of(name, scope) or HostArray(place, None)
            case [Defined(node=ast.ClassDef() as node)]:
                return Instance(node, scope.inner(node))
            case [Assigned(value=ast.expr() as value)]:
                found = self.elsewhere(scope).value(value, depth + 1)
                # In a loop another name may keep what this one held in an earlier round.
                is_own = isinstance(found, HostArray) or bool(symbols_of(found))
                is_kept = is_own and id(value) in in_loops(scope.node)
                if not is_kept and not isinstance(found, NotKnown):
                    return found
                # Whatever it is, it is one thing wherever this name is seen.
                return HostArray(place, None)
            case [Assigned(value=None)] if self._unpacked(name, scope) is not None:
                return self._unpacked(name, scope) or NOT_KNOWN
            case _:
                return self.elsewhere(scope)._meant(ast.Name(name, ast.Load()))

    def _meant(self, node: ast.expr) -> HostValue:
        """What the source says that a dotted name means."""
        match self.resolver.expression(node, self.scope):
            case UserFunction() as function:
                return HostFunction(function)
            case NumberConstant(kind=NumberKind.INT, value=int() as number):
                return number
            case NumberConstant(kind=NumberKind.FLOAT, value=float()):
                return HostScalar(F64)
            case _:
                return NOT_KNOWN

    def _unpacked(self, name: str, scope: Scope) -> HostValue | None:
        """A name in `rows, cols = a.shape`, if it is assigned there alone."""
        for node in own_statements(scope.node):
            if not isinstance(node, ast.Assign) or len(node.targets) != 1:
                continue
            if id(node.value) in in_loops(scope.node):
                continue
            target = node.targets[0]
            if not isinstance(target, ast.Tuple):
                continue
            for place, inner in enumerate(target.elts):
                if isinstance(inner, ast.Name) and inner.id == name:
                    whole_value = self.elsewhere(scope).value(node.value, 1)
                    return item(whole_value, place)
        return None

    # ------------------------------------------------------------ parts

    def _attribute(self, node: ast.Attribute, depth: int) -> HostValue:
        base = self.value(node.value, depth + 1)
        match base:
            case HostArray():
                found = host_arrays.attribute(base, node.attr)
                is_view = isinstance(found, NotKnown) and node.attr in host_views.ATTRIBUTES
                at = host_arrays.place(self, node)
                return HostArray(at, None, None, base.lies) if is_view else found
            case Instance():
                found = self._field(base, node.attr, depth)
                one = self._memory(base, node.attr)
                # What methods see as an attribute of their own object is that of each of them.
                by = "" if base.owner in ("", SELF) else f"{base.owner}|"
                made = Region(f"{by}.{one or node.attr}@{base.scope.qualname}")
                match found:
                    case NotKnown():
                        # Whatever is there now, it lies where the attribute does.
                        return HostArray(host_arrays.place(self, node), None, None, (made,))
                    case HostArray() if one is not None:
                        return replace(found, regions=(*found.lies, made))
                    case _:
                        return found
            case NotKnown():
                return self._meant(node)
            case _:
                return NOT_KNOWN

    def _memory(self, owner: Instance, name: str, depth: int = 0) -> str | None:
        """The name of the memory that an attribute has with others."""
        found = one_memory(owner.node).get(name) or set_alike(root(owner.scope)).get(name)
        if found is not None or depth > _DEEPEST:
            return found
        around = self.elsewhere(owner.scope.parent or owner.scope)
        parents = [around.value(base, 1) for base in owner.node.bases]
        named = [self._memory(p, name, depth + 1) for p in parents if isinstance(p, Instance)]
        return next((found for found in named if found is not None), None)

    def _field(self, owner: Instance, name: str, depth: int) -> HostValue:
        """An attribute of an object: what is assigned to it wherever it is assigned."""
        by = "" if owner.owner in ("", SELF) else f"{owner.owner}|"
        key = id(owner.node), f"{by}.{name}"
        if key in self.steady:
            return self.steady[key]
        self.steady[key] = NOT_KNOWN
        if by:
            # As in the methods of the class, for an object of its own.
            known = self._field(Instance(owner.node, owner.scope, SELF), name, depth)
            self.steady[key] = renamed(known, by)
            return self.steady[key]
        module = root(owner.scope)
        if is_open_field(module, owner.node, name):
            return NOT_KNOWN
        found: list[HostValue] = []
        for method in owner.node.body:
            if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef) and method.name == name:
                role = self.resolver.role(method, owner.scope)
                made = HostFunction(UserFunction(method, owner.scope, role))
                found.append(self._property(method, owner) if is_property(method) else made)
        for method, value, place, is_certain in assigned_fields(owner.node).get(name, ()):
            given = self.elsewhere(owner.scope.inner(method)).value(value, depth + 1)
            given = given if place is None else item(given, place)
            # What is not assigned each time may be what an earlier call has left.
            left = given if is_certain else renamed(given, f".{name}|")
            if isinstance(left, HostArray) and isinstance(given, HostArray) and place is None:
                left = replace(left, regions=tuple(dict.fromkeys((*left.lies, *given.lies))))
            found.append(left)
        for binding in owner.scope.bindings.get(name, []):
            if isinstance(binding, Assigned) and owner.node.decorator_list:
                # The fields of a data class are what each object is given.
                found.append(NOT_KNOWN)
            elif isinstance(binding, Assigned) and binding.value is not None:
                found.append(self.elsewhere(owner.scope).value(binding.value, depth + 1))
        if not found:
            for base in owner.node.bases:
                parent = self.elsewhere(owner.scope.parent or owner.scope).value(base, depth + 1)
                if isinstance(parent, Instance):
                    found.append(self._field(parent, name, depth + 1))
        value = one_of(found, f"{name}@{owner.scope.qualname}")
        if len(found) > 1 and isinstance(value, HostArray) and value.shape is None:
            # It is another one at another time.
            value = NOT_KNOWN
        self.steady[key] = self.kept(value, f".{name}")
        return self.steady[key]

    def _property(
        self, method: ast.FunctionDef | ast.AsyncFunctionDef, owner: Instance
    ) -> HostValue:
        """An attribute that a method gives: it lies where what that returns does."""
        inside = self.elsewhere(owner.scope.inner(method))
        values = [
            inside.value(node.value, 1)
            for node in own_statements(method)
            if isinstance(node, ast.Return) and node.value is not None
        ]
        lies = dict.fromkeys(r for v in values if isinstance(v, HostArray) for r in v.lies)
        at = host_arrays.place(inside, method)
        return HostArray(at, None, None, tuple(lies)) if lies else NOT_KNOWN

    def _subscript(self, node: ast.Subscript, depth: int) -> HostValue:
        base = self.value(node.value, depth + 1)
        match base:
            case HostFunction():
                return Configured(base, self.value(node.slice, depth + 1))
            case Table(items=items):
                key = node.slice.value if isinstance(node.slice, ast.Constant) else None
                return next((value for known, value in items if known == key), NOT_KNOWN)
            case HostArray() if base.shape is not None:
                return host_arrays.part(self, base, node, depth)
            case HostArray() if not base.name.endswith(".shape"):
                seen = host_arrays.view(self, base, node, depth)
                return seen or item(base, self.value(node.slice, depth + 1))
            case _:
                return item(base, self.value(node.slice, depth + 1))

    def _table(self, keys: list[ast.expr | None], values: list[ast.expr], depth: int) -> HostValue:
        items: list[tuple[str | int, HostValue]] = []
        for key, value in zip(keys, values, strict=True):
            if not isinstance(key, ast.Constant) or not isinstance(key.value, str | int):
                return NOT_KNOWN
            items.append((key.value, self.value(value, depth + 1)))
        return Table(tuple(items))

    # ------------------------------------------------------------ arithmetic and calls

    def _negative(self, value: HostValue) -> HostValue:
        if isinstance(value, int):
            return -value
        return value if isinstance(value, HostScalar) else whole("-", 0, value)

    def _binary(self, op: ast.operator, left: ast.expr, right: ast.expr, depth: int) -> HostValue:
        one = self.value(left, depth + 1)
        rounded = _rounds_up(op, left, right)
        if rounded is not None:
            dividend, divisor = (self.value(e, depth + 1) for e in (rounded.left, rounded.right))
            return ceiling(dividend, divisor)
        other = self.value(right, depth + 1)
        if any(isinstance(e, HostArray) and e.shape is not None for e in (one, other)):
            return host_arrays.computed(self, left, one, op, other)
        match one, op, other:
            case (Sizes(items=items, is_list=is_list), ast.Add(), Sizes(items=more)):
                return Sizes(items + more, is_list)
            case (Sizes(items=items, is_list=is_list), ast.Mult(), int() as times) if (
                times <= _DEEPEST
            ):
                return Sizes(items * times, is_list)
            case (HostScalar(type=known), _, _) | (_, _, HostScalar(type=known)):
                is_float = isinstance(known, Record) or known.is_float
                return HostScalar(known) if is_float else NOT_KNOWN
            case (int(), _, int()) if not isinstance(op, ast.Div):
                folded = fold(op, one, other)
                return folded if isinstance(folded, int) else NOT_KNOWN
            case _:
                name = _OPERATORS.get(type(op))
                return NOT_KNOWN if name is None else whole(name, one, other)

    def _call(self, node: ast.Call, depth: int) -> HostValue:
        arguments = node.args
        called = self.value(node.func, depth + 1)
        match called:
            case HostFunction():
                return NOT_KNOWN if self.play is None else self.play(self, called, node)
            case Instance(owner=""):
                return Instance(called.node, called.scope, host_arrays.place(self, node))
            case Instance():
                return NOT_KNOWN
            case _:
                pass
        if self.is_own(node.func, depth):
            return NOT_KNOWN
        if len(arguments) == 1 and self.resolver.is_jit(node.func, self.scope):
            # `cuda.jit(f)`, `cuda.jit("void(f4[:])")(f)`
            return self.value(arguments[0], depth + 1)
        name = name_of(node.func)
        if isinstance(node.func, ast.Attribute) and name in ("forall", "configure", "specialize"):
            kernel = self.value(node.func.value, depth + 1)
            if isinstance(kernel, HostFunction):
                return self._configured(kernel, name, node, depth)
        match self.resolver.expression(node.func, self.scope):
            case Known(builtin=row):
                made = _MADE.get(row.name)
                if made is not None and arguments:
                    return HostScalar(made)
                name = row.name.removeprefix("math.")
            case HostObject(what="`functools.partial`") if arguments:
                return self._partial(node, depth)
            case _:
                pass
        if name in ("int", "ceil", "floor", "i32", "i64", "round") and len(arguments) == 1:
            return self._rounded(arguments[0], name, depth)
        if name in ("min", "max") and len(arguments) == 2 and not node.keywords:
            return whole(name, *(self.value(a, depth + 1) for a in arguments))
        if name == "len" and len(arguments) == 1:
            held = self.value(arguments[0], depth + 1)
            if isinstance(held, Sizes):
                return len(held.items)
            return held.length if isinstance(held, HostArray) else NOT_KNOWN
        if name in ("tuple", "list") and len(arguments) == 1:
            given = self.value(arguments[0], depth + 1)
            return Sizes(given.items, name == "list") if isinstance(given, Sizes) else NOT_KNOWN
        if name == "dict" and not arguments and all(k.arg for k in node.keywords):
            return Table(
                tuple((k.arg or "", self.value(k.value, depth + 1)) for k in node.keywords)
            )
        return host_arrays.made(self, node, name, depth)

    def is_own(self, node: ast.expr, depth: int = 0) -> bool:
        """Whether a function is one that the source makes, or that a module of its own gives."""
        match node:
            case ast.Name(id=name):
                pass
            case ast.Attribute(value=ast.Name(id=name) as base):
                if isinstance(self.value(base, depth + 1), Instance):
                    return True
            case _:
                return False
        is_called = isinstance(node, ast.Name)
        inside: Scope | None = self.scope
        while inside is not None and name not in inside.bindings:
            inside = inside.parent
        for binding in [] if inside is None else inside.bindings[name]:
            match binding:
                case Imported(module=module):
                    if module.partition(".")[0] not in _KNOWN_MODULES:
                        return True
                case _ if is_called:
                    known = self.value(node, depth + 1)
                    return not isinstance(known, HostFunction | Configured)
                case _:
                    pass
        return False

    def _configured(self, kernel: HostFunction, name: str, node: ast.Call, depth: int) -> HostValue:
        given = [self.value(argument, depth + 1) for argument in node.args]
        match name, given:
            case "specialize", _:
                return kernel
            case "configure", [_, _, *_]:
                return Configured(kernel, Sizes(tuple(given)))
            case "forall", [tasks, *rest]:
                size = as_size(tasks)
                if not isinstance(size, int | Symbol | Whole):
                    return NOT_KNOWN
                threads = (
                    rest[0]
                    if rest
                    else next(
                        (self.value(k.value, depth + 1) for k in node.keywords if k.arg == "tpb"),
                        NOT_KNOWN,
                    )
                )
                return Configured(kernel, threads, tasks=size)
            case _:
                return NOT_KNOWN

    def _partial(self, node: ast.Call, depth: int) -> HostValue:
        called = self.value(node.args[0], depth + 1)
        if not isinstance(called, Configured) or node.keywords:
            return NOT_KNOWN
        given = tuple(self.value(argument, depth + 1) for argument in node.args[1:])
        return Configured(called.kernel, called.configuration, called.given + given, called.tasks)

    def _rounded(self, node: ast.expr, name: str, depth: int) -> HostValue:
        """`ceil(a / b)`; `int(…)` of a whole number."""
        value = self.value(node, depth + 1)
        match value:
            case Whole(op="/", left=left, right=right) if name == "ceil":
                return ceiling(left, right)
            case Whole(op="/", left=left, right=right) if name in ("int", "floor"):
                # What is not negative is rounded down by both; sizes are not.
                if isinstance(left, int) and isinstance(right, int) and right > 0:
                    return int(left / right) if name == "int" else left // right
                is_less = (isinstance(left, int) and left < 0) or differs(left)
                return NOT_KNOWN if is_less else whole("//", left, right)
            case Whole(op="/") | HostScalar():
                return NOT_KNOWN
            case Whole(op="+" | "-" | "*") if any(map(_may_be_float, symbols_of(value))):
                # It is rounded, if one of its names holds a float.
                return Symbol(f"{name}({value})")
            case Whole() if divides(value):
                return Symbol(f"{name}({value})")
            case _:
                return value


def _may_be_float(name: str) -> bool:
    return ".shape[" not in name and not name.endswith(".size")


def _rounds_up(op: ast.operator, left: ast.expr, right: ast.expr) -> ast.BinOp | None:
    """`a // b + (a % b > 0)`: a division that is rounded up."""
    match op, left, right:
        case (
            ast.Add(),
            ast.BinOp(op=ast.FloorDiv()),
            ast.Compare(
                left=ast.BinOp(left=a, op=ast.Mod(), right=b),
                ops=[ast.Gt() | ast.NotEq()],
                comparators=[ast.Constant(value=0)],
            ),
        ):
            same = ast.dump(left.left) == ast.dump(a) and ast.dump(left.right) == ast.dump(b)
            return left if same else None
        case _:
            return None
