"""Small launches that a contract admits, for running a kernel concretely.

The list is fixed for a kernel: small blocks and grids, sizes just below, at and above the number
of threads, and data that collides, counts up, or strays. Where a condition does not hold, the
side of it that is a single length, scalar or grid extent is set to what the other side asks for;
a launch that still breaks a condition is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from random import Random
from typing import TYPE_CHECKING

from oxide_analyzer.contract import NotEvaluable, evaluate
from oxide_analyzer.ir.kernel import ArrayParameter, Kernel, ScalarParameter
from oxide_analyzer.ir.nodes import (
    Array,
    Compare,
    CompareOp,
    Const,
    Dim,
    Expr,
    Logic,
    LogicOp,
    Param,
    Register,
    Special,
)
from oxide_analyzer.ir.walk import expressions
from oxide_analyzer.language.types import BOOL, Scalar
from oxide_analyzer.launch import MAX_BLOCK, MAX_THREADS, Contents, Extent, Launch, Number

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_MOST_ELEMENTS = 60_000
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
        whole = (*(r.condition for r in self.kernel.contract.requires), *self.facts)
        return [part for condition in whole for part in _conjuncts(condition)]

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
        if any(n < 0 for shape in draft.shapes.values() for n in shape):
            return False
        if sum(prod(shape) for shape in draft.shapes.values()) > _MOST_ELEMENTS:
            return False
        for parameter in self.kernel.parameters:
            if isinstance(parameter, ScalarParameter) and parameter.type.is_integer:
                value = draft.scalars[parameter.name]
                if not parameter.type.min <= value <= parameter.type.max:
                    return False
        return all(_holds(draft, c) for c in self._conditions())

    def _finish(self, draft: _Draft, rng: Random, variant: int) -> Launch:
        reach = max((n for shape in draft.shapes.values() for n in shape), default=4)
        arrays = {
            name: contents(self.kernel.arrays[name], tuple(shape), rng, variant, reach)
            for name, shape in draft.shapes.items()
        }
        return Launch(_extent(draft.grid), _extent(draft.block), dict(draft.scalars), arrays)


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
