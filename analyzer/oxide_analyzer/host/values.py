"""What host code computes: numbers, tuples, objects with an identity, kernels, and the unknown.

Sizes are those of `sizes`: a number of which nothing is known but that it is the same wherever
it is seen is a `Symbol`.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

from oxide_analyzer.record import distinct, record
from oxide_analyzer.sizes import Size, Symbol, Whole

if TYPE_CHECKING:
    import ast

    from oxide_analyzer.frontends.oxide.meanings import UserFunction
    from oxide_analyzer.source import Span


class Kind(Enum):
    """What an object is."""

    BUFFER = "buffer"
    OPERATION = "operation"
    STREAM = "stream"
    HOST_ARRAY = "array of the host"
    FOREIGN_ARRAY = "array of Numba"
    FOREIGN_STREAM = "stream of Numba"


@record
class Thing:
    """An object that a line of the source has made; `number` is its identity.

    `device` is "cpu" or "cuda:0" where the source says it. `made` is where it was made, and `text`
    the code that did. A shared operation `may_repeat`. `gives` is what an operation gives.
    Memory of the host that the device writes by itself is `is_pinned`; if it `waits`, what NumPy
    does with it comes behind such copies.
    """

    kind: Kind
    number: int
    made: Span
    shape: tuple[Size, ...] | None = None
    device: str | None = None
    may_repeat: bool = False
    gives: Kind | None = None
    is_pinned: bool = False
    waits: bool = False


@record
class Items:
    """A tuple or list that is written out; a list may be another one as soon as it has a name."""

    items: tuple[Value, ...]
    is_list: bool = False


@record
class Text:
    """A string."""

    value: str


@record
class Path:
    """Something that was imported: `numpy.zeros`, `oxide.operations`."""

    dotted: str


@record
class Method:
    """A method of an object."""

    owner: Thing | Configured | HostFunction
    name: str


@distinct
class HostFunction:
    """A function of the source, a kernel among them."""

    function: UserFunction


@record
class Named:
    """Arguments of which the names are known: a configuration of a launch."""

    grid: Value
    block: Value
    stream: Value
    shared: Value


@distinct
class Configured:
    """A kernel with grid and block, to be called; of `launch_unchecked`, nobody asks for facts."""

    kernel: UserFunction
    given: Named
    call: ast.expr
    is_checked: bool = True


class Unknown:
    """Anything else."""


UNKNOWN = Unknown()
Value: TypeAlias = (
    int
    | Symbol
    | Whole
    | Thing
    | Items
    | Text
    | Path
    | Method
    | HostFunction
    | Configured
    | Unknown
    | None
)
"""`None` is Python's."""


def is_size(value: Value) -> bool:
    """Whether it is a whole number, known or not."""
    return isinstance(value, int | Symbol | Whole)


def has_list(value: Value) -> bool:
    """Whether it is a list, or holds one."""
    return isinstance(value, Items) and (value.is_list or any(map(has_list, value.items)))


def things_in(value: Value) -> list[Thing]:
    """The objects in a value."""
    match value:
        case Thing():
            return [value]
        case Items(items=items):
            return [thing for item in items for thing in things_in(item)]
        case Method(owner=owner) if isinstance(owner, Thing):
            return [owner]
        case _:
            return []
