"""What a launch says of a kernel that is read for it: types of arguments, and what names hold.

A kernel that is checked is read from its source alone. One that is to run is read for the arguments
of a launch, as Numba does it, and with what the names of its live function hold at that time:

    scale[4, 64](x, 2.0)        x: f32, one dimension;  factor: f64
    N = 4                       N is the i64 4, as long as the kernel lives
    make(op)                    op is the function that the closure holds, whatever its name
    scale[4, 64](x, x)          the second array is the first one

Who runs kernels implements `Names` over live functions; here nothing is imported or run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeAlias

from oxide_analyzer.record import distinct, record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from oxide_analyzer.frontends.oxide.meanings import UserFunction
    from oxide_analyzer.language.records import Element, Record
    from oxide_analyzer.language.types import Scalar


@record
class ScalarForm:
    """A number, or a complex one."""

    type: Element


@record
class ArrayForm:
    """An array; `same` is the parameter that is the very same memory, where there is one. A record
    that is an argument by itself is an array of one, and `alone`."""

    element: Element
    rank: int
    same: str = ""
    alone: bool = False


@record
class TupleForm:
    """A tuple of such arguments: `p` is then the parameters `p.0`, `p.1`, …, which a named tuple
    has by `names` as well."""

    items: tuple[Form, ...]
    names: tuple[str, ...] = ()


Form: TypeAlias = ScalarForm | ArrayForm | TupleForm


@record
class LiveNumber:
    """A number, of the type that it has in kernels."""

    value: int | float | bool
    type: Scalar


@record
class LiveComplex:
    """A complex number, whose parts have a type."""

    value: complex
    part: Scalar


@record
class LiveTuple:
    """A tuple of what kernels know."""

    items: tuple[Live, ...]


@record
class LiveArray:
    """The elements of an array, as they are when the kernel is compiled."""

    shape: tuple[int, ...]
    element: Scalar
    values: tuple[int | float | bool, ...]


@record
class LiveRecords:
    """The same of an array of records or complex numbers: a column for each of their leaves."""

    shape: tuple[int, ...]
    element: Record
    columns: tuple[tuple[int | float | bool, ...], ...]


@record
class LiveType:
    """A type of elements."""

    type: Element


@record
class LiveModule:
    """A module, by the name under which `NumbaResolver` knows it."""

    name: str


@record
class LiveName:
    """A function that the analyzer knows by name: `operator.add`, `math.sqrt`, `atomic.add` of
    `numba.cuda`."""

    module: str
    path: tuple[str, ...]


@record
class Convention:
    """What becomes of the arguments and the result of a function that kernels call."""

    parameters: tuple[Element | None, ...]
    result: Element | None


@distinct
class LiveFunction:
    """A function that kernels may call, where its source stands."""

    function: UserFunction
    convention: Convention | None = None


Live: TypeAlias = (
    LiveNumber
    | LiveComplex
    | LiveTuple
    | LiveArray
    | LiveRecords
    | LiveType
    | LiveModule
    | LiveName
    | LiveFunction
)


class Names(Protocol):
    """What the names of live functions hold."""

    def find(self, function: UserFunction, path: tuple[str, ...]) -> Live | None:
        """What a dotted name holds in the body of a function; None for what its source says."""
        ...


@distinct
class Launched:
    """What a launch says: a form for each parameter, and the live names."""

    forms: Mapping[str, Form]
    names: Names
