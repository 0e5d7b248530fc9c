"""Ways through host code: which are taken, what loops go over, and where ways meet.

    if 3 > 2: …                       one way
    if fast: …                        two, as long as they differ, and as they are few
    for n in (64, 128): …             a round for each
    for step in range(n): …           any round: step is between 0 and n
    sizes.append(n)                   a list that is changed is any other

Where there are too many ways, names keep what all of them leave: the same value, or an array of the
same shape.
"""

from __future__ import annotations

import ast
import operator
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.numba.host import Host, Names, one_of
from oxide_analyzer.frontends.numba.quantities import (
    NOT_KNOWN,
    HostArray,
    HostValue,
    NotKnown,
    Sizes,
    Symbol,
    Table,
    Whole,
    as_size,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from oxide_analyzer.frontends.oxide.scopes import Scope

_MOST_WAYS = 4


_COMPARED: dict[type[ast.cmpop], Callable[[int, int], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def truth(test: ast.expr, host: Host) -> bool | None:
    """Whether a condition holds, if numbers that are known say so."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            found = truth(operand, host)
            return None if found is None else not found
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARED:
            one, other = host.value(left), host.value(right)
            if isinstance(one, int) and isinstance(other, int):
                return _COMPARED[type(op)](one, other)
            return None
        case _:
            return None


def items_of(source: ast.expr, host: Host) -> list[HostValue] | None:
    """What a loop goes over, if it is written out."""
    match source:
        case ast.Call(func=ast.Name(id="enumerate"), args=[inner]):
            items = items_of(inner, host)
            return None if items is None else [Sizes((k, one)) for k, one in enumerate(items)]
        case ast.Call(func=ast.Name(id="zip"), args=arguments):
            lists = [items_of(argument, host) for argument in arguments]
            known = [one for one in lists if one is not None]
            if len(known) < len(lists) or not known:
                return None
            return [Sizes(row) for row in zip(*known, strict=False)]
        case ast.Call(func=ast.Attribute(value=inner, attr=attr), args=[]):
            table = host.value(inner)
            if not isinstance(table, Table):
                return None
            if attr == "values":
                return [value for _, value in table.items]
            return [Sizes((NOT_KNOWN, value)) for _, value in table.items]
        case _:
            found = host.value(source)
            return list(found.items) if isinstance(found, Sizes) else None


def counted(target: ast.expr, source: ast.expr, host: Host) -> HostValue:
    """The variable of a loop over a range, which is between its ends."""
    match source:
        case ast.Call(func=ast.Name(id="range"), args=arguments) if 1 <= len(arguments) <= 2:
            ends = [as_size(host.value(argument)) for argument in arguments]
            least, above = (0, *ends)[-2:]
            name = f"{ast.dump(target)}@{host.scope.qualname}:{target.lineno}"
            known = isinstance(least, int | Symbol | Whole)
            if known and isinstance(above, int | Symbol | Whole):
                return Symbol(name, least, above)
            return NOT_KNOWN
        case _:
            return NOT_KNOWN


def joined(ways: list[Names], scope: Scope) -> list[Names]:
    """The ways that differ; of too many, what they have in common."""
    found: list[Names] = []
    for way in ways:
        if way not in found:
            found.append(way)
    if len(found) <= _MOST_WAYS:
        return found
    first = found[0]
    common: Names = {}
    for key, value in first.items():
        met = one_of([way.get(key, NOT_KNOWN) for way in found], key[1])
        if met == value or not isinstance(met, NotKnown):
            common[key] = met
        else:
            common[key] = HostArray(f"{key[1]}@{scope.qualname}", None)
    return [common]


def are_alike(one: HostValue, other: HostValue) -> bool:
    """Whether two values are the same, or arrays of one shape."""
    match one, other:
        case HostArray(shape=shape, element=element), HostArray() if shape is not None:
            return shape == other.shape and element == other.element
        case _:
            return one == other


def forget(name: ast.Name, host: Host) -> None:
    """A list or dictionary that is changed is any other."""
    key = id(host.scope.node), name.id
    if isinstance(host.known.get(key), Sizes | Table):
        host.known[key] = NOT_KNOWN


# What has names of its own.
INNER = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda)


def own_names(node: ast.expr) -> Iterator[ast.expr]:
    """The names that an expression binds for itself."""
    match node:
        case ast.Lambda(args=arguments):
            for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
                yield ast.copy_location(ast.Name(argument.arg, ast.Store()), argument)
        case (
            ast.ListComp(generators=generators)
            | ast.SetComp(generators=generators)
            | ast.DictComp(generators=generators)
            | ast.GeneratorExp(generators=generators)
        ):
            for generator in generators:
                yield generator.target
        case _:
            return
