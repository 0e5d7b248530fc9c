"""The steps of a kernel as a whole.

Each question has a budget of its own, which most do not need; thousands of hard ones would still
take minutes. So whoever judges a kernel opens an allowance, and all that is done for it counts:
steps of the affine prover, and those of the interpreter and of z3, which are lighter. When it
is spent, what is open stays unproved and says so; since steps are counted and not time, it is
the same everywhere.

    with allowed():
        refutes(…)  refutes(…)  decide(…)  replay(…)      until nothing is left
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Generator

    from oxide_analyzer.facts.polys import Poly

KERNEL_STEPS = 1_000_000
SPENT = "the budget of steps for one kernel ended"

# So many steps of the interpreter, or of z3, take as long as one of the affine prover.
INTERPRETED = 2
SOLVED = 8


@dataclass(slots=True)
class Allowance:
    """The steps that were taken; `most` None is without end.

    `contradictory` are the answers of elimination, and the steps that each took. `ended` counts how
    often the budget of a question did.
    """

    most: int | None = None
    steps: int = 0
    ended: int = 0
    contradictory: dict[frozenset[Poly], tuple[bool, int]] = field(
        default_factory=dict["frozenset[Poly]", "tuple[bool, int]"]
    )

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left."""
        return self.most is not None and self.steps >= self.most

    @property
    def left(self) -> int | None:
        """The steps that are left, None if there is no end to them."""
        return None if self.most is None else max(0, self.most - self.steps)

    def take(self, steps: int) -> bool:
        """Count steps; false if there were not so many left."""
        self.steps += steps
        return self.most is None or self.steps <= self.most


_current: ContextVar[Allowance | None] = ContextVar("allowance", default=None)


@contextmanager
def allowed(most: int = KERNEL_STEPS) -> Generator[Allowance]:
    """Count what is done inside, up to `most` steps."""
    opened = Allowance(most)
    before = _current.set(opened)
    try:
        yield opened
    finally:
        _current.reset(before)


def current() -> Allowance:
    """The allowance that is open; outside of any, a new one without end."""
    return _current.get() or Allowance()
