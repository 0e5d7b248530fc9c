"""Random small launches of a kernel that keep its contract and the facts of its proof."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from oxide_analyzer.contract import evaluate, limits
from oxide_analyzer.interpreter.arithmetic import literal
from oxide_analyzer.ir.kernel import ArrayParameter, DataProperty, ScalarParameter
from oxide_analyzer.ir.nodes import (
    Compare,
    CompareOp,
    Const,
    Dim,
    Logic,
    LogicOp,
    Param,
    Register,
    Space,
    Special,
    Symbol,
    WarpOp,
)
from oxide_analyzer.ir.walk import expressions, statements
from oxide_analyzer.launch import Contents, Launch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from random import Random

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Array, Expr
    from oxide_analyzer.language.types import Scalar
    from oxide_analyzer.launch import Extent, Number

_REPAIRS = 4
_LONGEST = 2_000
# What a side that breaks a comparison has to differ by from the other.
_OFF = {
    CompareOp.EQ: 0,
    CompareOp.LE: 0,
    CompareOp.GE: 0,
    CompareOp.LT: -1,
    CompareOp.GT: 1,
    CompareOp.NE: 1,
}
_WIDTHS = (1, 2, 3, 8, 8, 16, 16, 32, 32, 40, 64)
# Whole warps, parts of one, and both.
_WARPS = (8, 16, 31, 32, 32, 33, 40, 64, 64, 96)


def launches(random: Random, kernel: Kernel, facts: Sequence[Expr], tries: int) -> Iterator[Launch]:
    """Those of `tries` random launches that the contract and `facts` admit.

    `kernel` holds no symbols. Sizes lie round those at which kernels break: the number of
    threads, the scalars, powers of two, each plus or minus one; scalars are at times extreme, and
    so is the data within what the contract says of it.
    """
    conditions = [requirement.condition for requirement in kernel.contract.requires]
    conditions += [requirement.condition for requirement in limits(kernel)]
    conditions = [part for condition in (*conditions, *facts) for part in _conjuncts(condition)]
    dynamic = dynamic_shared(kernel)
    has_warps = _has_warps(kernel)
    for _ in range(tries):
        grid, block = _extents(random, kernel, has_warps=has_warps)
        scalars, shapes = _sizes(random, kernel, prod(grid) * prod(block), block[0], grid[0])
        if dynamic is not None:
            shapes[dynamic.name] = (_room(random, kernel, dynamic, prod(block)),)
        draft = _Draft(kernel, grid, block, scalars, shapes)
        for _ in range(_REPAIRS):
            broken = [c for c in conditions if not draft.value(c)]
            for condition in broken:
                draft.mend(condition)
            if not broken:
                break
        if not all(draft.value(c) for c in conditions) or not draft.is_possible():
            continue
        arrays: dict[str, Contents] = {}
        for array in kernel.array_parameters():
            held = _contents(random, array.element, shapes[array.name], *draft.declared(array))
            if held is None:
                break
            arrays[array.name] = held
        else:
            shared = 0 if dynamic is None else shapes[dynamic.name][0] * dynamic.element.size
            yield Launch(grid, block, scalars, arrays, shared)


@dataclass(slots=True)
class _Draft:
    """A launch in the making."""

    kernel: Kernel
    grid: Extent
    block: Extent
    scalars: dict[str, Number]
    shapes: dict[str, tuple[int, ...]]

    def value(self, expr: Expr) -> Number:
        return evaluate(expr, self.scalars, self.shapes, self.grid, self.block)

    def mend(self, condition: Expr) -> None:
        """Set a length or a scalar of a comparison to what the other side asks for."""
        if not isinstance(condition, Compare):
            return
        for side, other, off in (
            (condition.left, condition.right, _OFF[condition.op]),
            (condition.right, condition.left, -_OFF[condition.op]),
        ):
            wanted = int(self.value(other)) + off
            match side:
                case Dim(array=array, axis=axis) if 0 <= wanted <= _LONGEST:
                    shape = list(self.shapes[array])
                    shape[axis] = wanted
                    self.shapes[array] = tuple(shape)
                    return
                case Param(name=name):
                    self.scalars[name] = wanted
                    return
                case _:
                    pass

    def is_possible(self) -> bool:
        """Whether every scalar fits its type, and the arrays are not too large."""
        for parameter in self.kernel.parameters:
            if isinstance(parameter, ScalarParameter) and parameter.type.is_integer:
                value = self.scalars[parameter.name]
                if not parameter.type.min <= value <= parameter.type.max:
                    return False
        return sum(prod(shape) for shape in self.shapes.values()) <= 8 * _LONGEST

    def declared(self, array: Array) -> tuple[int | None, int | None, bool]:
        """What the contract says of the elements: low, high, and whether no two are equal."""
        low = high = None
        distinct = False
        for fact in self.kernel.contract.data:
            if fact.array != array.name:
                continue
            if fact.property is DataProperty.INJECTIVE:
                distinct = True
            if fact.low is not None:
                bound = int(self.value(fact.low))
                low = bound if low is None else max(low, bound)
            if fact.high is not None:
                bound = int(self.value(fact.high))
                high = bound if high is None else min(high, bound)
        return low, high, distinct


def _conjuncts(condition: Expr) -> Iterator[Expr]:
    if isinstance(condition, Logic) and condition.op is LogicOp.AND:
        yield from _conjuncts(condition.left)
        yield from _conjuncts(condition.right)
    else:
        yield condition


def _has_warps(kernel: Kernel) -> bool:
    return any(isinstance(s, WarpOp) for s in statements(kernel.body)) or any(
        isinstance(e, Special) and e.register is Register.LANE for e in expressions(kernel.body)
    )


def dynamic_shared(kernel: Kernel) -> Array | None:
    """The shared array whose length is the launch's."""
    arrays = kernel.arrays.values()
    return next(
        (a for a in arrays if a.space is Space.SHARED and isinstance(a.shape[0], Dim)), None
    )


def _room(random: Random, kernel: Kernel, array: Array, threads: int) -> int:
    said = kernel.contract.shared
    if isinstance(said, Const) and random.random() < 0.8:
        return int(said.value) // array.element.size
    return max(0, random.choice([threads, threads, threads + 1, threads - 1, 0, 3, 2 * threads]))


def _extents(random: Random, kernel: Kernel, *, has_warps: bool) -> tuple[Extent, Extent]:
    domain = kernel.contract.domain
    flat = random.random() < 0.7 or domain == 1
    other = 1 if flat else random.choice([1, 2, 3])
    block = (random.choice(_WARPS if has_warps else _WIDTHS), other, 1)
    if domain == 3:
        block = (random.choice([1, 2, 3, 8]), random.choice([1, 2, 3]), random.choice([1, 2, 4]))
    elif domain is None and random.random() < 0.1:
        block = (block[0], block[1], 2)
    if kernel.contract.block is not None:
        x, y, z = (_constant(extent) for extent in kernel.contract.block)
        block = (x, y, z)
    grid = (random.choice([1, 1, 2, 2, 3, 4]), 1 if flat else random.choice([1, 1, 2, 3]), 1)
    if domain == 3 or (domain is None and random.random() < 0.08):
        grid = (grid[0], grid[1], random.choice([1, 2]) if domain == 3 else 2)
    return grid, block


def _constant(extent: Expr) -> int:
    match extent:
        case Const(value=value):
            return int(value)
        case Symbol(name=name):
            raise ValueError(f"`{name}` has no value: specialise the kernel first")
        case _:
            return int(evaluate(extent, {}, {}, (1, 1, 1), (1, 1, 1)))


def _sizes(
    random: Random, kernel: Kernel, threads: int, block: int, grid: int
) -> tuple[dict[str, Number], dict[str, tuple[int, ...]]]:
    scalars: dict[str, Number] = {}
    near = [threads, threads, block, grid, 0, 1, 2, 3, 5, 31, 33, 2 * threads, threads // 2]
    usual = random.choice(near)
    for parameter in kernel.parameters:
        if isinstance(parameter, ArrayParameter):
            continue
        type = parameter.type
        if type.is_integer and random.random() < 0.05:
            value = random.choice([type.min, type.max, type.max - 1])
        else:
            value = random.choice([usual, random.choice(near), random.randrange(-3, 70)])
            value = (
                min(max(value + random.choice([0, 0, 0, 1, -1]), type.min), type.max)
                if type.is_integer
                else value
            )
        scalars[parameter.name] = bool(value) if type.name == "bool" else literal(value, type)
    extents = [*near, *(v for v in scalars.values() if type_is_small(v))]
    # Half of the launches give most dimensions one length: many contracts ask for that.
    common = random.choice(extents)
    shapes: dict[str, tuple[int, ...]] = {}
    for array in kernel.array_parameters():
        shape = []
        for axis in range(array.rank):
            extent = common if random.random() < 0.6 else random.choice(extents)
            if axis and random.random() < 0.4:
                extent = random.choice([1, 2, 3, 4, 4, 8])
            shape.append(max(0, int(extent) + random.choice([0, 0, 0, 0, 1, -1])))
        if array.rank == 3:
            shape = [min(extent, 6) for extent in shape]
        shapes[array.name] = tuple(shape)
    return scalars, shapes


def type_is_small(value: Number) -> bool:
    return isinstance(value, int) and 0 <= value < 500


def _contents(
    random: Random,
    type: Scalar,
    shape: tuple[int, ...],
    least: int | None,
    end: int | None,
    distinct: bool,
) -> Contents | None:
    """Elements of which that is true, or None if there are none."""
    size = prod(shape)
    high = random.choice([2, 5, max(size, 1), 1000])
    low = random.choice([0, 0, -3])
    if not type.is_signed and not type.is_float:
        low = 0
    if type.is_integer:
        high = min(high, type.max + 1)
        if least is not None or end is not None or distinct:
            low = low if least is None else max(least, type.min)
            high = max(high, size) if end is None else min(end, type.max + 1)
            return _within(random, shape, low, min(high, type.max + 1), distinct)

    def element() -> Number:
        if type.is_integer and random.random() < 0.02:
            return random.choice([type.min, type.max])
        return literal(random.randrange(low, high), type)

    if random.random() < 0.1:
        return Contents(shape, (literal(0, type),) * size)
    return Contents(shape, tuple(element() for _ in range(size)))


def _within(
    random: Random, shape: tuple[int, ...], low: int, high: int, distinct: bool
) -> Contents | None:
    size = prod(shape)
    if high - low < (size if distinct else min(size, 1)):
        return None
    numbers = range(low, high)
    if distinct:
        chosen = [numbers[k] for k in range(size)]
        if random.random() < 0.8:
            chosen = random.sample(numbers, size)
        return Contents(shape, tuple(chosen))
    ends = [low, high - 1]
    pick = ends if random.random() < 0.2 else [*ends, *random.choices(numbers, k=8)] if size else []
    return Contents(shape, tuple(random.choice(pick) for _ in range(size)))


def describe(launch: Launch) -> Mapping[str, object]:
    """A launch as JSON holds it."""
    return {
        "grid": launch.grid,
        "block": launch.block,
        "scalars": dict(launch.scalars),
        "arrays": {name: [c.shape, c.values] for name, c in launch.arrays.items()},
        "shared": launch.shared,
    }
