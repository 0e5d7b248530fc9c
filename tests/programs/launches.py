"""Random small launches of a kernel that keep its contract and the facts of its proof."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from oxide_analyzer.contract import evaluate
from oxide_analyzer.interpreter.arithmetic import literal
from oxide_analyzer.ir.kernel import ArrayParameter
from oxide_analyzer.ir.nodes import Const, Symbol
from oxide_analyzer.launch import Contents, Launch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from random import Random

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Expr
    from oxide_analyzer.language.types import Scalar
    from oxide_analyzer.launch import Extent, Number


def launches(random: Random, kernel: Kernel, facts: Sequence[Expr], tries: int) -> Iterator[Launch]:
    """Those of `tries` random launches that the contract and `facts` admit.

    `kernel` holds no symbols. Sizes lie round those at which kernels break: the number of
    threads, the scalars, powers of two, each plus or minus one; scalars are at times extreme.
    """
    conditions = [requirement.condition for requirement in kernel.contract.requires]
    for _ in range(tries):
        grid, block = _extents(random, kernel)
        scalars, shapes = _sizes(random, kernel, prod(grid) * prod(block), block[0], grid[0])
        if all(evaluate(c, scalars, shapes, grid, block) for c in (*conditions, *facts)):
            arrays = {
                name: _contents(random, kernel.arrays[name].element, shape)
                for name, shape in shapes.items()
            }
            yield Launch(grid, block, scalars, arrays)


def _extents(random: Random, kernel: Kernel) -> tuple[Extent, Extent]:
    flat = random.random() < 0.7 or kernel.contract.domain == 1
    other = 1 if flat else random.choice([1, 2, 3])
    block = (random.choice([1, 2, 3, 8, 8, 16, 16, 32, 32, 40, 64]), other, 1)
    if kernel.contract.block is not None:
        x, y, z = (_constant(extent) for extent in kernel.contract.block)
        block = (x, y, z)
    grid = (random.choice([1, 1, 2, 2, 3, 4]), 1 if flat else random.choice([1, 1, 2, 3]), 1)
    if kernel.contract.domain is None and random.random() < 0.08:
        grid = (grid[0], grid[1], 2)
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
                max(value + random.choice([0, 0, 0, 1, -1]), type.min) if type.is_integer else value
            )
        scalars[parameter.name] = bool(value) if type.name == "bool" else literal(value, type)
    extents = [*near, *(v for v in scalars.values() if type_is_small(v))]
    # Half of the launches give most dimensions one length: many contracts ask for that.
    common = random.choice(extents)
    shapes: dict[str, tuple[int, ...]] = {}
    for array in kernel.array_parameters():
        shape = []
        for _ in range(array.rank):
            extent = common if random.random() < 0.6 else random.choice(extents)
            shape.append(max(0, int(extent) + random.choice([0, 0, 0, 0, 1, -1])))
        shapes[array.name] = tuple(shape)
    return scalars, shapes


def type_is_small(value: Number) -> bool:
    return isinstance(value, int) and 0 <= value < 500


def _contents(random: Random, type: Scalar, shape: tuple[int, ...]) -> Contents:
    size = prod(shape)
    high = random.choice([2, 5, max(size, 1), 1000])
    low = random.choice([0, 0, -3])
    if not type.is_signed and not type.is_float:
        low = 0

    def element() -> Number:
        if type.is_integer and random.random() < 0.02:
            return random.choice([type.min, type.max])
        return literal(random.randrange(low, high), type)

    if random.random() < 0.1:
        return Contents(shape, (literal(0, type),) * size)
    return Contents(shape, tuple(element() for _ in range(size)))


def describe(launch: Launch) -> Mapping[str, object]:
    """A launch as JSON holds it."""
    return {
        "grid": launch.grid,
        "block": launch.block,
        "scalars": dict(launch.scalars),
        "arrays": {name: [c.shape, c.values] for name, c in launch.arrays.items()},
    }
