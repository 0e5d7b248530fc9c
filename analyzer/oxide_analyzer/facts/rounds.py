"""One round of a loop and the next: what an iteration hands on.

A loop is summarised by one iteration that stands for all, with unknown carried values. Where that
is too little, an iteration is asked for the one before it, which is another run of the body with
unknowns of its own:

    side = 0                         this round has side' with
    while offset < n:                    side' == 0                              the first round
        ... tile[1 - side, t] = …     or side' == 1 - side'' and offset'' < n    the one before had
        side = 1 - side                                                          side'', offset''

The run before has accesses of its own; they were made by every thread that is in this round, if
the threads of a block go round the loop together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.facts.conditions import Condition, all_of, any_of, equal
from oxide_analyzer.facts.polys import Poly
from oxide_analyzer.record import distinct, record

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_analyzer.facts.accesses import Access
    from oxide_analyzer.facts.polys import Atom
    from oxide_analyzer.facts.state import State
    from oxide_analyzer.facts.uniformity import Loop


@record
class Round:
    """One run of a loop's body: what it does, and the states in which it comes back to the head."""

    accesses: tuple[Access, ...]
    backs: tuple[State, ...]


@distinct
class Repetition:
    """A loop, the values of its locals at the head, and how to run one more round of it.

    `inside` are the values in the iteration that stands for all, `behind` those at the head in
    which the loop ended; `run` gives the round before one of them. `together` says that the
    threads of a block go round in step.
    """

    loop: Loop
    entry: State
    inside: State
    behind: State | None
    names: tuple[str, ...]
    together: bool
    run: Callable[[State], Round]

    def carried(self, head: State) -> dict[Atom, str]:
        """The unknowns that stand for locals at a head."""
        found: dict[Atom, str] = {}
        for name in self.names:
            value = head.values.get(name)
            if isinstance(value, Poly):
                found.update((a, name) for a in value.atoms())
        return found

    def is_first(self, head: State) -> Condition:
        """That nothing has been carried yet."""
        return all_of(self._same(head, self.entry))

    def follows(self, head: State, round_: Round) -> Condition:
        """That `head` is where `round_` came back to."""
        known = len(self.entry.path)
        return any_of(all_of((*b.path[known:], *self._same(head, b))) for b in round_.backs)

    def _same(self, head: State, other: State) -> list[Condition]:
        pairs = ((head.values.get(n), other.values.get(n)) for n in self.names)
        return [equal(p, q) for p, q in pairs if isinstance(p, Poly) and isinstance(q, Poly)]
