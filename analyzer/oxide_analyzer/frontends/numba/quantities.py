"""What host code computes of a launch: sizes, tuples, arrays, kernels, and what is not known.

A quantity that is known by nothing else is a `Symbol` with a name of its own: two places that see
the same one see one value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.record import distinct, record

if TYPE_CHECKING:
    import ast

    from oxide_analyzer.frontends.numba.host import Host
    from oxide_analyzer.frontends.oxide.meanings import UserFunction
    from oxide_analyzer.frontends.oxide.scopes import Scope
    from oxide_analyzer.language.records import Element


@record
class Symbol:
    """A whole number that is known by its name alone, or between two others, `above` excluded."""

    name: str
    least: Size | None = None
    above: Size | None = None


@record
class Whole:
    """`op` of whole numbers: an operator of Python's, `ceil` (a division, rounded up), min, max."""

    op: str
    left: Size
    right: Size


@record
class Sizes:
    """A tuple or list."""

    items: tuple[HostValue, ...]


@record
class Table:
    """A dictionary whose keys are literals."""

    items: tuple[tuple[str | int, HostValue], ...]


@record
class HostArray:
    """An array: its shape, or, where only its name is known, symbols for it; of a name that may
    hold something else, a number perhaps, nothing else is known."""

    name: str
    shape: tuple[Size, ...] | None
    element: Element | None = None

    def extent(self, axis: int) -> Size:
        """One extent of the shape."""
        if self.shape is not None and axis < len(self.shape):
            return self.shape[axis]
        return Symbol(f"{self.name}.shape[{axis}]")


@record
class HostScalar:
    """A number of which only the type is known."""

    type: Element


@distinct
class HostFunction:
    """A function of the source, a kernel mostly; `around` is the code that made it, if known."""

    function: UserFunction
    around: Host | None = None


@distinct
class Configured:
    """A kernel with its launch configuration, `kernel[grid, block]`, and arguments that
    `functools.partial` has given. Of `kernel.forall(n, tpb)`, `tasks` is n and the configuration
    what is said of blocks."""

    kernel: HostFunction
    configuration: HostValue
    given: tuple[HostValue, ...] = ()
    tasks: Size | None = None


@distinct
class Instance:
    """An object of a class of the source, or the class."""

    node: ast.ClassDef
    scope: Scope


class NotKnown:
    """Anything else."""


NOT_KNOWN = NotKnown()
Size: TypeAlias = int | Symbol | Whole
HostValue: TypeAlias = (
    Size | Sizes | Table | HostArray | HostScalar | HostFunction | Configured | Instance | NotKnown
)


def as_size(value: HostValue) -> HostValue:
    """A value that is used as a number: of a name that nothing says more about, a symbol."""
    if isinstance(value, HostArray) and value.shape is None and value.element is None:
        return Symbol(value.name)
    return value


def whole(op: str, left: HostValue, right: HostValue) -> HostValue:
    """An operator on whole numbers."""
    one, other = as_size(left), as_size(right)
    if not isinstance(one, int | Symbol | Whole) or not isinstance(other, int | Symbol | Whole):
        return NOT_KNOWN
    if isinstance(one, int) and isinstance(other, int) and op in ("min", "max"):
        return min(one, other) if op == "min" else max(one, other)
    return Whole(op, one, other)


def ceiling(one: HostValue, other: HostValue) -> HostValue:
    """A division that is rounded up."""
    if isinstance(one, int) and isinstance(other, int) and other > 0:
        return -(-one // other)
    return whole("ceil", one, other)


def symbols_of(value: HostValue) -> frozenset[str]:
    """The names of which a value is made."""
    match value:
        case Symbol(name=name):
            return frozenset((name,))
        case Whole(left=left, right=right):
            return symbols_of(left) | symbols_of(right)
        case Sizes(items=items):
            return frozenset[str]().union(*map(symbols_of, items))
        case HostArray(name=name, shape=None):
            return frozenset((name,))
        case HostArray(shape=shape) if shape is not None:
            return frozenset[str]().union(*map(symbols_of, shape))
        case _:
            return frozenset()
