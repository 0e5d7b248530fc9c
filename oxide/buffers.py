"""Buffers on a device, as type checkers see them: a buffer fits every slice parameter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import TypeVar, overload

    import numpy as np
    from numpy.typing import ArrayLike, NDArray

    from oxide.slices import (
        AtomicSlice,
        AtomicSlice2D,
        AtomicSlice3D,
        DisjointSlice,
        DisjointSlice2D,
        DisjointSlice3D,
    )

    T = TypeVar("T")

    class HostArray(np.ndarray[Any, Any]):
        """A NumPy array that devices copy from and to while the program goes on: `oxide.pinned`."""

        def sync(self) -> None:
            """Wait for all copies from and to this array; raises what was before them ran into."""

    class DeviceBuffer(  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]
        DisjointSlice[T],
        DisjointSlice2D[T],
        DisjointSlice3D[T],
        AtomicSlice[T],
        AtomicSlice2D[T],
        AtomicSlice3D[T],
    ):
        """An array on one device."""

        @property
        def shape(self) -> Any:
            """The extents, a tuple of ints."""

        @property
        def strides(self) -> tuple[int, ...]:
            """How many bytes a step along each axis is, as in NumPy."""
            ...

        @property
        def is_contiguous(self) -> bool:
            """Whether the elements lie side by side, in C order: kernels take no other array."""
            ...

        @property
        def dtype(self) -> type[T]:
            """The element type, as kernels name it."""
            ...

        @property
        def ndim(self) -> int:
            """The number of dimensions."""
            ...

        @property
        def size(self) -> int:
            """The number of elements."""
            ...

        @property
        def nbytes(self) -> int:
            """The number of bytes."""
            ...

        @property
        def device(self) -> str:
            """Where it is: "cpu" or "cuda:0"."""
            ...

        @property
        def is_managed(self) -> bool:
            """Whether the host sees the elements in place: `oxide.managed`."""
            ...

        @property
        def array(self) -> HostArray:
            """The elements of managed memory, in place: an array that waits for the device."""
            ...

        def free(self) -> None:
            """Give the memory back now, behind its last use; `with` does so at its end."""

        def __enter__(self) -> DeviceBuffer[T]: ...

        def __exit__(self, *_: object) -> None: ...

        def numpy(self) -> NDArray[Any]:
            """A copy, when all work on this buffer is done."""
            ...

        def copy_from(
            self, source: ArrayLike | DeviceBuffer[T], stream: object | None = None
        ) -> None:
            """Overwrite with an array of the same shape and element type, in the order of a stream.

            Only of buffers, and of arrays of `oxide.pinned`, may this return before it is done.
            """

        def copy_to(
            self, target: NDArray[Any] | DeviceBuffer[T], stream: object | None = None
        ) -> None:
            """Overwrite an array or a buffer with these elements, in the order of a stream.

            Only to buffers, and to arrays of `oxide.pinned`, may this return before it is done.
            """

        def copy(self, stream: object | None = None) -> DeviceBuffer[T]:
            """A buffer of its own on the same device, with the same elements side by side."""
            ...

        def reshape(self, *shape: int | tuple[int, ...] | list[int]) -> DeviceBuffer[T]:
            """The same elements in another shape, where they lie; one extent may be -1."""
            ...

        def ravel(self) -> DeviceBuffer[T]:
            """The same elements in one dimension."""
            ...

        def transpose(self, *axes: int | tuple[int, ...] | list[int]) -> DeviceBuffer[T]:
            """The same elements with the axes in another order, by default the reverse."""
            ...

        @property
        def T(self) -> DeviceBuffer[T]:
            """The same elements with the axes reversed."""
            ...

        def __dlpack__(
            self,
            *,
            stream: Any = None,
            max_version: tuple[int, int] | None = None,
            dl_device: tuple[int, int] | None = None,
            copy: bool | None = None,
        ) -> Any:
            """The memory for another library, ready for work on the stream that it names."""
            ...

        def __dlpack_device__(self) -> tuple[int, int]:
            """The kind and number of the device, as DLPack counts them."""
            ...

        def __len__(self) -> int: ...

        def __getitem__(self, index: Any, /) -> Any:
            """A view of some of the elements: slices, and ints for some of the axes."""

        def __setitem__(self, index: Any, value: Any, /) -> None: ...

        def load(self, index: Any, width: Any, /) -> Any:
            """For kernels; on the host, `numpy()` reads."""

        def store(self, index: Any, values: Any, /) -> None:
            """For kernels; on the host, `copy_from` writes."""

    def empty(
        shape: int | tuple[int, ...], dtype: type[T], *, device: str | None = None
    ) -> DeviceBuffer[T]:
        """A buffer with undefined elements on `device`, or on the current one."""
        ...

    def zeros(
        shape: int | tuple[int, ...], dtype: type[T], *, device: str | None = None
    ) -> DeviceBuffer[T]:
        """A buffer of zeros on `device`, or on the current one."""
        ...

    def managed(
        shape: int | tuple[int, ...], dtype: type[T], *, device: str | None = None
    ) -> DeviceBuffer[T]:
        """A buffer of zeros that host and device see at one address; `array` is the host's side."""
        ...

    def pinned(
        shape: int | tuple[int, ...], dtype: object, *, device: str | None = None
    ) -> HostArray:
        """A NumPy array with undefined elements, which devices copy from and to by themselves."""
        ...

    def from_dlpack(
        array: object, *, device: str | None = None, copy: bool | None = None
    ) -> DeviceBuffer[Any]:
        """The memory of an array of another library as a buffer, where it is: nothing is copied."""
        ...

    @overload
    def asarray(array: object, dtype: type[T], *, device: str | None = None) -> DeviceBuffer[T]: ...
    @overload
    def asarray(
        array: NDArray[np.bool_], dtype: None = None, *, device: str | None = None
    ) -> DeviceBuffer[bool]: ...
    @overload
    def asarray(
        array: NDArray[np.integer[Any]], dtype: None = None, *, device: str | None = None
    ) -> DeviceBuffer[int]: ...
    @overload
    def asarray(
        array: NDArray[np.floating[Any]], dtype: None = None, *, device: str | None = None
    ) -> DeviceBuffer[float]: ...
    @overload
    def asarray(
        array: object, dtype: None = None, *, device: str | None = None
    ) -> DeviceBuffer[Any]: ...
    def asarray(array: object, dtype: Any = None, *, device: str | None = None) -> Any:
        """`array` as a buffer; see `oxide_codegen.making.asarray`."""

else:
    from oxide_codegen.buffers import DeviceBuffer
    from oxide_codegen.making import asarray, empty, from_dlpack, managed, pinned, zeros

    def __getattr__(name: str) -> object:
        """`HostArray`, which needs NumPy, when it is asked for."""
        if name != "HostArray":
            raise AttributeError(f"module 'oxide.buffers' has no attribute {name!r}")
        from oxide_codegen.host_arrays import HostArray

        return HostArray


__all__ = [
    "DeviceBuffer",
    "HostArray",
    "asarray",
    "empty",
    "from_dlpack",
    "managed",
    "pinned",
    "zeros",
]
