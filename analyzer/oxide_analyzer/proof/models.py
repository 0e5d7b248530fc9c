"""Models: integers for atoms, and whether conditions hold for them, in plain Python.

A solver's answer is believed only after `completed` has computed every quotient, alias, bit
operation and array element from the variables alone and `holds` has evaluated the conditions.

What is known of an atom (its range, its definition, its axioms) belongs to where the atom has a
meaning. So a condition holds if it evaluates to true and what is known of its atoms does too; of
a disjunction one branch must hold in this sense:

    b <= 0  or  a // b >= n         holds for b == 0, although a // b has no value there
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.facts.conditions import (
    AllOf,
    AnyOf,
    AtLeastZero,
    Condition,
    IsZero,
    NotZero,
    Opaque,
)
from oxide_analyzer.facts.polys import (
    Alias,
    Atom,
    Bits,
    Element,
    Poly,
    Quotient,
    Variable,
    parts_of,
)
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from oxide_analyzer.facts.terms import Terms

OpaqueKey: TypeAlias = tuple[tuple[str, ...], tuple[Poly, ...]]


@record
class Model:
    """A solution: the values of atoms, and of opaque conditions by key and parts.

    An atom without a meaning in this solution is missing.
    """

    values: Mapping[Atom, int]
    conditions: Mapping[OpaqueKey, bool]


def bit_operation(form: Bits, left: int, right: int) -> int:
    """The value of a bit operation, as the language defines it; its range tells the width."""
    match form.op:
        case "&":
            return left & right
        case "|":
            return left | right
        case "^":
            return left ^ right
        case ">>":
            return left >> right if right >= 0 else -(left < 0)
        case "<<":
            width = form.high.bit_length() + (form.low < 0)
            if not 0 <= right < width:
                return 0
            value = (left << right) % (1 << width)
            return value - (1 << width) if value > form.high else value
        case _:
            raise ValueError(f"no bit operation: {form.op}")


def completed(
    atoms: Iterable[Atom], free: Mapping[Atom, int], conditions: Mapping[OpaqueKey, bool]
) -> Model:
    """The model in which variables have the values `free` and all else follows.

    `free` also offers values for array elements; equal indices take the first one's.
    """
    completion = _Completion(free)
    for atom in atoms:
        completion.visit(atom)
    return Model(completion.values, conditions)


class _Completion:
    """Values of atoms, computed from those of variables."""

    __slots__ = ("_elements", "_free", "_meaningless", "values")

    def __init__(self, free: Mapping[Atom, int]) -> None:
        self.values: dict[Atom, int] = {}
        self._free = free
        self._elements: dict[tuple[str, tuple[int, ...]], int] = {}
        self._meaningless: set[Atom] = set()

    def visit(self, atom: Atom) -> None:
        """Compute the value of an atom, if it has a meaning."""
        if atom in self.values or atom in self._meaningless:
            return
        value = self._compute(atom)
        if value is None:
            self._meaningless.add(atom)
        else:
            self.values[atom] = value

    def _value_of(self, poly: Poly) -> int | None:
        total = 0
        for monomial, coefficient in poly.terms.items():
            product = coefficient
            for atom in monomial:
                self.visit(atom)
                if atom in self._meaningless:
                    return None
                product *= self.values[atom]
            total += product
        return total

    def _compute(self, atom: Atom) -> int | None:
        form = atom.form
        inner: list[int] = []
        for part in parts_of(atom):
            value = self._value_of(part)
            if value is None:
                return None
            inner.append(value)
        match form:
            case Variable():
                return self._free.get(atom, 0)
            case Alias():
                return inner[0]
            case Quotient():
                return inner[0] // inner[1] if inner[1] >= 1 else None
            case Bits():
                return bit_operation(form, *inner)
            case Element(array=array, low=low):
                return self._elements.setdefault((array, tuple(inner)), self._free.get(atom, low))


def holds(terms: Terms, conditions: Iterable[Condition], model: Model) -> bool:
    """Whether all of `conditions` hold, with what is known of their atoms."""
    check = _Check(terms, model)
    return all(check.holds(c) for c in conditions)


@dataclass(slots=True)
class _Check:
    terms: Terms
    model: Model
    # Atoms whose facts hold; those under way count too, because axioms may be circular.
    good: dict[Atom, None] = field(default_factory=dict[Atom, None])

    def holds(self, condition: Condition) -> bool:
        match condition:
            case AtLeastZero(poly=p):
                value = self._value(p)
                return value is not None and value >= 0
            case IsZero(poly=p):
                return self._value(p) == 0
            case NotZero(poly=p):
                value = self._value(p)
                return value is not None and value != 0
            case Opaque(key=key, parts=parts, positive=positive):
                return self.model.conditions.get((key, parts), positive) == positive
            case AllOf(parts=parts):
                return all(self.holds(c) for c in parts)
            case AnyOf(parts=parts):
                return any(self.holds(c) for c in parts)

    def _value(self, poly: Poly) -> int | None:
        total = 0
        for monomial, coefficient in poly.terms.items():
            product = coefficient
            for atom in monomial:
                if not self._meaningful(atom):
                    return None
                product *= self.model.values[atom]
            total += product
        return total

    def _meaningful(self, atom: Atom) -> bool:
        if atom in self.good:
            return True
        mark = len(self.good)
        self.good[atom] = None
        if self._facts_hold(atom):
            return True
        # What was found good meanwhile may have leaned on this atom.
        for later in list(self.good)[mark:]:
            del self.good[later]
        return False

    def _facts_hold(self, atom: Atom) -> bool:
        value = self.model.values.get(atom)
        if value is None or any(self._value(p) is None for p in parts_of(atom)):
            return False
        match atom.form:
            case Variable(low=low, high=high) | Element(low=low, high=high):
                inside = (low is None or low <= value) and (high is None or value <= high)
            case Bits(low=low, high=high):
                inside = low <= value <= high
            case Quotient() | Alias():
                inside = True
        return inside and all(self.holds(c) for c in self.terms.axioms.get(atom, ()))
