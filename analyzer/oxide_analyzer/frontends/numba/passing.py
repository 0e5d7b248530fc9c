"""What the parameters of a function of host code hold: in a call, or in any.

def run(kernel, n, block=64): …
run(step, 1000)                   kernel is step, n is 1000, block is 64
run(*given)                       nobody knows
def add(x, y): …
add(u, u)                         one array twice: what `add` launches is to be seen from here
"""

from __future__ import annotations

import ast
import itertools
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.numba.fields import self_of
from oxide_analyzer.frontends.numba.launched import may_launch, name_of
from oxide_analyzer.frontends.numba.quantities import NOT_KNOWN, HostArray, Instance, NotKnown
from oxide_analyzer.frontends.oxide.scopes import parameters

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from oxide_analyzer.frontends.numba.host import Host, Names
    from oxide_analyzer.frontends.numba.launched import LaunchCall
    from oxide_analyzer.frontends.oxide.meanings import UserFunction
    from oxide_analyzer.frontends.oxide.scopes import FunctionNode, Scope

# Decorators behind which a call is still one of the function that stands there.
_PLAIN = frozenset(["staticmethod", "classmethod", "njit", "wraps", "cached_property", "property"])


def anything(scope: Scope, node: FunctionNode) -> Names:
    """What the parameters hold where nobody knows who calls: each a thing of its own."""
    known: Names = {}
    rest = [argument for argument in (node.args.vararg, node.args.kwarg) if argument is not None]
    for argument in [argument for argument, _ in parameters(node)] + rest:
        own = self_of(argument.arg, scope)
        known[id(node), argument.arg] = own or HostArray(f"{argument.arg}@{scope.qualname}", None)
    return known


def passed(
    host: Host, scope: Scope, function: UserFunction, call: ast.Call, path: str
) -> Names | None:
    """What the parameters hold in a call, and names of the functions around with them; None if
    that is not said."""
    node = function.node
    if (
        any(isinstance(a, ast.Starred) for a in call.args)
        or any(keyword.arg is None for keyword in call.keywords)
        or any(_decorated(d) not in _PLAIN for d in node.decorator_list)
    ):
        return None
    declared = parameters(node)
    known: Names = {key: value for key, value in host.known.items() if key[0] != id(node)}
    given = [host.value(argument) for argument in call.args]
    if isinstance(function.scope.node, ast.ClassDef) and isinstance(call.func, ast.Attribute):
        owner = host.value(call.func.value)
        first = self_of(declared[0][0].arg, scope) if declared else None
        if isinstance(owner, Instance) and first is not None:
            if not first.owner:
                given.insert(0, Instance(owner.node, owner.scope))
            elif owner.owner:
                given.insert(0, owner)
    held: Names = {}
    for (argument, _), value in zip(declared, given, strict=False):
        held[id(node), argument.arg] = value
    names = {argument.arg for argument, _ in declared}
    for keyword in call.keywords:
        if keyword.arg in names:
            held[id(node), keyword.arg or ""] = host.value(keyword.value)
    for argument, default in declared:
        key = id(node), argument.arg
        if key not in held and default is not None:
            held[key] = host.elsewhere(function.scope).value(default)
        value = host.kept(held.get(key, NOT_KNOWN), argument.arg)
        if isinstance(value, NotKnown):
            value = HostArray(f"{argument.arg}@{scope.qualname}{path}", None)
        known[key] = value
    for rest in (node.args.vararg, node.args.kwarg):
        if rest is not None:
            known[id(node), rest.arg] = HostArray(f"{rest.arg}@{scope.qualname}{path}", None)
    return known


def _decorated(node: ast.expr) -> str:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Call(func=function):
            return _decorated(function)
        case _:
            return ""


class Handed:
    """Which functions are given one memory twice, or what they see of themselves as well."""

    def __init__(self, functions: Sequence[FunctionNode]) -> None:
        """Nothing is given to any of the functions of a file."""
        self._nodes = {id(node): node for node in functions}
        self._named: dict[str, list[int]] = {}
        for node in functions:
            self._named.setdefault(node.name, []).append(id(node))
        self._calls = {key: frozenset(_called_in(node)) for key, node in self._nodes.items()}
        self._launching = {node.name for node in functions if may_launch(node)}
        self._given: dict[int, list[HostArray]] = {}
        self._twice: set[int] = set()

    def leads_to_launch(self, node: FunctionNode) -> bool:
        """Whether a function may launch, or calls one that may."""
        return may_launch(node) or not self._launching.isdisjoint(self._calls[id(node)])

    def note(self, function: UserFunction, call: ast.Call, host: Host) -> None:
        """A call of a function of the source."""
        given = [host.value(a) for a in (*call.args, *(k.value for k in call.keywords))]
        arrays = [value for value in given if isinstance(value, HostArray)]
        pairs = itertools.combinations(arrays, 2)
        if _is_of_owner(call) or any(one.may_share(other) for one, other in pairs):
            self._twice.add(id(function.node))
        self._given.setdefault(id(function.node), []).extend(arrays)

    def launched_twice(self, launches: Sequence[LaunchCall]) -> set[int]:
        """The launches that may be given one memory twice, by what is handed to the functions
        round them."""
        found: set[int] = set()
        for function in (self._given.keys() | self._twice) & self._nodes.keys():
            reached = self._reached_from(function)
            for launched in launches:
                arrays = [a for a in launched.arguments if isinstance(a, HostArray)]
                if id(launched.scope.node) in reached and (
                    function in self._twice
                    or any(g.may_share(a) for g in self._given[function] for a in arrays)
                ):
                    found.add(id(launched.call))
        return found

    def _reached_from(self, function: int) -> set[int]:
        """The functions that one may call, by their names, itself among them."""
        reached: set[int] = set()
        pending = [function]
        while pending:
            one = pending.pop()
            if one not in reached:
                reached.add(one)
                pending += [key for name in self._calls[one] for key in self._named.get(name, ())]
        return reached


def _called_in(node: FunctionNode) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call):
            yield name_of(inner.func)


def _is_of_owner(call: ast.Call) -> bool:
    """Whether a method is given what its own object holds: `s.step(s.x)`."""
    if not isinstance(call.func, ast.Attribute):
        return False
    owner = ast.dump(call.func.value)
    return any(
        isinstance(inner, ast.Attribute) and ast.dump(inner.value) == owner
        for argument in call.args
        for inner in ast.walk(argument)
    )
