"""Where the paths of a walk stand, and what it has collected."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from oxide_analyzer.facts.accesses import Access, Arrival, Claim, Decision, Divisor, Exit
    from oxide_analyzer.facts.rounds import Repetition
    from oxide_analyzer.facts.state import State
    from oxide_analyzer.ir.nodes import Stmt


@dataclass(slots=True)
class Flow:
    """Where threads are after a statement: behind it, or on their way out of a loop or region."""

    normal: State | None
    breaks: list[State] = field(default_factory=list["State"])
    continues: list[State] = field(default_factory=list["State"])
    leaves: dict[int, list[State]] = field(default_factory=dict[int, "list[State]"])

    def absorb(self, other: Flow) -> None:
        """Add the jumps of `other`."""
        self.breaks.extend(other.breaks)
        self.continues.extend(other.continues)
        for label, states in other.leaves.items():
            self.leaves.setdefault(label, []).extend(states)

    def leave(self, other: Flow) -> None:
        """Add the jumps of `other` that a loop does not end: those out of regions round it."""
        for label, states in other.leaves.items():
            self.leaves.setdefault(label, []).extend(states)


@dataclass(slots=True)
class Collected:
    """What a walk has seen; `repetitions` are its loops, to be asked for one more round."""

    accesses: list[Access] = field(default_factory=list["Access"])
    divisors: list[Divisor] = field(default_factory=list["Divisor"])
    claims: list[Claim] = field(default_factory=list["Claim"])
    arrivals: list[Arrival] = field(default_factory=list["Arrival"])
    decisions: list[Decision] = field(default_factory=list["Decision"])
    exits: list[Exit] = field(default_factory=list["Exit"])
    touches: list[tuple[Access, Access]] = field(default_factory=list["tuple[Access, Access]"])
    repetitions: dict[Stmt, Repetition] = field(default_factory=dict["Stmt", "Repetition"])
