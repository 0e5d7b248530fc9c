"""A concrete launch: sizes, scalars and contents of arrays, as plain Python values."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle, islice
from math import prod
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Extent: TypeAlias = tuple[int, int, int]
Number: TypeAlias = int | float | bool

MAX_THREADS = 1024
MAX_BLOCK: Extent = (1024, 1024, 64)
MAX_GRID: Extent = (2**31 - 1, 65535, 65535)
MAX_LENGTH = 2**47 - 1
MAX_SHARED = 227 * 1024
WARP = 32


def extent_of(shape: tuple[int, ...]) -> int:
    """How many elements the axes of a shape span, those without any left out: `MAX_LENGTH` at most.

    So no product of extents of one array is larger.
    """
    return prod(extent for extent in shape if extent)


@record
class Repeated:
    """As many elements as `count` says, which are those of `pattern` over and over.

    Of the array of a launch that is too large to run as a whole, few elements are ever touched.
    """

    pattern: tuple[Number, ...]
    count: int

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, place: int) -> Number:
        if not 0 <= place < self.count:
            raise IndexError(place)
        return self.pattern[place % len(self.pattern)]

    def __iter__(self) -> Iterator[Number]:
        return islice(cycle(self.pattern), self.count)


@dataclass(frozen=True)
class Contents:
    """The shape of an array and its elements in C order; bool elements are Python's."""

    shape: tuple[int, ...]
    values: tuple[Number, ...] | Repeated

    def __post_init__(self) -> None:
        if prod(self.shape) != len(self.values):
            raise ValueError(f"shape {self.shape} does not hold {len(self.values)} values")


@record
class Launch:
    """`grid` and `block` are (x, y, z); arrays never overlap.

    `shared` is the number of bytes of dynamic shared memory. `played` are the blocks that are run,
    by number, all of them if it is None: as blocks may run in any order, what some of them run
    into before the others begin is what the launch may run into.
    """

    grid: Extent
    block: Extent
    scalars: Mapping[str, Number]
    arrays: Mapping[str, Contents]
    shared: int = 0
    played: tuple[int, ...] | None = None
