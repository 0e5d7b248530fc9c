"""What host code computes of a launch: sizes, tuples, arrays, kernels, and what is not known.

A quantity that is known by nothing else is a `Symbol` with a name of its own: two places that see
the same one see one value.
"""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.record import distinct, record

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable

    from oxide_analyzer.frontends.numba.host import Host
    from oxide_analyzer.frontends.oxide.meanings import UserFunction
    from oxide_analyzer.frontends.oxide.scopes import Scope
    from oxide_analyzer.language.records import Element


_MOST_TRIED = 64
_EVALUATED: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "%": operator.mod,
}


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
    """A tuple or list; a list can be changed."""

    items: tuple[HostValue, ...]
    is_list: bool = False


@record
class Table:
    """A dictionary whose keys are literals."""

    items: tuple[tuple[str | int, HostValue], ...]


@record
class Region:
    """Memory that something made, or a part of it: along each axis from one index up to another,
    or anything (None). That of a device is given back by who would copy it there."""

    made: str
    part: tuple[tuple[Size, Size] | None, ...] = ()
    is_of_device: bool = False

    def meets(self, other: Region) -> bool:
        """Whether two parts may have an element in common."""
        return self.made == other.made and all(
            one is None or two is None or _touch(one, two)
            for one, two in zip(self.part, other.part, strict=False)
        )


@record
class HostArray:
    """An array: its shape, or, where only its name is known, symbols for it; of a name that may
    hold something else, a number perhaps, nothing else is known. Of `zeros(n)` the shape is (n,),
    and `supposed` is the name of n where n may be a tuple.

    It lies in one of the `regions`, or where nothing else does if there are none.
    """

    name: str
    shape: tuple[Size, ...] | None
    element: Element | None = None
    regions: tuple[Region, ...] = ()
    supposed: str | None = None

    @property
    def lies(self) -> tuple[Region, ...]:
        """Where it may lie."""
        return self.regions or (Region(self.name),)

    def may_share(self, other: HostArray) -> bool:
        """Whether both may have an element in common."""
        return any(one.meets(two) for one in self.lies for two in other.lies)

    @property
    def is_of_device(self) -> bool:
        """Whether all of it certainly lies on a device."""
        return all(region.is_of_device for region in self.lies)

    @property
    def length(self) -> Size:
        """What `len` gives."""
        return self.shape[0] if self.shape else Symbol(f"{self.name}.shape[0]")

    def extents(self, rank: int) -> tuple[Size, ...] | None:
        """The extents, if it has so many axes; none where it cannot have."""
        if self.shape is not None and len(self.shape) == rank:
            return self.shape
        if self.shape is not None and self.supposed is None:
            return None
        of = self.supposed if self.shape is not None else f"{self.name}.shape"
        extents = tuple(Symbol(f"{of}[{axis}]") for axis in range(rank))
        return (*self.shape, *extents[1:]) if self.shape else extents

    @property
    def count(self) -> str:
        """The name of the number of its elements, where that is no product of known extents."""
        return f"{self.supposed or self.name}.size"


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


@record
class Instance:
    """An object of a class of the source, or, without an `owner`, the class.

    Of two objects nothing is the same but what their class says: the `owner` is a name for one.
    """

    node: ast.ClassDef
    scope: Scope
    owner: str = ""


class NotKnown:
    """Anything else."""


NOT_KNOWN = NotKnown()
Size: TypeAlias = int | Symbol | Whole
HostValue: TypeAlias = (
    Size | Sizes | Table | HostArray | HostScalar | HostFunction | Configured | Instance | NotKnown
)


def _touch(one: tuple[Size, Size], other: tuple[Size, Size]) -> bool:
    if _ends_before(one[1], other[0]) or _ends_before(other[1], one[0]):
        return False
    are_indices = all(high == Whole("+", low, 1) for low, high in (one, other))
    return not (are_indices and _never_equal(one[0], other[0]))


def _never_equal(one: Size, other: Size) -> bool:
    """Whether two indices are those of different elements whatever their names hold: `i` and
    `i + 1`, `i % 2` and `(i + 1) % 2`."""
    for size, base in ((one, other), (other, one)):
        match size:
            case Whole(op="+", left=left, right=int() as by) if left == base and by > 0:
                return True
            case Whole(op="-", left=left, right=1) if left == base:
                return True
            case _:
                pass
    names = symbols_of(one) | symbols_of(other)
    period = _period(one) * _period(other)
    if len(names) != 1 or not 0 < period <= _MOST_TRIED:
        return False
    # Below zero they would count from behind.
    pairs = [(_at(one, number), _at(other, number)) for number in range(period)]
    return all(first != second and min(first, second) >= 0 for first, second in pairs)


def _period(size: Size) -> int:
    """After how many steps of its one name a number is the same again; 0 if nobody knows."""
    match size:
        case int():
            return 1
        case Symbol():
            return 0
        case Whole(op="%", left=left, right=int() as by) if by > 0 and _is_linear(left):
            return by
        case Whole(op="+" | "-" | "*", left=left, right=right):
            return _period(left) * _period(right)
        case _:
            return 0


def _is_linear(size: Size) -> bool:
    match size:
        case int() | Symbol():
            return True
        case Whole(op="+" | "-" | "*", left=left, right=right):
            return _is_linear(left) and _is_linear(right)
        case _:
            return False


def _at(size: Size, number: int) -> int:
    match size:
        case int():
            return size
        case Symbol():
            return number
        case Whole(op=op, left=left, right=right):
            return _EVALUATED[op](_at(left, number), _at(right, number))


def _ends_before(end: Size, begin: Size) -> bool:
    """Whether a part up to `end` lies in front of one from `begin` on: `x[:n]`, `x[n:]`."""
    if isinstance(end, int) and isinstance(begin, int) and min(end, begin) >= 0:
        return end <= begin
    return end == begin


def holds_lists(value: HostValue) -> bool:
    """Whether something in a value can be changed."""
    match value:
        case Sizes(items=items, is_list=is_list):
            return is_list or any(map(holds_lists, items))
        case Table():
            return True
        case _:
            return False


def renamed(value: HostValue, by: str) -> HostValue:
    """A value whose names are those of another moment, or another object."""
    if not by:
        return value
    match value:
        case Symbol(name=name, least=least, above=above):
            ends = [None if e is None else _renamed_size(e, by) for e in (least, above)]
            return Symbol(by + name, *ends)
        case Whole():
            return _renamed_size(value, by)
        case Sizes(items=items, is_list=is_list):
            return Sizes(tuple(renamed(item, by) for item in items), is_list)
        case Table(items=items):
            return Table(tuple((key, renamed(item, by)) for key, item in items))
        case HostArray(name=name, shape=shape, element=element, regions=regions):
            supposed = value.supposed and by + value.supposed
            return HostArray(
                by + name,
                None if shape is None else tuple(_renamed_size(extent, by) for extent in shape),
                element,
                tuple(
                    Region(by + region.made, region.part, region.is_of_device) for region in regions
                ),
                supposed,
            )
        case Instance(node=node, scope=scope, owner=owner) if owner:
            return Instance(node, scope, by + owner)
        case Configured(kernel=kernel, configuration=configuration, given=given, tasks=tasks):
            return Configured(
                kernel,
                renamed(configuration, by),
                tuple(renamed(argument, by) for argument in given),
                None if tasks is None else _renamed_size(tasks, by),
            )
        case _:
            return value


def _renamed_size(size: Size, by: str) -> Size:
    match size:
        case int():
            return size
        case Symbol():
            found = renamed(size, by)
            assert isinstance(found, Symbol)
            return found
        case Whole(op=op, left=left, right=right):
            return Whole(op, _renamed_size(left, by), _renamed_size(right, by))


def as_size(value: HostValue) -> HostValue:
    """A value that is used as a number: of a name that nothing says more about, a symbol."""
    if isinstance(value, HostArray) and value.shape is None and value.element is None:
        return Symbol(value.name)
    return value


def item(base: HostValue, index: HostValue) -> HostValue:
    """`base[index]` of a tuple, or of the shape of an array."""
    match base, index:
        case Sizes(items=items), int() as place if -len(items) <= place < len(items):
            return items[place]
        case HostArray(shape=None) as array, int() as place if place >= 0:
            if array.supposed is not None and place == 0:
                # Of the shape of `zeros(n)` it is n, or the first number in it.
                return Symbol(array.supposed)
            is_shape = array.name.endswith(".shape") or array.supposed is not None
            return Symbol(f"{array.name}[{place}]") if is_shape else NOT_KNOWN
        case _:
            return NOT_KNOWN


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
