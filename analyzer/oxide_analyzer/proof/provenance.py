"""Where the numbers of a statement come from: the launch alone, or the data that arrays hold.

    j = start[i]                    `j` is loaded
    for k in range(start[i], start[i + 1]):
        out[k] = 0                  `k` is bounded by what is loaded
        hist[x[k]] += 1             the index is loaded

It follows values through locals and the bounds of loops, not the conditions under which they are
assigned, so it may miss data and never sees any where there is none. Nothing is proved by it: it
tells what breaks on every launch of some sizes from what only some data break.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from oxide_analyzer.ir.nodes import (
    Assign,
    Atomic,
    For,
    Forget,
    If,
    Load,
    Read,
    Space,
    Store,
    Symbol,
    WarpOp,
    While,
)
from oxide_analyzer.ir.show import show_expr
from oxide_analyzer.ir.walk import blocks, site_of, statements, subexpressions
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Block, Expr, Stmt

_MOST_ROUNDS = 8


class Origin(IntEnum):
    """What a number is made of: where there are several, the last of these."""

    LAUNCH = 0
    OPEN = 1
    """Of constants whose value is not known."""
    BOUNDED = 2
    """Of loop variables whose range is loaded."""
    LOADED = 3
    UNKNOWN = 4
    """Of what nobody knows: the result of a call of anything."""


@record
class Provenance:
    """The origins of the locals of a kernel, and its statements by their sites."""

    kernel: Kernel
    origins: Mapping[str, Origin]
    by_site: Mapping[int, Stmt]
    unsure: frozenset[int]
    """The sites that a thread comes to by a condition of what nobody knows."""

    def of(self, expr: Expr) -> Origin:
        """The origin of an expression."""
        return _of(expr, self.origins)

    def of_index(self, site: int | None) -> Origin:
        """The origin of the index of an access."""
        match None if site is None else self.by_site.get(site):
            case Load(index=index) | Store(index=index) | Atomic(index=index):
                return _join(self.of(one) for one in index)
            case _:
                return Origin.LAUNCH

    def is_unknown(self, site: int | None) -> bool:
        """Whether nobody knows which element a statement accesses, or whether it runs."""
        return site in self.unsure or self.of_index(site) is Origin.UNKNOWN

    def of_mask(self, site: int | None) -> Origin:
        """The origin of the mask of a warp operation."""
        match None if site is None else self.by_site.get(site):
            case WarpOp(mask=mask) if mask is not None:
                return self.of(mask)
            case _:
                return Origin.LAUNCH

    def accumulates(self, site: int | None) -> bool:
        """Whether an access is a part of `a[i] += x`: of the same element is loaded and stored.

        Atomics on shared memory are made to meet others.
        """
        match None if site is None else self.by_site.get(site):
            case Atomic(array=array):
                return self.kernel.arrays[array].space is Space.SHARED
            case Load(array=array, index=index) | Store(array=array, index=index):
                kinds = {
                    type(other)
                    for other in self.by_site.values()
                    if isinstance(other, Load | Store)
                    and other.array == array
                    and [show_expr(e) for e in other.index] == [show_expr(e) for e in index]
                }
                return len(kinds) > 1
            case _:
                return False


def provenance(kernel: Kernel) -> Provenance:
    """Follow the values of a kernel, to what loops make of them."""
    by_site: dict[int, Stmt] = {}
    for stmt in statements(kernel.body):
        site = site_of(stmt)
        if site is not None:
            by_site[site] = stmt
    origins: dict[str, Origin] = {}
    for _ in range(_MOST_ROUNDS):
        before = dict(origins)
        for stmt in statements(kernel.body):
            found = _given(kernel, stmt, origins)
            if found is not None:
                name, origin = found
                origins[name] = max(origin, origins.get(name, Origin.LAUNCH))
        if origins == before:
            break
    return Provenance(kernel, origins, by_site, frozenset(_unsure(kernel.body, origins)))


def _unsure(block: Block, origins: Mapping[str, Origin]) -> Iterator[int]:
    """The sites inside of branches and loops that nobody knows the way into."""
    for stmt in block:
        conditions: tuple[Expr, ...] = ()
        match stmt:
            case If(condition=condition) | While(condition=condition):
                conditions = (condition,)
            case For(start=start, stop=stop, step=step):
                conditions = (start, stop, step)
            case _:
                pass
        unknown = _join(_of(e, origins) for e in conditions) is Origin.UNKNOWN
        for inner in blocks(stmt):
            if unknown:
                yield from (site for one in statements(inner) if (site := site_of(one)) is not None)
            else:
                yield from _unsure(inner, origins)


def _given(kernel: Kernel, stmt: Stmt, origins: dict[str, Origin]) -> tuple[str, Origin] | None:
    """What a statement makes of a local, or of an array of the thread's own."""
    match stmt:
        case Assign(target=target, value=value):
            return target.name, _of(value, origins)
        case Load(target=target, array=array):
            if kernel.arrays[array].space is Space.LOCAL:
                return target.name, origins.get(array, Origin.LAUNCH)
            return target.name, Origin.LOADED
        case Store(array=array, value=value) if kernel.arrays[array].space is Space.LOCAL:
            return array, _of(value, origins)
        case Atomic(target=target) | WarpOp(target=target) if target is not None:
            return target.name, Origin.LOADED
        case Forget(target=target):
            return target.name, Origin.UNKNOWN
        case For(variable=variable, start=start, stop=stop, step=step):
            ends = _join(_of(e, origins) for e in (start, stop, step))
            return variable.name, ends if ends is Origin.UNKNOWN else min(ends, Origin.BOUNDED)
        case _:
            return None


def _of(expr: Expr, origins: Mapping[str, Origin]) -> Origin:
    found = Origin.LAUNCH
    for inner in subexpressions(expr):
        if isinstance(inner, Read):
            found = max(found, origins.get(inner.local.name, Origin.LAUNCH))
        elif isinstance(inner, Symbol):
            found = max(found, Origin.OPEN)
    return found


def _join(origins: Iterable[Origin]) -> Origin:
    return max(origins, default=Origin.LAUNCH)
