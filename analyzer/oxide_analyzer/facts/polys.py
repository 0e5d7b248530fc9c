"""Polynomials over Z: the integers of which facts and proofs speak.

A `Poly` is a polynomial with integer coefficients over atoms; `i = block.x * block_dim.x +
thread.x` is `block.x·block_dim.x + thread.x`. An atom is a variable, or a term that linear
arithmetic does not look into: a floor quotient, an element of a read-only array, a bit
operation, or an alias.

Every atom has a level, which says for whom it is one value: the launch, once and for all, or the
threads of the grid, of a block or of a warp that are in the same iteration of every loop round
it, or one thread only.
"""

from __future__ import annotations

from enum import IntEnum
from math import gcd
from typing import Literal, TypeAlias

from oxide_analyzer.record import distinct, record


class Level(IntEnum):
    """For whom a value is the same.

    What is of the LAUNCH never changes: sizes, scalars, elements of read-only arrays at such
    indices. GRID, BLOCK and WARP are one value for the threads of each, in the same iteration of
    every loop round the place that makes it.
    """

    LAUNCH = 0
    GRID = 1
    BLOCK = 2
    WARP = 3
    THREAD = 4


@record
class Variable:
    """An unknown integer in [low, high]; an end that is None is open.

    `assumed` says, for messages, what value it stands for where the analysis had to give up.
    """

    name: str
    low: int | None
    high: int | None
    assumed: str | None = None


@record
class Quotient:
    """`dividend // divisor`, rounded towards minus infinity; meaningful for divisors >= 1."""

    dividend: Poly
    divisor: Poly


@record
class Alias:
    """The value of a polynomial under one name, so that products of it stay one monomial."""

    definition: Poly


@record
class Element:
    """An integer element of a read-only array: a function of its index."""

    array: str
    index: tuple[Poly, ...]
    low: int
    high: int


@record
class Bits:
    """`left op right` for the bit operation `op` (one of & | ^ << >>)."""

    op: str
    left: Poly
    right: Poly
    low: int
    high: int


Form: TypeAlias = Variable | Quotient | Alias | Element | Bits


@distinct
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
_SEVERAL = 2


class Poly:
    """A polynomial: monomial to non-zero coefficient. Immutable; equal by value.

    `offset` is its constant term, `value` the number that a constant one is, else None.
    """

    # What the last eight hold is computed once, when it is asked for.
    __slots__ = (
        "_atoms",
        "_factors",
        "_hash",
        "_level",
        "_linear",
        "_occurring",
        "_opposite",
        "_slope",
        "_tight",
        "offset",
        "terms",
        "value",
    )

    def __init__(self, terms: dict[Monomial, int]) -> None:
        self.terms = terms
        self.offset = offset = terms.get(_ONE, 0)
        self.value = (offset if offset or not terms else None) if len(terms) < _SEVERAL else None
        self._hash: int | None = None
        self._slope: frozenset[tuple[Monomial, int]] | None = None
        self._opposite: frozenset[tuple[Monomial, int]] | None = None
        self._linear: list[tuple[Monomial, int]] | None = None
        self._occurring: tuple[Atom, ...] | None = None
        self._atoms: frozenset[Atom] | None = None
        self._factors: frozenset[Atom] | None = None
        self._level: Level | None = None
        # False if it is as tight as can be.
        self._tight: Poly | Literal[False] | None = None

    def __repr__(self) -> str:
        return str(self)

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Poly) and self.terms == other.terms)

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
        return Poly(_added(self.terms.copy(), other, factor))

    def put(self, monomial: Monomial, value: Poly) -> Poly:
        """`self` with `value` in the place of a monomial that it has."""
        terms = self.terms.copy()
        return Poly(_added(terms, value, terms.pop(monomial)))

    def scale(self, factor: int) -> Poly:
        """`factor * self`."""
        if factor == 1:
            return self
        return Poly({m: c * factor for m, c in self.terms.items()} if factor else {})

    def shift(self, offset: int) -> Poly:
        """`self + offset`."""
        if not offset:
            return self
        terms = dict(self.terms)
        total = terms.get(_ONE, 0) + offset
        if total:
            terms[_ONE] = total
        else:
            del terms[_ONE]
        return Poly(terms)

    @property
    def slope(self) -> frozenset[tuple[Monomial, int]]:
        """All but the constant term, as a key."""
        if self._slope is None:
            self._slope = frozenset([item for item in self.terms.items() if item[0]])
        return self._slope

    @property
    def linear(self) -> list[tuple[Monomial, int]]:
        """All but the constant term, in order."""
        if self._linear is None:
            self._linear = [item for item in self.terms.items() if item[0]]
        return self._linear

    @property
    def opposite(self) -> frozenset[tuple[Monomial, int]]:
        """The slope of its negative."""
        if self._opposite is None:
            self._opposite = frozenset([(m, -c) for m, c in self.terms.items() if m])
        return self._opposite

    @property
    def atom_set(self) -> frozenset[Atom]:
        """The atoms of all monomials."""
        if self._atoms is None:
            self._atoms = frozenset(self.atoms())
        return self._atoms

    @property
    def factors(self) -> frozenset[Atom]:
        """The atoms that are multiplied with others."""
        if self._factors is None:
            self._factors = frozenset([a for m in self.terms if len(m) > 1 for a in m])
        return self._factors

    @property
    def tight(self) -> Poly:
        """The strongest polynomial that is at least zero where this one is, over the integers.

        `2x - 3 >= 0` is `x - 2 >= 0`.
        """
        found = self._tight
        if found is None:
            divisor = self.content()
            if divisor <= 1:
                # A reference to itself would keep it until a collector of garbage comes.
                self._tight = False
                return self
            # Exact but for the constant, which rounds down.
            terms = {m: c // divisor for m, c in self.terms.items()}
            found = self._tight = Poly({m: c for m, c in terms.items() if c})
        return found or self

    def content(self) -> int:
        """The greatest common divisor of the coefficients of non-constant monomials."""
        divisor = 0
        for monomial, coefficient in self.terms.items():
            if monomial:
                if -1 <= coefficient <= 1:
                    return 1
                divisor = gcd(divisor, coefficient)
        return divisor

    def atoms(self) -> tuple[Atom, ...]:
        """The atoms of all monomials, repeated as they occur; not those inside forms."""
        if self._occurring is None:
            self._occurring = tuple([a for m in self.terms for a in m])
        return self._occurring

    @property
    def level(self) -> Level:
        """The highest level of its atoms."""
        if self._level is None:
            self._level = max([a.level for a in self.atoms()], default=Level.LAUNCH)
        return self._level

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


def _added(terms: dict[Monomial, int], other: Poly, factor: int) -> dict[Monomial, int]:
    """Add `factor * other` to `terms`."""
    known = terms.get
    for monomial, coefficient in other.terms.items():
        total = known(monomial, 0) + factor * coefficient
        if total:
            terms[monomial] = total
        else:
            del terms[monomial]
    return terms


def constant(value: int) -> Poly:
    """The polynomial of an integer."""
    return Poly({_ONE: value}) if value else _ZERO


_ZERO = Poly({})
ONE = constant(1)


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
