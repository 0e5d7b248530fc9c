"""Terms of two threads of one launch, as the analysis makes them."""

from __future__ import annotations

from dataclasses import dataclass, field

from oxide_analyzer.facts.conditions import Condition, any_of, at_least_zero, equal, less, negate
from oxide_analyzer.facts.polys import Level, Poly, constant
from oxide_analyzer.facts.terms import Terms

BLOCK_MAX = (1024, 1024, 64)
GRID_MAX = (2**31 - 1, 65535, 65535)


@dataclass
class Launch:
    """Registers, lengths and scalars of a generic thread."""

    terms: Terms = field(default_factory=Terms)

    def block_dim(self, axis: int = 0) -> Poly:
        return self.terms.variable(f"block_dim.{'xyz'[axis]}", Level.LAUNCH, 1, BLOCK_MAX[axis])

    def grid_dim(self, axis: int = 0) -> Poly:
        return self.terms.variable(f"grid_dim.{'xyz'[axis]}", Level.LAUNCH, 1, GRID_MAX[axis])

    def thread(self, axis: int = 0) -> Poly:
        return self.index(
            f"thread.{'xyz'[axis]}", Level.THREAD, self.block_dim(axis), BLOCK_MAX[axis]
        )

    def block(self, axis: int = 0) -> Poly:
        return self.index(f"block.{'xyz'[axis]}", Level.BLOCK, self.grid_dim(axis), GRID_MAX[axis])

    def index(self, name: str, level: Level, extent: Poly, limit: int) -> Poly:
        variable = self.terms.variable(name, level, 0, limit - 1)
        atom = variable.single()
        assert atom is not None
        if atom not in self.terms.axioms:
            self.terms.axiom(variable, less(variable, extent))
        return variable

    def global_index(self, axis: int = 0) -> Poly:
        return self.terms.multiply(self.block(axis), self.block_dim(axis)) + self.thread(axis)

    def length(self, name: str) -> Poly:
        return self.terms.variable(f"len({name})", Level.LAUNCH, 0, 2**47 - 1)

    def scalar(self, name: str, low: int = -(2**31), high: int = 2**31 - 1) -> Poly:
        return self.terms.variable(name, Level.LAUNCH, low, high)

    def private(self, name: str, low: int | None = 0, high: int | None = None) -> Poly:
        return self.terms.variable(name, Level.THREAD, low, high)

    # ------------------------------------------------------------ two threads

    def other(self, poly: Poly, above: Level) -> Poly:
        return self.terms.rename(poly, "'", above)

    def others(self, conditions: list[Condition], above: Level) -> list[Condition]:
        return [self.terms.rename_condition(c, "'", above) for c in conditions]

    def between_blocks(
        self, first: Poly, second: Poly, guard: list[Condition], axes: int = 1
    ) -> list[Condition]:
        """Threads of different blocks take `first` and `second`, both under `guard`."""
        differ = any_of(
            negate(equal(self.block(a), self.other(self.block(a), Level.LAUNCH)))
            for a in range(axes)
        )
        return [
            *guard,
            *self.others(guard, Level.LAUNCH),
            differ,
            equal(first, self.other(second, Level.LAUNCH)),
        ]

    def within_block(
        self, first: Poly, second: Poly, guard: list[Condition], axes: int = 1
    ) -> list[Condition]:
        """Different threads of one block take `first` and `second`, both under `guard`."""
        differ = any_of(
            negate(equal(self.thread(a), self.other(self.thread(a), Level.BLOCK)))
            for a in range(axes)
        )
        return [
            *guard,
            *self.others(guard, Level.BLOCK),
            differ,
            equal(first, self.other(second, Level.BLOCK)),
        ]


def outside(index: Poly, extent: Poly) -> Condition:
    """`index` is below 0 or not below `extent`."""
    return any_of((less(index, constant(0)), at_least_zero(index - extent)))
