"""The arguments of one launch: bound to parameters as Python binds them, each of them checked.

Nothing is converted in silence. An array has exactly the element type of its parameter; a Python
number may stand for every scalar type that can hold it; a NumPy scalar for its own type and
wider ones of its kind. What comes out is ready to be packed:

    vecadd[4, 256](a, b, c)    ->    values   {}
                                     views    {"a": ArrayView(...), "b": ..., "c": ...}

Structs are taken apart into the numbers that the kernel has in their place.
"""

from __future__ import annotations

import inspect
import math
import sys
from enum import Enum
from typing import TYPE_CHECKING, Any

from oxide_analyzer.interpreter.arithmetic import literal
from oxide_analyzer.ir import walk
from oxide_analyzer.ir.kernel import ScalarParameter
from oxide_analyzer.ir.nodes import CheckAligned, Ownership, Space
from oxide_analyzer.language.types import Kind
from oxide_analyzer.launch import MAX_LENGTH, extent_of
from oxide_analyzer.record import record
from oxide_codegen.arrays import ArrayView, NotAnArray, Refused, view
from oxide_codegen.buffers import DeviceBuffer
from oxide_codegen.elements import spelled
from oxide_codegen.errors import BufferLayoutError, LaunchTypeError, LaunchValueError
from oxide_codegen.parts import Parts
from oxide_codegen.scalars import NUMPY_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.ir.nodes import Array
    from oxide_analyzer.language.types import Scalar
    from oxide_analyzer.launch import Number
    from oxide_codegen.devices import DeviceId


@record
class Arguments:
    """Checked arguments: scalars by name, arrays by name, and the device they are on.

    `owners` are those arrays that are buffers of ours.

    `device` is None if nothing says: a kernel of scalars only. `host` is true for NumPy arrays
    and other foreign host memory, which goes to the current device.
    """

    scalars: Mapping[str, Number]
    views: Mapping[str, ArrayView]
    owners: Mapping[str, DeviceBuffer[Any]]
    device: DeviceId | None
    host: bool

    @property
    def buffers(self) -> tuple[DeviceBuffer[Any], ...]:
        """The arrays that are buffers of ours."""
        return tuple(self.owners.values())

    def written(self, kernel: Kernel) -> tuple[DeviceBuffer[Any], ...]:
        """The buffers of ours that a launch may change."""
        return tuple(
            buffer
            for name, buffer in self.owners.items()
            if kernel.arrays[name].ownership is not Ownership.READ_ONLY
        )

    def cells(self, kernel: Kernel) -> list[int | float]:
        """One value per slot of the kernel's layout."""
        cells: list[int | float] = []
        for parameter in kernel.parameters:
            if isinstance(parameter, ScalarParameter):
                cells.append(self.scalars[parameter.name])
            else:
                described = self.views[parameter.name]
                cells.append(described.address)
                cells.extend(described.shape)
        return cells


class Signature:
    """The parameters of a kernel as Python binds them and as its types admit them."""

    def __init__(self, kernel: Kernel, function: Callable[..., Any]) -> None:
        python = inspect.signature(function)
        own = tuple(python.parameters) == tuple(p.name for p in kernel.parameters)
        self._set(kernel, python, len(python.parameters), None if own else Parts(kernel))

    @classmethod
    def positional(cls, kernel: Kernel, *, may_overlap: bool = False) -> Signature:
        """One argument for each parameter of the kernel, whatever its function takes."""
        made = cls.__new__(cls)
        made._set(kernel, inspect.Signature(), len(kernel.parameters), None)
        made.may_overlap = may_overlap
        return made

    def _set(
        self, kernel: Kernel, python: inspect.Signature, count: int, parts: Parts | None
    ) -> None:
        self.kernel = kernel
        self.name = kernel.name
        self._python = python
        self._count = count
        self._parts = parts
        self.may_overlap = False
        self._alignments = alignments(kernel)

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> tuple[Any, ...]:
        """One value per parameter of the kernel, defaults filled in and structs taken apart."""
        if len(args) == self._count and not kwargs:
            if self._parts is None:
                return args
            return self._parts.take(dict(zip(self._python.parameters, args, strict=True)))
        arguments = _bound(self.name, self._python, args, kwargs)
        if self._parts is not None:
            return self._parts.take(arguments)
        return tuple(arguments.values())

    @property
    def has_parts(self) -> bool:
        """Whether the arguments of a launch are not the parameters of the kernel one by one."""
        return self._parts is not None

    def check(self, values: tuple[Any, ...], stream: int | None = None) -> Arguments:
        """Check each value against its parameter, and arrays against each other."""
        scalars: dict[str, Number] = {}
        views: dict[str, ArrayView] = {}
        owners: dict[str, DeviceBuffer[Any]] = {}
        for parameter, value in zip(self.kernel.parameters, values, strict=True):
            if isinstance(parameter, ScalarParameter):
                scalars[parameter.name] = scalar(self.name, parameter.name, parameter.type, value)
                continue
            array = self.kernel.arrays[parameter.name]
            if isinstance(value, DeviceBuffer):
                owners[parameter.name] = value
            described = self._view(array, value, stream)
            _demand_fit(self.name, array, described)
            _demand_aligned(self.name, array, described, self._alignments.get(array.name, 1))
            views[parameter.name] = described
        device, host = self._place(views)
        if not self.may_overlap:
            self._demand_disjoint(views)
        return Arguments(scalars, views, owners, device, host)

    def _view(self, array: Array, value: Any, stream: int | None) -> ArrayView:
        try:
            return value.view() if isinstance(value, DeviceBuffer) else view(value, stream)
        except BufferLayoutError as error:
            raise LaunchValueError(
                self.name,
                f"`{array.name}` {error.reason}",
                parameter=array.name,
                expected="C-contiguous",
                actual=error.actual,
            ) from None
        except NotAnArray:
            raise LaunchTypeError(
                self.name,
                f"`{array.name}` wants {_wanted(array)}, got {type(value).__name__}",
                parameter=array.name,
                expected=_wanted(array),
                actual=type(value).__name__,
            ) from None
        except Refused as refused:
            error = LaunchTypeError if refused.kind is TypeError else LaunchValueError
            raise error(
                self.name,
                f"`{array.name}` {refused}",
                parameter=array.name,
                expected=refused.expected,
                actual=refused.actual,
            ) from None

    def _place(self, views: Mapping[str, ArrayView]) -> tuple[DeviceId | None, bool]:
        first: tuple[str, ArrayView] | None = None
        for name, described in views.items():
            if first is None:
                first = name, described
                continue
            if (described.host, described.device) != (first[1].host, first[1].device):
                here, there = _where(described), _where(first[1])
                hint = (
                    "; put both on one device with oxide.asarray"
                    if described.host != first[1].host
                    else ""
                )
                raise LaunchTypeError(
                    self.name,
                    f"`{name}` is {here}, but `{first[0]}` is {there}{hint}",
                    parameter=name,
                    expected=there,
                    actual=here,
                )
        if first is None:
            return None, False
        return (None, True) if first[1].host else (first[1].device, False)

    def _demand_disjoint(self, views: Mapping[str, ArrayView]) -> None:
        ranges = sorted(
            ((v.address, v.address + v.size, name) for name, v in views.items() if v.size),
        )
        # Sorted by start, a range meets an earlier one exactly if one of those ends behind its
        # start; read-only ones may meet each other.
        for position, (start, _, name) in enumerate(ranges):
            for _, other_end, other in ranges[:position]:
                if other_end > start and (self._mutable(name) or self._mutable(other)):
                    mutable, beside = (name, other) if self._mutable(name) else (other, name)
                    raise LaunchValueError(
                        self.name,
                        f"`{mutable}` is written and shares memory with `{beside}`",
                        parameter=mutable,
                        expected=f"memory apart from that of `{beside}`",
                        actual="overlapping memory",
                        rule="OX108",
                    )

    def _mutable(self, name: str) -> bool:
        return self.kernel.arrays[name].ownership is not Ownership.READ_ONLY


def bound(
    name: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The arguments of a launch by the names of the function's parameters, defaults filled in."""
    return _bound(name, inspect.signature(function), args, kwargs)


def _bound(
    name: str, python: inspect.Signature, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Mapping[str, Any]:
    try:
        found = python.bind(*args, **kwargs)
    except TypeError as error:
        raise LaunchTypeError(
            name,
            f"{error}; it takes ({', '.join(python.parameters)})",
            parameter=_blamed(str(error)),
            expected=len(python.parameters),
            actual=len(args) + len(kwargs),
        ) from None
    found.apply_defaults()
    return found.arguments


def _demand_fit(kernel: str, array: Array, described: ArrayView) -> None:
    wanted = str(array.held)
    if described.element != wanted:
        actual = spelled(described.element)
        raise LaunchTypeError(
            kernel,
            f"`{array.name}` wants elements of {wanted}"
            f"{f' ({NUMPY_NAMES[wanted]})' if wanted in NUMPY_NAMES else ''}, got {actual}",
            parameter=array.name,
            expected=wanted,
            actual=described.element,
        )
    rank = len(described.shape)
    if rank != array.held_rank:
        raise LaunchTypeError(
            kernel,
            f"`{array.name}` wants {array.held_rank} "
            f"dimension{'s' if array.held_rank > 1 else ''}, got {rank} (shape {described.shape})",
            parameter=array.name,
            expected=array.held_rank,
            actual=rank,
        )
    if described.read_only and array.ownership is not Ownership.READ_ONLY:
        raise LaunchValueError(
            kernel,
            f"`{array.name}` is written by the kernel, but the array is read-only",
            parameter=array.name,
            expected="a writable array",
            actual="a read-only array",
        )
    for extent in described.shape:
        if extent > MAX_LENGTH:
            raise LaunchValueError(
                kernel,
                f"`{array.name}` has {extent} elements along an axis; at most {MAX_LENGTH} may be",
                parameter=array.name,
                expected=MAX_LENGTH,
                actual=extent,
            )
    if extent_of(described.shape) > MAX_LENGTH:
        raise LaunchValueError(
            kernel,
            f"the axes of `{array.name}` span more than {MAX_LENGTH} elements "
            f"(shape {described.shape})",
            parameter=array.name,
            expected=MAX_LENGTH,
            actual=extent_of(described.shape),
        )


def alignments(kernel: Kernel) -> Mapping[str, int]:
    """To how many bytes the arrays start that are read or written several elements at once."""
    found: dict[str, int] = {}
    for statement in walk.statements(kernel.body):
        if isinstance(statement, CheckAligned):
            array = kernel.arrays[statement.array]
            if array.space is Space.GLOBAL:
                size = statement.width * array.element.size
                found[array.name] = max(found.get(array.name, 1), size)
    return found


def _demand_aligned(kernel: str, array: Array, described: ArrayView, alignment: int) -> None:
    own = array.held.alignment
    if described.address % own and described.size:
        raise LaunchValueError(
            kernel,
            f"`{array.name}` starts at an address that is no multiple of {own} bytes",
            parameter=array.name,
            expected=f"alignment to {own} bytes",
            actual=hex(described.address),
        )
    if described.address % alignment and described.size:
        raise LaunchValueError(
            kernel,
            f"`{array.name}` is read or written {alignment // array.element.size} elements at "
            f"once, but its address is no multiple of {alignment} bytes",
            parameter=array.name,
            expected=f"alignment to {alignment} bytes",
            actual=hex(described.address),
            rule="OX306",
        )


# ---------------------------------------------------------------- scalars


def scalar(kernel: str, name: str, type_: Scalar, value: Any) -> Number:
    """`value` as a Python number that `type_` holds; `LaunchError` if it does not."""
    number, bits = _number(value)
    if number is None or not _admits(type_, number, bits):
        actual = type(value).__name__
        raise LaunchTypeError(
            kernel,
            f"`{name}` wants {_article(type_)}, got {actual}",
            parameter=name,
            expected=type_.name,
            actual=actual,
        )
    if type_.kind is Kind.BOOL:
        return bool(number)
    if type_.is_integer:
        if not type_.min <= number <= type_.max:
            raise LaunchValueError(
                kernel,
                f"`{name}` is {number}, out of the range of {type_} ({type_.min} to {type_.max})",
                parameter=name,
                expected=(type_.min, type_.max),
                actual=number,
            )
        return int(number)
    return _float(kernel, name, type_, number)


def _number(value: Any) -> tuple[Number | None, int]:
    """A Python number; for a float of NumPy's also its width, which is never narrowed."""
    if isinstance(value, Enum):
        value = value.value
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.generic):
        if value.dtype.kind not in "biuf" or value.dtype.itemsize > 8:
            return None, 0
        return value.item(), 8 * value.dtype.itemsize if value.dtype.kind == "f" else 0
    # Enumerations of ints are numbers, and so are subclasses of float.
    return (value, 0) if isinstance(value, int | float) else (None, 0)


def _admits(type_: Scalar, number: Number, bits: int) -> bool:
    if isinstance(number, bool) or type_.kind is Kind.BOOL:
        return isinstance(number, bool) and type_.kind is Kind.BOOL
    if isinstance(number, float):
        return type_.is_float and bits <= type_.bits
    return True


def _float(kernel: str, name: str, type_: Scalar, number: Number) -> float:
    fitted = float(literal(number, type_))
    if math.isinf(fitted) and not (isinstance(number, float) and math.isinf(number)):
        raise LaunchValueError(
            kernel,
            f"`{name}` is {number}, out of the range of {type_}",
            parameter=name,
            expected=type_.name,
            actual=number,
        )
    return fitted


# ---------------------------------------------------------------- words


def _article(type_: Scalar) -> str:
    if type_.kind is Kind.BOOL:
        return "a bool"
    return f"an integer ({type_})" if type_.is_integer else f"a number ({type_})"


def _wanted(array: Array) -> str:
    return f"a {array.held_rank}-D array of {array.held}"


def _where(described: ArrayView) -> str:
    if described.host:
        return "a NumPy array" if _is_numpy(described.owner) else "in host memory"
    return f"on {described.device}"


def _is_numpy(owner: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and isinstance(owner, numpy.ndarray)


def _blamed(message: str) -> str | None:
    # "missing a required argument: 'b'", "got an unexpected keyword argument 'd'"
    parts = message.split("'")
    return parts[1] if len(parts) >= 3 else None
