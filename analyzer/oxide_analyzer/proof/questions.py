"""The affine prover with a memory: each question is asked once, within the steps of a kernel.

Many statements ask the same, and an obligation is looked at several times on its way through the
ladder. What has been answered is not computed again, for better or worse: a question that was not
settled within its steps is not settled later either.

A kernel has a budget as a whole, in steps of the prover, so that one with thousands of hard
questions ends too, and with the same verdict everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from oxide_analyzer.proof.affine import refutes
from oxide_analyzer.proof.linear import Meter

if TYPE_CHECKING:
    from oxide_analyzer.facts.terms import Terms
    from oxide_analyzer.proof.subjects import Query

KERNEL_STEPS = 4_000_000
# What a question costs besides its steps.
_QUESTION = 10


@dataclass(slots=True)
class Allowance:
    """The steps of a kernel: what was taken, and how many there are."""

    meter: Meter = field(default_factory=Meter)
    most: int = KERNEL_STEPS

    @property
    def is_spent(self) -> bool:
        """Whether nothing is left."""
        return self.meter.steps >= self.most

    def take(self, steps: int) -> None:
        """Count steps that were taken elsewhere."""
        self.meter.steps += steps


@dataclass(slots=True)
class Questions:
    """What has been asked about the terms of one analysis."""

    terms: Terms
    allowance: Allowance
    _known: dict[Query, bool] = field(default_factory=dict["Query", bool])

    def is_settled(self, query: Query) -> bool:
        """Whether the conditions of `query` contradict each other."""
        found = self._known.get(query)
        if found is None:
            found = self._known[query] = self._ask(query)
        return found

    def _ask(self, query: Query) -> bool:
        if self.allowance.is_spent:
            return False
        self.allowance.take(_QUESTION)
        return refutes(self.terms, query, meter=self.allowance.meter)
