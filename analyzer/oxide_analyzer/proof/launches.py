"""Small launches that a contract admits, for running a kernel concretely.

The list is fixed for a kernel: the grids, blocks and variants of `trials`, with the data of
`contents`. Where a condition does not hold, the side of it that is a single length, scalar or
extent is set to what the other side asks for; a launch that still breaks a condition is dropped,
and so is one for which there is no data that the contract allows.

A contract may leave nothing but launches that are too large to run, as that of a launch that a
file shows: [3907, 256] on a million elements. Of such a launch the blocks at the corners of the
grid are run, and those beside the first; arrays then hold one pattern over and over.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from random import Random
from typing import TYPE_CHECKING

from oxide_analyzer.contract import NotEvaluable, evaluate, whole_clusters
from oxide_analyzer.interpreter.program import waits_elsewhere
from oxide_analyzer.ir.kernel import ArrayParameter, DataProperty, Kernel, ScalarParameter
from oxide_analyzer.ir.nodes import (
    Array,
    Binary,
    BinaryOp,
    Compare,
    CompareOp,
    Const,
    Convert,
    Dim,
    Expr,
    Logic,
    LogicOp,
    Param,
    Register,
    Special,
)
from oxide_analyzer.ir.operators import MIRRORED
from oxide_analyzer.language.types import BOOL, I64, Scalar
from oxide_analyzer.launch import (
    MAX_BLOCK,
    MAX_GRID,
    MAX_LENGTH,
    MAX_THREADS,
    Contents,
    Extent,
    Launch,
    Number,
    Repeated,
)
from oxide_analyzer.proof.contents import MOST_DECLARED, contents, declared_of, dynamic_arrays
from oxide_analyzer.proof.trials import (
    EXACT,
    FEWER,
    MORE,
    NATURAL,
    PARTIAL,
    SHORT,
    axes_read,
    trials,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MOST_ELEMENTS = 60_000
_USUAL_THREADS = 128
_IN_FRONT = 2
# A larger array fits no shared memory, and each thread's own would fill the machine's.
MOST_SCRATCH = 300_000
MOST_SHARED = 227 * 1024
_MOST_THREADS = 8_192
_REPAIRS = 6
# The blocks along an axis that are its ends.
_ENDS = 2


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

    def small(self, count: int) -> Iterator[Launch]:
        """Up to `count` launches, the smallest first."""
        given = 0
        for number, trial in enumerate(trials(self.kernel)):
            launch = self._launch(trial.grid, trial.block, Random(number), trial.variant)
            if launch is not None:
                yield launch
                given += 1
                if given >= count:
                    return

    def tiny(self, fewer: int) -> Iterator[Launch]:
        """Launches of fewer threads than that, the smallest first."""
        sides = [[1, 1, 1], [2, 1, 1], [3, 1, 1], [4, 1, 1], [8, 1, 1], [32, 1, 1]]
        axes = axes_read(self.kernel)
        if 1 in axes:
            sides += [[1, 2, 1], [2, 2, 1], [4, 2, 1]]
        if 2 in axes:
            sides += [[1, 1, 2], [2, 2, 2]]
        contract = self.kernel.contract.block
        if contract is not None and all(isinstance(e, Const) for e in contract):
            sides = [[int(e.value) for e in contract if isinstance(e, Const)]]
        grids = [[1, 1, 1], [2, 1, 1]] + ([[1, 2, 1]] if 1 in axes else [])
        both = sorted(((prod(g) * prod(b), g, b) for g in grids for b in sides), key=lambda e: e[0])
        for threads, grid, block in both:
            if threads >= fewer:
                return
            for variant in (EXACT, MORE, FEWER):
                launch = self._launch(grid, block, Random(variant), variant)
                if launch is not None and prod(launch.grid) * prod(launch.block) < fewer:
                    yield launch

    def two_blocks(self, variant: int) -> Launch | None:
        """A launch of two blocks of 64 threads each, or of as many as the contract fixes."""
        return self._blocks(variant, ([64, 1, 1], [8, 8, 1], [4, 4, 4]), ([2, 1, 1], [1, 2, 1]))

    def natural(self, variant: int, *, square: bool = False) -> Launch | None:
        """One whose blocks extend along the axes that the kernel reads; of a `square` of blocks
        there are two along each of two axes."""
        shapes = ([64, 1, 1], [8, 8, 1], [4, 4, 4])
        rank = max(axes_read(self.kernel), default=0)
        first = (shapes[rank], *(shape for shape in shapes if shape is not shapes[rank]))
        grids = ([2, 2, 1],) if square else ([2, 1, 1], [1, 2, 1])
        return self._blocks(variant, first, grids)

    def _blocks(
        self, variant: int, blocks: Sequence[list[int]], grids: Sequence[list[int]]
    ) -> Launch | None:
        fixed = self.kernel.contract.block
        if fixed is not None and all(isinstance(e, Const) for e in fixed):
            blocks = [[int(e.value) for e in fixed if isinstance(e, Const)]]
        single: Launch | None = None
        for chosen in (variant, NATURAL):
            for block in blocks:
                for grid in grids:
                    launch = self._launch(grid, block, Random(0), chosen)
                    if launch is not None and prod(launch.grid) > 1:
                        return launch
                    single = single or launch
            if single is None:
                break
            # Conditions on the grid may leave one block to small numbers, and two to larger ones.
        return single

    def with_values(
        self,
        grid: Extent,
        block: Extent,
        scalars: dict[str, Number],
        lengths: dict[str, dict[int, int]],
    ) -> Launch | None:
        """A launch with these sizes, or near them, if it is admitted and small enough to run."""
        draft = _Draft(list(grid), list(block), {}, {})
        rng = Random(0)
        self._fill(draft, rng, 1)
        draft.scalars.update(scalars)
        for array, by_axis in lengths.items():
            for axis, length in by_axis.items():
                draft.shapes[array][axis] = length
        # What the conditions ask for comes first: who gives values need not have known them all,
        # and whoever runs the launch sees whether it does what it was made for.
        self._repair(draft)
        fits = self._admissible(draft) and self._fits(draft)
        return self._finish(draft, rng, 1) if fits else None

    def large(self, count: int) -> Iterator[Launch]:
        """Up to `count` launches of which only some blocks can be run."""
        if waits_elsewhere(self.kernel):
            return
        given = 0
        seen: set[object] = set()
        for number, trial in enumerate(trials(self.kernel)):
            launch = self._launch(
                trial.grid, trial.block, Random(number), trial.variant, large=True
            )
            if launch is None:
                continue
            shapes = tuple((name, held.shape) for name, held in launch.arrays.items())
            key = launch.grid, launch.block, trial.variant, shapes
            if key in seen:
                continue
            seen.add(key)
            yield in_part(launch)
            given += 1
            if given >= count:
                return

    # ------------------------------------------------------------ sizes

    def _launch(
        self,
        grid: Sequence[int],
        block: Sequence[int],
        rng: Random,
        variant: int,
        *,
        large: bool = False,
    ) -> Launch | None:
        draft = _Draft(list(grid), list(block), {}, {})
        self._fill(draft, rng, variant)
        self._repair(draft)
        if not self._admissible(draft) or large is self._fits(draft):
            return None
        return self._finish(draft, rng, variant)

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
        requires = (*contract.requires, *whole_clusters(self.kernel))
        whole = (*(r.condition for r in requires), *self.facts)
        found = [part for condition in whole for part in _conjuncts(condition)]
        found.extend(_room(self.kernel))
        return found

    def _fill(self, draft: _Draft, rng: Random, variant: int) -> None:
        """Sizes near the number of threads along each axis, as the variant has them."""
        threads = [g * b for g, b in zip(draft.grid, draft.block, strict=True)]
        off = {MORE: 1, FEWER: -1, PARTIAL: -1}.get(variant, 0)
        share = 2 if variant == SHORT else 1
        for parameter in self.kernel.parameters:
            match parameter:
                case ArrayParameter(name=name):
                    array = self.kernel.arrays[name]
                    rank = array.held_rank
                    axes = [0] if rank == 1 else [1, 0] if rank == 2 else [2, 1, 0]
                    shape = [max(0, threads[a] // share + off) for a in axes]
                    # No axis of the grid is left for those in front of the third.
                    front = [_IN_FRONT] * (rank - len(axes))
                    draft.shapes[name] = front + shape + _own_extents(array)
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
            if not 1 <= draft.block[axis] <= MAX_BLOCK[axis]:
                return False
            if not 1 <= draft.grid[axis] <= MAX_GRID[axis]:
                return False
        threads = prod(draft.block)
        if threads > MAX_THREADS:
            return False
        limit = contract.max_threads
        if isinstance(limit, Const) and threads > limit.value:
            return False
        if any(min(s, default=0) < 0 or prod(s) > MAX_LENGTH for s in draft.shapes.values()):
            return False
        for array in dynamic_arrays(self.kernel):
            if draft.shapes[array.name][0] * array.element.size > MOST_SHARED:
                return False
        if any(_elements(array) > MOST_SCRATCH for array in self.kernel.arrays.values()):
            return False
        for parameter in self.kernel.parameters:
            if isinstance(parameter, ScalarParameter) and parameter.type.is_integer:
                value = draft.scalars[parameter.name]
                if not parameter.type.min <= value <= parameter.type.max:
                    return False
        return all(_holds(draft, c) for c in self._conditions())

    def _fits(self, draft: _Draft) -> bool:
        """Whether a launch is small enough to run."""
        threads = prod(draft.block)
        # Large blocks need large arrays for the same.
        most = MOST_ELEMENTS * max(1, threads // _USUAL_THREADS)
        elements = sum(prod(shape) for shape in draft.shapes.values())
        return prod(draft.grid) * threads <= _MOST_THREADS and elements <= most

    def _finish(self, draft: _Draft, rng: Random, variant: int) -> Launch | None:
        reach = max((n for shape in draft.shapes.values() for n in shape), default=4)
        dynamic = {array.name: array for array in dynamic_arrays(self.kernel)}
        arrays: dict[str, Contents] = {}
        for name, shape in draft.shapes.items():
            if name in dynamic:
                continue
            array = self.kernel.arrays[name]
            declared = declared_of(self.kernel, name, draft.evaluate)
            if declared is None:
                filled = contents(array, tuple(shape), rng, variant, reach)
            else:
                filled = contents(array, tuple(shape), rng, variant, reach, MOST_DECLARED)
            if declared is not None and isinstance(filled.values, Repeated):
                return None
            held = filled if declared is None else declared.fill(filled, rng, variant)
            if held is None:
                return None
            arrays[name] = held
            for part in self.kernel.parts(self.kernel.arrays[name])[1:]:
                whole = (*shape[: part.held_rank], *_own_extents(part))
                arrays[part.name] = contents(part, whole, rng, variant, reach)
        shared = max((draft.shapes[n][0] * a.element.size for n, a in dynamic.items()), default=0)
        return Launch(
            _extent(draft.grid), _extent(draft.block), dict(draft.scalars), arrays, shared
        )


def in_part(launch: Launch) -> Launch:
    """The launch with those blocks only that are at corners of the grid, or beside the first."""
    ends = [(0,) if extent == 1 else (0, extent - 1) for extent in launch.grid]
    chosen = [(x, y, z) for z in ends[2] for y in ends[1] for x in ends[0]]
    chosen.sort(key=lambda at: -sum(at))
    for axis, extent in enumerate(launch.grid):
        if extent > _ENDS:
            beside = [0, 0, 0]
            beside[axis] = 1
            chosen.append(_extent(beside))
    width, height, _ = launch.grid
    numbers = tuple((z * height + y) * width + x for x, y, z in chosen)
    return launch if len(numbers) == prod(launch.grid) else replace(launch, played=numbers)


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


def _own_extents(array: Array) -> list[int]:
    """The extents that a part of records has in each of them."""
    return [] if array.part is None else list(array.part.leaf.shape)


def _elements(array: Array) -> int:
    """The elements of an array whose extents are numbers, else zero."""
    extents = [e.value for e in array.shape if isinstance(e, Const)]
    return int(prod(extents)) if len(extents) == array.rank else 0


def _extent(values: Sequence[int]) -> Extent:
    x, y, z = values
    return x, y, z


def _scalar(type_: Scalar, near: int, rng: Random, variant: int) -> Number:
    if type_ == BOOL:
        return variant % 2 == 0
    if type_.is_float:
        return (1.0, 0.5, -2.0)[variant % 3]
    # A stride that is longer than the arrays, and what is no size at all.
    choices = (near, 3, rng.choice((0, 1, 2, 5)), near, 2 * near + 1, -1, near, near)
    return min(max(type_.min, choices[variant]), type_.max)


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
        (condition.right, MIRRORED[condition.op], condition.left),
    ):
        try:
            wanted = int(draft.evaluate(other)) + _NEEDED[op]
        except NotEvaluable:
            continue
        while isinstance(target, Convert):
            target = target.operand  # noqa: PLW2901
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
