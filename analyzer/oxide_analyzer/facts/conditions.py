"""Conditions over integers, and over what integers do not decide.

The constructors decide what is constant and flatten, so that equal conditions mostly are equal
values; negation pushes inwards and stays within the same six forms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.facts.polys import Level, Poly
from oxide_analyzer.record import Hashed, hashed_record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from oxide_analyzer.facts.polys import Atom


class _Opposed(Hashed):
    """A base for conditions whose opposite is computed once."""

    __slots__ = ("_opposite",)


class _Kept(_Opposed):
    """A base for what is made of several conditions: what is computed from them once."""

    __slots__ = ("_atoms", "_polys")


@hashed_record
class AtLeastZero(_Opposed):
    """`poly >= 0`."""

    poly: Poly


@hashed_record
class IsZero(Hashed):
    """`poly == 0`."""

    poly: Poly


@hashed_record
class NotZero(Hashed):
    """`poly != 0`."""

    poly: Poly


@hashed_record
class Opaque(Hashed):
    """A condition that integers do not decide (a comparison of floats, say), or its negation.

    Equal keys are equal conditions where the `parts` are equal: the polynomials that it depends
    on, so that renaming a thread renames the condition. `own_level` is for whom the rest of what
    it depends on is one value.
    """

    key: tuple[str, ...]
    parts: tuple[Poly, ...]
    own_level: Level
    positive: bool = True

    @property
    def level(self) -> Level:
        """The highest level of what it depends on."""
        return max((self.own_level, *(p.level for p in self.parts)))


@hashed_record
class AllOf(_Kept):
    """A conjunction; empty is true."""

    parts: tuple[Condition, ...]


@hashed_record
class AnyOf(_Kept):
    """A disjunction; empty is false."""

    parts: tuple[Condition, ...]


Condition: TypeAlias = AtLeastZero | IsZero | NotZero | Opaque | AllOf | AnyOf
TRUE = AllOf(())
FALSE = AnyOf(())


_keep_opposite: Callable[[Condition, Condition], None] = _Opposed._opposite.__set__  # type: ignore[attr-defined]
_keep_polys: Callable[[Condition, tuple[Poly, ...]], None] = _Kept._polys.__set__  # type: ignore[attr-defined]
_keep_atoms: Callable[[Condition, frozenset[Atom]], None] = _Kept._atoms.__set__  # type: ignore[attr-defined]


def negate(condition: Condition) -> Condition:
    """The opposite condition, over integers."""
    match condition:
        case AtLeastZero(poly=p):
            try:
                return condition._opposite  # type: ignore[attr-defined]
            except AttributeError:
                found = at_least_zero((-p).shift(-1))
                _keep_opposite(condition, found)
                return found
        case IsZero(poly=p):
            return NotZero(p)
        case NotZero(poly=p):
            return IsZero(p)
        case Opaque(key=key, parts=parts, own_level=level, positive=positive):
            return Opaque(key, parts, level, not positive)
        case AllOf(parts=parts) | AnyOf(parts=parts):
            try:
                return condition._opposite  # type: ignore[attr-defined]
            except AttributeError:
                opposites = [negate(c) for c in parts]
                found = any_of(opposites) if isinstance(condition, AllOf) else all_of(opposites)
                _keep_opposite(condition, found)
                return found


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
        elif isinstance(condition, AnyOf) and not condition.parts:
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
        elif isinstance(condition, AllOf) and not condition.parts:
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


def condition_polys(condition: Condition) -> tuple[Poly, ...]:
    """Every polynomial that a condition is made of."""
    match condition:
        case AtLeastZero(poly=p) | IsZero(poly=p) | NotZero(poly=p):
            return (p,)
        case Opaque(parts=polys):
            return polys
        case AllOf(parts=parts) | AnyOf(parts=parts):
            try:
                return condition._polys  # type: ignore[attr-defined]
            except AttributeError:
                found = tuple([p for part in parts for p in condition_polys(part)])
                _keep_polys(condition, found)
                return found


def condition_atoms(condition: Condition) -> frozenset[Atom]:
    """The atoms of all its polynomials."""
    match condition:
        case AtLeastZero(poly=p) | IsZero(poly=p) | NotZero(poly=p):
            return p.atom_set
        case Opaque(parts=polys):
            return _NO_ATOMS.union(*[p.atom_set for p in polys])
        case AllOf() | AnyOf():
            try:
                return condition._atoms  # type: ignore[attr-defined]
            except AttributeError:
                found = _NO_ATOMS.union(*[p.atom_set for p in condition_polys(condition)])
                _keep_atoms(condition, found)
                return found


_NO_ATOMS: frozenset[Atom] = frozenset()


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
