"""What an integer is in each lane of one warp, while nothing else of its thread is known.

A polynomial over the terms of one generic thread becomes one number for each lane, times what all
lanes of the warp share:

    i = block.x*256 + thread.x       32*warp + 256*block.x + (0, 1, …, 31)
    thread.x // 32, thread.x % 8     warp, (0, …, 7, 0, …)
    thread.y * w + thread.x          w*(0, …, 0, 1, …, 1) + (0, …, 15, 0, …, 15)   in rows of 16

Which lanes a warp has follows from the shape of the block: 32 neighbours in C order of (z, y, x).
Of a shape whose rows are neither whole warps nor whole parts of one, the first warp stands for
all. Where `block_dim.x` is not known, rows are taken for whole warps (`is_guessed`, unless the
block is a line).

Lanes are taken to be in the same iteration of the loops round them, and no value to wrap; but for
that it is exact or says nothing: what a thread loaded, or carried through a loop otherwise than by
counting, has no lanes (None).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from math import gcd
from operator import add, and_, mul, or_, xor
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.facts.conditions import AllOf, AnyOf, AtLeastZero, IsZero, NotZero, Opaque
from oxide_analyzer.facts.polys import Alias, Bits, Level, Monomial, Poly, Quotient
from oxide_analyzer.ir.nodes import Register
from oxide_analyzer.launch import MAX_BLOCK, WARP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from oxide_analyzer.facts.conditions import Condition
    from oxide_analyzer.facts.polys import Atom
    from oxide_analyzer.facts.state import Interval
    from oxide_analyzer.facts.values import Evaluator

Numbers: TypeAlias = tuple[int, ...]
Bound: TypeAlias = "tuple[frozenset[tuple[Monomial, int]], Numbers]"
Shared: TypeAlias = dict[Monomial, Numbers]
"""One number for each lane, by the product of what the lanes share that it is multiplied with."""

_BITS: dict[str, Callable[[int, int], int]] = {"&": and_, "|": or_, "^": xor}


@dataclass(slots=True)
class Lanes:
    """The lanes of one warp of a kernel: `number` of them, and what each atom is in them."""

    evaluator: Evaluator
    number: int = field(init=False)
    is_guessed: bool = field(init=False, default=False)
    # The factor of what all lanes share.
    _ones: Numbers = field(init=False, default=())
    _known: dict[Atom, Shared | None] = field(default_factory=dict["Atom", Shared | None])
    _taken: dict[Condition, tuple[bool, ...]] = field(
        default_factory=dict["Condition", tuple[bool, ...]]
    )

    def __post_init__(self) -> None:
        """Lay the warp into the block."""
        launch = self.evaluator.launch
        self._count(WARP)
        extents = [launch.register(Register.BLOCK_DIM, axis) for axis in range(3)]
        sizes = [extent.value for extent in extents]
        if launch.is_line:
            self._line(sizes[0], launch.warp)
        elif sizes[0] is None or sizes[0] % WARP == 0:
            self.is_guessed = sizes[0] is None
            last = MAX_BLOCK[0] if sizes[0] is None else sizes[0]
            row = launch.terms.fresh("warp of the row", Level.WARP, 0, last // WARP - 1)
            self._place(0, range(WARP), row.scale(WARP))
            for axis in (1, 2):
                self._share(launch.register(Register.THREAD, axis))
        else:
            self._rows(sizes[0], sizes[1], sizes[2])
        if not launch.is_line:
            # The number of the warp is a quotient of all three indices.
            self._share(launch.warp)

    def _count(self, number: int) -> None:
        self.number = number
        self._ones = (1,) * number

    def _line(self, size: int | None, warp: Poly) -> None:
        if size is not None and size < WARP:
            self._count(size)
        self._place(0, range(self.number), warp.scale(WARP))
        self._share(warp)

    def _rows(self, width: int, height: int | None, depth: int | None) -> None:
        """Rows that are shorter than a warp, or that end inside of one."""
        launch = self.evaluator.launch
        if height is not None and depth is not None:
            self._count(min(WARP, width * height * depth))
        places = range(self.number)
        fits = WARP % width == 0 and (height is None or height % (WARP // width) == 0)
        self._place(0, (place % width for place in places))
        if fits:
            step_ = WARP // width
            last = (MAX_BLOCK[1] if height is None else height) // step_ - 1
            first = launch.terms.fresh("rows of the warp", Level.WARP, 0, last).scale(step_)
            self._place(1, (place // width for place in places), first)
            self._share(launch.register(Register.THREAD, 2))
        elif height is None:
            self._place(1, (place // width for place in places))
            self._share(launch.register(Register.THREAD, 2))
        else:
            self._place(1, (place // width % height for place in places))
            self._place(2, (place // width // height for place in places))

    def _place(self, axis: int, numbers: Iterable[int], first: Poly | None = None) -> None:
        """`thread.x` (or `.y`, `.z`) is `first` and these."""
        atom = self.evaluator.launch.register(Register.THREAD, axis).single()
        if atom is None:
            return
        value: Shared = {(): tuple(numbers)}
        for monomial, coefficient in first.terms.items() if first is not None else ():
            value = _plus(value, {monomial: (coefficient,) * self.number})
        self._known[atom] = value

    def _share(self, poly: Poly) -> None:
        """What all lanes of a warp have in common, though not all threads."""
        atom = poly.single()
        if atom is not None:
            self._known[atom] = {(atom,): self._ones}

    # ------------------------------------------------------------ values

    def value(self, poly: Poly) -> Shared | None:
        """The value in each lane; None if it is not known how lanes differ."""
        total: Shared = {}
        for monomial, coefficient in poly.terms.items():
            shared: list[Atom] = []
            product: Shared = {(): (coefficient,) * self.number}
            for atom in monomial:
                factor = self._atom(atom)
                if factor is None:
                    return None
                if len(factor) == 1 and factor.get((atom,)) is self._ones:
                    shared.append(atom)
                else:
                    product = times(product, factor)
            if shared:
                product = {tuple(sorted((*m, *shared))): n for m, n in product.items()}
            total = _plus(total, product)
        return total

    def uniform(self, poly: Poly) -> Shared:
        """A value that all lanes share."""
        return {monomial: (number,) * self.number for monomial, number in poly.terms.items()}

    def _atom(self, atom: Atom) -> Shared | None:
        if atom not in self._known:
            self._known[atom] = self._made(atom)
        return self._known[atom]

    def _made(self, atom: Atom) -> Shared | None:
        if atom.level <= Level.WARP or atom in self.evaluator.iterations:
            return {(atom,): self._ones}
        if atom in self.evaluator.wraps:
            return self.value(self.evaluator.wraps[atom][1])
        if atom in self.evaluator.counters:
            counted = self._counted(atom)
            return self.value(counted) if counted is not None else None
        match atom.form:
            case Alias(definition=definition):
                return self.value(definition)
            case Quotient(dividend=dividend, divisor=divisor):
                size, value = divisor.value, self.value(dividend)
                if value is None or size is None:
                    return None
                whole = _divided(value, size)
                if whole is None and _is_one_multiple(value, size):
                    return {(atom,): (1,) * self.number}
                return whole
            case Bits(op=op, left=left, right=right) if op in _BITS:
                one, other = self.value(left), self.value(right)
                if one is None or other is None or set(one) | set(other) > {()}:
                    return None
                zero = (0,) * self.number
                pairs = zip(one.get((), zero), other.get((), zero), strict=True)
                return {(): tuple(_BITS[op](a, b) for a, b in pairs)}
            case _:
                return None

    def _counted(self, atom: Atom) -> Poly | None:
        """What a loop's variable is: `start + step*count`."""
        for axiom in self.evaluator.launch.terms.axioms.get(atom, ()):
            if isinstance(axiom, IsZero):
                own = axiom.poly.terms.get((atom,))
                if own in (1, -1):
                    return Poly({(atom,): 1}) - axiom.poly.scale(own)
        return None

    # ------------------------------------------------------------ who takes part

    def taking(self, path: Iterable[Condition]) -> tuple[bool, ...]:
        """Which lanes may come where all of `path` holds; of most conditions that is not known."""
        taken = (True,) * self.number
        for condition in path:
            taken = tuple(a and b for a, b in zip(taken, self._may(condition), strict=True))
        return taken

    def at_once(self, path: Sequence[Condition]) -> tuple[bool, ...]:
        """The most lanes that come there together, as far as that is known.

        Behind `i == n - 1`, and behind `4*i < n` and `4*i + 3 >= n`, one lane does, whatever n is.
        """
        taken = self.taking(path)
        below: list[Bound] = []
        above: list[Bound] = []
        for condition in path:
            if isinstance(condition, (AtLeastZero, IsZero)) and condition.poly.level > Level.WARP:
                value = self.value(condition.poly)
                if value is None or varying(value) or set(value) <= {()}:
                    continue
                rest = frozenset((m, n[0]) for m, n in value.items() if m)
                opposite = frozenset((m, -n) for m, n in rest)
                own = value.get((), (0,) * self.number)
                # With u the part that lanes share: u >= -own, and for an equality u <= -own too.
                least = tuple(-number for number in own)
                below.append((rest, least))
                above.append((opposite, own))
                if isinstance(condition, IsZero):
                    above.append((rest, least))
        for shared, least in below:
            for other, most in above:
                if shared == other:
                    taken = self._overlapping(taken, least, most)
        return taken

    def _overlapping(
        self, taken: tuple[bool, ...], least: Numbers, most: Numbers
    ) -> tuple[bool, ...]:
        """Of lanes that come for numbers between two the largest set that one number brings."""
        sets = (
            tuple(
                t and low <= number <= high for t, low, high in zip(taken, least, most, strict=True)
            )
            for number in dict.fromkeys(least)
        )
        return max(sets, key=sum)

    def _may(self, condition: Condition) -> tuple[bool, ...]:
        if condition not in self._taken:
            self._taken[condition] = self._tested(condition)
        return self._taken[condition]

    def _tested(self, condition: Condition) -> tuple[bool, ...]:
        match condition:
            case Opaque():
                return (True,) * self.number
            case AllOf(parts=parts):
                return self.taking(parts)
            case AnyOf(parts=parts):
                ways = [self._may(part) for part in parts]
                return tuple(any(way) for way in zip(*ways, strict=True))
            case AtLeastZero(poly=poly) | IsZero(poly=poly) | NotZero(poly=poly):
                value = self.value(poly) if poly.level > Level.WARP else None
        if value is None:
            return (True,) * self.number
        found: list[bool] = []
        for lane, (low, high) in enumerate(self._intervals(value)):
            match condition:
                case AtLeastZero():
                    found.append(high is None or high >= 0)
                case IsZero():
                    inside = (low is None or low <= 0) and (high is None or high >= 0)
                    found.append(inside and _may_be_zero(value, lane))
                case NotZero():
                    found.append((low, high) != (0, 0))
        return tuple(found)

    def _intervals(self, value: Shared) -> list[Interval]:
        """Between which numbers the value lies, in each lane."""
        own = value.get((), (0,) * self.number)
        apart = varying(value)
        common = Poly({m: n[0] for m, n in value.items() if m and m not in apart})
        low, high = self.evaluator.interval(common)
        ends: list[Interval] = []
        for lane in range(self.number):
            least, most = low, high
            if apart:
                terms = {m: numbers[lane] for m, numbers in apart.items() if numbers[lane]}
                least, most = self.evaluator.interval(Poly(terms) + common)
            ends.append(
                (
                    least + own[lane] if least is not None else None,
                    most + own[lane] if most is not None else None,
                )
            )
        return ends


def _may_be_zero(value: Shared, lane: int) -> bool:
    """Whether what lanes share comes in steps that end at zero: `32*warp + 3` never is."""
    own = value[()][lane] if () in value else 0
    unit = gcd(*(numbers[lane] for monomial, numbers in value.items() if monomial))
    return own % unit == 0 if unit else own == 0


def times(left: Shared, right: Shared) -> Shared:
    """The product in each lane."""
    product: Shared = {}
    for one, numbers in left.items():
        for other, factors in right.items():
            together = tuple(map(mul, numbers, factors))
            product = _plus(product, {tuple(sorted((*one, *other))): together})
    return product


def plus(left: Shared, right: Shared) -> Shared:
    """The sum in each lane."""
    return _plus(dict(left), right)


def _plus(left: Shared, right: Shared) -> Shared:
    for monomial, numbers in right.items():
        there = left.get(monomial)
        total = numbers if there is None else tuple(map(add, there, numbers))
        if any(total):
            left[monomial] = total
        elif there is not None:
            del left[monomial]
    return left


def varying(value: Shared) -> Shared:
    """The part that is not one value for all lanes, but for the plain number."""
    return {m: n for m, n in value.items() if m and any(a != n[0] for a in n)}


def step(numbers: Numbers) -> int | None:
    """What each number is more than the one before it, if that is always the same."""
    steps = {b - a for a, b in pairwise(numbers)}
    return steps.pop() if len(steps) == 1 else None


def _is_one_multiple(value: Shared, divisor: int) -> bool:
    """Whether the floor quotient is one for all lanes: what they differ by stays in its multiple.

    So it is in `(32*warp + (0, …, 31)) // 64`.
    """
    if varying(value):
        return False
    unit = gcd(divisor, *(numbers[0] for monomial, numbers in value.items() if monomial))
    return len({number // unit for number in value.get((), (0,))}) == 1


def _divided(value: Shared, divisor: int) -> Shared | None:
    """The floor quotient: whole multiples of the divisor come out of it, and what lanes share."""
    whole: Shared = {}
    for monomial, numbers in value.items():
        if not monomial:
            continue
        if any(number % divisor for number in numbers):
            return None
        whole[monomial] = tuple(number // divisor for number in numbers)
    if () in value:
        whole = _plus(whole, {(): tuple(number // divisor for number in value[()])})
    return whole
