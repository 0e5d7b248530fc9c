"""Ways through host code: which are taken, what loops go over, and where ways meet.

    if 3 > 2: …                       one way
    if fast: …                        two, as long as they differ, and as they are few
    for n in (64, 128): …             a round for each
    for step in range(n): …           any round: step is between 0 and n

Where there are too many ways, names keep what all of them leave: the same value, or an array of the
same shape.
"""

from __future__ import annotations

import ast
import operator
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.frontends.numba.host_arrays import place
from oxide_analyzer.frontends.numba.host_views import row
from oxide_analyzer.frontends.numba.quantities import (
    NOT_KNOWN,
    HostArray,
    HostValue,
    NotKnown,
    Region,
    Sizes,
    Table,
    as_size,
    one_of,
)
from oxide_analyzer.sizes import Symbol, Whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from oxide_analyzer.frontends.numba.host import Host, Names

_MOST_WAYS = 4

# What names hold at the end of a round, on each way to it, and where it breaks the loop off.
Left: TypeAlias = "tuple[list[Names], list[Names]]"

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
        case ast.Constant(value=bool() | int() as value):
            return bool(value)
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _COMPARED:
            one, other = host.value(left), host.value(right)
            if isinstance(one, int) and isinstance(other, int):
                return _COMPARED[type(op)](one, other)
            return None
        case _:
            return None


def either(node: ast.Assign, test: ast.expr, one: ast.expr, other: ast.expr) -> ast.If:
    """`x = one if test else other` as two ways."""
    then, otherwise = (
        ast.copy_location(ast.Assign(node.targets, value), node) for value in (one, other)
    )
    return ast.copy_location(ast.If(test, [then], [otherwise]), node)


def items_of(source: ast.expr, host: Host) -> list[HostValue] | None:
    """What a loop goes over, if it is written out."""
    if isinstance(source, ast.Call) and host.is_own(source.func):
        return None
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
            if attr == "items":
                return [Sizes((NOT_KNOWN, value)) for _, value in table.items]
            return None
        case _:
            found = host.value(source)
            return list(found.items) if isinstance(found, Sizes) else None


def counted(target: ast.expr, source: ast.expr, host: Host) -> HostValue:
    """The variable of a loop over a range, which is between its ends, or the rows of arrays."""
    match source:
        case ast.Call(func=ast.Name(id="range") as function, args=arguments) if 1 <= len(
            arguments
        ) <= len(("least", "above")) and not host.is_own(function):
            ends = [as_size(host.value(argument)) for argument in arguments]
            least, above = (0, *ends)[-2:]
            name = place(host, target)
            known = isinstance(least, int | Symbol | Whole)
            if known and isinstance(above, int | Symbol | Whole):
                return Symbol(name, least, above)
            return NOT_KNOWN
        case ast.Call(func=ast.Name(id="enumerate" | "zip" as name) as function, args=given) if (
            not host.is_own(function)
        ):
            rows = tuple(counted(target, one, host) for one in given)
            return Sizes(rows if name == "zip" else (NOT_KNOWN, *rows[:1]))
        case _:
            gone_through = host.value(source)
            if not isinstance(gone_through, HostArray):
                return NOT_KNOWN
            return row(gone_through, place(host, source))


def joined(ways: list[Names], at: str) -> list[Names]:
    """The ways that differ; of too many, what they have in common.

    A name that one way has not bound is what the others say: there it is not read.
    """
    found: list[Names] = []
    for way in ways:
        for other in found:
            if all(other.get(key, value) == value for key, value in way.items()):
                other.update({key: value for key, value in way.items() if key not in other})
                break
        else:
            found.append(way)
    if len(found) <= _MOST_WAYS:
        return found
    common: Names = {}
    for key in dict.fromkeys(key for way in found for key in way):
        place = f"{key[1]}@{at}"
        values = [way[key] for way in found if key in way]
        met = one_of(values, place)
        if isinstance(met, NotKnown):
            lies = dict.fromkeys(r for v in values if isinstance(v, HostArray) for r in v.lies)
            met = HostArray(place, None, None, tuple(lies))
        common[key] = met
    return [common]


def settled(
    before: Names, ends: Callable[[Names], Left], names: frozenset[str], owner: int, at: str
) -> tuple[Names, Left]:
    """What names hold at the head of a loop, in whatever round, and what a round leaves of that.

    `ends` says what they may hold at the end of a round, and where it breaks the loop off, `names`
    which of the `owner` its body assigns. What differs from round to round has a name of its own,
    and two arrays of which one round may make one share memory.
    """
    head = dict(before)
    for name in sorted(names):
        head.setdefault((owner, name), HostArray(f"{name}@{at}", None))
    unlike: dict[tuple[int, str], bool] = {}
    left = ends(dict(head))
    for attempt in range(2 * len(names) + 2):
        moved = False
        for key, held in head.items():
            if key[0] != owner or key[1] not in names or unlike.get(key):
                continue
            after = [way[key] for way in left[0] if key in way]
            if all(value == held for value in after):
                continue
            if key in unlike and all(are_alike(held, value) for value in after):
                continue
            place = f"{key[1]}@{at}"
            met = NOT_KNOWN if attempt else one_of([held, *after], place)
            # Where it is anything it may lie wherever one of them does.
            known = met if isinstance(met, HostArray) else HostArray(place, None)
            unlike[key] = known.shape is None
            head[key] = replace(known, name=place, regions=())
            moved = True
        if not moved:
            break
        left = ends(dict(head))
    for _ in names:
        apart = _apart(head, before, left[0], at, names)
        if apart == head:
            break
        head, left = apart, ends(dict(apart))
    return head, left


def _apart(head: Names, before: Names, left: list[Names], at: str, names: frozenset[str]) -> Names:
    """The same, with memory in common where what came before the loop, or the end of a round, makes
    two names one."""
    arrays = {key: value for key, value in head.items() if isinstance(value, HostArray)}
    common: dict[int, tuple[Region, ...]] = {}
    for one in [key for key in arrays if key[1] in names]:
        for other, second in arrays.items():
            first = arrays[one]
            if other == one or first.may_share(second):
                continue
            if any(_meet(way.get(one), way.get(other)) for way in (before, *left)):
                both = (Region("|".join(sorted((one[1], other[1]))) + f"@{at}"),)
                common[id(first)] = common.get(id(first), ()) + both
                common[id(second)] = common.get(id(second), ()) + both
    # What two names hold stays one thing.
    made = {
        id(value): replace(value, regions=value.lies + more)
        for value in arrays.values()
        if (more := common.get(id(value))) is not None
    }
    return {key: made.get(id(value), value) for key, value in head.items()}


def _meet(one: HostValue | None, other: HostValue | None) -> bool:
    match one, other:
        case HostArray(), HostArray():
            return one.may_share(other)
        case _:
            return False


def are_alike(one: HostValue, other: HostValue) -> bool:
    """Whether two values are the same, or arrays of one shape."""
    match one, other:
        case HostArray(shape=shape), HostArray() if shape is not None:
            known = one.shape, one.element, one.supposed
            return known == (other.shape, other.element, other.supposed)
        case _:
            return one == other


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
