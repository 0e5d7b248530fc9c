"""What a query comes to: equations, inequalities, disjunctions, and what is known of their atoms.

What is known of an atom that occurs in any case is added at once: ranges, axioms, definitions of
quotients and aliases, and what `powers` says of bit operations. What is known of an atom that
occurs in one branch of a disjunction only is added when that branch is taken: outside it the atom
may have no meaning (`b <= 0 or a // b >= n` does not say `b >= 1`).

Atoms for which an equation was solved are replaced everywhere, in facts that come later too.
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
    at_least_zero,
    condition_atoms,
    condition_polys,
    is_zero,
)
from oxide_analyzer.facts.polys import (
    Alias,
    Atom,
    Bits,
    Element,
    Monomial,
    Poly,
    Quotient,
    Variable,
    parts_of,
)
from oxide_analyzer.proof.order import Bounds
from oxide_analyzer.proof.powers import (
    as_divisor,
    as_power,
    bit_facts,
    is_power,
    masked,
    power_facts,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from oxide_analyzer.facts.terms import Terms

_POWER_ROUNDS = 3

Slope: TypeAlias = "frozenset[tuple[Monomial, int]]"
# Inequalities with their left sides, and the atoms that occur in them or in what they speak of.
Rows: TypeAlias = "tuple[tuple[tuple[Slope, Poly], ...], tuple[Atom, ...]]"


@dataclass(slots=True)
class System:
    """Conditions that hold together, taken apart."""

    equations: list[Poly] = field(default_factory=list[Poly])
    # Of each left side the strongest; whether one was plainly false is `impossible`.
    inequalities: dict[Slope, Poly] = field(default_factory=dict["Slope", Poly])
    impossible: bool = False
    disjunctions: list[tuple[Condition, ...]] = field(default_factory=list["tuple[Condition, ...]"])
    decided: dict[tuple[tuple[str, ...], tuple[Poly, ...]], bool] = field(
        default_factory=dict[tuple[tuple[str, ...], tuple[Poly, ...]], bool]
    )
    # Atoms whose facts are in; atoms whose facts are to come; what solved atoms stand for.
    known: set[Atom] = field(default_factory=set[Atom])
    pending: list[Atom] = field(default_factory=list[Atom])
    solved: dict[Atom, Poly] = field(default_factory=dict[Atom, Poly])
    # Atoms that an equation defines; the equations of aliases, which are used last.
    defined: set[Atom] = field(default_factory=set[Atom])
    aliases: list[Poly] = field(default_factory=list[Poly])
    # What is a power of two or zero; atoms that `powers` may say more about, and what it said.
    powers: dict[Poly, None] = field(default_factory=dict[Poly, None])
    bits: list[Atom] = field(default_factory=list[Atom])
    quotients: list[Atom] = field(default_factory=list[Atom])
    said: set[Condition] = field(default_factory=set[Condition])
    ask_powers: bool = False
    # The left sides of pairs of inequalities that have become equations.
    tied: set[Slope] = field(default_factory=set["Slope"])
    # Inequalities that have come since somebody asked for such pairs.
    fresh: list[Poly] = field(default_factory=list[Poly])
    _bounds: Bounds | None = None

    def bounds(self) -> Bounds:
        """Numbers between which the unknowns lie, made once for inequalities that do not change."""
        if self._bounds is None:
            self._bounds = Bounds(self.inequalities.values())
        return self._bounds

    def forget_bounds(self) -> None:
        """To be called where inequalities change."""
        self._bounds = None

    def are_tied(self) -> bool:
        """Whether pairs of inequalities have become equations, since this was asked."""
        fresh, self.fresh = self.fresh, []
        known = self.inequalities.get
        for poly in fresh:
            opposite = known(poly.opposite)
            if opposite is not None and opposite.offset == -poly.offset:
                return True
        return False

    def copy(self) -> System:
        """A system of its own, for one branch."""
        return System(
            list(self.equations),
            dict(self.inequalities),
            self.impossible,
            list(self.disjunctions),
            dict(self.decided),
            set(self.known),
            list(self.pending),
            dict(self.solved),
            set(self.defined),
            list(self.aliases),
            dict(self.powers),
            list(self.bits),
            list(self.quotients),
            set(self.said),
            self.ask_powers,
            set(self.tied),
            list(self.fresh),
            self._bounds,
        )


def assume(system: System, conditions: Iterable[Condition]) -> bool:
    """Add conditions; false if one is plainly false."""
    for condition in conditions:
        match condition:
            case AtLeastZero(poly=p):
                value = p.value
                if value is None:
                    bound(system, p.tight)
                    system.pending.extend(p.atoms())
                elif value < 0:
                    return False
            case IsZero(poly=p):
                value = p.value
                power = as_power(p) if value is None else None
                if power is not None:
                    system.powers[power] = None
                    system.ask_powers = True
                    system.pending.extend(power.atoms())
                elif value is None:
                    system.equations.append(p)
                    system.pending.extend(p.atoms())
                    divisor = as_divisor(p)
                    if divisor is not None:
                        system.powers[divisor] = None
                        system.ask_powers = True
                elif value != 0:
                    return False
            case NotZero(poly=p):
                value = p.value
                if value is None:
                    system.disjunctions.append(
                        (AtLeastZero(p.shift(-1).tight), AtLeastZero((-p).shift(-1).tight))
                    )
                    system.pending.extend(p.atoms())
                elif value == 0:
                    return False
            case Opaque(key=key, parts=parts, positive=positive):
                if system.decided.setdefault((key, parts), positive) != positive:
                    return False
            case AllOf(parts=parts):
                if not assume(system, parts):
                    return False
            case AnyOf(parts=parts):
                if not parts:
                    return False
                system.disjunctions.append(parts)
                system.pending.extend(certain_atoms(condition))
    return True


def bound(system: System, poly: Poly) -> None:
    """Add `poly >= 0`, for a tight polynomial that is not constant."""
    slope = poly.slope
    known = system.inequalities.get(slope)
    if known is None or poly.offset < known.offset:
        system.inequalities[slope] = poly
        system.fresh.append(poly)
        system.forget_bounds()


def _bound_each(system: System, rows: Iterable[tuple[Slope, Poly]]) -> None:
    """The same for many, of which the left sides are known."""
    inequalities, fresh = system.inequalities, system.fresh
    for slope, poly in rows:
        known = inequalities.get(slope)
        if known is None or poly.offset < known.offset:
            inequalities[slope] = poly
            fresh.append(poly)
    system.forget_bounds()


def certain_atoms(condition: Condition) -> dict[Atom, None]:
    """The atoms that have a meaning wherever the condition holds, in the order of occurrence."""
    match condition:
        case AtLeastZero(poly=p) | IsZero(poly=p) | NotZero(poly=p):
            return dict.fromkeys(p.atoms())
        case Opaque():
            return {}
        case AllOf(parts=parts):
            return {a: None for c in parts for a in certain_atoms(c)}
        case AnyOf(parts=parts):
            each = [certain_atoms(c) for c in parts]
            return {a: None for a in each[0] if all(a in e for e in each)} if each else {}


def close(system: System, terms: Terms) -> bool:
    """Add what is known of every atom that certainly occurs, and of those that this brings in."""
    for _ in range(_POWER_ROUNDS):
        if not _close_atoms(system, terms):
            return False
        news = [*_powers_say(system, terms), *_signs_say(system)]
        if not news:
            return True
        for fact in news:
            system.pending.extend(certain_atoms(fact))
        if not assume(system, in_current_terms(system, news)):
            return False
    return _close_atoms(system, terms)


def _close_atoms(system: System, terms: Terms) -> bool:
    while system.pending:
        atom = system.pending.pop()
        if atom in system.known:
            continue
        system.known.add(atom)
        match atom.form:
            case Bits():
                system.bits.append(atom)
                system.ask_powers = True
                itself = Poly({(atom,): 1})
                if is_power(itself, ()):
                    system.powers[itself] = None
            case Quotient():
                system.quotients.append(atom)
                system.ask_powers = True
            case _:
                pass
        if not system.solved and (bare := _bare_rows(terms, atom)) is not None:
            rows, leads = bare
            system.pending.extend(leads)
            _bound_each(system, rows)
            continue
        for part in parts_of(atom):
            system.pending.extend(part.atoms())
        facts = [*_defined(terms, atom), *terms.axioms.get(atom, ())]
        if any(isinstance(f, IsZero) for f in facts):
            system.defined.add(atom)
        if system.solved:
            for fact in facts:
                system.pending.extend(certain_atoms(fact))
            facts = in_current_terms(system, facts)
        if isinstance(atom.form, Alias):
            system.aliases.extend(f.poly for f in facts if isinstance(f, IsZero))
            system.pending.extend(a for f in facts for p in condition_polys(f) for a in p.atoms())
            facts = [f for f in facts if not isinstance(f, IsZero)]
        if not assume(system, facts):
            return False
    return True


def _powers_say(system: System, terms: Terms) -> list[Condition]:
    """What is known of powers of two and of bit operations with them, and was not said yet."""
    if not system.ask_powers or not (system.bits or system.powers):
        return []
    system.ask_powers = bool(system.bits)
    found: list[Bounds] = []
    rows = system.inequalities

    def bounds(poly: Poly) -> tuple[int | None, int | None]:
        if not found:
            found.append(system.bounds())
        known = current(system, poly)
        low, high = found[0].of(known)
        # What is asked may be said as it stands: `t ^ s - t - 1 >= 0`.
        least, most = rows.get(known.slope), rows.get(known.opposite)
        if least is not None and (low is None or low < known.offset - least.offset):
            low = known.offset - least.offset
        if most is not None and (high is None or high > known.offset + most.offset):
            high = known.offset + most.offset
        return low, high

    news: list[Condition] = []
    bits: list[Atom] = []
    for atom in system.bits:
        facts = list(bit_facts(terms, atom, system.powers, bounds))
        if not facts:
            bits.append(atom)
            facts = [f for f in masked(atom, bounds) if f not in system.said]
        news.extend(facts)
    system.bits = bits
    if system.powers:
        facts = power_facts(terms, system.quotients, system.powers, bounds)
        news.extend(f for f in facts if f not in system.said)
    system.said.update(news)
    return news


def _is_open(atom: Atom) -> bool:
    form = atom.form
    return (
        isinstance(form, Quotient) and form.divisor.value is None and not _is_natural(form.dividend)
    )


def _signs_say(system: System) -> list[Condition]:
    """That quotients by unknown divisors are at least zero where their dividends are.

    By a number that follows from their definition, by linear arithmetic.
    """
    asked = [a for a in system.quotients if _is_open(a)]
    if not asked:
        return []
    bounds = system.bounds()
    news: list[Condition] = []
    for atom in asked:
        fact = AtLeastZero(Poly({(atom,): 1}))
        low, _ = bounds.of(current(system, parts_of(atom)[0]))
        if low is not None and low >= 0 and fact not in system.said:
            news.append(fact)
    system.said.update(news)
    return news


def current(system: System, poly: Poly) -> Poly:
    """A polynomial with the atoms replaced that have been solved for, where that can be done."""
    for atom, value in system.solved.items():
        simple = value.value is not None or value.single() is not None
        if simple or not any(len(m) > 1 and atom in m for m in poly.terms):
            poly = replace(poly, atom, value)
    return poly


def in_current_terms(system: System, facts: list[Condition]) -> list[Condition]:
    """Facts that come late, with the atoms replaced that have been solved for meanwhile."""
    current = facts
    for atom, value in list(system.solved.items()):
        if not any(atom in condition_atoms(c) for c in current):
            continue
        mentioned = {m for c in current for p in condition_polys(c) for m in p.terms if atom in m}
        if value.value is None and value.single() is None and any(len(m) > 1 for m in mentioned):
            # It cannot be replaced inside a product, so it comes back.
            del system.solved[atom]
            current = [*current, IsZero(Poly({(atom,): 1}) - value)]
        else:
            current = [replace_condition(c, atom, value) for c in current]
    return current


def _bare_rows(terms: Terms, atom: Atom) -> Rows | None:
    """What is known of an atom, where that is inequalities alone, and the atoms that lead on."""
    axioms = terms.axioms.get(atom, ())
    kept = terms.rows.get(atom)
    if kept is None or kept[0] != len(axioms):
        facts = [*_defined(terms, atom), *axioms]
        polys = [f.poly for f in facts if isinstance(f, AtLeastZero) and f.poly.value is None]
        rows = None
        if len(polys) == len(facts):
            leads = [a for p in (*parts_of(atom), *polys) for a in p.atoms()]
            rows = tuple([(p.tight.slope, p.tight) for p in polys]), tuple(leads)
        kept = terms.rows[atom] = len(axioms), rows
    return kept[1]


def _defined(terms: Terms, atom: Atom) -> tuple[Condition, ...]:
    """What the form of an atom says, made once: many questions are about one atom."""
    found = terms.definitions.get(atom)
    if found is None:
        found = terms.definitions[atom] = tuple(definition(terms, atom))
    return found


def definition(terms: Terms, atom: Atom) -> list[Condition]:
    """What the form of an atom says about its value, axioms of variables apart."""
    itself = Poly({(atom,): 1})
    match atom.form:
        case Variable(low=low, high=high) | Element(low=low, high=high) | Bits(low=low, high=high):
            facts: list[Condition] = []
            if low is not None:
                facts.append(AtLeastZero(itself.shift(-low)))
            if high is not None:
                facts.append(AtLeastZero((-itself).shift(high)))
            return facts
        case Quotient(dividend=p, divisor=q):
            whole = terms.multiply(q, itself)
            bounds: list[Condition] = [
                AtLeastZero(p - whole),
                AtLeastZero((whole + q - p).shift(-1)),
            ]
            return [*bounds, AtLeastZero(itself)] if _is_natural(p) else bounds
        case Alias(definition=p):
            return [IsZero(itself - p)]


def _is_natural(poly: Poly) -> bool:
    """Whether a polynomial is at least zero because all its parts are."""
    return all(c > 0 for c in poly.terms.values()) and all(
        _is_natural_atom(a) for a in poly.atoms()
    )


def _is_natural_atom(atom: Atom) -> bool:
    match atom.form:
        case Variable(low=low) | Element(low=low) | Bits(low=low):
            return low is not None and low >= 0
        case Quotient(dividend=p) | Alias(definition=p):
            return _is_natural(p)


# ---------------------------------------------------------------- replacing


def replace(poly: Poly, atom: Atom, value: Poly) -> Poly:
    """`poly` with `value` for `atom`; inside products only a number or an atom can stand."""
    if atom not in poly.atom_set:
        return poly
    if atom not in poly.factors:
        return poly.put((atom,), value)
    touched = [m for m in poly.terms if atom in m]
    result = Poly({m: c for m, c in poly.terms.items() if atom not in m})
    for monomial in touched:
        coefficient = poly.terms[monomial]
        if len(monomial) == 1:
            result = result.plus(value, coefficient)
            continue
        others = tuple(a for a in monomial if a is not atom)
        power = len(monomial) - len(others)
        number, single = value.value, value.single()
        if number is not None:
            result = result.plus(Poly({others: 1}), coefficient * number**power)
        elif single is not None:
            renamed = tuple(sorted((*others, *([single] * power))))
            result = result.plus(Poly({renamed: 1}), coefficient)
        else:
            raise AssertionError("an atom in products is replaced by a number or an atom only")
    return result


def substitute(system: System, atom: Atom, value: Poly) -> None:
    """Use `atom == value`, and forget the atom.

    Opaque conditions that depend on equal numbers are one condition.
    """
    system.solved[atom] = value
    if any(atom in p.atom_set for _, parts in system.decided for p in parts):
        decided, system.decided = system.decided, {}
        for (key, parts), positive in decided.items():
            replaced = key, _replace_parts(parts, atom, value)
            if system.decided.setdefault(replaced, positive) != positive:
                system.disjunctions.append(())
    system.equations = [replace(p, atom, value) for p in system.equations]
    system.aliases = [replace(p, atom, value) for p in system.aliases]
    touched = [p for p in system.inequalities.values() if atom in p.atom_set]
    if touched:
        system.forget_bounds()
    for poly in touched:
        del system.inequalities[poly.slope]
    for poly in touched:
        replaced_by = replace(poly, atom, value).tight
        number = replaced_by.value
        if number is None:
            bound(system, replaced_by)
        elif number < 0:
            system.impossible = True
    system.disjunctions = [
        tuple([replace_condition(c, atom, value) for c in branches])
        for branches in system.disjunctions
    ]


def _replace_parts(parts: tuple[Poly, ...], atom: Atom, value: Poly) -> tuple[Poly, ...]:
    """What an opaque condition depends on; a part stays as it is where `value` cannot stand."""
    simple = value.value is not None or value.single() is not None
    return tuple(
        [p if atom in p.factors and not simple else replace(p, atom, value) for p in parts]
    )


def replace_condition(condition: Condition, atom: Atom, value: Poly) -> Condition:
    """`condition` with `value` for `atom`."""
    if atom not in condition_atoms(condition):
        return condition
    match condition:
        case AtLeastZero(poly=p):
            return at_least_zero(replace(p, atom, value))
        case IsZero(poly=p):
            return is_zero(replace(p, atom, value))
        case NotZero(poly=p):
            replaced = replace(p, atom, value)
            return AnyOf((AtLeastZero(replaced.shift(-1)), AtLeastZero((-replaced).shift(-1))))
        case Opaque(key=key, parts=parts, own_level=level, positive=positive):
            return Opaque(key, _replace_parts(parts, atom, value), level, positive)
        case AllOf(parts=parts):
            return AllOf(tuple(replace_condition(c, atom, value) for c in parts))
        case AnyOf(parts=parts):
            return AnyOf(tuple(replace_condition(c, atom, value) for c in parts))
