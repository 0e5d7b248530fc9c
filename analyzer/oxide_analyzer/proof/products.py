"""Lemmas about products, made when a solver's answer needs them.

To the solver a monomial `x·s` is one more integer P. It knows of P what lemmas say, and a lemma
is added only when the solver's values break it (incremental linearisation, Cimatti et al. 2018):

    signs       P > 0 exactly if x and s are both positive or both negative; P = 0 if one is 0
    order       y - x >= d and s >= 0 give  Q - P >= d·s      for Q = y·s, and with <= for >=
    numbers     x >= c     and s >= 0 give  P >= c·s          and with <= for >=

and the same with -s for s. For values that are no product some lemma of the three is broken, so
each round excludes them. The number d is the least that excludes them, but 1 if that does too:
that x < y gives P + s <= Q is the step that most proofs about strides need.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from oxide_analyzer.facts.polys import Atom, Monomial

# The most order lemmas that one wrong product gives in one round.
_MOST_PAIRS = 6


def number(value: int) -> str:
    """An integer in SMT-LIB."""
    return str(value) if value >= 0 else f"(- {-value})"


@dataclass(slots=True)
class Products:
    """The products of one query and their names."""

    name_atom: Callable[[Atom], str]
    names: dict[Monomial, str] = field(default_factory=dict["Monomial", str])
    _given: set[str] = field(default_factory=set[str])

    def name(self, monomial: Monomial) -> str:
        """What the solver calls a monomial of degree >= 1."""
        if len(monomial) == 1:
            return self.name_atom(monomial[0])
        known = self.names.get(monomial)
        if known is None:
            known = self.names[monomial] = f"p{len(self.names)}"
        return known

    def value(self, monomial: Monomial, values: Mapping[str, int]) -> int:
        """The solver's value of a monomial; of one that it has not seen, the product."""
        known = values.get(self.name(monomial)) if monomial else 1
        return prod(values[self.name_atom(a)] for a in monomial) if known is None else known

    def lemmas(
        self,
        values: Mapping[str, int],
        bounds: Callable[[Atom], tuple[int | None, int | None]],
    ) -> list[str]:
        """Lemmas that `values`, by name, break; none if all products are right."""

        def value(monomial: Monomial) -> int:
            return self.value(monomial, values)

        found: list[str] = []
        for monomial in list(self.names):
            if value(monomial) == prod(value((a,)) for a in monomial):
                continue
            for atom in dict.fromkeys(monomial):
                rest = list(monomial)
                rest.remove(atom)
                stride = tuple(rest)
                if value(monomial) != value((atom,)) * value(stride):
                    found.extend(self._of_split(monomial, atom, stride, value, bounds))
        new = [f for f in dict.fromkeys(found) if f not in self._given]
        self._given.update(new)
        return new

    def at_number(self, atom: Atom, value: int) -> list[str]:
        """What products of `atom` are where it has this value."""
        found: list[str] = []
        for monomial, name in list(self.names.items()):
            if atom in monomial:
                rest = list(monomial)
                rest.remove(atom)
                scaled = f"(* {number(value)} {self.name(tuple(rest))})"
                found.append(f"(=> (= {self.name_atom(atom)} {number(value)}) (= {name} {scaled}))")
        return found

    def _of_split(
        self,
        monomial: Monomial,
        atom: Atom,
        stride: Monomial,
        value: Callable[[Monomial], int],
        bounds: Callable[[Atom], tuple[int | None, int | None]],
    ) -> list[str]:
        whole, x, s = self.name(monomial), self.name((atom,)), self.name(stride)
        x_value, s_value, p_value = value((atom,)), value(stride), value(monomial)
        if _sign(p_value) != _sign(x_value) * _sign(s_value):
            return [
                f"(= (= {whole} 0) (or (= {x} 0) (= {s} 0)))",
                f"(= (> {whole} 0) (or (and (> {x} 0) (> {s} 0)) (and (< {x} 0) (< {s} 0))))",
            ]
        # For a negative stride the lemmas speak of -s and -P.
        side = f"(>= {s} 0)" if s_value > 0 else f"(<= {s} 0)"
        size = abs(s_value)
        p = p_value if s_value > 0 else -p_value
        found: list[str] = []
        for other in list(self.names):
            left = _without(other, stride)
            if left is None or other == monomial or len(found) >= _MOST_PAIRS:
                continue
            y_value = value(left)
            q = value(other) if s_value > 0 else -value(other)
            gap, difference = y_value - x_value, q - p
            if gap * size > difference:
                least = max(difference // size + 1, min(gap, 1))
                relation = ">="
            elif gap * size < difference:
                least = min((difference - 1) // size, max(gap, -1))
                relation = "<="
            else:
                continue
            outer = relation if s_value > 0 else _mirrored(relation)
            found.append(
                f"(=> (and {side} ({relation} (- {self.name(left)} {x}) {number(least)}))"
                f" ({outer} (- {self.name(other)} {whole}) (* {number(least)} {s})))"
            )
        if found:
            return found
        low, high = bounds(atom)
        if p < x_value * size:
            limit = p // size + 1
            limit = limit if low is None else max(limit, low)
            relation = ">="
        else:
            limit = (p - 1) // size
            limit = limit if high is None else min(limit, high)
            relation = "<="
        outer = relation if s_value > 0 else _mirrored(relation)
        return [
            f"(=> (and {side} ({relation} {x} {number(limit)}))"
            f" ({outer} {whole} (* {number(limit)} {s})))"
        ]


def _sign(value: int) -> int:
    return (value > 0) - (value < 0)


def _mirrored(relation: str) -> str:
    return "<=" if relation == ">=" else ">="


def _without(monomial: Monomial, factor: Monomial) -> Monomial | None:
    """What remains of a monomial that contains `factor`, if anything."""
    rest = list(monomial)
    for atom in factor:
        if atom not in rest:
            return None
        rest.remove(atom)
    return tuple(rest) or None
