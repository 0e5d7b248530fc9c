"""What host code computes of a launch: sizes, tuples, arrays, kernels, and what is not known."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.record import distinct, record
from oxide_analyzer.sizes import Size, Symbol, Whole, computed, may_touch, names_of, with_names

if TYPE_CHECKING:
    import ast

    from oxide_analyzer.frontends.numba.host import Host
    from oxide_analyzer.frontends.oxide.meanings import UserFunction
    from oxide_analyzer.frontends.oxide.scopes import Scope
    from oxide_analyzer.language.records import Element


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
            one is None or two is None or may_touch(one, two)
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
HostValue: TypeAlias = (
    Size | Sizes | Table | HostArray | HostScalar | HostFunction | Configured | Instance | NotKnown
)


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
        case Symbol() | Whole():
            return with_names(value, by)
        case Sizes(items=items, is_list=is_list):
            return Sizes(tuple(renamed(item, by) for item in items), is_list)
        case Table(items=items):
            return Table(tuple((key, renamed(item, by)) for key, item in items))
        case HostArray(name=name, shape=shape, element=element, regions=regions):
            supposed = value.supposed and by + value.supposed
            return HostArray(
                by + name,
                None if shape is None else tuple(with_names(extent, by) for extent in shape),
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
                None if tasks is None else with_names(tasks, by),
            )
        case _:
            return value


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
    return computed(op, one, other)


def ceiling(one: HostValue, other: HostValue) -> HostValue:
    """A division that is rounded up."""
    return whole("ceil", one, other)


def symbols_of(value: HostValue) -> frozenset[str]:
    """The names of which a value is made."""
    match value:
        case Symbol() | Whole():
            return names_of(value)
        case Sizes(items=items):
            return frozenset[str]().union(*map(symbols_of, items))
        case HostArray(name=name, shape=None):
            return frozenset((name,))
        case HostArray(shape=shape) if shape is not None:
            return frozenset[str]().union(*map(symbols_of, shape))
        case _:
            return frozenset()


def one_of(values: list[HostValue], name: str) -> HostValue:
    """What several values have in common; an array of one shape is one of that shape."""
    if not values:
        return NOT_KNOWN
    first = values[0]
    if all(value == first for value in values[1:]):
        return first
    arrays = [value for value in values if isinstance(value, HostArray)]
    if len(arrays) < len(values):
        return NOT_KNOWN
    regions = tuple(dict.fromkeys(region for array in arrays for region in array.lies))
    shapes, elements = {(a.shape, a.supposed) for a in arrays}, {a.element for a in arrays}
    shape, supposed = shapes.pop() if len(shapes) == 1 else (None, None)
    element = elements.pop() if len(elements) == 1 else None
    if shape is None and len(names := {array.name for array in arrays}) == 1:
        # Where only names are known, one name is one shape.
        [name] = names
    return HostArray(name, shape, element, regions, supposed)
