"""Arrays on a device, which Python cannot index and kernels can.

    x = oxide.asarray(numpy_array)          copies to the current device
    y = oxide.zeros(len(x), f32)
    k[4, 256](x, y)                         is asynchronous on a GPU
    y.numpy()                               waits, raises what the kernel ran into, and copies back

A buffer has one shape, one element type and one address for life. On the cpu device it lives in
host memory and behaves the same, so a program written there runs on a GPU as it stands.

    x[1:3], x[:, 0], x.T, x.reshape(8, 4)       views: the same memory, with the same uses
    y.copy_from(x.T)                            copies any view to any other
    k[4, 256](x.T.copy())                       kernels take those whose elements lie side by side

`making` makes them, `copies` copies, `dlpack` gives them to other libraries.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from math import prod
from operator import index
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from oxide_analyzer.launch import MAX_LENGTH, extent_of
from oxide_codegen import copies, host_streams, strides
from oxide_codegen.arrays import ArrayView
from oxide_codegen.elements import dtype_of, item_size, named, typestr
from oxide_codegen.errors import (
    BufferFreedError,
    BufferLayoutError,
    HostAccessError,
    MissingExtraError,
)
from oxide_codegen.forms import is_ordinary_array
from oxide_codegen.host_streams import HostMemory
from oxide_codegen.pools import HOST
from oxide_codegen.scalars import TYPES
from oxide_codegen.strides import Layout

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType
    from typing import NoReturn

    from oxide_codegen.cuda import Cuda
    from oxide_codegen.devices import DeviceId
    from oxide_codegen.streams import Stream

T = TypeVar("T")
_kinds: dict[tuple[str, int, str, int, bool, bool], object] = {}
# Held while something becomes known of elements, or is forgotten.
_learning = threading.RLock()


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
    """An array on one device; see `oxide.empty`, `oxide.zeros`, `oxide.asarray`."""

    __slots__ = (
        "__weakref__",
        "_asked",
        "_element",
        "_facts",
        "_is_managed",
        "_is_shared",
        "_shape",
        "_view",
        "device_id",
        "extent",
        "kind",
        "memory",
    )

    def __init__(
        self,
        described: ArrayView,
        memory: Any,
        *,
        is_shared: bool = False,
        is_managed: bool = False,
    ) -> None:
        self._view = described
        self._shape = described.shape
        self._element = described.element
        # Memory remembers its last uses, and lives as long as it is used.
        self.memory = memory
        # What a repeated launch reads: see `entry`.
        self.extent = (described.address, described.address + described.size, *described.shape)
        self.kind = self._kind(is_known=False)
        self.device_id = described.device
        # Whether the host sees the elements in place.
        self._is_managed = is_managed
        # What is known of the elements; nothing can be, where others have the address too.
        self._facts: set[object] = set()
        # Among them: what stands for the elements since somebody first asked.
        self._asked: object = None
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
    def element(self) -> str:
        """The element type, by its name in kernels."""
        return self._element

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

    @property
    def layout(self) -> Layout:
        """Its shape and strides."""
        view = self._view
        steps = view.strides
        if steps is None:
            steps = strides.packed(view.shape, view.item_size)
        return Layout(view.shape, steps, view.item_size)

    @property
    def strides(self) -> tuple[int, ...]:
        """How many bytes a step along each axis is, as in NumPy."""
        return self.layout.strides

    @property
    def is_contiguous(self) -> bool:
        """Whether the elements lie side by side, in C order: kernels take no other array."""
        return self._view.strides is None

    @property
    def is_managed(self) -> bool:
        """Whether the host sees the elements in place: `oxide.managed`."""
        return self._is_managed

    def reach(self) -> tuple[int, int]:
        """The addresses where its memory starts and ends."""
        low, high = self.layout.reach()
        return self._view.address + low, self._view.address + high

    def described(self) -> ArrayView:
        """Where it lies, whatever the layout; raises if the memory was given back."""
        # In this order: whoever frees it says so, and then takes the owner out of its description.
        described = self._view
        if self.memory.is_freed:
            raise BufferFreedError(f"{self!r} was freed: nothing can use it any more")
        return described

    def view(self) -> ArrayView:
        """What a launch needs to know; raises if the memory was given back, or has gaps."""
        described = self.described()
        if described.strides is not None:
            actual = f"strides {described.strides} for shape {described.shape}"
            reason = f"is not C-contiguous ({actual}): copy it with .copy()"
            raise BufferLayoutError(repr(self), reason, actual)
        return described

    def free(self) -> None:
        """Give the memory back, behind its last use, instead of when nobody refers to it.

        Any later use raises `BufferFreedError`, of its views too; to free it again does nothing.
        What another library was given by DLPack is given back when that library lets go of it.
        """
        if self.memory.is_borrowed:
            self.memory = self.memory.forsaken()
        elif not self.memory.is_freed:
            self.memory.free()
        if self.device_id.kind == "cpu" and self._view.owner is not None:
            # What is in flight has the owner, and who still has this object does not keep it.
            self._view = replace(self._view, owner=None)

    def __enter__(self) -> DeviceBuffer[T]:
        return self

    def __exit__(self, *_: object) -> None:
        self.free()

    def _kind(self, *, is_known: bool) -> object:
        view = self._view
        element = named(view.element)
        if view.read_only or view.strides is not None or extent_of(view.shape) > MAX_LENGTH:
            return None
        if element is None or view.address % element.alignment:
            return None
        fits = is_ordinary_array(view.address, view.shape)
        place = _parts(view.device)
        return kind_of(view.element, len(view.shape), *place, ordinary=fits, is_known=is_known)

    def knows(self, fact: object) -> bool:
        """Whether a fact about the elements is known to hold."""
        return fact in self._facts

    def ask(self) -> object:
        """What stands for the elements as they are now: for `learn`, when they were looked at."""
        with _learning:
            if self._asked is None and not self._is_shared:
                # Who changes them from now on has to say so.
                self._asked = object()
                self._facts.add(self._asked)
                self.kind = self._kind(is_known=True)
                if self.device_id.kind == "cuda":
                    # Launches that are repeated blindly look at their buffers once more.
                    self._cuda().moved = object()
            return self._asked

    def learn(self, fact: object, asked: object) -> None:
        """A fact about the elements, as they were when somebody asked; forgotten when they change.

        Nothing is learned if somebody has changed them since.
        """
        with _learning:
            if asked is not None and asked is self._asked:
                self._facts.add(fact)

    def forget(self) -> None:
        """The elements may change now."""
        if self._facts:
            with _learning:
                self._facts.clear()
                self._asked = None
                self.kind = self._kind(is_known=False)

    def share(self) -> None:
        """Others have the memory too, so of its elements nothing is known."""
        self.forget()
        self._is_shared = True

    # ------------------------------------------------------------ copies

    def numpy(self) -> Any:
        """A copy as a NumPy array, when all work on this buffer is done.

        Raises what a launch before it ran into.
        """
        numpy = import_numpy()
        if self.device_id.kind == "cpu":
            with host_streams.using(((self.memory, False),)):
                host_streams.raise_failures()
                return host_array(self.described()).copy()
        self.described()
        result = numpy.empty(self._shape, dtype_of(self._element))
        copies.read(self, result)
        return result

    def copy_from(self, source: Any, stream: Any = None) -> None:
        """Overwrite with an array of the same shape and element type, or another buffer.

        On a stream, or on the default one. Only of buffers, and of arrays of `oxide.pinned`, may
        this return before it is done.
        """
        if self.described().read_only:
            raise ValueError(f"{self!r} is read-only memory of another library")
        if isinstance(source, DeviceBuffer):
            source.described()
            self._demand_same(source.shape, dtype_of(source.element))
            self.forget()
            copies.between(self, source, stream)
            return
        self.forget()
        is_pinned = copies.host_memory(source) is not None
        array = source if is_pinned else import_numpy().asarray(source)
        self._demand_same(array.shape, array.dtype)
        copies.fill(self, array, stream)

    def copy_to(self, target: Any, stream: Any = None) -> None:
        """Overwrite a NumPy array, or another buffer, of the same shape and element type.

        On a stream, or on the default one. Only to buffers, and to arrays of `oxide.pinned`, may
        this return before it is done; whoever reads such an array waits.
        """
        if isinstance(target, DeviceBuffer):
            target.copy_from(self, stream)
            return
        self.described()
        numpy = import_numpy()
        if not isinstance(target, numpy.ndarray):
            raise TypeError(f"copy_to wants an array or a buffer, got {type(target).__name__}")
        self._demand_same(target.shape, target.dtype, "copy_to")
        if not target.flags.writeable:
            raise ValueError("copy_to wants a writable array")
        copies.read(self, target, stream)

    def copy(self, stream: Any = None) -> DeviceBuffer[T]:
        """A buffer of its own on the same device, with the same elements side by side."""
        self.described()
        made = allocate(self._shape, self._element, self.device_id)
        copies.between(made, self, stream)
        return made

    def demand_like(self, source: Any) -> Any:
        """An array of the same shape and element type, contiguous; raises for any other."""
        if copies.host_memory(source) is not None:
            source.settle(writes=False)
        array = import_numpy().ascontiguousarray(source)
        self._demand_same(array.shape, array.dtype)
        return array

    def _demand_same(self, shape: tuple[int, ...], dtype: Any, what: str = "copy_from") -> None:
        if tuple(shape) != self._shape:
            raise ValueError(f"{what} wants shape {self._shape}, got {tuple(shape)}")
        if dtype != dtype_of(self._element):
            raise TypeError(f"{what} wants elements of {self._element}, got {dtype}")

    # ------------------------------------------------------------ views

    def __getitem__(self, key: Any) -> DeviceBuffer[T]:
        """A view of some of the elements: slices, and ints for some of the axes."""
        found, offset = strides.indexed(self.layout, key)
        if not found.shape and not strides.keeps_array(key):
            raise HostAccessError("a device buffer has no elements for Python: use buffer.numpy()")
        return self._part(found, offset)

    def reshape(self, *shape: Any) -> DeviceBuffer[T]:
        """The same elements in another shape; one extent may be -1."""
        extents = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape
        return self._part(strides.reshaped(self.layout, extents))

    def ravel(self) -> DeviceBuffer[T]:
        """The same elements in one dimension."""
        return self.reshape(self.size)

    def transpose(self, *axes: Any) -> DeviceBuffer[T]:
        """The same elements with the axes in another order, by default the reverse."""
        order = axes[0] if len(axes) == 1 and isinstance(axes[0], tuple | list) else axes
        return self._part(strides.transposed(self.layout, order or None))

    @property
    def T(self) -> DeviceBuffer[T]:
        """The same elements with the axes reversed."""
        return self.transpose()

    def _part(self, layout: Layout, offset: int = 0) -> DeviceBuffer[T]:
        """A view of the memory, that many bytes on."""
        whole = self.described()
        # A launch that writes the one changes the other.
        self.share()
        steps = None if layout.is_contiguous else layout.strides
        described = replace(
            whole, address=whole.address + offset, shape=layout.shape, strides=steps
        )
        if whole.device.kind == "cpu":
            kept = replace(described, owner=_Kept(whole.owner))
            described = replace(described, owner=host_array(kept))
        return DeviceBuffer(described, self.memory, is_shared=True, is_managed=self._is_managed)

    # ------------------------------------------------------------ for others

    @property
    def array(self) -> Any:
        """The elements of managed memory in place, as a NumPy array that waits for the device."""
        described = self.described()
        if not self._is_managed:
            raise HostAccessError(
                "a device buffer has no elements for Python: use buffer.numpy(), or oxide.managed"
            )
        from oxide_codegen.host_arrays import over

        self.share()
        is_here = self.device_id.kind == "cpu"
        kept = described.owner if is_here else _Kept(self.memory.lend())
        return over(host_array(replace(described, owner=kept)), self.memory)

    def __dlpack_device__(self) -> tuple[int, int]:
        """The kind and number of the device, as DLPack counts them."""
        from oxide_codegen import lending

        return lending.device_of(self)

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: tuple[int, int] | None = None,
        dl_device: tuple[int, int] | None = None,
        copy: bool | None = None,
    ) -> Any:
        """The memory for another library, ready for work on the stream that it names.

        Our later uses come behind what is on that stream now; what it is given later, only who does
        so can order, by `stream.wait`.
        """
        from oxide_codegen import lending

        return lending.capsule(self, stream, max_version, dl_device, copy)

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        """For CuPy, PyTorch and Numba; only on a GPU."""
        if self.device_id.kind != "cuda":
            raise AttributeError("__cuda_array_interface__ is for buffers on a GPU")
        from oxide_codegen import lending

        return lending.interface(self)

    def __len__(self) -> int:
        if not self._shape:
            raise TypeError("len() of a buffer without dimensions")
        return self._shape[0]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        if not self._is_managed:
            raise HostAccessError("NumPy cannot read a device buffer in place: use buffer.numpy()")
        array = self.array
        array.sync()
        found = array.view(import_numpy().ndarray)
        if dtype is not None and dtype != found.dtype:
            return found.astype(dtype)
        return found.copy() if copy else found

    def __setitem__(self, index: object, value: object) -> NoReturn:
        raise HostAccessError("a device buffer has no elements for Python: use copy_from(array)")

    def __iter__(self) -> Iterator[Any]:
        raise HostAccessError("a device buffer has no elements for Python: use buffer.numpy()")

    def __repr__(self) -> str:
        words = [f"{self._element} {self._shape} on {self.device}"]
        if not self.is_contiguous:
            words.append(f"strides {self.strides}")
        if self._is_managed:
            words.append("managed")
        if self.memory.is_borrowed:
            words.append("memory of another library")
        if self._view.read_only:
            words.append("read-only")
        if self.memory.is_freed:
            words.append("freed")
        return f"<oxide.DeviceBuffer {', '.join(words)}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a device buffer stays in its process: send buffer.numpy()")

    def _cuda(self) -> Cuda:
        from oxide_codegen.cuda import cuda

        return cuda(self.device_id.index)


# ---------------------------------------------------------------- their memory


def extents_of(shape: Any) -> tuple[int, ...]:
    """A shape as a tuple of Python's numbers; an extent by itself is one dimension.

    `ValueError` if an extent is negative, `TypeError` if it is no integer.
    """
    try:
        extents = tuple(map(index, shape)) if hasattr(shape, "__len__") else (index(shape),)
    except TypeError:
        raise TypeError(f"a shape is an integer, or a tuple of integers, got {shape!r}") from None
    if any(extent < 0 for extent in extents):
        raise ValueError(f"a shape has no negative extents, got {extents}")
    return extents


def import_numpy() -> ModuleType:
    """NumPy, or one sentence on how to get it."""
    try:
        import numpy
    except ImportError as error:
        raise MissingExtraError("running kernels", "NumPy", "cpu") from error
    return numpy


def _parts(device: DeviceId) -> tuple[str, int]:
    return device.kind, device.index


def allocate(
    shape: tuple[int, ...], element: str, where: DeviceId, stream: Stream | None = None
) -> DeviceBuffer[Any]:
    """A buffer with undefined elements, on a GPU ready for use on `stream`."""
    size = item_size(element)
    if where.kind == "cpu":
        array = HOST.room(shape, dtype_of(element), prod(shape) * size)
        address = array.__array_interface__["data"][0]
        memory: Any = array
    else:
        from oxide_codegen.cuda import cuda

        allocation = cuda(where.index).allocate(prod(shape) * size, stream)
        address, memory = allocation.address, allocation
    described = ArrayView(address, shape, element, size, False, where, False, memory)
    if where.kind == "cpu":
        memory = HostMemory(memory, address, described.size)
        HOST.note(memory)
    return DeviceBuffer(described, memory)


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
            "strides": described.strides,
            "version": 3,
        }


class _Kept:
    """What an array keeps alive."""

    __slots__ = ("_kept",)

    def __init__(self, kept: Any) -> None:
        self._kept = kept
