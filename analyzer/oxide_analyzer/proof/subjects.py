"""What an obligation is: its kind, what it speaks of, and the queries that decide it.

A query says, in conditions over one or two threads, how the obligation would fail; the
obligation holds if each of its queries is contradictory.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.facts.accesses import Access, Claim, Divisor, LocalRead
from oxide_analyzer.record import distinct, record

if TYPE_CHECKING:
    from oxide_analyzer.facts.accesses import Arrival, Exit
    from oxide_analyzer.facts.conditions import Condition
    from oxide_analyzer.facts.polys import Poly
    from oxide_analyzer.source import Span

Query: TypeAlias = "tuple[Condition, ...]"


class Kind(StrEnum):
    """What an obligation is about."""

    RACE = "race"
    BLOCK_RACE = "race between blocks"
    EXIT = "exit before a barrier"
    CONVERGENCE = "convergence"
    BOUNDS = "bounds"
    DIVISOR = "divisor"
    ALIGNMENT = "alignment"
    ASSERTION = "assertion"
    ELEMENT = "initialised element"
    LOCAL = "initialised local"


# What two threads owe each other: of these no run-time check can take the place of a proof.
TOGETHER = frozenset({Kind.RACE, Kind.BLOCK_RACE, Kind.EXIT, Kind.CONVERGENCE})


@record
class Pair:
    """Two accesses that must not meet; of one statement with itself they are the same."""

    first: Access
    second: Access


@record
class Bound:
    """One index of one access, and the length that it must stay below."""

    access: Access
    axis: int
    index: Poly
    length: Poly


@record
class Leaving:
    """An early return, and a pair in which the one who left takes part."""

    exit: Exit
    pair: Pair


@record
class Meeting:
    """A barrier or warp operation, and the branches that may keep some threads from it."""

    arrival: Arrival
    branches: tuple[Span, ...]


Subject: TypeAlias = Pair | Bound | Leaving | Meeting | Divisor | Claim | Access | LocalRead


@distinct
class Obligation:
    """`subject` is safe if every query is contradictory; None stands for one that no prover
    can decide, with `reason`."""

    kind: Kind
    subject: Subject
    queries: tuple[Query, ...] | None
    reason: str = ""

    @property
    def sites(self) -> frozenset[int]:
        """The statements that it speaks of."""
        match self.subject:
            case Pair(first=a, second=b):
                return frozenset((a.site, b.site))
            case Bound(access=access):
                return frozenset((access.site,))
            case Leaving(exit=leaving):
                return frozenset((leaving.stmt.site,))
            case Meeting(arrival=arrival):
                return frozenset((arrival.stmt.site,))
            case Claim(stmt=stmt):
                return frozenset((stmt.site,))
            case Divisor(site=site) | Access(site=site):
                return frozenset((site,))
            case LocalRead():
                return frozenset()

    @property
    def memory(self) -> str:
        """The array or local that it speaks of, or an empty string."""
        match self.subject:
            case Access(array=array) | Bound(access=Access(array=array)):
                return array
            case LocalRead(name=name):
                return name
            case _:
                return ""

    def is_bound_of(self, site: int | None, axis: int) -> bool:
        """Whether it bounds this index of the access `site`."""
        match self.subject:
            case Bound(access=access, axis=own):
                return access.site == site and own == axis
            case _:
                return False

    def is_read_at(self, span: Span) -> bool:
        """Whether it is about the read of a local at this place."""
        return isinstance(self.subject, LocalRead) and self.subject.span == span
