"""What every thread knows of its launch, as terms: registers, lengths, scalars, and the contract.

An axis along which block or grid has extent 1 by contract, or because the kernel reads neither
thread nor block index there, disappears: its index is the number 0. What the contract says of
lengths and extents becomes an axiom of each variable that it mentions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from oxide_analyzer.facts.conditions import (
    Condition,
    IsZero,
    at_least_zero,
    condition_polys,
    less,
)
from oxide_analyzer.facts.polys import Alias, Atom, Level, Monomial, Poly, constant
from oxide_analyzer.ir.kernel import Kernel, ScalarParameter
from oxide_analyzer.ir.nodes import (
    Binary,
    BinaryOp,
    Const,
    Convert,
    Dim,
    Expr,
    Param,
    Register,
    Space,
    Special,
    Symbol,
)
from oxide_analyzer.language.types import I64
from oxide_analyzer.launch import MAX_BLOCK, MAX_GRID, MAX_LENGTH, MAX_THREADS, WARP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from oxide_analyzer.facts.terms import Terms
    from oxide_analyzer.language.types import Scalar

AXES = "xyz"
COMPACT = 2**31 - 1


@dataclass(slots=True)
class LaunchTerms:
    """The launch-wide variables of one analysis.

    `flat` are the axes (1, 2) that an inferred fact holds at extent 1. `compact` says that
    sizes fit 32 bits; `bounds` are then known of sums that their parts do not show.
    """

    terms: Terms
    kernel: Kernel
    flat: frozenset[int]
    compact: bool
    extents: dict[tuple[Register, int], Poly] = field(
        default_factory=dict[tuple[Register, int], Poly]
    )
    bounds: dict[Poly, tuple[int, int]] = field(default_factory=dict[Poly, tuple[int, int]])
    quantities: dict[Atom, Dim | Param | Special | Symbol] = field(
        default_factory=dict["Atom", Dim | Param | Special | Symbol]
    )
    _place: tuple[Poly, Poly] | None = None
    _warps: Poly | None = None
    _someone: Poly | None = None

    def __post_init__(self) -> None:
        contract = self.kernel.contract
        for axis in range(3):
            beyond = contract.domain is not None and axis >= contract.domain
            one = beyond or axis in self.flat
            block = contract.block[axis] if contract.block is not None else None
            if isinstance(block, Const):
                block_dim = constant(int(block.value))
            elif isinstance(block, Symbol):
                block_dim = self.scalar(block.name, block.type)
                self.terms.axiom(block_dim, at_least_zero(block_dim.shift(-1)))
                self.terms.axiom(block_dim, at_least_zero((-block_dim).shift(MAX_BLOCK[axis])))
            elif one:
                block_dim = constant(1)
            else:
                block_dim = self.terms.variable(
                    f"block_dim.{AXES[axis]}", Level.LAUNCH, 1, MAX_BLOCK[axis]
                )
            grid_dim = (
                constant(1)
                if one
                else self.terms.variable(f"grid_dim.{AXES[axis]}", Level.LAUNCH, 1, MAX_GRID[axis])
            )
            for register, extent in (
                (Register.BLOCK_DIM, block_dim),
                (Register.GRID_DIM, grid_dim),
            ):
                self.extents[register, axis] = extent
                self._name(extent, Special(register, axis, self.kernel.name_span))
            self.extents[Register.THREAD, axis] = self._index(
                f"thread.{AXES[axis]}", Level.THREAD, block_dim, MAX_BLOCK[axis]
            )
            self.extents[Register.BLOCK, axis] = self._index(
                f"block.{AXES[axis]}", Level.BLOCK, grid_dim, MAX_GRID[axis]
            )
            if self.compact:
                self._bound_linear_index(axis)
                self.assume(
                    at_least_zero(constant(COMPACT) - self.terms.multiply(block_dim, grid_dim))
                )

    def _bound_linear_index(self, axis: int) -> None:
        """A thread's index along an axis of the whole grid is below 2**31 - 1."""
        block, extent = self.extents[Register.BLOCK, axis], self.extents[Register.BLOCK_DIM, axis]
        index = self.terms.multiply(block, extent) + self.extents[Register.THREAD, axis]
        if len(index.terms) > 1:
            self.bounds[index] = (0, COMPACT - 1)
            name = self.terms.atom(Alias(index), index.level)
            self.terms.axiom(Poly({(name,): 1}), at_least_zero(constant(COMPACT - 1) - index))

    def _index(self, name: str, level: Level, extent: Poly, limit: int) -> Poly:
        if extent.value == 1:
            return constant(0)
        high = extent.value - 1 if extent.value is not None else limit - 1
        variable = self.terms.variable(name, level, 0, high)
        if extent.value is None:
            self.terms.axiom(variable, less(variable, extent))
        return variable

    def register(self, register: Register, axis: int) -> Poly:
        """A special register along an axis."""
        match register:
            case Register.LANE:
                return self.lane
            case Register.WARP:
                return self.warp
            case Register.WARPS:
                return self.warps
            case _:
                return self.extents[register, axis]

    # ------------------------------------------------------------ warps

    @property
    def warp(self) -> Poly:
        """The number of the thread's warp in its block."""
        return self._in_warps()[0]

    @property
    def lane(self) -> Poly:
        """The place of the thread in its warp."""
        return self._in_warps()[1]

    @property
    def warps(self) -> Poly:
        """How many warps a block has."""
        if self._warps is None:
            threads = self.threads
            count = self.terms.quotient(threads.shift(WARP - 1), constant(WARP))
            if count.value is None:
                # A launch has at most 1024 threads in a block, whatever its shape.
                self.terms.axiom(count, at_least_zero((-count).shift(MAX_THREADS // WARP)))
                self.terms.axiom(count, at_least_zero(count.shift(-1)))
            self._warps = count
        return self._warps

    @property
    def place(self) -> Poly:
        """The thread's place in its block, in C order of (z, y, x)."""
        place = constant(0)
        for axis in (2, 1, 0):
            place = self.terms.multiply(place, self.extents[Register.BLOCK_DIM, axis])
            place = place + self.extents[Register.THREAD, axis]
        return place

    @property
    def someone(self) -> Poly:
        """The place of some thread of the block: each number below `threads` is one's place."""
        if self._someone is None:
            place = self.terms.fresh("place", Level.THREAD, 0, MAX_THREADS - 1)
            self.terms.axiom(place, less(place, self.threads))
            self._someone = place
        return self._someone

    @property
    def threads(self) -> Poly:
        """How many threads a block has."""
        extents = [self.extents[Register.BLOCK_DIM, axis] for axis in range(3)]
        plane = self.terms.multiply(extents[0], extents[1])
        return self.terms.multiply(plane, extents[2])

    @property
    def has_one_warp(self) -> bool:
        """Whether the contract lets a block have one warp only."""
        count = self.threads.value
        return count is not None and count <= WARP

    @property
    def is_line(self) -> bool:
        """Whether blocks extend along x alone, so that `thread.x` counts their threads."""
        return all(self.extents[Register.BLOCK_DIM, axis].value == 1 for axis in (1, 2))

    def _in_warps(self) -> tuple[Poly, Poly]:
        """Warp and lane: the place in the block, in C order of (z, y, x), divided by 32."""
        if self._place is None:
            place, terms = self.place, self.terms
            warp = constant(0) if self.has_one_warp else terms.quotient(place, constant(WARP))
            if not self.is_line and warp.single() is not None:
                terms.axiom(warp, less(warp, self.warps))
            lane = place - warp.scale(WARP)
            self._place = warp, lane
            self.bounds[lane] = (0, WARP - 1)
        return self._place

    def dimension(self, array: str, axis: int) -> Poly:
        """`array.shape[axis]` of a slice parameter."""
        name = f"len({array})" if axis == 0 else f"{array}.shape[{axis}]"
        high = COMPACT if self.compact else MAX_LENGTH
        length = self.terms.variable(name, Level.LAUNCH, 0, high)
        self._name(length, Dim(array, axis, self.kernel.name_span))
        return length

    def room(self) -> Iterator[Condition]:
        """That the axes of an array together span no more elements than an array has.

        Said where a value is not found to fit otherwise, for it is one more product in a query.
        """
        for array in self.kernel.arrays.values():
            if array.space is not Space.GLOBAL or array.memory != array.name:
                continue
            extents = [self.dimension(array.name, axis) for axis in range(array.held_rank)]
            for first in range(array.held_rank):
                product = extents[first]
                for extent in extents[first + 1 :]:
                    product = self.terms.multiply(product, extent)
                    yield at_least_zero(constant(MAX_LENGTH) - product)

    def scalar(self, name: str, type_: Scalar) -> Poly:
        """An integer parameter, or a compile-time constant, whose size no launch checks."""
        parameters = (p.name for p in self.kernel.parameters if isinstance(p, ScalarParameter))
        is_constant = name not in parameters
        if is_constant and not any(c.steady and c.symbol == name for c in self.kernel.constants):
            # What it is there a fact could not speak of.
            return self.terms.variable(name, Level.LAUNCH, type_.min, type_.max)
        low, high = type_.min, type_.max
        if self.compact:
            low, high = max(low, -COMPACT), min(high, COMPACT)
        value = self.terms.variable(name, Level.LAUNCH, low, high)
        named = Symbol if is_constant else Param
        self._name(value, named(name, type_, self.kernel.name_span))
        return value

    def _name(self, value: Poly, expr: Dim | Param | Special | Symbol) -> None:
        atom = value.single()
        if atom is not None:
            self.quantities[atom] = expr

    def in_multiples(self, poly: Poly) -> Poly:
        """The polynomial with each size that the contract makes a multiple written as one.

        Under `w % 4 == 0`, which is the axiom `w - 4*(w // 4) == 0`, `row*w` is `4*row*(w // 4)`.
        """
        for atom in dict.fromkeys(poly.atoms()):
            value = self._as_multiple(atom, frozenset())
            if value is None:
                continue
            terms: dict[Monomial, int] = {}
            for monomial, coefficient in poly.terms.items():
                factor = coefficient
                product = monomial
                while atom in product:
                    place = product.index(atom)
                    product = (*product[:place], value[0], *product[place + 1 :])
                    factor *= value[1]
                product = tuple(sorted(product))
                terms[product] = terms.get(product, 0) + factor
            poly = Poly({m: c for m, c in terms.items() if c})
        return poly

    def _as_multiple(self, atom: Atom, seen: frozenset[Atom]) -> tuple[Atom, int] | None:
        """The quotient q and the number c of `atom == c*q`, said of it or of what it equals."""
        equals: list[Atom] = []
        for axiom in self.terms.axioms.get(atom, ()):
            found = _ratio(atom, axiom)
            if found is not None and abs(found[1]) > 1:
                return found
            if found is not None and found[1] == 1:
                equals.append(found[0])
        for other in equals:
            if other not in seen:
                found = self._as_multiple(other, seen | {atom})
                if found is not None:
                    return found
        return None

    def expression(self, poly: Poly) -> Expr | None:
        """The polynomial as an expression over a launch, if it is made of its quantities."""
        span = self.kernel.name_span
        total: Expr | None = None
        for monomial, coefficient in poly.terms.items():
            term: Expr = Const(coefficient, I64, span)
            for atom in monomial:
                factor = self._factor(atom)
                if factor is None:
                    return None
                one = isinstance(term, Const) and term.value == 1
                term = factor if one else Binary(BinaryOp.MUL, term, factor, I64, span)
            total = term if total is None else Binary(BinaryOp.ADD, total, term, I64, span)
        return total if total is not None else Const(0, I64, span)

    def _factor(self, atom: Atom) -> Expr | None:
        if isinstance(atom.form, Alias):
            return self.expression(atom.form.definition)
        found = self.quantities.get(atom)
        if isinstance(found, Param | Symbol) and found.type != I64:
            return Convert(found, I64, self.kernel.name_span)
        return found

    def assume(self, condition: Condition) -> None:
        """Make a launch-wide condition an axiom of every variable in it."""
        for atom in dict.fromkeys(a for p in condition_polys(condition) for a in p.atoms()):
            self.terms.axiom(Poly({(atom,): 1}), condition)


def _ratio(atom: Atom, axiom: Condition) -> tuple[Atom, int] | None:
    """The other atom and the number c of an axiom `atom == c*other`."""
    if not isinstance(axiom, IsZero) or len(axiom.poly.terms) != 2:
        return None
    own = axiom.poly.terms.get((atom,))
    if own not in (1, -1):
        return None
    ((other, coefficient),) = [(m, c) for m, c in axiom.poly.terms.items() if m != (atom,)]
    return (other[0], -coefficient * own) if len(other) == 1 else None
