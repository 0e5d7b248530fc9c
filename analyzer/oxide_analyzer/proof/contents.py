"""What the arrays of a small launch hold: data that the contract allows, and that finds mistakes.

    MORE      all alike: whatever is taken from data as an index collides
    EXACT     counting up
    FEWER     straying a little beyond what an index may be
    SHORT     the same, other numbers
    STRIDES   the same
    EXTREMES  the smallest and the largest values, zero, and what lies next to a length

Where the contract says `within`, the data stays inside, and takes both ends; where it says
`injective`, it is a permutation, backwards, forwards, at random, or from the upper end.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from oxide_analyzer.contract import evaluate
from oxide_analyzer.ir.kernel import DataProperty
from oxide_analyzer.ir.nodes import Dim, Space
from oxide_analyzer.language.types import BOOL
from oxide_analyzer.launch import Contents, Repeated
from oxide_analyzer.proof.trials import EXACT, EXTREMES, MORE, NATURAL, PARTIAL

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Array, Expr
    from oxide_analyzer.language.types import Scalar
    from oxide_analyzer.launch import Launch, Number

# Where nothing else bounds distinct elements, they are taken from below this.
_ROOM = 1 << 15
# Larger arrays repeat so many elements, a prime number: no row begins as the one before. Only
# whole arrays can be made to fulfil what a contract says of their elements.
_MOST, MOST_DECLARED = 1 << 16, 1 << 21
_PATTERN = 1009


@dataclass(frozen=True, slots=True)
class Declared:
    """What the contract says of the elements of an array: low <= element < high, all different."""

    low: int
    high: int
    distinct: bool

    def fill(self, held: Contents, rng: Random, variant: int) -> Contents | None:
        """Contents of the same shape of which it is true, if there are."""
        count = len(held.values)
        size = self.high - self.low
        if count == 0:
            return held
        if size < (count if self.distinct else 1):
            return None
        if self.distinct:
            return Contents(held.shape, tuple(self._different(count, rng, variant)))
        if variant == MORE:
            return Contents(held.shape, (self.low,) * count)
        if variant in (EXACT, NATURAL, PARTIAL):
            return Contents(held.shape, tuple(self.low + i % size for i in range(count)))
        ends = (self.low, self.high - 1)
        values = [
            rng.choice(ends) if variant == EXTREMES or i % 4 == 3 else self._any(rng)
            for i in range(count)
        ]
        return Contents(held.shape, tuple(values))

    def is_true_of(self, held: Contents) -> bool:
        """Whether contents fulfil it."""
        if self.distinct and len(set(held.values)) != len(held.values):
            return False
        return all(self.low <= value < self.high for value in held.values)

    def _any(self, rng: Random) -> int:
        low = max(self.low, min(0, self.high - _ROOM))
        return rng.randrange(low, min(self.high, low + _ROOM))

    def _different(self, count: int, rng: Random, variant: int) -> list[int]:
        low = max(self.low, min(0, self.high - count))
        if variant == EXTREMES:
            return list(range(self.high - count, self.high))
        values = list(range(low, low + count))
        if variant == MORE:
            values.reverse()
        elif variant != EXACT:
            rng.shuffle(values)
        return values


def declared_of(kernel: Kernel, name: str, evaluated: Callable[[Expr], Number]) -> Declared | None:
    """What the contract says of an array, in the launch that `evaluated` speaks of."""
    facts = [f for f in kernel.contract.data if f.array == name]
    if not facts:
        return None
    element = kernel.arrays[name].element
    low, high, distinct = element.min, element.max + 1, False
    for fact in facts:
        if fact.property is DataProperty.INJECTIVE:
            distinct = True
        elif fact.low is not None and fact.high is not None:
            low = max(low, int(evaluated(fact.low)))
            high = min(high, int(evaluated(fact.high)))
    return Declared(low, high, distinct)


def keeps_data(kernel: Kernel, launch: Launch) -> bool:
    """Whether the arrays of a launch hold what the contract says of their elements."""
    for name, held in launch.arrays.items():
        declared = declared_in(kernel, launch, name)
        if declared is not None and not declared.is_true_of(held):
            return False
    return True


def declared_in(kernel: Kernel, launch: Launch, name: str) -> Declared | None:
    """What the contract says of an array in this launch."""
    shapes = {name: held.shape for name, held in launch.arrays.items()}
    for array in dynamic_arrays(kernel):
        shapes[array.name] = (launch.shared // array.element.size,)

    def evaluated(expr: Expr) -> Number:
        return evaluate(expr, launch.scalars, shapes, launch.grid, launch.block)

    return declared_of(kernel, name, evaluated)


def dynamic_arrays(kernel: Kernel) -> tuple[Array, ...]:
    """The shared array whose length is the launch's, if the kernel has one."""
    return tuple(
        a
        for a in kernel.arrays.values()
        if a.space is Space.SHARED and any(isinstance(e, Dim) for e in a.shape)
    )


def contents(
    array: Array, shape: tuple[int, ...], rng: Random, variant: int, reach: int, most: int = _MOST
) -> Contents:
    """Data of which the contract says nothing; of an array beyond `most` elements a pattern."""
    count = prod(shape)
    if count > most:
        part = contents(array, (_PATTERN,), rng, variant, reach)
        return Contents(shape, Repeated(tuple(part.values), count))
    element = array.element
    if element == BOOL:
        values: tuple[Number, ...] = tuple((i + variant) % 2 == 0 for i in range(count))
    elif element.is_float:
        values = tuple(float((i * 7 + variant) % 5 - 1) for i in range(count))
    else:
        values = _integers(element, count, rng, variant, max(reach, 1))
    return Contents(shape, values)


def _integers(
    element: Scalar, count: int, rng: Random, variant: int, reach: int
) -> tuple[int, ...]:
    most = element.max
    if variant == MORE:
        return (1,) * count
    if variant == EXACT:
        return tuple(i % (most + 1) for i in range(count))
    if variant == EXTREMES:
        marks = (element.min, most, 0, min(reach, most), min(reach - 1, most))
        return tuple(rng.choice(marks) for _ in range(count))
    low = -1 if element.is_signed else 0
    return tuple(rng.randint(low, min(reach, most)) for _ in range(count))
