"""Powers of two that a loop carries: what stays one, and what one halves while another doubles.

    offset, active = 1, 16             offset and active are powers of two or zero, and
    while active > 0:                  offset·active == 16, until active is 0: then offset is 32
        offset *= 2
        active //= 2

The product holds because a power of two above one is even: halving it and doubling the other
changes nothing. Where it was one, it becomes zero, and the other twice the product.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.facts.conditions import Condition, all_of, any_of, equal, is_zero
from oxide_analyzer.facts.polys import Poly, Quotient
from oxide_analyzer.proof.powers import is_power
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from oxide_analyzer.facts.state import State, Value
    from oxide_analyzer.facts.terms import Terms


@record
class Exchange:
    """`halved` is halved whenever `doubled` is doubled; `product` is what they enter with."""

    halved: str
    doubled: str
    product: Poly

    def condition(self, terms: Terms, state: State) -> Condition:
        """What holds of the two at the head of the loop."""
        small, large = state.values[self.halved], state.values[self.doubled]
        assert isinstance(small, Poly)
        assert isinstance(large, Poly)
        return any_of(
            (
                equal(terms.multiply(small, large), self.product),
                all_of((is_zero(small), equal(large, self.product.scale(2)))),
            )
        )


def still_powers(head: State, backs: Sequence[State], names: list[str]) -> list[str]:
    """Which locals are powers of two or zero behind an iteration, if all `names` are before it."""
    while True:
        before = {head.values[n] for n in names}
        known = {v for v in before if isinstance(v, Poly)}
        kept = [n for n in names if all(_is_power(b.values[n], known) for b in backs)]
        if len(kept) == len(names):
            return kept
        names = kept


def _is_power(value: Value, known: set[Poly]) -> bool:
    return isinstance(value, Poly) and is_power(value, known)


def exchanges(
    terms: Terms, entry: State, head: State, backs: Sequence[State], powers: Iterable[str]
) -> list[Exchange]:
    """The pairs of which every iteration halves one, a power of two, and doubles the other."""
    found: list[Exchange] = []
    values = {n: v for n, v in head.values.items() if n in set(powers) and isinstance(v, Poly)}
    for small, value in values.items():
        if not all(_is_half(b.values[small], value) for b in backs):
            continue
        for large, other in values.items():
            if small != large and all(b.values[large] == other.scale(2) for b in backs):
                first, second = entry.values[small], entry.values[large]
                assert isinstance(first, Poly)
                assert isinstance(second, Poly)
                found.append(Exchange(small, large, terms.multiply(first, second)))
    return found


def _is_half(value: Value, whole: Poly) -> bool:
    atom = value.single() if isinstance(value, Poly) else None
    form = atom.form if atom is not None else None
    return isinstance(form, Quotient) and form.divisor.value == 2 and form.dividend == whole
