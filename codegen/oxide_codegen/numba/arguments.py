"""The arguments of one launch of a Numba kernel: their forms, and how they are passed.

    k[4, 64](x, d, 3, 0.5)      x: float32[:], d: float64[:, :], 3: int64, 0.5: float64

NumPy arrays go to the device of the launch and come back when it is done, as Numba has it; on the
cpu device they are there. What is not contiguous is copied to memory that is, and back. Arrays of
host and device may be mixed. An array that is given twice is one array for the kernel: the code for
that is another one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from oxide_analyzer.frontends.numba.given import ArrayForm, ScalarForm, TupleForm
from oxide_analyzer.language.records import COMPLEX128
from oxide_analyzer.language.types import BOOL, F64, I64, U64, Scalar
from oxide_codegen import devices, elements
from oxide_codegen.arguments import scalar
from oxide_codegen.errors import LaunchTypeError
from oxide_codegen.numba.arrays import (
    DeviceNDArray,
    as_device_array,
    element_of,
    kind_of,
    over_host,
    to_device,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from oxide_analyzer.frontends.numba.given import Form
    from oxide_analyzer.language.records import Element

_HUGE = I64.max


def key_of(value: Any) -> object:
    """What stands for the form of an argument: equal keys, equal forms."""
    kind = value.__class__
    if kind is DeviceNDArray:
        return value.kind or kind_of(value.dtype, len(value.shape))
    if kind is int:
        return int if -_HUGE <= value <= _HUGE else u64
    if issubclass(kind, np.void):
        return elements.element_of(value.dtype)
    if kind is float or kind is bool or kind is complex or issubclass(kind, np.generic):
        return kind
    if isinstance(value, np.ndarray):
        array = cast("np.ndarray[Any, Any]", value)
        return kind_of(array.dtype, array.ndim)
    if isinstance(value, tuple):
        items = tuple(key_of(item) for item in cast("tuple[Any, ...]", value))
        names: tuple[str, ...] = getattr(value, "_fields", ())
        return (*items, names) if names else items
    if isinstance(value, int | float):
        return float if isinstance(value, float) else int
    described = getattr(value, "__cuda_array_interface__", None)
    if isinstance(described, dict):
        interface = cast("dict[str, Any]", described)
        return kind_of(np.dtype(interface["typestr"]), len(interface["shape"]))
    return kind


class u64:
    """The key of Python integers that no i64 holds."""


def form_of(name: str, parameter: str, value: Any) -> Form:
    """What an argument is for a kernel; raises `LaunchTypeError` where kernels take no such."""
    if isinstance(value, bool | np.bool_):
        return ScalarForm(BOOL)
    if isinstance(value, np.generic):
        element = elements.element_of(value.dtype)
        if isinstance(value, np.void) and element is not None:
            return ArrayForm(element, 1, alone=True)
        if element is not None:
            return ScalarForm(element)
    elif isinstance(value, complex):
        return ScalarForm(COMPLEX128)
    elif isinstance(value, int):
        return ScalarForm(I64 if -_HUGE <= value <= _HUGE else U64)
    elif isinstance(value, float):
        return ScalarForm(F64)
    elif isinstance(value, tuple):
        items = cast("tuple[Any, ...]", value)
        return TupleForm(
            tuple(form_of(name, f"{parameter}[{k}]", item) for k, item in enumerate(items)),
            tuple(getattr(value, "_fields", ())),
        )
    else:
        array = value if isinstance(value, np.ndarray | DeviceNDArray) else as_device_array(value)
        if array is not None:
            return _array_form(name, parameter, array)
    raise LaunchTypeError(
        name,
        f"`{parameter}` is a {type(value).__name__}, and kernels take arrays, numbers and tuples",
        parameter=parameter,
        expected="an array, a number or a tuple of these",
        actual=type(value).__name__,
    )


def _array_form(name: str, parameter: str, array: Any) -> ArrayForm:
    try:
        element = element_of(array.dtype)
    except TypeError as error:
        raise LaunchTypeError(
            name,
            f"`{parameter}`: {error}",
            parameter=parameter,
            expected="an element type of kernels",
            actual=str(array.dtype),
        ) from None
    if array.ndim == 0:
        raise LaunchTypeError(
            name,
            f"`{parameter}` is an array of no dimensions; pass it as array.reshape(1)",
            parameter=parameter,
            expected="at least one dimension",
            actual=0,
        )
    found = elements.named(element)
    assert found is not None
    return ArrayForm(found, array.ndim)


def with_repeated(
    names: Sequence[str], values: Sequence[Any], forms: Mapping[str, Form]
) -> tuple[dict[str, Form], tuple[int, ...]]:
    """The forms, where arrays that are given twice are one; and which one each is."""
    found: dict[str, Form] = {}
    first: dict[object, int] = {}
    same: list[int] = []
    for k, (name, value) in enumerate(zip(names, values, strict=True)):
        form = forms[name]
        place = _place(value) if isinstance(form, ArrayForm) else None
        one = k if place is None else first.setdefault(place, k)
        same.append(one)
        if one != k and isinstance(form, ArrayForm):
            form = replace(form, same=names[one])
        found[name] = form
    return found, tuple(same)


def _place(value: Any) -> object:
    """Where an array lies, and as what; None for what is none, or has no elements."""
    if isinstance(value, DeviceNDArray):
        address = value.device_pointer
    elif isinstance(value, np.ndarray):
        address = cast("np.ndarray[Any, Any]", value).ctypes.data
    else:
        return None
    array: Any = value
    return (address, array.shape, array.strides, array.dtype.str) if array.size else None


class Passed:
    """Arguments as a launch takes them, and what is copied back when it is done.

    With `everywhere`, host arrays are put on the device of the launch and stay there as long as
    it runs; without, the launch does that by itself.
    """

    def __init__(self) -> None:
        self.values: list[Any] = []
        self.back: list[Callable[[], None]] = []

    def add(self, name: str, parameter: str, form: Form, value: Any, *, is_mixed: bool) -> None:
        """One argument."""
        if isinstance(form, TupleForm):
            for k, (inner, item) in enumerate(zip(form.items, value, strict=True)):
                self.add(name, f"{parameter}.{k}", inner, item, is_mixed=is_mixed)
        elif isinstance(form, ScalarForm):
            self._numbers(name, parameter, form.type, value)
        elif not form.same:
            self.values.append(self._array(value, is_mixed))

    def _numbers(self, name: str, parameter: str, type: Element, value: Any) -> None:
        """A number, or each one of a complex number or a record."""
        if isinstance(type, Scalar):
            self.values.append(number(name, parameter, type, value))
            return
        for field in type.fields:
            if not field.shape:
                inner = elements.leaf(value, (field.name,))
                self._numbers(name, f"{parameter}.{field.name}", field.type, inner)

    def _array(self, value: Any, is_mixed: bool) -> Any:
        if isinstance(value, np.void):
            return self._array(self._alone(value), is_mixed)
        if isinstance(value, np.ndarray):
            return self._host(cast("np.ndarray[Any, Any]", value), is_mixed)
        array: Any = as_device_array(value)
        if array.buffer is not None:
            return array.buffer
        whole = to_device(array.read())
        self.back.append(lambda: array.write(whole.read()))
        return whole.buffer

    def _alone(self, value: Any) -> Any:
        """A record as an array of one, which is copied back to where the record lies."""
        array = np.zeros(1, value.dtype)
        array[0] = value

        def copy_back() -> None:
            for name in value.dtype.names:
                value[name] = array[0][name]

        self.back.append(copy_back)
        return array

    def _host(self, array: Any, is_mixed: bool) -> Any:
        given = array
        if not array.flags.c_contiguous or not array.flags.aligned:
            array = np.array(array, order="C", copy=True)
            if given.flags.writeable:
                self.back.append(lambda: np.copyto(given, array))
        if not is_mixed:
            return array
        if devices.current().kind == "cpu":
            return over_host(array).buffer
        there = to_device(array)
        if given.flags.writeable:

            def copy_back() -> None:
                there.copy_to_host(array)

            self.back.insert(0, copy_back)
        return there.buffer


def number(name: str, parameter: str, type: Scalar, value: Any) -> int | float | bool:
    """A number as one of a type, converted as Numba converts arguments."""
    if isinstance(value, np.generic):
        value = value.item()
    if type.is_float and isinstance(value, int):
        value = float(value)
    elif type.is_integer:
        value = type.wrap(int(value))
    elif type is BOOL:
        value = bool(value)
    return scalar(name, parameter, type, value)
