"""Symbolic integers and conditions over Z, the language in which facts and proofs are written.

A `Poly` is a polynomial with integer coefficients over atoms; `i = block.x * block_dim.x +
thread.x` is `block.x·block_dim.x + thread.x`. An atom is a variable, or a term that linear
arithmetic does not look into: a floor quotient, an element of a read-only array, a bit
operation, or an alias.

* Products of polynomials are not expanded: in `row * w + col` with `row = by·bdy + ty` the
  factor becomes the alias `row' := by·bdy + ty`, and the product the monomial `row'·w`. Provers
  then see one digit `row'` of stride `w` instead of three unrelated products.
* `p % q` is `p - q·(p // q)`, so quotients are the only source of division.

Every atom has a level, which says for whom it is one value: the launch, the threads of a block
(in the same iteration of every loop round it), or one thread only. `Terms` interns atoms, so
that equal terms are one object, and holds the axioms of variables: conditions that hold
wherever the variable has a meaning.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from math import gcd
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


class Level(IntEnum):
    """For whom a value is the same."""

    LAUNCH = 0
    BLOCK = 1
    THREAD = 2


# ---------------------------------------------------------------- atoms and polynomials


@dataclass(frozen=True, slots=True)
class Variable:
    """An unknown integer in [low, high]; an end that is None is open.

    `assumed` says, for messages, what value it stands for where the analysis had to give up.
    """

    name: str
    low: int | None
    high: int | None
    assumed: str | None = None


@dataclass(frozen=True, slots=True)
class Quotient:
    """`dividend // divisor`, rounded towards minus infinity; meaningful for divisors >= 1."""

    dividend: Poly
    divisor: Poly


@dataclass(frozen=True, slots=True)
class Alias:
    """The value of a polynomial under one name, so that products of it stay one monomial."""

    definition: Poly


@dataclass(frozen=True, slots=True)
class Element:
    """An integer element of a read-only array: a function of its index."""

    array: str
    index: tuple[Poly, ...]
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Bits:
    """`left op right` for the bit operation `op` (one of & | ^ << >>)."""

    op: str
    left: Poly
    right: Poly
    low: int
    high: int


Form: TypeAlias = Variable | Quotient | Alias | Element | Bits


@dataclass(frozen=True, slots=True, eq=False)
class Atom:
    """An interned form; `serial` orders atoms by their creation, so runs are repeatable."""

    serial: int
    level: Level
    form: Form

    def __lt__(self, other: Atom) -> bool:
        return self.serial < other.serial

    def __str__(self) -> str:
        match self.form:
            case Variable(name=name):
                return name
            case Quotient(dividend=p, divisor=q):
                return f"({p}) // ({q})"
            case Alias(definition=p):
                return f"({p})"
            case Element(array=array, index=index):
                return f"{array}[{', '.join(map(str, index))}]"
            case Bits(op=op, left=p, right=q):
                return f"(({p}) {op} ({q}))"


Monomial: TypeAlias = tuple[Atom, ...]
_ONE: Monomial = ()


class Poly:
    """A polynomial: monomial to non-zero coefficient. Immutable; equal by value."""

    __slots__ = ("_hash", "terms")

    def __init__(self, terms: dict[Monomial, int]) -> None:
        self.terms = terms
        self._hash: int | None = None

    def __repr__(self) -> str:
        return str(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Poly) and self.terms == other.terms

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(frozenset(self.terms.items()))
        return self._hash

    def __add__(self, other: Poly) -> Poly:
        return self.plus(other, 1)

    def __sub__(self, other: Poly) -> Poly:
        return self.plus(other, -1)

    def __neg__(self) -> Poly:
        return Poly({m: -c for m, c in self.terms.items()})

    def plus(self, other: Poly, factor: int) -> Poly:
        """`self + factor * other`."""
        if not other.terms or factor == 0:
            return self
        terms = dict(self.terms)
        for monomial, coefficient in other.terms.items():
            total = terms.get(monomial, 0) + factor * coefficient
            if total:
                terms[monomial] = total
            else:
                del terms[monomial]
        return Poly(terms)

    def scale(self, factor: int) -> Poly:
        """`factor * self`."""
        if factor == 1:
            return self
        return Poly({m: c * factor for m, c in self.terms.items()} if factor else {})

    def shift(self, offset: int) -> Poly:
        """`self + offset`."""
        return self.plus(constant(offset), 1)

    @property
    def offset(self) -> int:
        """The constant term."""
        return self.terms.get(_ONE, 0)

    @property
    def value(self) -> int | None:
        """The value of a constant polynomial, else None."""
        if not self.terms:
            return 0
        if len(self.terms) == 1:
            return self.terms.get(_ONE)
        return None

    def content(self) -> int:
        """The greatest common divisor of the coefficients of non-constant monomials."""
        return gcd(*(c for m, c in self.terms.items() if m))

    def atoms(self) -> Iterator[Atom]:
        """The atoms of all monomials, repeated as they occur; not those inside forms."""
        for monomial in self.terms:
            yield from monomial

    @property
    def level(self) -> Level:
        """The highest level of its atoms."""
        return max((a.level for a in self.atoms()), default=Level.LAUNCH)

    def single(self) -> Atom | None:
        """The atom that this polynomial is, if it is one."""
        if len(self.terms) == 1:
            ((monomial, coefficient),) = self.terms.items()
            if coefficient == 1 and len(monomial) == 1:
                return monomial[0]
        return None

    def __str__(self) -> str:
        if not self.terms:
            return "0"
        parts: list[str] = []
        for monomial, coefficient in self.terms.items():
            factors = "*".join(str(a) for a in monomial)
            sign = "-" if coefficient < 0 else "+"
            size = abs(coefficient)
            text = str(size) if not factors else factors if size == 1 else f"{size}*{factors}"
            parts.append(f"{sign} {text}")
        text = " ".join(parts)
        return text[2:] if text.startswith("+ ") else f"-{text[2:]}"


def constant(value: int) -> Poly:
    """The polynomial of an integer."""
    return Poly({_ONE: value}) if value else _ZERO


_ZERO = Poly({})
ONE = constant(1)


# ---------------------------------------------------------------- conditions


@dataclass(frozen=True)
class AtLeastZero:
    """`poly >= 0`."""

    poly: Poly


@dataclass(frozen=True)
class IsZero:
    """`poly == 0`."""

    poly: Poly


@dataclass(frozen=True)
class NotZero:
    """`poly != 0`."""

    poly: Poly


@dataclass(frozen=True)
class Opaque:
    """A condition that integers do not decide (a comparison of floats, say), or its negation.

    Equal keys are equal conditions. `parts` are the polynomials that the key depends on, so
    that renaming a thread renames the condition.
    """

    key: tuple[str, ...]
    parts: tuple[Poly, ...]
    own_level: Level
    positive: bool = True

    @property
    def level(self) -> Level:
        """The highest level of what it depends on."""
        return max((p.level for p in self.parts), default=self.own_level)


@dataclass(frozen=True)
class AllOf:
    """A conjunction; empty is true."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True)
class AnyOf:
    """A disjunction; empty is false."""

    parts: tuple[Condition, ...]


Condition: TypeAlias = AtLeastZero | IsZero | NotZero | Opaque | AllOf | AnyOf
TRUE = AllOf(())
FALSE = AnyOf(())


def negate(condition: Condition) -> Condition:
    """The opposite condition, over integers."""
    match condition:
        case AtLeastZero(poly=p):
            return at_least_zero((-p).shift(-1))
        case IsZero(poly=p):
            return NotZero(p)
        case NotZero(poly=p):
            return IsZero(p)
        case Opaque(key=key, parts=parts, own_level=level, positive=positive):
            return Opaque(key, parts, level, not positive)
        case AllOf(parts=parts):
            return any_of(negate(c) for c in parts)
        case AnyOf(parts=parts):
            return all_of(negate(c) for c in parts)


def at_least_zero(poly: Poly) -> Condition:
    """`poly >= 0`, decided where it is constant."""
    value = poly.value
    if value is None:
        return AtLeastZero(poly)
    return TRUE if value >= 0 else FALSE


def is_zero(poly: Poly) -> Condition:
    """`poly == 0`, decided where it is constant."""
    value = poly.value
    if value is None:
        return IsZero(poly)
    return TRUE if value == 0 else FALSE


def less(left: Poly, right: Poly) -> Condition:
    """`left < right`."""
    return at_least_zero((right - left).shift(-1))


def at_most(left: Poly, right: Poly) -> Condition:
    """`left <= right`."""
    return at_least_zero(right - left)


def equal(left: Poly, right: Poly) -> Condition:
    """`left == right`."""
    return is_zero(left - right)


def all_of(conditions: Iterable[Condition]) -> Condition:
    """The conjunction, flattened."""
    parts: list[Condition] = []
    for condition in conditions:
        if isinstance(condition, AllOf):
            parts.extend(condition.parts)
        elif condition == FALSE:
            return FALSE
        else:
            parts.append(condition)
    return parts[0] if len(parts) == 1 else AllOf(tuple(dict.fromkeys(parts)))


def any_of(conditions: Iterable[Condition]) -> Condition:
    """The disjunction, flattened; what another part already decides is left out.

    `(a and b) or not a` is `b or not a`, and true if two parts are opposite.
    """
    parts: list[Condition] = []
    for condition in conditions:
        if isinstance(condition, AnyOf):
            parts.extend(condition.parts)
        elif condition == TRUE:
            return TRUE
        else:
            parts.append(condition)
    unique = dict.fromkeys(parts)
    opposites = {negate(p) for p in unique if not isinstance(p, AllOf)}
    kept: dict[Condition, None] = {}
    for part in unique:
        if isinstance(part, AllOf):
            left = tuple(c for c in part.parts if c not in opposites)
            if not left:
                return TRUE
            part = left[0] if len(left) == 1 else AllOf(left)  # noqa: PLW2901
        if part in opposites:
            return TRUE
        kept[part] = None
    return next(iter(kept)) if len(kept) == 1 else AnyOf(tuple(kept))


def condition_polys(condition: Condition) -> Iterator[Poly]:
    """Every polynomial that a condition is made of."""
    match condition:
        case AtLeastZero(poly=p) | IsZero(poly=p) | NotZero(poly=p):
            yield p
        case Opaque(parts=polys):
            yield from polys
        case AllOf(parts=parts) | AnyOf(parts=parts):
            for part in parts:
                yield from condition_polys(part)


def condition_level(condition: Condition) -> Level:
    """For whom the condition has one value."""
    match condition:
        case Opaque():
            return condition.level
        case AllOf(parts=parts) | AnyOf(parts=parts):
            return max((condition_level(c) for c in parts), default=Level.LAUNCH)
        case AtLeastZero(poly=p) | IsZero(poly=p) | NotZero(poly=p):
            return p.level


def is_arithmetic(condition: Condition) -> bool:
    """Whether integers alone decide it."""
    match condition:
        case Opaque():
            return False
        case AllOf(parts=parts) | AnyOf(parts=parts):
            return all(is_arithmetic(c) for c in parts)
        case _:
            return True


# ---------------------------------------------------------------- construction


@dataclass(frozen=True, slots=True)
class Terms:
    """Makes atoms, each once, and keeps the axioms of variables. One for each analysed kernel."""

    _atoms: dict[tuple[Form, Level], Atom] = field(default_factory=dict[tuple[Form, Level], Atom])
    axioms: dict[Atom, list[Condition]] = field(default_factory=dict[Atom, "list[Condition]"])
    originals: dict[Atom, Atom] = field(default_factory=dict[Atom, Atom])
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
            return whole + _poly(self.atom(Quotient(rest, divisor), rest.level))
        level = max(dividend.level, divisor.level)
        return _poly(self.atom(Quotient(dividend, divisor), level))

    def remainder(self, dividend: Poly, divisor: Poly) -> Poly:
        """`dividend % divisor` for a divisor >= 1."""
        return dividend - self.multiply(divisor, self.quotient(dividend, divisor))

    def element(self, array: str, index: tuple[Poly, ...], low: int, high: int) -> Poly:
        """An integer element of a read-only array."""
        level = max((p.level for p in index), default=Level.LAUNCH)
        return _poly(self.atom(Element(array, index, low, high), level))

    def bits(self, op: str, left: Poly, right: Poly, low: int, high: int) -> Poly:
        """A bit operation that is not arithmetic in disguise."""
        return _poly(self.atom(Bits(op, left, right, low, high), max(left.level, right.level)))

    # ------------------------------------------------------------ renaming

    def rename(self, poly: Poly, suffix: str, above: Level) -> Poly:
        """The same polynomial for another thread: atoms above the level `above` get `suffix`."""
        if poly.level <= above:
            return poly
        terms: dict[Monomial, int] = {}
        for monomial, coefficient in poly.terms.items():
            copy = tuple(sorted(self._rename_atom(a, suffix, above) for a in monomial))
            terms[copy] = terms.get(copy, 0) + coefficient
        return Poly({m: c for m, c in terms.items() if c})

    def rename_condition(self, condition: Condition, suffix: str, above: Level) -> Condition:
        """The same condition for another thread."""
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


def _poly(atom: Atom) -> Poly:
    return Poly({(atom,): 1})


def parts_of(atom: Atom) -> tuple[Poly, ...]:
    """The polynomials inside an atom's form."""
    match atom.form:
        case Variable():
            return ()
        case Quotient(dividend=p, divisor=q) | Bits(left=p, right=q):
            return (p, q)
        case Alias(definition=p):
            return (p,)
        case Element(index=index):
            return index
