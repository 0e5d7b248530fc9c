"""Small launches that a contract admits, for running a kernel concretely.

The list is fixed for a kernel: small blocks and grids, sizes just below, at and above the number
of threads, and data that collides, counts up, or strays. Where a condition does not hold, the
side of it that is a single length, scalar or grid extent is set to what the other side asks for;
a launch that still breaks a condition is dropped. Data is what the contract says of it: inside of
`within`, and a permutation where it is `injective`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from random import Random
from typing import TYPE_CHECKING

from oxide_analyzer.contract import NotEvaluable, evaluate
from oxide_analyzer.ir.kernel import ArrayParameter, DataProperty, Kernel, ScalarParameter
from oxide_analyzer.ir.nodes import (
    Array,
    Binary,
    BinaryOp,
    Compare,
    CompareOp,
    Const,
    Dim,
    Expr,
    Logic,
    LogicOp,
    Param,
    Register,
    Space,
    Special,
)
from oxide_analyzer.ir.walk import expressions
from oxide_analyzer.language.types import BOOL, I64, Scalar
from oxide_analyzer.launch import MAX_BLOCK, MAX_THREADS, Contents, Extent, Launch, Number
from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MOST_ELEMENTS = 60_000
MOST_SHARED = 227 * 1024
_MOST_THREADS = 8_192
EXACT, SHORT = 1, 3
_REPAIRS = 6


@dataclass(slots=True)
class _Draft:
    """A launch in the making."""

    grid: list[int]
    block: list[int]
    scalars: dict[str, Number]
    shapes: dict[str, list[int]]

    def evaluate(self, expr: Expr) -> Number:
        return evaluate(
            expr,
            self.scalars,
            {name: tuple(shape) for name, shape in self.shapes.items()},
            _extent(self.grid),
            _extent(self.block),
        )


@dataclass(frozen=True)
class Admitted:
    """The launches of `kernel` that fulfil its contract and `facts`, with `flat` axes at 1."""

    kernel: Kernel
    facts: tuple[Expr, ...] = ()
    flat: frozenset[int] = frozenset()
    _axes: frozenset[int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_axes", axes_read(self.kernel))

    def small(self, count: int) -> Iterator[Launch]:
        """Up to `count` launches, the smallest first."""
        given = 0
        for number, (grid, block) in enumerate(self._extents()):
            for variant in range(4):
                launch = self._launch(grid, block, Random(97 * number + variant), variant)
                if launch is not None:
                    yield launch
                    given += 1
                    if given >= count:
                        return

    def two_blocks(self, variant: int) -> Launch | None:
        """A launch of two blocks of 64 threads each, or of as many as the contract fixes."""
        blocks = [[64, 1, 1], [8, 8, 1], [4, 4, 4]]
        fixed = self.kernel.contract.block
        if fixed is not None and all(isinstance(e, Const) for e in fixed):
            blocks = [[int(e.value) for e in fixed if isinstance(e, Const)]]
        for block in blocks:
            for grid in ([2, 1, 1], [1, 2, 1]):
                launch = self._launch(grid, block, Random(0), variant)
                if launch is not None:
                    return launch
        return None

    def with_values(
        self,
        grid: Extent,
        block: Extent,
        scalars: dict[str, Number],
        lengths: dict[str, dict[int, int]],
    ) -> Launch | None:
        """A launch with these sizes, if it is admitted and small enough to run."""
        draft = _Draft(list(grid), list(block), {}, {})
        rng = Random(0)
        self._fill(draft, rng, 1)
        draft.scalars.update(scalars)
        for array, by_axis in lengths.items():
            for axis, length in by_axis.items():
                draft.shapes[array][axis] = length
        # What is given stays; sizes that were left open become what the conditions ask for.
        self._repair(draft)
        kept = (
            all(draft.scalars[name] == value for name, value in scalars.items())
            and all(draft.shapes[a][k] == n for a, by in lengths.items() for k, n in by.items())
            and _extent(draft.grid) == grid
            and _extent(draft.block) == block
        )
        return self._finish(draft, rng, 1) if kept and self._admissible(draft) else None

    # ------------------------------------------------------------ sizes

    def _extents(self) -> Iterator[tuple[list[int], list[int]]]:
        contract = self.kernel.contract.block
        fixed = None
        if contract is not None and all(isinstance(e, Const) for e in contract):
            fixed = [int(e.value) for e in contract if isinstance(e, Const)]
        axes = self.kernel.contract.domain or 3
        plane = 1 in self._axes and axes > 1
        volume = 2 in self._axes and axes > 2
        blocks: list[list[int]] = [[4, 1, 1], [2, 1, 1], [7, 1, 1], [33, 1, 1], [64, 1, 1]]
        if plane:
            blocks = [[4, 2, 1], [2, 4, 1], [3, 3, 1], [8, 8, 1], [33, 2, 1], [4, 1, 1]]
        if volume:
            blocks = [[2, 2, 2], [3, 2, 2], [4, 2, 1]]
        if not volume and not plane:
            blocks.append([600, 1, 1])
        grids = [[2, 1, 1], [1, 1, 1], [3, 1, 1]]
        if plane:
            grids = [[2, 2, 1], [1, 2, 1], [1, 1, 1]]
        if volume:
            grids = [[2, 2, 2], [1, 1, 2], [1, 1, 1]]
        sides = [fixed] if fixed is not None else blocks
        for grid in grids if fixed is not None else grids[:1]:
            for block in sides:
                yield grid, block
        if fixed is None:
            for grid in grids[1:]:
                for block in sides[:3]:
                    yield grid, block

    def _launch(
        self, grid: Sequence[int], block: Sequence[int], rng: Random, variant: int
    ) -> Launch | None:
        draft = _Draft(list(grid), list(block), {}, {})
        self._fill(draft, rng, variant)
        self._repair(draft)
        return self._finish(draft, rng, variant) if self._admissible(draft) else None

    def _repair(self, draft: _Draft) -> None:
        conditions = self._conditions()
        for _ in range(_REPAIRS):
            broken = [c for c in conditions if not _holds(draft, c)]
            if not broken:
                return
            for condition in broken:
                _repair(draft, condition)

    def _conditions(self) -> list[Expr]:
        contract = self.kernel.contract
        whole = (*(r.condition for r in contract.requires), *self.facts)
        found = [part for condition in whole for part in _conjuncts(condition)]
        found.extend(_room(self.kernel))
        return found

    def _fill(self, draft: _Draft, rng: Random, variant: int) -> None:
        """Sizes near the number of threads along each axis: one more, the same, fewer.

        In the variant `SHORT` scalars are as large, and arrays half as long.
        """
        threads = [g * b for g, b in zip(draft.grid, draft.block, strict=True)]
        off = (1, 0, -1, 0)[variant]
        share = 2 if variant == SHORT else 1
        for parameter in self.kernel.parameters:
            match parameter:
                case ArrayParameter(name=name):
                    rank = self.kernel.arrays[name].rank
                    axes = [0] if rank == 1 else [1, 0] if rank == 2 else [2, 1, 0]
                    draft.shapes[name] = [max(0, threads[a] // share + off) for a in axes]
                case ScalarParameter(name=name, type=type_):
                    draft.scalars[name] = _scalar(type_, threads[0] + off, rng, variant)
        for array in dynamic_arrays(self.kernel):
            # Without more, a launch has the bytes that the contract says, or an element a thread.
            bytes_ = self.kernel.contract.shared
            said = int(bytes_.value) // array.element.size if isinstance(bytes_, Const) else None
            draft.shapes[array.name] = [prod(draft.block) + off if said is None else said]

    def _admissible(self, draft: _Draft) -> bool:
        contract = self.kernel.contract
        if contract.block is not None:
            for axis, extent in enumerate(contract.block):
                if isinstance(extent, Const) and draft.block[axis] != extent.value:
                    return False
        for axis in range(3):
            one = (contract.domain is not None and axis >= contract.domain) or axis in self.flat
            if one and (draft.block[axis] != 1 or draft.grid[axis] != 1):
                return False
            if not 1 <= draft.block[axis] <= MAX_BLOCK[axis] or draft.grid[axis] < 1:
                return False
        threads = prod(draft.block)
        if threads > MAX_THREADS or prod(draft.grid) * threads > _MOST_THREADS:
            return False
        limit = contract.max_threads
        if isinstance(limit, Const) and threads > limit.value:
            return False
        if any(n < 0 for shape in draft.shapes.values() for n in shape):
            return False
        for array in dynamic_arrays(self.kernel):
            if draft.shapes[array.name][0] * array.element.size > MOST_SHARED:
                return False
        if sum(prod(shape) for shape in draft.shapes.values()) > MOST_ELEMENTS:
            return False
        for parameter in self.kernel.parameters:
            if isinstance(parameter, ScalarParameter) and parameter.type.is_integer:
                value = draft.scalars[parameter.name]
                if not parameter.type.min <= value <= parameter.type.max:
                    return False
        return all(_holds(draft, c) for c in self._conditions())

    def _finish(self, draft: _Draft, rng: Random, variant: int) -> Launch | None:
        reach = max((n for shape in draft.shapes.values() for n in shape), default=4)
        dynamic = {array.name: array for array in dynamic_arrays(self.kernel)}
        arrays: dict[str, Contents] = {}
        for name, shape in draft.shapes.items():
            if name in dynamic:
                continue
            filled = contents(self.kernel.arrays[name], tuple(shape), rng, variant, reach)
            declared = _declared(self.kernel, name, draft)
            held = filled if declared is None else declared.fill(filled, rng, variant)
            if held is None:
                return None
            arrays[name] = held
        shared = max((draft.shapes[n][0] * a.element.size for n, a in dynamic.items()), default=0)
        return Launch(
            _extent(draft.grid), _extent(draft.block), dict(draft.scalars), arrays, shared
        )


@record
class _Declared:
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
            values = list(range(self.low, self.low + count))
            if variant == 0:
                values.reverse()
            elif variant > 1:
                rng.shuffle(values)
            return Contents(held.shape, tuple(values))
        if variant == 0:
            return Contents(held.shape, (self.low,) * count)
        if variant == 1:
            return Contents(held.shape, tuple(self.low + i % size for i in range(count)))
        values = [rng.randrange(self.low, self.high) for _ in range(count)]
        return Contents(held.shape, tuple(values))

    def is_true_of(self, held: Contents) -> bool:
        """Whether contents fulfil it."""
        if self.distinct and len(set(held.values)) != len(held.values):
            return False
        return all(self.low <= value < self.high for value in held.values)


def _declared(kernel: Kernel, name: str, draft: _Draft) -> _Declared | None:
    facts = [f for f in kernel.contract.data if f.array == name]
    if not facts:
        return None
    element = kernel.arrays[name].element
    low, high = max(element.min, -(2**15)), min(element.max + 1, 2**15)
    distinct = False
    for fact in facts:
        if fact.property is DataProperty.INJECTIVE:
            distinct = True
        elif fact.low is not None and fact.high is not None:
            low = max(low, int(draft.evaluate(fact.low)))
            high = min(high, int(draft.evaluate(fact.high)))
    if distinct and low < 0 < high:
        low = 0
    return _Declared(low, high, distinct)


def keeps_data(kernel: Kernel, launch: Launch) -> bool:
    """Whether the arrays of a launch hold what the contract says of their elements."""
    shapes = {name: list(held.shape) for name, held in launch.arrays.items()}
    draft = _Draft(list(launch.grid), list(launch.block), dict(launch.scalars), shapes)
    for array in dynamic_arrays(kernel):
        draft.shapes[array.name] = [launch.shared // array.element.size]
    for name, held in launch.arrays.items():
        declared = _declared(kernel, name, draft)
        if declared is not None and not declared.is_true_of(held):
            return False
    return True


def _room(kernel: Kernel) -> Iterator[Expr]:
    """Sizes for which there is data that the contract allows."""
    injective = {f.array for f in kernel.contract.data if f.property is DataProperty.INJECTIVE}
    for fact in kernel.contract.data:
        if fact.low is None or fact.high is None:
            continue
        length = Dim(fact.array, 0, fact.span)
        zero = isinstance(fact.low, Const) and fact.low.value == 0
        width = fact.high if zero else Binary(BinaryOp.SUB, fact.high, fact.low, I64, fact.span)
        least = length if fact.array in injective else Const(1, I64, fact.span)
        if kernel.arrays[fact.array].rank == 1:
            yield Compare(CompareOp.GE, width, least, fact.span)


def dynamic_arrays(kernel: Kernel) -> tuple[Array, ...]:
    """The shared array whose length is the launch's, if the kernel has one."""
    return tuple(
        a
        for a in kernel.arrays.values()
        if a.space is Space.SHARED and any(isinstance(e, Dim) for e in a.shape)
    )


def axes_read(kernel: Kernel) -> frozenset[int]:
    """The axes along which a kernel reads a thread or block index."""
    return frozenset(
        e.axis
        for e in expressions(kernel.body)
        if isinstance(e, Special) and e.register in (Register.THREAD, Register.BLOCK)
    )


def _extent(values: Sequence[int]) -> Extent:
    x, y, z = values
    return x, y, z


def _scalar(type_: Scalar, near: int, rng: Random, variant: int) -> Number:
    if type_ == BOOL:
        return variant % 2 == 0
    if type_.is_float:
        return (1.0, 0.5, -2.0)[variant % 3]
    choices = (near, 3, rng.choice((0, 1, 2, 5)), near)
    return max(type_.min, choices[variant])


def contents(
    array: Array, shape: tuple[int, ...], rng: Random, variant: int, reach: int
) -> Contents:
    """Data: all alike, counting up, or straying a little beyond what an index may be."""
    count = prod(shape)
    element = array.element
    if element == BOOL:
        values: tuple[Number, ...] = tuple((i + variant) % 2 == 0 for i in range(count))
    elif element.is_float:
        values = tuple(float((i * 7 + variant) % 5 - 1) for i in range(count))
    elif variant == 0:
        values = (1,) * count
    elif variant == 1:
        values = tuple(range(count))
    else:
        low = -1 if element.is_signed else 0
        values = tuple(rng.randint(low, max(reach, 1)) for _ in range(count))
    return Contents(shape, values)


# ---------------------------------------------------------------- conditions


def _conjuncts(condition: Expr) -> Iterator[Expr]:
    if isinstance(condition, Logic) and condition.op is LogicOp.AND:
        yield from _conjuncts(condition.left)
        yield from _conjuncts(condition.right)
    else:
        yield condition


def _holds(draft: _Draft, condition: Expr) -> bool:
    try:
        return bool(draft.evaluate(condition))
    except NotEvaluable:
        return False


_MIRRORED = {
    CompareOp.EQ: CompareOp.EQ,
    CompareOp.LT: CompareOp.GT,
    CompareOp.LE: CompareOp.GE,
    CompareOp.GT: CompareOp.LT,
    CompareOp.GE: CompareOp.LE,
    CompareOp.NE: CompareOp.NE,
}
_NEEDED = {
    CompareOp.EQ: 0,
    CompareOp.LE: 0,
    CompareOp.GE: 0,
    CompareOp.LT: -1,
    CompareOp.GT: 1,
    CompareOp.NE: 1,
}


def _repair(draft: _Draft, condition: Expr) -> None:
    """Set one side of a broken comparison, if it is a single quantity, to what the other asks."""
    if not isinstance(condition, Compare):
        return
    for target, op, other in (
        (condition.left, condition.op, condition.right),
        (condition.right, _MIRRORED[condition.op], condition.left),
    ):
        try:
            wanted = int(draft.evaluate(other)) + _NEEDED[op]
        except NotEvaluable:
            continue
        match target:
            case Dim(array=array, axis=axis):
                draft.shapes[array][axis] = wanted
            case Param(name=name):
                draft.scalars[name] = wanted
            case Special(register=Register.GRID_DIM, axis=axis):
                draft.grid[axis] = wanted
            case Special(register=Register.BLOCK_DIM, axis=axis):
                draft.block[axis] = wanted
            case _:
                continue
        if _holds(draft, condition):
            return
