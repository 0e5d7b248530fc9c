"""Accesses of one form: one question instead of one for each pair of statements.

Pairs of accesses grow with the square of the accesses, but most accesses of a long kernel differ
from others by a number only. A `Group` holds those of one array, kind and path whose indices are
equal up to constant offsets:

    tile[t], tile[t + 128], …, tile[t + 6272]      base t,  offsets 0, 128, …, 6272

That no two members of two groups meet is one question, in which the distance of their offsets is
an unknown number of the right range and step:

    t$1 - t$2 == 128·m,  -49 <= m <= 49,  t$1 != t$2       no solution: none of the pairs meet

The unknown number may take values that no pair has, so the question is weaker than all its
pairs: its contradiction contradicts each of them, and a solution says nothing.
"""

from __future__ import annotations

from math import gcd
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer import deadline
from oxide_analyzer.facts.conditions import FALSE, Condition, is_zero
from oxide_analyzer.facts.polys import Level, constant
from oxide_analyzer.record import distinct, record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from oxide_analyzer.diagnostics import AccessKind
    from oxide_analyzer.facts.accesses import Access
    from oxide_analyzer.facts.polys import Poly
    from oxide_analyzer.facts.terms import Terms
    from oxide_analyzer.ir.nodes import Scope
    from oxide_analyzer.proof.subjects import Query

Offsets: TypeAlias = tuple[int, ...]
IsSettled: TypeAlias = "Callable[[Query], bool]"

# With fewer pairs it is as well to ask about each.
_FEW_PAIRS = 3
# Of more pairs that are not settled together, one speaks for all with the same distance.
_MANY_PAIRS = 256


@record
class Member:
    """An access, its place in the order of accesses, and its offsets from the base."""

    access: Access
    place: int
    offsets: Offsets


@distinct
class Group:
    """Accesses of one array, kind, scope and path, whose indices are `base` plus `offsets`."""

    array: str
    kind: AccessKind
    changes: bool
    scope: Scope | None
    path: tuple[Condition, ...]
    base: tuple[Poly, ...]
    members: tuple[Member, ...]


@record
class Touch:
    """A member of the first group and one of the second, and the conditions of their touch."""

    first: Member
    second: Member
    query: Query

    @property
    def order(self) -> tuple[int, int]:
        """Where the pair stands among all pairs of accesses."""
        places = (self.first.place, self.second.place)
        return min(places), max(places)


def groups(accesses: Iterable[Access]) -> dict[str, list[Group]]:
    """The groups of each array; an access that is there twice counts once."""
    found: dict[str, dict[object, tuple[Access, tuple[Poly, ...], dict[object, Member]]]] = {}
    for place, access in enumerate(accesses):
        offsets = tuple(p.offset for p in access.index)
        base = tuple(p.shift(-o) for p, o in zip(access.index, offsets, strict=True))
        key = (access.kind, access.changes, access.scope, base, access.path)
        forms = found.setdefault(access.array, {})
        _, _, members = forms.setdefault(key, (access, base, {}))
        members.setdefault((access.site, offsets), Member(access, place, offsets))
    return {
        array: [
            Group(array, a.kind, a.changes, a.scope, a.path, base, tuple(members.values()))
            for a, base, members in forms.values()
        ]
        for array, forms in found.items()
    }


def pairs(grouped: dict[str, list[Group]]) -> Iterator[tuple[Group, Group]]:
    """All pairs of groups of one array, of each with itself too."""
    for same_array in grouped.values():
        for position, first in enumerate(same_array):
            for second in same_array[position:]:
                yield first, second


@distinct
class Encounter:
    """How members of two groups meet: `given` holds, and the `distances` of their bases, in which
    the one is renamed for the first thread and the other for the second, are those of their
    offsets."""

    terms: Terms
    first: Group
    second: Group
    given: Query
    distances: tuple[Poly, ...]

    @property
    def count(self) -> int:
        """How many pairs of members there are."""
        size = len(self.first.members)
        if self.first is self.second:
            return size * (size + 1) // 2
        return size * len(self.second.members)

    @property
    def is_worth_asking(self) -> bool:
        """Whether there are so many pairs that one question for all pays."""
        return self.count > _FEW_PAIRS

    def anywhere(self) -> Query:
        """A condition that holds wherever two of the members meet."""
        same: list[Condition] = []
        for axis, distance in enumerate(self.distances):
            low, high, step = _gaps(self.first, self.second, axis)
            # first base + first offset == second base + second offset
            left = distance.shift(-low)
            if step:
                # From the remainder on, so that the number 0 is in the middle of the range.
                start = low // step
                number = self.terms.variable(
                    f"distance'{axis}", Level.LAUNCH, start, start + (high - low) // step
                )
                left = distance.shift(-(low % step)).plus(number, -step)
            same.append(is_zero(left))
        return _query(self.given, same)

    def touches(self) -> Iterator[Touch]:
        """Each pair of members; of very many, one for each distance."""
        known: dict[Offsets, Query] = {}
        alike = self.count > _MANY_PAIRS
        for position, one in enumerate(self.first.members):
            others = self.second.members
            deadline.check()
            for two in others[position:] if self.first is self.second else others:
                gap = tuple(b - a for a, b in zip(one.offsets, two.offsets, strict=True))
                query = known.get(gap)
                if query is None:
                    query = known[gap] = _query(
                        self.given,
                        [is_zero(d.shift(-g)) for d, g in zip(self.distances, gap, strict=True)],
                    )
                elif alike:
                    continue
                yield Touch(one, two, query)


def _query(given: Query, same: Sequence[Condition]) -> Query:
    return (FALSE,) if FALSE in same else (*given[:-1], *same, given[-1])


def _gaps(first: Group, second: Group, axis: int) -> tuple[int, int, int]:
    """The least and greatest distance of offsets on one axis, and a step that all are apart."""
    ours = [m.offsets[axis] for m in first.members]
    theirs = [m.offsets[axis] for m in second.members]
    low, high = min(theirs) - max(ours), max(theirs) - min(ours)
    step = gcd(*(o - ours[0] for o in ours), *(t - theirs[0] for t in theirs))
    return low, high, step


def extremes(group: Group, axis: int) -> tuple[Poly, Poly]:
    """The least and the greatest index of the members on one axis."""
    offsets = [m.offsets[axis] for m in group.members]
    base = group.base[axis]
    return base + constant(min(offsets)), base + constant(max(offsets))
