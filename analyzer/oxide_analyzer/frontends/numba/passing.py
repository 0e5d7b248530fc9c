"""What the parameters of a function of host code hold: in a call, or in any.

def run(kernel, n, block=64): …
run(step, 1000)                   kernel is step, n is 1000, block is 64
run(*given)                       nobody knows
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.numba.fields import self_of
from oxide_analyzer.frontends.numba.quantities import NOT_KNOWN, HostArray, Instance, NotKnown
from oxide_analyzer.frontends.oxide.scopes import parameters

if TYPE_CHECKING:
    from oxide_analyzer.frontends.numba.host import Host, Names
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
