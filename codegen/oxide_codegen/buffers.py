"""Arrays on a device, which Python cannot index and kernels can.

    x = oxide.asarray(numpy_array)          copies to the current device
    y = oxide.zeros(len(x), f32)
    k[4, 256](x, y)                         is asynchronous on a GPU
    y.numpy()                               waits, raises what the kernel ran into, and copies back

A buffer has one shape, one element type and one address for life. On the cpu device it lives in
host memory and behaves the same, so a program written there runs on a GPU as it stands.
"""

from __future__ import annotations

from math import prod
from operator import index
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from oxide_analyzer.launch import MAX_LENGTH, extent_of
from oxide_codegen import devices, host_streams
from oxide_codegen.arrays import ArrayView, NotAnArray, Refused, view
from oxide_codegen.elements import dtype_of, item_size, named, typestr
from oxide_codegen.errors import BufferFreedError, HostAccessError, MissingExtraError
from oxide_codegen.forms import is_ordinary_array
from oxide_codegen.host_streams import HostMemory
from oxide_codegen.scalars import TYPES, as_elements, name_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType
    from typing import NoReturn

    from oxide_codegen.cuda import Cuda
    from oxide_codegen.devices import DeviceId
    from oxide_codegen.streams import Stream

T = TypeVar("T")
_kinds: dict[tuple[str, int, str, int, bool, bool], object] = {}


def kind_of(
    element: str, rank: int, device: str, index: int, *, ordinary: bool, is_known: bool = False
) -> object:
    """One object for all writable buffers of an element type, rank and device.

    Those for ordinary launches have another one than those that are not: see `forms`. So have
    those of which facts about their elements are known: whoever writes them has to make them
    forget.
    """
    key = (element, rank, device, index, ordinary, is_known)
    return _kinds.setdefault(key, key)


class DeviceBuffer(Generic[T]):
    """A C-contiguous array on one device; see `oxide.empty`, `oxide.zeros`, `oxide.asarray`."""

    __slots__ = (
        "__weakref__",
        "_element",
        "_facts",
        "_is_shared",
        "_shape",
        "_view",
        "device_id",
        "extent",
        "kind",
        "memory",
    )

    def __init__(self, described: ArrayView, memory: Any, *, is_shared: bool = False) -> None:
        self._view = described
        self._shape = described.shape
        self._element = described.element
        # Memory remembers its last uses, and lives as long as it is used.
        self.memory = memory
        # What a repeated launch reads: see `entry`.
        self.extent = (described.address, described.address + described.size, *described.shape)
        self.kind = self._kind(is_known=False)
        self.device_id = described.device
        # What is known of the elements; nothing can be, where others have the address too.
        self._facts: set[object] = set()
        self._is_shared = is_shared

    @property
    def shape(self) -> tuple[int, ...]:
        """The extents."""
        return self._shape

    @property
    def dtype(self) -> Any:
        """The element type, as kernels name it: `oxide.f32`; of records, NumPy's."""
        return TYPES.get(self._element) or dtype_of(self._element)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return len(self._shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return prod(self._shape)

    @property
    def nbytes(self) -> int:
        """The number of bytes."""
        return self._view.size

    @property
    def device(self) -> str:
        """Where it is: "cpu" or "cuda:0"."""
        return str(self.device_id)

    def view(self) -> ArrayView:
        """What a launch needs to know; raises if the memory was given back."""
        if self.memory.is_freed:
            raise BufferFreedError(f"{self!r} was freed: nothing can use it any more")
        return self._view

    def free(self) -> None:
        """Give the memory back, behind its last use, instead of when nobody refers to it.

        Any later use raises `BufferFreedError`; to free it again does nothing.
        """
        self.memory.free()

    def __enter__(self) -> DeviceBuffer[T]:
        return self

    def __exit__(self, *_: object) -> None:
        self.free()

    def _kind(self, *, is_known: bool) -> object:
        view = self._view
        element = named(view.element)
        if view.read_only or extent_of(view.shape) > MAX_LENGTH:
            return None
        if element is None or view.address % element.alignment:
            return None
        fits = is_ordinary_array(view.address, view.shape)
        place = _parts(view.device)
        return kind_of(view.element, len(view.shape), *place, ordinary=fits, is_known=is_known)

    def knows(self, fact: object) -> bool:
        """Whether a fact about the elements is known to hold."""
        return fact in self._facts

    def learn(self, fact: object) -> None:
        """A fact about the elements holds now; forgotten when they may change."""
        if self._is_shared:
            return
        self._facts.add(fact)
        self.kind = self._kind(is_known=True)
        if self.device_id.kind == "cuda":
            # Launches that are repeated blindly look at their buffers once more.
            self._cuda().moved = object()

    def forget(self) -> None:
        """The elements may change now."""
        if self._facts:
            self._facts.clear()
            self.kind = self._kind(is_known=False)

    def numpy(self) -> Any:
        """A copy as a NumPy array, when all work on this buffer is done.

        Raises what a launch before it ran into.
        """
        numpy = import_numpy()
        if self.device_id.kind == "cpu":
            host_streams.wait_for(self.memory, writes=False)
            return host_array(self.view()).copy()
        result = numpy.empty(self._shape, dtype_of(self._element))
        self._cuda().download(self, result)
        return result

    def copy_from(self, source: Any) -> None:
        """Overwrite with an array of the same shape and element type, or another buffer."""
        if isinstance(source, DeviceBuffer):
            source = source.numpy()
        self.forget()
        array = self.demand_like(source)
        if self.device_id.kind == "cpu":
            with host_streams.using(((self.memory, True),)):
                host_array(self.view())[...] = array
        else:
            self._cuda().upload(self, array)

    def demand_like(self, source: Any) -> Any:
        """An array of the same shape and element type, contiguous; raises for any other."""
        array = import_numpy().ascontiguousarray(source)
        if array.shape != self._shape:
            raise ValueError(f"copy_from wants shape {self._shape}, got {array.shape}")
        if array.dtype != dtype_of(self._element):
            raise TypeError(f"copy_from wants elements of {self._element}, got {array.dtype}")
        return array

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        """For CuPy, PyTorch and Numba; only on a GPU."""
        if self.device_id.kind != "cuda":
            raise AttributeError("__cuda_array_interface__ is for buffers on a GPU")
        view = self.view()
        self._is_shared = True
        self.forget()
        return {
            "shape": self._shape,
            "typestr": typestr(self._element),
            "data": (view.address, view.read_only),
            "version": 3,
            "strides": None,
            "stream": self._cuda().consolidated(self.memory),
        }

    def __len__(self) -> int:
        if not self._shape:
            raise TypeError("len() of a buffer without dimensions")
        return self._shape[0]

    def __array__(self, *_: object, **__: object) -> NoReturn:
        raise HostAccessError("NumPy cannot read a device buffer in place: use buffer.numpy()")

    def __getitem__(self, index: object) -> NoReturn:
        raise HostAccessError("a device buffer has no elements for Python: use buffer.numpy()")

    def __setitem__(self, index: object, value: object) -> NoReturn:
        raise HostAccessError("a device buffer has no elements for Python: use copy_from(array)")

    def __iter__(self) -> Iterator[Any]:
        raise HostAccessError("a device buffer has no elements for Python: use buffer.numpy()")

    def __repr__(self) -> str:
        state = ", freed" if self.memory.is_freed else ""
        return f"<oxide.DeviceBuffer {self._element} {self._shape} on {self.device}{state}>"

    def _cuda(self) -> Cuda:
        from oxide_codegen.cuda import cuda

        return cuda(self.device_id.index)


# ---------------------------------------------------------------- making them


def empty(
    shape: int | tuple[int, ...], dtype: Any, *, device: str | None = None
) -> DeviceBuffer[Any]:
    """A buffer with undefined elements on `device`, or on the current one."""
    where = devices.current() if device is None else devices.parse(device)
    return allocate(extents_of(shape), name_of(dtype), where)


def extents_of(shape: int | tuple[int, ...]) -> tuple[int, ...]:
    """A shape as a tuple; `ValueError` if there is a negative extent."""
    extents = (shape,) if isinstance(shape, int) else tuple(index(extent) for extent in shape)
    if any(extent < 0 for extent in extents):
        raise ValueError(f"a shape has no negative extents, got {extents}")
    return extents


def zeros(
    shape: int | tuple[int, ...], dtype: Any, *, device: str | None = None
) -> DeviceBuffer[Any]:
    """A buffer of zeros on `device`, or on the current one."""
    buffer = empty(shape, dtype, device=device)
    if buffer.device_id.kind == "cpu":
        host_array(buffer.view()).fill(0)
    elif buffer.nbytes:
        from oxide_codegen.cuda import cuda

        cuda(buffer.device_id.index).clear(buffer)
    return buffer


def asarray(array: Any, dtype: Any = None, *, device: str | None = None) -> DeviceBuffer[Any]:
    """`array` as a buffer on `device`, or on the current one.

    Host memory, lists and numbers are copied; an array that is on the device already is wrapped
    without copying. `dtype` converts; without it elements keep their type.
    """
    if isinstance(array, DeviceBuffer) and _is_there(array.device_id, device):
        if dtype is None or name_of(dtype) == array.view().element:
            return array
        array = array.numpy()
    numpy = import_numpy()
    if not isinstance(array, numpy.ndarray | DeviceBuffer):
        try:
            described = view(array)
        except NotAnArray:
            array = numpy.asarray(array)
        except Refused as refused:
            raise refused.kind(f"asarray: the array {refused}") from None
        else:
            if not described.host:
                return _from_device(array, described, dtype, device)
            array = host_array(described)
    if isinstance(array, DeviceBuffer):
        array = array.numpy()
    wanted = name_of(array.dtype if dtype is None else dtype)
    where = devices.current() if device is None else devices.parse(device)
    buffer = allocate(array.shape, wanted, where)
    buffer.copy_from(as_elements(array, wanted))
    return buffer


def import_numpy() -> ModuleType:
    """NumPy, or one sentence on how to get it."""
    try:
        import numpy
    except ImportError as error:
        raise MissingExtraError("running kernels", "NumPy", "cpu") from error
    return numpy


def _from_device(
    array: Any, described: ArrayView, dtype: Any, device: str | None
) -> DeviceBuffer[Any]:
    if not _is_there(described.device, device):
        raise ValueError(f"asarray: the array is on {described.device}; copy it to {device} first")
    if dtype is not None and name_of(dtype) != described.element:
        raise TypeError(
            f"asarray: the array holds {described.element}; convert it to {name_of(dtype)} first"
        )
    if named(described.element) is None:
        raise TypeError(f"asarray: kernels have no elements of {described.element}")
    from oxide_codegen.cuda import cuda

    memory = cuda(described.device.index).borrow(described)
    return DeviceBuffer(described, memory, is_shared=True)


def _parts(device: DeviceId) -> tuple[str, int]:
    return device.kind, device.index


def _is_there(have: DeviceId, wanted: str | None) -> bool:
    return wanted is None or have == devices.parse(wanted)


def allocate(
    shape: tuple[int, ...], element: str, where: DeviceId, stream: Stream | None = None
) -> DeviceBuffer[Any]:
    """A buffer with undefined elements, on a GPU ready for use on `stream`."""
    size = item_size(element)
    if where.kind == "cpu":
        array = import_numpy().empty(shape, dtype_of(element))
        address = array.__array_interface__["data"][0]
        memory: Any = array
    else:
        from oxide_codegen.cuda import cuda

        allocation = cuda(where.index).allocate(prod(shape) * size, stream)
        address, memory = allocation.address, allocation
    described = ArrayView(address, shape, element, size, False, where, False, memory)
    if where.kind == "cpu":
        memory = HostMemory(memory)
    buffer: DeviceBuffer[Any] = DeviceBuffer(described, memory)
    return buffer


def host_array(described: ArrayView) -> Any:
    """The memory of a view on the host as a NumPy array."""
    numpy = import_numpy()
    if isinstance(described.owner, numpy.ndarray):
        return described.owner
    memory = numpy.asarray(_HostMemory(described))
    spelled = memory.dtype == dtype_of(described.element)
    return memory if spelled else memory.view(dtype_of(described.element))


class _HostMemory:
    """Foreign host memory in the form that NumPy reads."""

    def __init__(self, described: ArrayView) -> None:
        self._owner = described.owner
        self.__array_interface__ = {
            "shape": described.shape,
            "typestr": typestr(described.element),
            "data": (described.address, described.read_only),
            "version": 3,
        }
