"""Making terms: every atom once, products without expansion, copies for other threads.

* Products of polynomials are not expanded: in `row * w + col` with `row = by·bdy + ty` the
  factor becomes the alias `row' := by·bdy + ty`, and the product the monomial `row'·w`. Provers
  then see one digit `row'` of stride `w` instead of three unrelated products.
* `p % q` is `p - q·(p // q)`, so quotients are the only source of division.

`Terms` interns atoms, so that equal terms are one object, and holds the axioms of variables:
conditions that hold wherever the variable has a meaning.
"""

from __future__ import annotations

from collections import deque
from dataclasses import field
from math import gcd
from typing import TYPE_CHECKING

from oxide_analyzer.facts.conditions import (
    TRUE,
    AllOf,
    AnyOf,
    AtLeastZero,
    Condition,
    IsZero,
    NotZero,
    Opaque,
    all_of,
    any_of,
    at_least_zero,
    condition_polys,
    is_zero,
    negate,
)
from oxide_analyzer.facts.polys import (
    ONE,
    Alias,
    Atom,
    Bits,
    Element,
    Form,
    Level,
    Monomial,
    Poly,
    Quotient,
    Variable,
    constant,
    parts_of,
)
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from oxide_analyzer.proof.order import Bounds
    from oxide_analyzer.proof.system import Rows, System


@record
class Terms:
    """Makes atoms, each once, and keeps the axioms of variables. One for each analysed kernel."""

    _atoms: dict[tuple[Form, Level], Atom] = field(default_factory=dict[tuple[Form, Level], Atom])
    axioms: dict[Atom, list[Condition]] = field(default_factory=dict[Atom, "list[Condition]"])
    originals: dict[Atom, Atom] = field(default_factory=dict[Atom, Atom])
    # Whether conditions contradict each other, by the steps that were given for it (`affine`).
    answers: dict[tuple[tuple[Condition, ...], int], bool] = field(
        default_factory=dict[tuple[tuple[Condition, ...], int], bool]
    )
    # What contradicts itself, by what was asked last: mostly the opposite of a goal.
    contradictions: dict[Condition, list[frozenset[Condition]]] = field(
        default_factory=dict["Condition", "list[frozenset[Condition]]"]
    )
    # What was asked there in vain because its steps ended.
    unfinished: set[tuple[tuple[Condition, ...], int]] = field(
        default_factory=set["tuple[tuple[Condition, ...], int]"]
    )
    # What the conditions of a path come to, None if nobody comes there (`paths`).
    reached: dict[tuple[Condition, ...], tuple[System | None, Bounds]] = field(
        default_factory=dict["tuple[Condition, ...]", "tuple[System | None, Bounds]"]
    )
    # Conditions of paths that the others of their paths imply (`radix`).
    implied: set[Condition] = field(default_factory=set["Condition"])
    # That two threads differ in one of some quantities (`races`).
    apart: dict[tuple[tuple[Poly, ...], Level], Condition] = field(
        default_factory=dict["tuple[tuple[Poly, ...], Level]", "Condition"]
    )
    # What the forms of atoms say about their values (`system`).
    definitions: dict[Atom, tuple[Condition, ...]] = field(
        default_factory=dict[Atom, "tuple[Condition, ...]"]
    )
    # The same with the axioms, where all is inequalities; how many axioms there were (`system`).
    rows: dict[Atom, tuple[int, Rows | None]] = field(
        default_factory=dict["Atom", "tuple[int, Rows | None]"]
    )
    # Quotients by what may be negative (`arithmetic`).
    quotients: dict[tuple[Poly, Poly], Poly] = field(default_factory=dict[tuple[Poly, Poly], Poly])
    _renamed_conditions: dict[tuple[Condition, str, Level], Condition] = field(
        default_factory=dict["tuple[Condition, str, Level]", "Condition"]
    )
    _renamed: dict[tuple[Poly, str, Level], Poly] = field(
        default_factory=dict[tuple[Poly, str, Level], Poly]
    )
    # What is declared of the elements of arrays: low <= element < high.
    within: dict[str, list[tuple[Poly, Poly]]] = field(
        default_factory=dict[str, "list[tuple[Poly, Poly]]"]
    )
    _copies: dict[tuple[Atom, str, Level], Atom] = field(
        default_factory=dict[tuple[Atom, str, Level], Atom]
    )

    def atom(self, form: Form, level: Level) -> Atom:
        """The one atom of this form and level."""
        key = (form, level)
        found = self._atoms.get(key)
        if found is None:
            found = self._atoms[key] = Atom(len(self._atoms), level, form)
        return found

    def variable(
        self,
        name: str,
        level: Level,
        low: int | None = None,
        high: int | None = None,
        assumed: str | None = None,
    ) -> Poly:
        """A variable as a polynomial. The same name, level and range are the same variable."""
        return _poly(self.atom(Variable(name, low, high, assumed), level))

    def fresh(
        self,
        name: str,
        level: Level,
        low: int | None = None,
        high: int | None = None,
        assumed: str | None = None,
    ) -> Poly:
        """A variable that differs from all others; its name is made unique."""
        return self.variable(f"{name}'{len(self._atoms)}", level, low, high, assumed)

    def axiom(self, variable: Poly, condition: Condition) -> None:
        """State what holds wherever `variable` has a meaning."""
        atom = variable.single()
        if atom is not None and condition != TRUE:
            self.axioms.setdefault(atom, []).append(condition)

    def multiply(self, left: Poly, right: Poly) -> Poly:
        """The product; factors of several monomials become aliases (see the module)."""
        for one, other in ((left, right), (right, left)):
            value = one.value
            if value is not None:
                return other.scale(value)
        result = constant(left.offset * right.offset)
        left_rest, right_rest = left.shift(-left.offset), right.shift(-right.offset)
        result = result.plus(left_rest, right.offset).plus(right_rest, left.offset)
        left_factor, left_scale = self._factor(left_rest)
        right_factor, right_scale = self._factor(right_rest)
        monomial = tuple(sorted(left_factor + right_factor))
        return result.plus(Poly({monomial: 1}), left_scale * right_scale)

    def _factor(self, poly: Poly) -> tuple[Monomial, int]:
        if len(poly.terms) == 1:
            ((monomial, coefficient),) = poly.terms.items()
            return monomial, coefficient
        scale = poly.content()
        if next(iter(poly.terms.values())) < 0:
            scale = -scale
        definition = Poly({m: c // scale for m, c in poly.terms.items()})
        return (self.atom(Alias(definition), definition.level),), scale

    def quotient(self, dividend: Poly, divisor: Poly) -> Poly:
        """`dividend // divisor` for a divisor >= 1."""
        value = divisor.value
        if value == 1:
            return dividend
        if value is not None and value > 1:
            # Whole multiples come out of a floor quotient.
            whole = Poly({m: c // value for m, c in dividend.terms.items() if c % value == 0})
            rest = dividend.plus(whole, -value)
            if rest.value is not None:
                return whole.shift(rest.value // value)
            # (6·x + 1) // 8 is (3·x) // 4: what x counts, the 1 does not change.
            common = gcd(value, *(c for m, c in rest.terms.items() if m))
            if common > 1:
                parts = {m: c // common for m, c in rest.terms.items()}
                return whole + self.quotient(
                    Poly({m: c for m, c in parts.items() if c}), constant(value // common)
                )
            return whole + _poly(self.atom(Quotient(rest, divisor), rest.level))
        level = max(dividend.level, divisor.level)
        form = Quotient(dividend, divisor)
        known = (form, level) in self._atoms
        quotient = _poly(self.atom(form, level))
        if not known and value is None:
            self._link(form, quotient)
        return quotient

    def _link(self, form: Quotient, quotient: Poly) -> None:
        """State that `a // w // h` is `a // (w * h)`, if both are asked for."""
        inner = form.dividend.single()
        if inner is not None and isinstance(inner.form, Quotient):
            whole = self.multiply(inner.form.divisor, form.divisor)
            other = self._atoms.get((Quotient(inner.form.dividend, whole), quotient.level))
            if other is not None:
                self._equate(quotient, _poly(other))
        single = len(form.divisor.terms) == 1
        monomial = next(iter(form.divisor.terms)) if single else ()
        for place in range(len(monomial) if len(monomial) > 1 else 0):
            last = Poly({(monomial[place],): 1})
            rest = Poly({(*monomial[:place], *monomial[place + 1 :]): form.divisor.content()})
            first = self._atoms.get((Quotient(form.dividend, rest), quotient.level))
            nested = first and self._atoms.get((Quotient(_poly(first), last), quotient.level))
            if nested is not None:
                self._equate(quotient, _poly(nested))

    def _equate(self, one: Poly, other: Poly) -> None:
        for side in (one, other):
            self.axiom(side, is_zero(one - other))

    def remainder(self, dividend: Poly, divisor: Poly) -> Poly:
        """`dividend % divisor` for a divisor >= 1."""
        return dividend - self.multiply(divisor, self.quotient(dividend, divisor))

    def element(self, array: str, index: tuple[Poly, ...], low: int, high: int) -> Poly:
        """An integer element of a read-only array."""
        level = max((p.level for p in index), default=Level.LAUNCH)
        declared = self.within.get(array, ())
        for least, most in declared:
            if least.value is not None:
                low = max(low, least.value)
            if most.value is not None:
                high = min(high, most.value - 1)
        element = _poly(self.atom(Element(array, index, low, high), level))
        atom = element.single()
        if declared and atom is not None and atom not in self.axioms:
            for least, most in declared:
                self.axiom(element, at_least_zero(element - least))
                self.axiom(element, at_least_zero((most - element).shift(-1)))
        return element

    def bits(self, op: str, left: Poly, right: Poly, low: int, high: int) -> Poly:
        """A bit operation that is not arithmetic in disguise; `a ^ b ^ b` is a."""
        if op == "^":
            for one, other in ((left, right), (right, left)):
                rest = _other_side(one, other)
                if rest is not None:
                    return rest
        return _poly(self.atom(Bits(op, left, right, low, high), max(left.level, right.level)))

    def reachable(
        self, polys: Iterable[Poly], opaque: Callable[[Atom], bool] | None = None
    ) -> dict[Atom, None]:
        """The atoms of polynomials, of the forms inside, and of the axioms of variables.

        The nearest come first. The axioms of `opaque` atoms are not followed; a copy for another
        thread leads to what it is a copy of.
        """
        found: dict[Atom, None] = {}
        pending = deque(a for p in polys for a in p.atoms())
        while pending:
            atom = pending.popleft()
            if atom in found:
                continue
            found[atom] = None
            if opaque is None or not opaque(atom):
                for axiom in self.axioms.get(atom, ()):
                    pending.extend(a for p in condition_polys(axiom) for a in p.atoms())
            pending.extend(a for p in parts_of(atom) for a in p.atoms())
            if atom in self.originals:
                pending.append(self.originals[atom])
        return found

    # ------------------------------------------------------------ renaming

    def rename(self, poly: Poly, suffix: str, above: Level) -> Poly:
        """The same polynomial for another thread: atoms above the level `above` get `suffix`."""
        if poly.level <= above:
            return poly
        key = (poly, suffix, above)
        renamed = self._renamed.get(key)
        if renamed is None:
            terms: dict[Monomial, int] = {}
            for monomial, coefficient in poly.terms.items():
                copy = tuple(sorted(self._rename_atom(a, suffix, above) for a in monomial))
                terms[copy] = terms.get(copy, 0) + coefficient
            renamed = self._renamed[key] = Poly({m: c for m, c in terms.items() if c})
        return renamed

    def rename_condition(self, condition: Condition, suffix: str, above: Level) -> Condition:
        """The same condition for another thread."""
        key = (condition, suffix, above)
        found = self._renamed_conditions.get(key)
        if found is None:
            found = self._renamed_conditions[key] = self._rename_condition(*key)
            if condition in self.implied:
                self.implied.add(found)
        return found

    def _rename_condition(self, condition: Condition, suffix: str, above: Level) -> Condition:
        match condition:
            case AtLeastZero(poly=p):
                return AtLeastZero(self.rename(p, suffix, above))
            case IsZero(poly=p):
                return IsZero(self.rename(p, suffix, above))
            case NotZero(poly=p):
                return NotZero(self.rename(p, suffix, above))
            case Opaque(key=key, parts=parts, own_level=level, positive=positive):
                if condition.level <= above:
                    return condition
                copies = tuple(self.rename(p, suffix, above) for p in parts)
                own = (*key, _tag(suffix, above)) if level > above else key
                return Opaque(own, copies, level, positive)
            case AllOf(parts=parts):
                return AllOf(tuple(self.rename_condition(c, suffix, above) for c in parts))
            case AnyOf(parts=parts):
                return AnyOf(tuple(self.rename_condition(c, suffix, above) for c in parts))

    def _rename_atom(self, atom: Atom, suffix: str, above: Level) -> Atom:
        if atom.level <= above:
            return atom
        key = (atom, suffix, above)
        copy = self._copies.get(key)
        if copy is None:
            copy = self._copies[key] = self._copy(
                atom, lambda p: self.rename(p, suffix, above), _tag(suffix, above)
            )
            self.originals[copy] = atom
            for condition in self.axioms.get(atom, ()):
                self.axioms.setdefault(copy, []).append(
                    self.rename_condition(condition, suffix, above)
                )
        return copy

    def _copy(self, atom: Atom, rename: Callable[[Poly], Poly], suffix: str) -> Atom:
        match atom.form:
            case Variable(name=name, low=low, high=high, assumed=assumed):
                form: Form = Variable(name + suffix, low, high, assumed)
            case Quotient(dividend=p, divisor=q):
                form = Quotient(rename(p), rename(q))
            case Alias(definition=p):
                form = Alias(rename(p))
            case Element(array=array, index=index, low=low, high=high):
                form = Element(array, tuple(rename(p) for p in index), low, high)
            case Bits(op=op, left=p, right=q, low=low, high=high):
                form = Bits(op, rename(p), rename(q), low, high)
        return self.atom(form, atom.level)


def _tag(suffix: str, above: Level) -> str:
    """What marks a copy: a thread of the same block and one of another are not the same."""
    return suffix if above is Level.BLOCK else f"{suffix}@{above.name.lower()}"


class Substitution:
    """Replaces atoms by polynomials, inside forms and in the axioms of variables too.

    A variable that is not replaced itself but whose axioms mention a replaced atom becomes a
    new variable with the replaced axioms: the value that it has for the replaced atoms.
    """

    def __init__(self, terms: Terms, values: dict[Atom, Poly]) -> None:
        self._terms = terms
        self._values = dict(values)
        self._kept: set[Atom] = set()

    def poly(self, poly: Poly) -> Poly:
        """The polynomial with the values put in."""
        if all(self._is_kept(a) for a in poly.atoms()):
            return poly
        result = constant(poly.offset)
        for monomial, coefficient in poly.terms.items():
            if monomial:
                product = ONE
                for atom in monomial:
                    product = self._terms.multiply(product, self._atom(atom))
                result = result.plus(product, coefficient)
        return result

    def condition(self, condition: Condition) -> Condition:
        """The condition with the values put in."""
        match condition:
            case AtLeastZero(poly=p):
                return at_least_zero(self.poly(p))
            case IsZero(poly=p):
                return is_zero(self.poly(p))
            case NotZero(poly=p):
                return negate(is_zero(self.poly(p)))
            case Opaque(key=key, parts=parts, own_level=level, positive=positive):
                return Opaque(key, tuple(self.poly(p) for p in parts), level, positive)
            case AllOf(parts=parts):
                return all_of(self.condition(c) for c in parts)
            case AnyOf(parts=parts):
                return any_of(self.condition(c) for c in parts)

    def _is_kept(self, atom: Atom) -> bool:
        if atom in self._values:
            return False
        if atom in self._kept:
            return True
        self._kept.add(atom)  # axioms may be circular
        inner = list(parts_of(atom))
        for axiom in self._terms.axioms.get(atom, ()):
            inner.extend(condition_polys(axiom))
        if all(self._is_kept(a) for p in inner for a in p.atoms()):
            return True
        self._kept.discard(atom)
        return False

    def _atom(self, atom: Atom) -> Poly:
        value = self._values.get(atom)
        if value is not None:
            return value
        if self._is_kept(atom):
            return _poly(atom)
        match atom.form:
            case Variable(name=name, low=low, high=high, assumed=assumed):
                value = self._terms.fresh(name, atom.level, low, high, assumed)
                self._values[atom] = value
                for axiom in self._terms.axioms.get(atom, ()):
                    self._terms.axiom(value, self.condition(axiom))
            case Quotient(dividend=p, divisor=q):
                value = self._terms.quotient(self.poly(p), self.poly(q))
            case Alias(definition=p):
                value = self.poly(p)
            case Element(array=array, index=index, low=low, high=high):
                value = self._terms.element(array, tuple(self.poly(p) for p in index), low, high)
            case Bits(op=op, left=p, right=q, low=low, high=high):
                value = self._terms.bits(op, self.poly(p), self.poly(q), low, high)
        self._values[atom] = value
        return value


def _other_side(whole: Poly, side: Poly) -> Poly | None:
    """The p of a polynomial `p ^ side`."""
    atom = whole.single()
    form = atom.form if atom is not None else None
    if not isinstance(form, Bits) or form.op != "^":
        return None
    if form.right == side:
        return form.left
    return form.right if form.left == side else None


def _poly(atom: Atom) -> Poly:
    return Poly({(atom,): 1})
