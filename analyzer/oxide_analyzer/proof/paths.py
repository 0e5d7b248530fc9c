"""Numbers between which a polynomial lies where certain conditions hold.

Most of what is asked at one place of a kernel is far from any limit: that `i + stride` does not
wrap needs no proof, but intervals, if they know what the path and the axioms of `stride` say.
What a path comes to is found out once for all questions at its end.

    stride <= size, size <= 32 | thread.x + stride          at most 1055
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.facts.conditions import AtLeastZero, negate
from oxide_analyzer.proof.affine import refutes
from oxide_analyzer.proof.allowance import current
from oxide_analyzer.proof.order import Bounds
from oxide_analyzer.proof.system import System, assume, close

if TYPE_CHECKING:
    from oxide_analyzer.facts.conditions import Condition
    from oxide_analyzer.facts.polys import Poly
    from oxide_analyzer.facts.terms import Terms

# What a question costs.
_QUESTION = 10


def between(
    terms: Terms, path: tuple[Condition, ...], poly: Poly
) -> tuple[int | None, int | None] | None:
    """The least and the most that `poly` can be under `path`; None if nobody comes there."""
    allowance = current()
    if allowance.is_spent:
        return None, None
    allowance.steps += _QUESTION
    reached = terms.reached.get(path)
    if reached is None:
        system = System()
        possible = assume(system, path) and close(system, terms)
        bounds = _bounds(system)
        reached = terms.reached[path] = system if possible else None, bounds
    system, bounds = reached
    if system is None:
        return None
    if not poly.atom_set <= system.known:
        # What is known of its other atoms holds where they have a meaning: here.
        system = system.copy()
        system.pending.extend(poly.atoms())
        if not close(system, terms):
            return None
        bounds = _bounds(system)
    return bounds.of(poly)


def _bounds(system: System) -> Bounds:
    """Numbers between which unknowns lie, those that are names of sums among them."""
    equations = [*system.aliases, *system.equations]
    if not equations:
        return system.bounds()
    return Bounds([*system.inequalities.values(), *equations, *(-p for p in equations)])


def follows(terms: Terms, path: tuple[Condition, ...], condition: Condition, steps: int) -> bool:
    """Whether `condition` holds under `path`."""
    if isinstance(condition, AtLeastZero):
        ends = between(terms, path, condition.poly)
        if ends is None or (ends[0] is not None and ends[0] >= 0):
            return True
    return refutes(terms, (*path, negate(condition)), steps)
