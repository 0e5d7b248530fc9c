"""Arrays on a device as Numba's `cuda` hands them out.

    d = cuda.to_device(x)              a copy on the current device
    d[10:20].copy_to_host()            a view of some of its memory
    d[::2], d[:, 1]                    a view that kernels get as a copy, which is copied back

Memory is a `DeviceBuffer` of ours. A view that is contiguous in memory is one as well, and kernels
take both as they are. Of a view that is not, host and device exchange the stretch of memory from
its first to its last element. On the cpu device all of this is host memory.
"""

from __future__ import annotations

import sys
from math import prod
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from oxide_codegen import devices, elements
from oxide_codegen.arrays import ArrayView
from oxide_codegen.buffers import DeviceBuffer
from oxide_codegen.host_streams import HostMemory
from oxide_codegen.making import empty
from oxide_codegen.numba.types import element_named
from oxide_codegen.strides import (
    Layout,
    completed,
    indexed,
    is_contiguous,
    keeps_array,
    packed,
    transposed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from oxide_codegen.devices import DeviceId

# One text for all arrays of an element type and rank: what launches find their code by.
_kinds: dict[tuple[np.dtype[Any], int], str] = {}


class UnsupportedLayoutError(ValueError):
    """An array that kernels cannot take as it lies in memory."""


def kind_of(dtype: np.dtype[Any], rank: int) -> str:
    """What arrays have in common that one compiled kernel takes."""
    known = _kinds.get((dtype, rank))
    if known is None:
        known = _kinds[dtype, rank] = sys.intern(f"{element_of(dtype)}[{rank}]")
    return known


def element_of(dtype: np.dtype[Any]) -> str:
    """The element type of kernels; raises `TypeError` where they have none."""
    found = elements.element_of(dtype)
    if found is None:
        order = "" if dtype.isnative else " in foreign byte order"
        raise TypeError(f"kernels have no elements of {dtype}{order}")
    return str(found)


class DeviceNDArray:
    """An array on a device: shape, dtype and strides are NumPy's, elements are out of reach.

    `base` is the memory as bytes; `buffer` the same as elements of kernels, None where they do not
    lie side by side or kernels have none such.
    """

    __slots__ = (
        "__weakref__",
        "_bytes",
        "_offset",
        "buffer",
        "dtype",
        "kind",
        "shape",
        "strides",
    )

    def __init__(
        self,
        memory: DeviceBuffer[Any],
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        strides: tuple[int, ...] | None = None,
        offset: int = 0,
    ) -> None:
        self._bytes = memory
        self._offset = offset
        self.shape = shape
        self.dtype = dtype
        steps = packed(shape, dtype.itemsize)
        self.strides = steps if strides is None else strides
        self.kind: str | None = None
        self.buffer: DeviceBuffer[Any] | None = None
        is_packed = self.strides == steps or is_contiguous(shape, self.strides, dtype.itemsize)
        element = elements.element_of(dtype)
        if is_packed and element is not None and shape:
            self.buffer = _part(memory, offset, shape, str(element), dtype.itemsize)
            self.kind = kind_of(dtype, len(shape))

    # ------------------------------------------------------------ what it is

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return prod(self.shape)

    @property
    def itemsize(self) -> int:
        """The bytes of an element."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """The bytes of all elements."""
        return self.size * self.dtype.itemsize

    alloc_size = nbytes

    @property
    def flags(self) -> dict[str, bool]:
        """Whether it is contiguous, as NumPy says it."""
        fortran = is_contiguous(self.shape[::-1], self.strides[::-1], self.itemsize)
        return {"C_CONTIGUOUS": self.is_c_contiguous(), "F_CONTIGUOUS": fortran}

    def is_c_contiguous(self) -> bool:
        """Whether the elements lie side by side in C order."""
        return is_contiguous(self.shape, self.strides, self.itemsize)

    def is_f_contiguous(self) -> bool:
        """Whether they lie side by side in Fortran's order."""
        return self.flags["F_CONTIGUOUS"]

    @property
    def device_id(self) -> DeviceId:
        """Where it is."""
        return self._bytes.device_id

    @property
    def device_pointer(self) -> int:
        """The address of its first element."""
        return self._bytes.view().address + self._offset

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        """For CuPy, PyTorch and Numba; only on a GPU."""
        shared = self._bytes.__cuda_array_interface__
        return {
            **shared,
            "shape": self.shape,
            "typestr": self.dtype.str,
            "data": (self.device_pointer, False),
            "strides": None if self.is_c_contiguous() else self.strides,
        }

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of an array without dimensions")
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[k] for k in range(len(self)))

    def __repr__(self) -> str:
        return f"<oxide.numba DeviceNDArray {self.dtype} {self.shape} on {self.device_id}>"

    # ------------------------------------------------------------ copies

    def copy_to_host(self, ary: Any = None, stream: Any = 0) -> Any:
        """The elements as a NumPy array, in `ary` where it is given, when all work on them is done.

        Raises what a launch ran into.
        """
        del stream
        found = self.read()
        if ary is None:
            return found
        if ary.size != self.size:
            raise ValueError(f"the array has shape {ary.shape}, and the device's {self.shape}")
        if ary.dtype != self.dtype:
            raise TypeError(f"the array holds {ary.dtype}, and the device's {self.dtype}")
        ary[...] = found.reshape(ary.shape)
        return ary

    def copy_to_device(self, ary: Any, stream: Any = 0) -> None:
        """Overwrite the elements with those of a host or device array."""
        del stream
        source = ary.read() if isinstance(ary, DeviceNDArray) else np.asarray(ary)
        if source.size != self.size:
            raise ValueError(f"the array has shape {source.shape}, and the device's {self.shape}")
        self.write(source.reshape(self.shape))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        del copy
        found = self.read()
        return found if dtype is None else found.astype(dtype)

    def read(self) -> Any:
        """A copy on the host."""
        if not self.size:
            return np.empty(self.shape, self.dtype)
        if self.buffer is not None:
            return self.buffer.numpy()
        return self._stretch()[1].copy()

    def write(self, values: Any) -> None:
        """Overwrite all elements; `values` is broadcast and converted."""
        if not self.size:
            return
        if self.buffer is not None:
            whole = np.empty(self.shape, self.dtype)
            whole[...] = values
            self.buffer.copy_from(whole)
            return
        memory, view = self._stretch()
        view[...] = values
        _part(self._bytes, self._reach()[0], memory.shape, "u8", 1).copy_from(memory)

    def _reach(self) -> tuple[int, int]:
        """The first byte of the memory that it reaches, and how many there are."""
        low = sum(min(0, s * (n - 1)) for n, s in zip(self.shape, self.strides, strict=True))
        high = sum(max(0, s * (n - 1)) for n, s in zip(self.shape, self.strides, strict=True))
        return self._offset + low, high - low + self.itemsize

    def _stretch(self) -> tuple[Any, Any]:
        """A copy of the memory that it reaches, as bytes, and itself in this copy."""
        start, size = self._reach()
        memory = _part(self._bytes, start, (size,), "u8", 1).numpy()
        view: Any = np.ndarray(self.shape, self.dtype, memory, self._offset - start, self.strides)
        return memory, view

    # ------------------------------------------------------------ views

    def __getitem__(self, index: Any) -> Any:
        """A view of some of the memory; of one element, the element itself."""
        view = self._view(index)
        return view.read()[()] if not view.shape and not keeps_array(index) else view

    def __setitem__(self, index: Any, value: Any) -> None:
        """Overwrite the elements there."""
        if isinstance(value, DeviceNDArray):
            value = value.read()
        self._view(index).write(value)

    def getitem(self, index: Any, stream: Any = 0) -> Any:
        """`a[index]`."""
        del stream
        return self[index]

    def setitem(self, index: Any, value: Any, stream: Any = 0) -> None:
        """`a[index] = value`."""
        del stream
        self[index] = value

    def _view(self, index: Any) -> DeviceNDArray:
        found, offset = indexed(self._layout, index)
        return DeviceNDArray(
            self._bytes, found.shape, self.dtype, found.strides, self._offset + offset
        )

    @property
    def _layout(self) -> Layout:
        return Layout(self.shape, self.strides, self.itemsize)

    def reshape(self, *shape: Any, order: str = "C") -> DeviceNDArray:
        """The same memory in another shape."""
        given: Any = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape
        if order not in "CA" or not self.is_c_contiguous():
            raise NotImplementedError("only arrays in C order are reshaped on a device")
        extents = completed(self._layout, given)
        return DeviceNDArray(self._bytes, extents, self.dtype, offset=self._offset)

    def ravel(self, order: str = "C", stream: Any = 0) -> DeviceNDArray:
        """The same memory in one dimension."""
        del stream
        return self.reshape(self.size, order=order)

    def view(self, dtype: Any) -> DeviceNDArray:
        """The same memory as elements of another type."""
        wanted = np.dtype(dtype)
        rest = self.shape[-1] * self.itemsize if self.shape else self.itemsize
        if not self.is_c_contiguous() or rest % wanted.itemsize:
            raise ValueError(f"elements of {self.dtype} {self.shape} are no elements of {wanted}")
        shape = (*self.shape[:-1], rest // wanted.itemsize) if self.shape else ()
        return DeviceNDArray(self._bytes, shape, wanted, offset=self._offset)

    def transpose(self, axes: Sequence[int] | None = None) -> DeviceNDArray:
        """The same memory with its axes in another order."""
        turned = transposed(self._layout, axes)
        return DeviceNDArray(self._bytes, turned.shape, self.dtype, turned.strides, self._offset)

    @property
    def T(self) -> DeviceNDArray:
        """The same memory with its axes reversed."""
        return self.transpose()

    def squeeze(self, axis: Any = None, stream: Any = 0) -> DeviceNDArray:
        """The same memory without axes of one element."""
        del stream
        gone = range(self.ndim) if axis is None else (axis if isinstance(axis, tuple) else (axis,))
        chosen = cast("Sequence[int]", gone)
        kept = [k for k in range(self.ndim) if not (k in chosen and self.shape[k] == 1)]
        shape, strides = (tuple(of[k] for k in kept) for of in (self.shape, self.strides))
        return DeviceNDArray(self._bytes, shape, self.dtype, strides, self._offset)

    def split(self, section: int, stream: Any = 0) -> Iterator[DeviceNDArray]:
        """Views of `section` elements each, one behind the other."""
        del stream
        for start in range(0, self.size, section):
            yield self[start : start + section]

    def bind(self, stream: Any = 0) -> DeviceNDArray:
        """The same array; streams order work by themselves."""
        del stream
        return self


# ---------------------------------------------------------------- making them


def device_array(
    shape: Any,
    dtype: Any = np.float64,
    strides: Any = None,
    order: str = "C",
    stream: Any = 0,
) -> DeviceNDArray:
    """An array with undefined elements on the current device."""
    del stream
    made = np.dtype(numpy_type(dtype))
    extents = (shape,) if isinstance(shape, int | np.integer) else tuple(shape)
    extents = tuple(int(extent) for extent in extents)
    if strides is not None and not is_contiguous(extents, tuple(strides), made.itemsize):
        raise UnsupportedLayoutError("new device arrays are contiguous")
    own: Any = empty(prod(extents) * made.itemsize, "u8")
    if order == "F" and len(extents) > 1:
        steps = packed(extents[::-1], made.itemsize)[::-1]
        return DeviceNDArray(own, extents, made, steps)
    return DeviceNDArray(own, extents, made)


def array_like(ary: Any, make: Callable[[tuple[int, ...], Any], Any]) -> Any:
    """What `make` gives for the shape and type of an array, laid out in the same order of axes."""
    axes = sorted(range(len(ary.shape)), key=lambda k: -abs(ary.strides[k]))
    made = make(tuple(ary.shape[k] for k in axes), ary.dtype)
    return made.transpose([axes.index(k) for k in range(len(axes))])


def to_device(
    obj: Any, stream: Any = 0, copy: bool = True, to: DeviceNDArray | None = None
) -> DeviceNDArray:
    """A copy of an array on the current device, in `to` where it is given."""
    if isinstance(obj, DeviceNDArray) and to is None and obj.device_id == devices.current():
        return obj
    foreign = None if isinstance(obj, DeviceNDArray | np.ndarray) else as_device_array(obj)
    if foreign is not None and to is None:
        return foreign
    source: Any = foreign if foreign is not None else obj
    host: Any = source.read() if isinstance(source, DeviceNDArray) else np.asarray(source)
    if to is None:
        fortran = host.flags.f_contiguous and not host.flags.c_contiguous
        to = device_array(host.shape, host.dtype, order="F" if fortran else "C")
    if copy:
        to.copy_to_device(host, stream)
    return to


def as_device_array(obj: Any) -> DeviceNDArray | None:
    """What lies on a GPU, of whatever library, without a copy; None if it does not."""
    if isinstance(obj, DeviceNDArray):
        return obj
    interface: Any = getattr(obj, "__cuda_array_interface__", None)
    if not isinstance(interface, dict):
        return None
    from oxide_codegen.cuda import cuda, device_of_pointer

    described = cast("dict[str, Any]", interface)
    dtype = np.dtype(described["typestr"])
    shape = tuple(int(extent) for extent in described["shape"])
    strides = described.get("strides")
    steps = packed(shape, dtype.itemsize) if strides is None else tuple(map(int, strides))
    address = int(described["data"][0] or 0)
    if any(step < 0 for step in steps):
        raise UnsupportedLayoutError("a foreign array has negative strides: copy it first")
    size = sum(s * (n - 1) for n, s in zip(shape, steps, strict=True)) + dtype.itemsize
    where = device_of_pointer(address) if address else devices.DeviceId("cuda", 0)
    stream = described.get("stream")
    view = ArrayView(
        address,
        (size if prod(shape) else 0,),
        "u8",
        1,
        bool(described["data"][1]),
        where,
        False,
        obj,
        int(stream) if stream else None,
    )
    memory: Any = DeviceBuffer(view, cuda(where.index).borrow(view), is_shared=True)
    return DeviceNDArray(memory, shape, dtype, steps)


def over_host(array: Any) -> DeviceNDArray:
    """Host memory as an array of the cpu device, which it is."""
    view = ArrayView(array.ctypes.data, (array.nbytes,), "u8", 1, False, devices.CPU, False, array)
    memory: Any = DeviceBuffer(view, HostMemory(array))
    return DeviceNDArray(memory, array.shape, array.dtype)


def numpy_type(given: Any) -> Any:
    """NumPy's type for one of ours, or of Numba's."""
    if isinstance(given, str | np.dtype):
        return given
    element = element_named(given)
    return given if element is None else elements.dtype_of(str(element))


def _part(
    memory: DeviceBuffer[Any],
    offset: int,
    shape: tuple[int, ...],
    element: str,
    item_size: int,
) -> DeviceBuffer[Any]:
    """Some bytes of a buffer, as elements."""
    whole = memory.view()
    owner: Any = whole.owner
    if whole.device.kind == "cpu":
        # What reads host memory reads it through its owner.
        count, dtype = prod(shape) * item_size, elements.dtype_of(element)
        if count:
            part = owner.reshape(-1).view(np.uint8)[offset : offset + count]
            owner = part.view(dtype).reshape(shape)
        else:
            owner = np.empty(shape, dtype)
    view = ArrayView(
        whole.address + offset,
        shape,
        element,
        item_size,
        whole.read_only,
        whole.device,
        False,
        owner,
        whole.stream,
    )
    return DeviceBuffer(view, memory.memory)
