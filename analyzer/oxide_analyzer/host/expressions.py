"""What expressions of host code give, and what they do to objects: `Expressions`.

Whoever gets an object and is not known here may do anything with it: an operation that was given
away is not said to be never run, and behind a call of unknown code nothing is in flight for sure.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.oxide.constants import fold
from oxide_analyzer.frontends.oxide.meanings import (
    FunctionRole,
    NumberConstant,
    NumberKind,
    UserFunction,
)
from oxide_analyzer.frontends.oxide.scopes import Defined, parameters
from oxide_analyzer.host import api, arrays, foreign, launches, shipped
from oxide_analyzer.host.names import imported, is_bound
from oxide_analyzer.host.state import State, met
from oxide_analyzer.host.values import (
    UNKNOWN,
    Configured,
    HostFunction,
    Items,
    Kind,
    Method,
    Path,
    Text,
    Thing,
    Value,
    has_list,
    is_size,
    things_in,
)
from oxide_analyzer.rules import ox503_unsynchronised_access as ox503
from oxide_analyzer.sizes import Symbol, Whole, computed

if TYPE_CHECKING:
    from oxide_analyzer.frontends.oxide.scopes import Scope
    from oxide_analyzer.host.flow import Flow
    from oxide_analyzer.host.run import Run
    from oxide_analyzer.sizes import Size
    from oxide_analyzer.source import Span

_FOREIGN = frozenset(("oxide", "numpy", "numba", "math"))
_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Div: "/",
}


@dataclass(slots=True)
class Given:
    """The arguments of a call; not `is_complete` where it has `*` or `**`."""

    positional: list[Value]
    keywords: dict[str, Value]
    is_complete: bool

    def argument(self, place: int, name: str) -> Value:
        """One of them; `None` where it is missing."""
        if name in self.keywords:
            return self.keywords[name]
        if not self.is_complete:
            return UNKNOWN
        return self.positional[place] if place < len(self.positional) else None

    @property
    def all(self) -> list[Value]:
        """All of them."""
        return [*self.positional, *self.keywords.values()]


@dataclass(slots=True, eq=False)
class Expressions:
    """Expressions of one scope, at one place."""

    run: Run
    flow: Flow
    scope: Scope
    state: State

    def span(self, node: ast.expr | ast.stmt) -> Span:
        """Where a node stands."""
        return self.scope.source.span(node)

    def made(
        self,
        kind: Kind,
        node: ast.expr,
        *,
        shape: tuple[Size, ...] | None = None,
        device: str | None = None,
        may_repeat: bool = False,
        gives: Kind | None = None,
        is_pinned: bool = False,
        waits: bool = False,
    ) -> Thing:
        """An object that an expression makes."""
        return self.run.thing(
            kind,
            node,
            self.scope.source,
            shape=shape,
            device=device,
            may_repeat=may_repeat,
            gives=gives,
            is_pinned=is_pinned,
            waits=waits,
        )

    # ------------------------------------------------------------ values

    def value(self, node: ast.expr) -> Value:
        """What an expression gives."""
        match node:
            case ast.Constant(value=bool()):
                return UNKNOWN
            case ast.Constant(value=int() as number):
                return number
            case ast.Constant(value=str() as text):
                return Text(text)
            case ast.Constant(value=None):
                return None
            case ast.Name(id=name):
                return self._name(name)
            case ast.Tuple(elts=elements) | ast.List(elts=elements):
                if any(isinstance(element, ast.Starred) for element in elements):
                    self.below(node)
                    return UNKNOWN
                items = tuple(self.value(element) for element in elements)
                return Items(items, is_list=isinstance(node, ast.List))
            case ast.BinOp(left=left, op=op, right=right):
                return self.arithmetic(op, left, right)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return self._negative(operand)
            case ast.Attribute(value=value, attr=name):
                return self._attribute(self.value(value), name, node)
            case ast.Subscript():
                return self._subscript(node)
            case ast.Call():
                return self._call(node)
            case ast.Await(value=value):
                return self._awaited(self.value(value), node)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                self.value(test)
                return self._either(body, orelse)
            case ast.BoolOp(values=[first, *rest]):
                self.run.escapes(self.value(first))
                for one in rest:
                    self.run.escapes(self._perhaps(one))
                return UNKNOWN
            case ast.NamedExpr(target=ast.Name(id=name), value=value):
                found = self.value(value)
                self.run.escapes(found)
                is_plain = name not in self.run.shared_names and not has_list(found)
                self.state.names[name] = found if is_plain else UNKNOWN
                return found
            case (
                ast.Lambda()
                | ast.ListComp()
                | ast.SetComp()
                | ast.DictComp()
                | ast.GeneratorExp()
                | ast.Yield()
                | ast.YieldFrom()
            ):
                self.escape_names_in(node)
                if not isinstance(node, ast.Lambda):
                    self.anything_happens()
                for inner in ast.walk(node):
                    if isinstance(inner, ast.NamedExpr):
                        self.state.names[inner.target.id] = UNKNOWN
                return UNKNOWN
            case _:
                self.below(node)
                return UNKNOWN

    def below(self, node: ast.AST) -> None:
        """Look at what a node is made of, which is read and may go anywhere."""
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                found = self.value(child)
                self.read(found, child)
                self.run.escapes(found)
            elif not isinstance(child, ast.stmt):
                self.below(child)

    def escape_names_in(self, node: ast.AST) -> None:
        """Code that runs some other time, or in a way that is not followed, names these."""
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load):
                self.run.escapes(self.state.names.get(inner.id, UNKNOWN))

    def anything_happens(self) -> None:
        """Unknown code runs, which may also wait."""
        self.state.flights.clear()

    def read(self, value: Value, node: ast.expr | ast.stmt, *, past_numpy: bool = False) -> None:
        """The host reads what it is given, or writes it; by itself NumPy waits where it can."""
        for thing in things_in(value):
            flight = self.state.flights.get(thing.number)
            if flight is not None:
                # Said once for each copy.
                del self.state.flights[thing.number]
                if thing.waits and not past_numpy:
                    continue
                self.run.report(ox503.in_flight(self.span(node), thing, flight))

    def _name(self, name: str) -> Value:
        if name in self.run.shared_names:
            return UNKNOWN
        if name in self.state.names:
            return self.state.names[name]
        path = imported(name, self.scope)
        if path is not None and path.partition(".")[0] in _FOREIGN:
            return Path(path)
        match self.run.resolver.name(name, self.scope):
            case UserFunction() as function if self._is_defined_once(name, function):
                return HostFunction(function)
            case NumberConstant(kind=NumberKind.INT, value=int() as number):
                return number
            case _:
                return UNKNOWN if path is None else Path(path)

    def _is_defined_once(self, name: str, function: UserFunction) -> bool:
        bindings = function.scope.bindings.get(function.node.name, [])
        del name
        return len(bindings) == 1 and isinstance(bindings[0], Defined)

    # ------------------------------------------------------------ parts

    def _attribute(self, base: Value, name: str, node: ast.Attribute) -> Value:
        match base:
            case Path(dotted=dotted):
                found = f"{dotted}.{name}"
                if dotted.partition(".")[0] in _FOREIGN:
                    return Path(found)
                match self.run.resolver.expression(node, self.scope):
                    case UserFunction() as function if self._is_defined_once(name, function):
                        return HostFunction(function)
                    case NumberConstant(kind=NumberKind.INT, value=int() as number):
                        return number
                    case _:
                        return Path(found)
            case Thing() if base.kind in (Kind.BUFFER, Kind.HOST_ARRAY, Kind.FOREIGN_ARRAY):
                return arrays.attribute(base, name)
            case Thing() | Configured() | HostFunction():
                return Method(base, name)
            case _:
                self.run.escapes(base)
                return UNKNOWN

    def _subscript(self, node: ast.Subscript) -> Value:
        base = self.value(node.value)
        match base:
            case HostFunction(function=function) if function.role is FunctionRole.KERNEL:
                return launches.configured(self, function, self.value(node.slice), node)
            case HostFunction(function=function) if self._is_of_numba(function):
                self.run.escapes(self.value(node.slice))
                return Path(foreign.LAUNCH)
            case Path() if (found := shipped.item(base)) is not UNKNOWN:
                self.run.escapes(self.value(node.slice))
                return found
            case Items(items=items):
                place = self.value(node.slice)
                if isinstance(place, int) and -len(items) <= place < len(items):
                    return items[place]
                self.run.escapes(base)
                return UNKNOWN
            case Thing(kind=Kind.HOST_ARRAY):
                if isinstance(node.slice, ast.Slice):
                    return arrays.sliced(self, base, node.slice, node)
                self.read(base, node)
            case Thing(kind=Kind.BUFFER):
                api.use(self, base, node)
            case _:
                pass
        self.run.escapes(base)
        if isinstance(node.slice, ast.Slice):
            self.below(node.slice)
        else:
            self.run.escapes(self.value(node.slice))
        return UNKNOWN

    def _is_of_numba(self, function: UserFunction) -> bool:
        for decorator in function.node.decorator_list:
            target = decorator.func if isinstance(decorator, ast.Call) else decorator
            if not isinstance(target, ast.Attribute) or not isinstance(target.value, ast.Name):
                continue
            path = imported(target.value.id, function.scope)
            if path is not None and f"{path}.{target.attr}" == "numba.cuda.jit":
                return True
        return False

    def stored(self, node: ast.Subscript, value: Value = UNKNOWN) -> None:
        """`x[…] = value`."""
        base = self.value(node.value)
        self.read(base, node)
        if isinstance(base, Thing) and base.kind is Kind.HOST_ARRAY:
            # An ordinary array takes the elements of any other without asking it.
            self.read(value, node, past_numpy=not base.waits)
        if not isinstance(node.slice, ast.Slice):
            self.run.escapes(self.value(node.slice))

    def augmented(self, node: ast.AugAssign) -> None:
        """`x += value`, `x[…] += value`."""
        self.read(self.value(node.value), node)
        if isinstance(node.target, ast.Subscript):
            self.stored(node.target)

    # ------------------------------------------------------------ arithmetic

    def arithmetic(self, op: ast.operator, left: ast.expr, right: ast.expr) -> Value:
        """`left op right`, of whole numbers, or of arrays of the host."""
        one, other = self.value(left), self.value(right)
        for value, node in ((one, left), (other, right)):
            self.read(value, node)
            self.run.escapes(value)
        match one, op, other:
            case int(), _, int():
                folded = fold(op, one, other)
                return folded if isinstance(folded, int) else UNKNOWN
            case Items(items=items) as one, ast.Add(), Items(items=more):
                return Items(items + more, is_list=one.is_list)
            case Symbol() | Whole() | int(), _, Symbol() | Whole() | int():
                name = _OPERATORS.get(type(op))
                found = None if name is None else computed(name, one, other)
                return found if isinstance(found, Whole) else UNKNOWN
            case _:
                return UNKNOWN

    def _negative(self, node: ast.expr) -> Value:
        match node:
            case ast.BinOp(
                op=ast.FloorDiv(), left=ast.UnaryOp(op=ast.USub(), operand=left), right=right
            ):
                # `-(-n // b)` is n / b, rounded up.
                match self.value(left), self.value(right):
                    case (int() | Symbol() | Whole()) as one, (int() | Symbol() | Whole()) as other:
                        found = computed("ceil", one, other)
                        return found if isinstance(found, int | Whole) else UNKNOWN
                    case _:
                        return UNKNOWN
            case _:
                value = self.value(node)
                self.read(value, node)
                return -value if isinstance(value, int) else UNKNOWN

    def quotient(self, node: ast.expr) -> Value:
        """`a / b`, rounded up; None if it is no division of sizes."""
        if not isinstance(node, ast.BinOp) or not isinstance(node.op, ast.Div):
            return None
        match self.value(node.left), self.value(node.right):
            case (int() | Symbol() | Whole()) as one, (int() | Symbol() | Whole()) as other:
                found = computed("ceil", one, other)
                return found if isinstance(found, int | Whole) else None
            case _:
                return None

    def truth(self, node: ast.expr) -> bool | None:
        """Whether a condition holds, where the source says it: `while True`, `if False`."""
        return bool(node.value) if isinstance(node, ast.Constant) else None

    def has_rounds(self, node: ast.expr) -> bool:
        """Whether a loop over this has a first round for sure: `range(10)`."""
        match node:
            case ast.Call(func=ast.Name(id="range"), args=[count]):
                found = self.value(count)
                return isinstance(found, int) and found > 0
            case _:
                return False

    # ------------------------------------------------------------ ways that are taken or not

    def _either(self, one: ast.expr, other: ast.expr) -> Value:
        other_way = Expressions(self.run, self.flow, self.scope, self.state.copy())
        first, second = self.value(one), other_way.value(other)
        self._join(other_way.state)
        if first == second:
            return first
        self.run.escapes(first)
        self.run.escapes(second)
        return UNKNOWN

    def _perhaps(self, node: ast.expr) -> Value:
        way = Expressions(self.run, self.flow, self.scope, self.state.copy())
        found = way.value(node)
        self._join(way.state)
        return found

    def _join(self, other: State) -> None:
        found, lost = met((self.state, other))
        assert found is not None
        for thing in lost:
            self.run.escapes(thing)
        state = self.state
        state.names, state.freed, state.taken = found.names, found.freed, found.taken
        state.flights = found.flights

    def _awaited(self, value: Value, node: ast.expr) -> Value:
        self.anything_happens()
        if isinstance(value, Thing) and value.kind is Kind.OPERATION:
            return api.done(self, value, node, "was awaited")
        self.run.escapes(value)
        return UNKNOWN

    # ------------------------------------------------------------ calls

    def _call(self, node: ast.Call) -> Value:
        called = self.value(node.func)
        given = self.arguments(node)
        match called:
            case Configured():
                return launches.launched(self, called, given, node)
            case Path(dotted=dotted):
                found = None
                for library in (shipped, api, foreign):
                    found = library.called(self, dotted, given, node) if found is None else found
                return self._unknown(given) if found is None else found[0]
            case Method(owner=Configured() | HostFunction() as owner, name=name):
                found = launches.method(self, owner, name, given, node)
                return self._unknown(given) if found is None else found[0]
            case Method(owner=Thing() as owner, name=name):
                found = api.method(self, owner, name, given, node)
                if found is None:
                    found = foreign.method(self, owner, name, given, node)
                if found is None:
                    self.run.escapes(owner)
                    self.read(owner, node)
                    return self._unknown(given)
                return found[0]
            case HostFunction():
                return self._played(called, given, node)
            case _:
                pass
        if isinstance(node.func, ast.Name) and not is_bound(node.func.id, self.scope):
            return self._of_python(node.func.id, given, node)
        self.run.escapes(called)
        return self._unknown(given)

    def arguments(self, node: ast.Call) -> Given:
        """What a call is given."""
        is_complete = not any(isinstance(a, ast.Starred) for a in node.args)
        is_complete &= all(keyword.arg is not None for keyword in node.keywords)
        positional: list[Value] = []
        for argument in node.args:
            inner = argument.value if isinstance(argument, ast.Starred) else argument
            found = self.value(inner)
            if isinstance(argument, ast.Starred):
                self.run.escapes(found)
            positional.append(found)
        keywords = {k.arg or "**": self.value(k.value) for k in node.keywords}
        return Given(positional, keywords, is_complete)

    def _unknown(self, given: Given) -> Value:
        for value in given.all:
            self.run.escapes(value)
        self.anything_happens()
        return UNKNOWN

    def _of_python(self, name: str, given: Given, node: ast.Call) -> Value:
        match name, given.positional:
            case "len", [value]:
                return arrays.length(value)
            case "int", [value] if is_size(value):
                return value
            case (
                ("min" | "max"),
                [
                    int() | Symbol() | Whole() as one,
                    int() | Symbol() | Whole() as other,
                ],
            ):
                found = computed(name, one, other)
                return found if isinstance(found, int | Whole) else UNKNOWN
            case (("tuple" | "list"), [Items() as items]):
                return items
            case (("print" | "sum" | "repr" | "str" | "float" | "abs" | "list" | "tuple"), values):
                for value in values:
                    self.read(value, node)
            case (("range" | "isinstance" | "type" | "id" | "int"), _):
                pass
            case _:
                return self._unknown(given)
        for value in given.all:
            self.run.escapes(value)
        return UNKNOWN

    def _played(self, called: HostFunction, given: Given, node: ast.Call) -> Value:
        function = called.function
        if function.role is not FunctionRole.PLAIN or not given.is_complete:
            return self._unknown(given)
        if not any(map(things_in, given.all)) and not self.run.may_matter(function.node):
            return self._unknown(given)
        if not self.run.can_be_played(function) or self.flow.is_too_deep(function.node):
            return self._unknown(given)
        declared = [argument.arg for argument, _ in parameters(function.node)]
        names: dict[str, Value] = dict.fromkeys(declared, UNKNOWN)
        for name, value in zip(declared, given.positional, strict=False):
            names[name] = value
        names.update({name: v for name, v in given.keywords.items() if name in names})
        for name, value in names.items():
            if name in self.run.shared_names or has_list(value):
                self.run.escapes(value)
                names[name] = UNKNOWN
            elif name in self.run.captured(function.node):
                self.run.escapes(value)
        self.run.calls.append((function.node, self.span(node)))
        found = self.flow.play(called, names, self.state)
        self.run.calls.pop()
        return found
