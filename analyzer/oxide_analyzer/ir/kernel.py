"""A kernel: its signature, its contract, what it is made of, and its body in the IR."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.record import distinct, record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oxide_analyzer.ir.nodes import Array, Block, Expr
    from oxide_analyzer.language.types import Scalar
    from oxide_analyzer.source import Span

OWN_DIALECT = "oxide"
"""The dialect of the language that is Oxide's own."""


@distinct
class ScalarParameter:
    """A scalar in the kernel's signature; a field of a struct there is named `p.dt`."""

    name: str
    type: Scalar
    span: Span

    @property
    def argument(self) -> str:
        """The parameter of the source that it is, or is a part of."""
        return self.name.partition(".")[0]


@distinct
class ArrayParameter:
    """A slice in the kernel's signature; `Kernel.arrays[name]` is its array."""

    name: str
    span: Span

    @property
    def argument(self) -> str:
        """The parameter of the source that it is."""
        return self.name


@record
class StructArgument:
    """A struct in the kernel's signature, or inside one: `p` or `p.v`, of which class.

    Its numbers are parameters, or compile-time constants, of their own.
    """

    name: str
    class_name: str


@record
class FunctionArgument:
    """A `Callable` in the kernel's signature that is still open: see `Apply`."""

    name: str
    span: Span


@record
class TypeChoice:
    """A type that a launch decides: of a type variable, or of a `Const[type[…]]` argument.

    This kernel is the one for `type`. The elements of `arrays` have it; where there are none it
    is that of the numbers `scalars`, and where there are none of those either, the argument
    `name` (dotted: a field of it) is itself the type. `options` are all types that it can be.
    """

    name: str
    type: Scalar
    options: tuple[Scalar, ...]
    arrays: tuple[str, ...]
    scalars: tuple[str, ...]


Parameter: TypeAlias = ScalarParameter | ArrayParameter


@record
class Function:
    """A live function of which a kernel is made: the kernel itself, or a helper that it calls.

    `route` leads from the kernel's function to it: for each call on the way the attribute path
    by which the caller's globals or closure name the callee, `(("ops", "clamp"),)`. The kernel
    itself has the empty route. With an `argument` the way begins at the function that the launch
    was given for that parameter.
    """

    route: tuple[tuple[str, ...], ...]
    path: str
    qualname: str
    span: Span
    argument: str = ""


@record
class Constant:
    """A number that a kernel takes from the globals or the closure of one of its functions.

    `symbol` is its name in the IR. `value` is what the source says where it assigns the name
    once, at module level, a literal expression; else None: a symbol to the checker. In
    `attributes`, a number is an index into a tuple: `("SHAPE", "0")` is `SHAPE[0]`.

    `holder` says which live object has it: `()` the function `owner`; `("requires",)` the lambda
    of the contract, whose closure is not the function's; `("block", "1")` the keyword `block` of
    the decorator, whose second item it is; `("argument",)` that it is an argument of the launch,
    or the field of one that `attributes` lead to.

    A `steady` one is assigned once, so what a launch sees under its name is what was compiled.
    """

    symbol: str
    attributes: tuple[str, ...]
    owner: Function
    type: Scalar
    value: int | float | bool | None
    span: Span
    holder: tuple[str, ...] = ()
    steady: bool = False


@record
class Requirement:
    """One conjunct of `requires`, over parameters, dimensions, `block_dim` and `grid_dim`.

    The runtime evaluates it with Python integers; the analyzer takes it as an axiom over Z.
    """

    condition: Expr
    text: str
    span: Span


class DataProperty(StrEnum):
    """What `requires` may say about the elements of an array."""

    INJECTIVE = "injective"  # no two elements are equal
    WITHIN = "within"  # low <= element < high


@record
class DataFact:
    """`injective(array)` or `within(array, low, high)` in `requires`.

    `low` and `high` are conditions' operands as in `Requirement`; INJECTIVE has none. The array
    is a slice of integers. It holds of its elements when the launch starts. One that nobody
    `declared` is what makes sense of a kernel without a contract.
    """

    property: DataProperty
    array: str
    low: Expr | None
    high: Expr | None
    text: str
    span: Span
    declared: bool = True


@record
class Assumption:
    """Something that the source does and the analyzer does not know; `what` says what it is."""

    span: Span
    what: str


@record
class Contract:
    """What a launch must fulfil: `@kernel(block=…, domain=…, requires=…)`.

    `block` holds (x, y, z) as compile-time constants. `domain` d fixes the axes after the d-th
    of block and grid at 1. `shared` is how many bytes of dynamic shared memory a launch has that
    does not say more; `max_threads` bounds the threads of a block, `min_blocks` wants so many
    blocks to fit on one multiprocessor; all three are compile-time constants. A `cooperative`
    launch has all its blocks on the device at once, which `grid_sync` needs. The blocks of a
    `cluster` lie side by side, so many along x, y and z, on multiprocessors that are near each
    other; a grid is made of whole clusters. `fast_math` lets
    devices approximate, and compilers arrange sums anew. `insertion` is the
    empty span where another keyword may be written, and `prefix` what has to stand before it and
    `suffix` behind it (an undecorated `@kernel` needs its parentheses). Where there is a
    `requires` already, `conjunction` is the empty span behind what it says, and `naming` the one
    behind the last of the parameters `named` by its lambda. `is_inferred` says that nobody
    declared it: it is what the kernel's own shapes ask for.
    """

    block: tuple[Expr, Expr, Expr] | None = None
    domain: int | None = None
    requires: tuple[Requirement, ...] = ()
    insertion: Span | None = None
    prefix: str = ""
    suffix: str = ""
    data: tuple[DataFact, ...] = ()
    shared: Expr | None = None
    max_threads: Expr | None = None
    min_blocks: Expr | None = None
    cooperative: bool = False
    cluster: tuple[int, int, int] | None = None
    fast_math: bool = False
    conjunction: Span | None = None
    naming: Span | None = None
    named: tuple[str, ...] = ()
    is_inferred: bool = False


@record
class LaunchSite:
    """A launch that the source of a kernel shows, what it keeps, and what it makes of constants
    that the source of the kernel leaves open.

    One that gives an array for several parameters, which are the `same` then, is of a `variant` of
    the kernel, in which they are one. Of the pairs that are `shared` the first is written, and the
    launch may give parts of one memory for both.
    """

    span: Span
    contract: Contract
    constants: tuple[tuple[str, int], ...] = ()
    same: tuple[tuple[str, str], ...] = ()
    variant: Kernel | None = None
    shared: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Kernel:
    """One kernel. `span` covers the `def` to the end of its body, `name_span` its name, and `text`
    is what stands there, in whole lines: fixes are written into it.

    `assumptions` are about a kernel of another dialect than our own: what it does besides what
    its IR says. It is not compiled with them. An index below zero is one from behind where the
    kernel `counts_from_behind`, and where it `divides_by_zero` an integer divided by zero is 0, and
    what follows is done. Where there are `launches`, the kernel is judged for these.

    It can be referred to weakly, so that what is derived from it lives as long as it does.
    """

    name: str
    qualname: str
    path: str
    span: Span
    name_span: Span
    parameters: tuple[Parameter, ...]
    arrays: Mapping[str, Array]
    contract: Contract
    body: Block
    functions: tuple[Function, ...]
    constants: tuple[Constant, ...] = ()
    structs: tuple[StructArgument, ...] = ()
    callables: tuple[FunctionArgument, ...] = ()
    choices: tuple[TypeChoice, ...] = ()
    documentation: str = ""
    dialect: str = field(default=OWN_DIALECT)
    assumptions: tuple[Assumption, ...] = ()
    launches: tuple[LaunchSite, ...] = ()
    text: str = ""
    counts_from_behind: bool = False
    divides_by_zero: bool = False

    @property
    def instance(self) -> str:
        """Which of the kernels that its source stands for it is; empty if there is one alone."""
        return ", ".join(f"{choice.name} = {choice.type}" for choice in self.choices)

    def array_parameters(self) -> tuple[Array, ...]:
        """The slices of the signature, in its order; of an array of records each of its parts."""
        found: list[Array] = []
        for parameter in self.parameters:
            if isinstance(parameter, ArrayParameter):
                first = self.arrays[parameter.name]
                found.append(first)
                if first.part is not None:
                    found += self.parts(first)[1:]
        return tuple(found)

    def parts(self, array: Array) -> list[Array]:
        """The arrays that lie in one memory with an array, itself among them, the first in
        front."""
        if array.part is None:
            return [array]
        memory = array.memory
        others = [a for a in self.arrays.values() if a.part is not None and a.memory == memory]
        return sorted(others, key=lambda one: one.name != memory)
