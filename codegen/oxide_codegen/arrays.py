"""One description for everything array-like, made without copying.

NumPy arrays, buffers of ours, `__cuda_array_interface__` (CuPy, Numba, PyTorch) and DLPack
become an `ArrayView`: address, shape, element type and device. What a kernel cannot take is
refused here with a reason that starts behind the parameter's name: "is not C-contiguous".
"""

from __future__ import annotations

import sys
from math import prod
from typing import Any

from oxide_analyzer.record import record
from oxide_codegen import dlpack
from oxide_codegen.devices import CPU, DeviceId
from oxide_codegen.elements import element_of, named
from oxide_codegen.scalars import BY_CODE
from oxide_codegen.strides import is_contiguous


@record
class ArrayView:
    """Memory that a kernel may be given.

    `owner` keeps it alive. `host` is true for foreign host memory (NumPy and DLPack), which is
    copied to a device that is not the cpu. `stream` is the foreign stream whose work must be
    done before the memory is touched. `strides` are None where elements lie side by side; no
    kernel is given others.
    """

    address: int
    shape: tuple[int, ...]
    element: str
    item_size: int
    read_only: bool
    device: DeviceId
    host: bool
    owner: Any
    stream: int | None = None
    strides: tuple[int, ...] | None = None

    @property
    def size(self) -> int:
        """The number of bytes."""
        return prod(self.shape) * self.item_size


class Refused(Exception):
    """Why something cannot be an array of a kernel; `kind` is TypeError or ValueError."""

    def __init__(
        self, kind: type[Exception], reason: str, *, expected: object, actual: object
    ) -> None:
        super().__init__(reason)
        self.kind = kind
        self.expected = expected
        self.actual = actual


class NotAnArray(Exception):
    """The value speaks no array protocol."""


def view(value: Any, stream: int | None = None) -> ArrayView:
    """Describe `value`; `stream` is the handle of the stream that will use it."""
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray):
        return of_numpy(value)
    interface = getattr(value, "__cuda_array_interface__", None)
    speaks_dlpack = hasattr(value, "__dlpack__") and hasattr(value, "__dlpack_device__")
    # Of an interface before version 3 nobody knows on which stream the array is written.
    if isinstance(interface, dict) and ("stream" in interface or not speaks_dlpack):
        return _of_cuda_interface(value, interface)
    if speaks_dlpack:
        return of_dlpack(value, stream)
    raise NotAnArray(type(value).__name__)


def of_numpy(array: Any, *, owner: Any = None) -> ArrayView:
    """The view of a NumPy array."""
    element = _of_dtype(array.dtype)
    if not array.flags.c_contiguous:
        raise not_contiguous(f"strides {array.strides} for shape {array.shape}")
    return _aligned(
        ArrayView(
            start_of(array),
            array.shape,
            element,
            array.dtype.itemsize,
            not array.flags.writeable,
            CPU,
            True,
            array if owner is None else owner,
        )
    )


def start_of(array: Any) -> int:
    """Where a NumPy array starts; one of `oxide.pinned`, which would wait, is not asked."""
    interface: Any = sys.modules["numpy"].ndarray.__array_interface__
    return interface.__get__(array)["data"][0]


def _of_cuda_interface(value: Any, interface: dict[str, Any]) -> ArrayView:
    element = _of_interface(value, interface)
    if interface.get("mask") is not None:
        raise Refused(
            ValueError, "is a masked array", expected="an array without mask", actual="a mask"
        )
    shape = tuple(int(extent) for extent in interface["shape"])
    item_size = int(interface["typestr"][2:])
    strides = interface.get("strides")
    if strides is not None:
        _demand_contiguous(shape, tuple(int(s) for s in strides), item_size)
    address, read_only = interface["data"]
    stream = interface.get("stream")
    return _sound(
        ArrayView(
            int(address or 0),
            shape,
            element,
            item_size,
            bool(read_only),
            _device_of_pointer(value, int(address or 0)),
            False,
            value,
            int(stream) if stream else None,
        )
    )


def of_dlpack(value: Any, stream: int | None = None) -> ArrayView:
    """The view of an array of any library that speaks DLPack."""
    try:
        tensor = dlpack.taken(value, stream)
    except dlpack.NotGivenError as error:
        raise Refused(
            TypeError, str(error), expected=error.expected, actual=error.actual
        ) from error
    element = _of_complex(tensor.code) if tensor.code[1] == "c" else _element(tensor.code)
    if tensor.strides is not None:
        _demand_contiguous(tensor.shape, tensor.strides, tensor.item_size)
    return _sound(
        ArrayView(
            tensor.address,
            tensor.shape,
            element,
            tensor.item_size,
            tensor.read_only,
            CPU if tensor.index is None else DeviceId("cuda", tensor.index),
            tensor.index is None,
            (value, tensor.capsule),
        )
    )


def _device_of_pointer(value: Any, address: int) -> DeviceId:
    # The interface does not say where the memory is; DLPack and the driver do.
    if hasattr(value, "__dlpack_device__"):
        _, index = value.__dlpack_device__()
        return DeviceId("cuda", int(index))
    if address == 0:
        return DeviceId("cuda", 0)
    from oxide_codegen.cuda import device_of_pointer

    return device_of_pointer(address)


# ---------------------------------------------------------------- what is refused


# What was found before: to ask NumPy for a name takes longer than a launch.
_elements: dict[Any, str] = {}


def _of_dtype(dtype: Any) -> str:
    """The element type of a NumPy dtype."""
    known = _elements.get(dtype)
    if known is None:
        known = _elements[dtype] = _new_dtype(dtype)
    return known


def _new_dtype(dtype: Any) -> str:
    if dtype.names is None and dtype.kind != "c":
        return _element("|bf2" if dtype.name == "bfloat16" else dtype.str)
    found = element_of(dtype)
    return (
        _element(dtype.str if dtype.names is None else str(dtype)) if found is None else str(found)
    )


def _of_complex(code: str) -> str:
    from numpy import dtype

    return _of_dtype(dtype(code[1:]))


def _of_interface(value: Any, interface: dict[str, Any]) -> str:
    """The element type of an array interface, whose records only `descr` or a dtype describes."""
    code = interface["typestr"]
    numpy = sys.modules.get("numpy")
    if numpy is None or code[1:2] not in "cV":
        return _element(code)
    described = code if code[1] == "c" else interface.get("descr")
    dtype = getattr(value, "dtype", None)
    if isinstance(dtype, numpy.dtype) and (code[1] == "V" or described is None):
        return _of_dtype(dtype)
    return _of_dtype(numpy.dtype(described or code))


def _element(code: str) -> str:
    """The element type of a type string such as `<f4`."""
    order, kind = code[:1], code[1:]
    foreign = ">" if sys.byteorder == "little" else "<"
    name = BY_CODE.get(kind)
    if name is None:
        return _spelled(code)
    if order == foreign:
        raise Refused(
            ValueError,
            f"has foreign byte order ({code!r}): convert it with "
            ".astype(array.dtype.newbyteorder('='))",
            expected="native byte order",
            actual=code,
        )
    return name


def _spelled(code: str) -> str:
    """How to name an element type that kernels do not have."""
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        try:
            return str(numpy.dtype(code))
        except TypeError:
            return code.lstrip("|<>=")
    return code.lstrip("|<>=")


def _demand_contiguous(shape: tuple[int, ...], strides: tuple[int, ...], item_size: int) -> None:
    if not is_contiguous(shape, strides, item_size):
        raise not_contiguous(f"strides {strides} for shape {shape}")


def not_contiguous(actual: str, repair: str = "numpy.ascontiguousarray(...)") -> Refused:
    """Why kernels do not take an array whose elements do not lie side by side."""
    return Refused(
        ValueError,
        f"is not C-contiguous ({actual}): copy it with {repair}",
        expected="C-contiguous",
        actual=actual,
    )


def _sound(described: ArrayView) -> ArrayView:
    """The view of another library, if there can be such memory."""
    shape = described.shape
    if min(shape, default=0) < 0 or described.size > sys.maxsize:
        raise Refused(
            ValueError,
            f"cannot have the shape {shape}",
            expected="extents of an array in memory",
            actual=shape,
        )
    if described.size and not described.address:
        raise Refused(
            ValueError, "has elements and no address", expected="an address", actual="null"
        )
    return _aligned(described)


def _aligned(described: ArrayView) -> ArrayView:
    found = named(described.element)
    alignment = described.item_size if found is None else found.alignment
    if alignment and described.address % alignment and 0 not in described.shape:
        whole = "elements" if alignment == described.item_size else "numbers"
        raise Refused(
            ValueError,
            f"starts at an address that is no multiple of its {alignment}-byte {whole}",
            expected=f"alignment to {alignment} bytes",
            actual=hex(described.address),
        )
    return described
