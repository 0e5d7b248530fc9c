"""Powers of two, and bit operations whose mask is one.

That a value is a power of two, or zero, is said in terms that exist already, `v & (v - 1) == 0`,
so a contract says it as a programmer does and a loop `s *= 2` says it of its variable.

    s & (s - 1) == 0,  s >= 1,  s < 64          s <= 32
    n & (n - 1) == 0,  2·s <= n                 n == 2·s·(n // (2·s)): powers divide each other
    t ^ s,  q := t // (2·s),  r := t - 2·s·q    either r < s  and  t ^ s == t + s
                                                or     r >= s and  t ^ s == t - s
    t & (s - 1)                                 t - s·(t // s)

What is a power is found by form: a number, a product or quotient of powers, a shift of one.
Quotients round towards minus infinity, so all of it holds for negative `t` too: the bits of an
integer are those of its two's complement, however long.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.facts.conditions import (
    FALSE,
    TRUE,
    AllOf,
    AnyOf,
    AtLeastZero,
    Condition,
    at_least_zero,
    is_zero,
)
from oxide_analyzer.facts.polys import Alias, Atom, Bits, Poly, Quotient, constant

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from oxide_analyzer.facts.terms import Terms

# Numbers between which a polynomial lies.
Range: TypeAlias = "Callable[[Poly], tuple[int | None, int | None]]"

_MOST_RUNS = 3
_MOST_MULTIPLES = 6


def is_power_number(value: int) -> bool:
    """Whether a number is a power of two, or zero."""
    return value >= 0 and value & (value - 1) == 0


def is_power(poly: Poly, known: Collection[Poly]) -> bool:
    """Whether `poly` is a power of two or zero by its form, if all of `known` are."""
    if poly in known:
        return True
    if len(poly.terms) > 1:
        return False
    return all(
        is_power_number(coefficient) and all(_is_power_atom(a, known) for a in monomial)
        for monomial, coefficient in poly.terms.items()
    )


def _is_power_atom(atom: Atom, known: Collection[Poly]) -> bool:
    if Poly({(atom,): 1}) in known:
        return True
    match atom.form:
        case Quotient(dividend=p, divisor=q):
            return is_power(p, known) and is_power(q, known)
        case Alias(definition=p):
            return is_power(p, known)
        case Bits(op="<<", left=p, low=low):
            return low >= 0 and is_power(p, known)
        case Bits(op=">>", left=p):
            return is_power(p, known)
        case _:
            return False


def power_condition(terms: Terms, poly: Poly) -> Condition:
    """`poly & (poly - 1) == 0`: `poly` is a power of two or zero."""
    value = poly.value
    if value is not None:
        return TRUE if is_power_number(value) else FALSE
    return is_zero(terms.bits("&", poly, poly.shift(-1), -(2**63), 2**64 - 1))


def as_power(poly: Poly) -> Poly | None:
    """What must be a power of two or zero if `poly` is zero."""
    atom = poly.single() or (-poly).single()
    return _tested(atom) if atom is not None else None


def as_divisor(poly: Poly) -> Poly | None:
    """What divides a power of two if `poly` is zero: `1024 - d·(1024 // d)`, and is one too."""
    for whole in (poly, -poly):
        size = whole.offset
        if len(whole.terms) != 2 or size < 1 or not is_power_number(size):
            continue
        product = constant(size) - whole
        for monomial, coefficient in product.terms.items():
            for atom in monomial:
                form = atom.form
                if not isinstance(form, Quotient) or form.dividend.value != size:
                    continue
                rest = list(monomial)
                rest.remove(atom)
                if form.divisor == Poly({tuple(rest): coefficient}):
                    return form.divisor
    return None


def _tested(atom: Atom) -> Poly | None:
    """The p of an atom `p & (p - 1)`."""
    form = atom.form
    if isinstance(form, Bits) and form.op == "&":
        if form.right == form.left.shift(-1):
            return form.left
        if form.left == form.right.shift(-1):
            return form.right
    return None


# ---------------------------------------------------------------- bit operations


def bit_facts(
    terms: Terms, atom: Atom, powers: Collection[Poly], bounds: Range
) -> Iterator[Condition]:
    """What is known of a bit operation of which one operand is a number or a power of two."""
    form = atom.form
    if not isinstance(form, Bits) or form.op not in "&|^":
        return
    itself = Poly({(atom,): 1})
    tested = _tested(atom)
    if tested is not None and is_power(tested, powers):
        yield AllOf((AtLeastZero(itself), AtLeastZero(-itself)))
        return
    if form.op in "|^":
        (low, high), (other_low, other_high) = bounds(form.left), bounds(form.right)
        if None not in (low, high, other_low, other_high) and min(low or 0, other_low or 0) >= 0:
            # No operand has more digits than the longer one.
            longest = max(high or 0, other_high or 0).bit_length()
            yield AtLeastZero((-itself).shift((1 << longest) - 1))
    for free, mask in ((form.left, form.right), (form.right, form.left)):
        if _is_positive_power(mask, powers, bounds):
            yield _one_bit(terms, form.op, itself, free, mask, bounds)
            return
    for free, mask in ((form.left, form.right), (form.right, form.left)):
        size = mask.shift(1)
        if form.op == "&" and size.value is None and _is_positive_power(size, powers, bounds):
            yield is_zero(itself - terms.remainder(free, size))
            return
    for free, mask in ((form.left, form.right), (form.right, form.left)):
        number = mask.value
        if number is not None and number >= 0:
            kept = _kept(terms, free, number)
            if kept is not None:
                factor = {"&": 0, "|": -1, "^": -2}[form.op]
                value = kept if form.op == "&" else (free + mask).plus(kept, factor)
                yield is_zero(itself - value)
            return


def masked(atom: Atom, bounds: Range) -> Iterator[Condition]:
    """`x & y` lies between 0 and an operand that is not negative."""
    form = atom.form
    if not isinstance(form, Bits) or form.op != "&":
        return
    itself = Poly({(atom,): 1})
    for operand in (form.left, form.right):
        low, _ = bounds(operand)
        if low is not None and low >= 0:
            yield AllOf((AtLeastZero(itself), AtLeastZero(operand - itself)))


def _is_positive_power(poly: Poly, powers: Collection[Poly], bounds: Range) -> bool:
    if not is_power(poly, powers):
        return False
    value = poly.value
    if value is not None:
        return value >= 1
    low, _ = bounds(poly)
    return low is not None and low >= 1


def _one_bit(
    terms: Terms, op: str, result: Poly, free: Poly, bit: Poly, bounds: Range
) -> Condition:
    """`free op bit` for a single bit, at least 1: it is clear in `free`, or it is set."""
    rest = terms.remainder(free, bit.scale(2))
    clear, set_ = {
        "&": (constant(0), bit),
        "|": (free + bit, free),
        "^": (free + bit, free - bit),
    }[op]
    if_clear = AllOf((is_zero(result - clear), at_least_zero((bit - rest).shift(-1))))
    if_set = AllOf((is_zero(result - set_), at_least_zero(rest - bit)))
    # `t ^ s > t` says that it was clear.
    low, high = bounds(result if op == "&" else result - free)
    more, less = (if_set, if_clear) if op == "&" else (if_clear, if_set)
    if low is not None and low >= 1:
        return more
    if high is not None and high <= (-1 if op == "^" else 0):
        return less
    return AnyOf((if_clear, if_set))


def runs(mask: int) -> list[tuple[int, int]]:
    """The runs of ones in a number, each from its first bit to the one behind its last.

    0b1110110  ->  [(1, 3), (4, 7)]
    """
    found: list[tuple[int, int]] = []
    start = 0
    while mask >> start:
        if not (mask >> start) & 1:
            start += 1
            continue
        end = start
        while (mask >> end) & 1:
            end += 1
        found.append((start, end))
        start = end
    return found


def _kept(terms: Terms, free: Poly, mask: int) -> Poly | None:
    """`free & mask` for a number: one difference of remainders for each run of ones."""
    found = runs(mask)
    if len(found) > _MOST_RUNS:
        return None
    total = constant(0)
    for start, end in found:
        total = total + terms.remainder(free, constant(1 << end))
        total = total - terms.remainder(free, constant(1 << start))
    return total


# ---------------------------------------------------------------- order of powers


def power_facts(
    terms: Terms,
    atoms: Iterable[Atom],
    powers: Collection[Poly],
    bounds: Range,
) -> Iterator[Condition]:
    """What follows for powers of two from being between others."""
    single = [p for p in powers if len(p.terms) == 1 and p.value is None]
    for power in single:
        low, high = bounds(power)
        if high is not None and high >= 1:
            yield AtLeastZero((-power).shift(1 << (high.bit_length() - 1)))
        if low is not None and low >= 1:
            yield AtLeastZero(power.shift(-(1 << (low - 1).bit_length())))
    given = 0
    for atom in atoms:
        form = atom.form
        if not isinstance(form, Quotient) or not _is_positive_power(form.divisor, powers, bounds):
            continue
        divisor = form.divisor
        for multiple in single:
            if given >= _MOST_MULTIPLES or _share_factor(multiple, divisor):
                continue
            given += 1
            times = terms.quotient(multiple, divisor)
            whole = is_zero(multiple - terms.multiply(divisor, times))
            yield AnyOf((at_least_zero(divisor - multiple.scale(2)), whole))


def _share_factor(left: Poly, right: Poly) -> bool:
    atoms = set(left.atoms())
    return any(a in atoms for a in right.atoms())


def numbers_between(low: int, high: int) -> list[int]:
    """The powers of two, and zero, from `low` to `high`."""
    found = [0] if low <= 0 <= high else []
    found.extend(1 << k for k in range(high.bit_length()) if low <= 1 << k <= high)
    return found
