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

    class DeviceBuffer(  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]
        DisjointSlice[T],
        DisjointSlice2D[T],
        DisjointSlice3D[T],
        AtomicSlice[T],
        AtomicSlice2D[T],
        AtomicSlice3D[T],
    ):
        """A C-contiguous array on one device."""

        @property
        def shape(self) -> Any:
            """The extents, a tuple of ints."""

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

        def free(self) -> None:
            """Give the memory back now, behind its last use; `with` does so at its end."""

        def __enter__(self) -> DeviceBuffer[T]: ...

        def __exit__(self, *_: object) -> None: ...

        def numpy(self) -> NDArray[Any]:
            """A copy, when all work on this buffer is done."""
            ...

        def copy_from(self, source: ArrayLike | DeviceBuffer[T]) -> None:
            """Overwrite with an array of the same shape and element type."""

        def __len__(self) -> int: ...

        def __getitem__(self, index: Any, /) -> Any: ...

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
        """`array` as a buffer; see `oxide_codegen.buffers.asarray`."""

else:
    from oxide_codegen.buffers import DeviceBuffer, asarray, empty, zeros

__all__ = ["DeviceBuffer", "asarray", "empty", "zeros"]
