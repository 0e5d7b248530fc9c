"""Memory that a kernel allocates for itself: shared by a block, or local to a thread.

The index has the type of the shape, so that type checkers know the rank: `tile[i, j]` is an
error if `tile` is `SharedArray(f32, 64)`. A view of scratch memory passes for a slice too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeAlias, overload

from oxide_codegen.errors import OutsideKernelError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import TypeVar

    from oxide.slices import (
        AtomicTarget,
        Block,
        DisjointSlice,
        DisjointSlice2D,
        DisjointSlice3D,
        Line,
        Plane,
        Readable,
        Row,
        Span,
        Writable,
    )

    T = TypeVar("T")
    Shape = TypeVar("Shape", int, tuple[int, int], tuple[int, int, int], default=int)

    class Scratch(Readable[T, Shape], Writable[T, Shape], Generic[T, Shape]):
        """What shared and local arrays have in common."""

        def __init__(self, dtype: type[T], shape: Shape, /) -> None: ...

        @property
        def shape(self) -> tuple[int, ...]:
            """The extents."""
            ...

        @property
        def size(self) -> int:
            """The number of elements."""
            ...

        @property
        def dtype(self) -> type[T]:
            """The element type: `a.dtype(0)` is a literal of it."""
            ...

        def __len__(self) -> int: ...
        def __iter__(self: Scratch[T, int]) -> Iterator[T]: ...

        def __setitem__(self, index: Shape, value: T, /) -> None: ...

    class SharedArray(Scratch[T, Shape], AtomicTarget[T, Shape]):
        """One allocation for each block, undefined at its start."""

        @overload
        def __getitem__(self, index: Shape, /) -> T: ...
        @overload
        def __getitem__(self: SharedArray[T, int], index: Span, /) -> SharedView[T]: ...
        @overload
        def __getitem__(self: SharedArray[T, tuple[int, int]], index: Row, /) -> SharedView[T]: ...
        @overload
        def __getitem__(
            self: SharedArray[T, tuple[int, int]], index: Span | tuple[Span, Span], /
        ) -> SharedView2D[T]: ...
        @overload
        def __getitem__(
            self: SharedArray[T, tuple[int, int, int]], index: Line, /
        ) -> SharedView[T]: ...
        @overload
        def __getitem__(
            self: SharedArray[T, tuple[int, int, int]], index: Plane, /
        ) -> SharedView2D[T]: ...
        @overload
        def __getitem__(
            self: SharedArray[T, tuple[int, int, int]], index: Block, /
        ) -> SharedView3D[T]: ...
        def __getitem__(self, index: object, /) -> object: ...

    class LocalArray(Scratch[T, Shape]):
        """An allocation of one thread, undefined each time its declaration runs."""

        @overload
        def __getitem__(self, index: Shape, /) -> T: ...
        @overload
        def __getitem__(self: LocalArray[T, int], index: Span, /) -> LocalView[T]: ...
        @overload
        def __getitem__(self: LocalArray[T, tuple[int, int]], index: Row, /) -> LocalView[T]: ...
        @overload
        def __getitem__(
            self: LocalArray[T, tuple[int, int]], index: Span | tuple[Span, Span], /
        ) -> LocalView2D[T]: ...
        @overload
        def __getitem__(
            self: LocalArray[T, tuple[int, int, int]], index: Line, /
        ) -> LocalView[T]: ...
        @overload
        def __getitem__(
            self: LocalArray[T, tuple[int, int, int]], index: Plane, /
        ) -> LocalView2D[T]: ...
        @overload
        def __getitem__(
            self: LocalArray[T, tuple[int, int, int]], index: Block, /
        ) -> LocalView3D[T]: ...
        def __getitem__(self, index: object, /) -> object: ...

    # What parameters of helper functions are annotated with.
    SharedArray2D: TypeAlias = SharedArray[T, tuple[int, int]]
    LocalArray2D: TypeAlias = LocalArray[T, tuple[int, int]]
    SharedArray3D: TypeAlias = SharedArray[T, tuple[int, int, int]]
    LocalArray3D: TypeAlias = LocalArray[T, tuple[int, int, int]]

    class SharedView(DisjointSlice[T], SharedArray[T, int]):
        """A part of a `SharedArray`."""

        @property
        def shape(self) -> tuple[int]:
            """The length, as a tuple."""
            ...

        @overload
        def __getitem__(self, index: int, /) -> T: ...
        @overload
        def __getitem__(self, index: Span, /) -> SharedView[T]: ...
        def __getitem__(  # pyright: ignore[reportIncompatibleMethodOverride]
            self, index: object, /
        ) -> object: ...
        def __setitem__(self, index: int, value: T, /) -> None: ...

    class SharedView2D(DisjointSlice2D[T], SharedArray[T, tuple[int, int]]):
        """A part of a `SharedArray`."""

        @property
        def shape(self) -> tuple[int, int]:
            """Rows and columns."""
            ...

        @overload
        def __getitem__(self, index: tuple[int, int], /) -> T: ...
        @overload
        def __getitem__(self, index: Row, /) -> SharedView[T]: ...
        @overload
        def __getitem__(self, index: Span | tuple[Span, Span], /) -> SharedView2D[T]: ...
        def __getitem__(  # pyright: ignore[reportIncompatibleMethodOverride]
            self, index: object, /
        ) -> object: ...
        def __setitem__(self, index: tuple[int, int], value: T, /) -> None: ...

    class SharedView3D(DisjointSlice3D[T], SharedArray[T, tuple[int, int, int]]):
        """A part of a `SharedArray`."""

        @property
        def shape(self) -> tuple[int, int, int]:
            """Planes, rows and columns."""
            ...

        @overload
        def __getitem__(self, index: tuple[int, int, int], /) -> T: ...
        @overload
        def __getitem__(self, index: Line, /) -> SharedView[T]: ...
        @overload
        def __getitem__(self, index: Plane, /) -> SharedView2D[T]: ...
        @overload
        def __getitem__(self, index: Block, /) -> SharedView3D[T]: ...
        def __getitem__(  # pyright: ignore[reportIncompatibleMethodOverride]
            self, index: object, /
        ) -> object: ...
        def __setitem__(self, index: tuple[int, int, int], value: T, /) -> None: ...

    class LocalView(DisjointSlice[T], LocalArray[T, int]):
        """A part of a `LocalArray`."""

        @property
        def shape(self) -> tuple[int]:
            """The length, as a tuple."""
            ...

        @overload
        def __getitem__(self, index: int, /) -> T: ...
        @overload
        def __getitem__(self, index: Span, /) -> LocalView[T]: ...
        def __getitem__(  # pyright: ignore[reportIncompatibleMethodOverride]
            self, index: object, /
        ) -> object: ...
        def __setitem__(self, index: int, value: T, /) -> None: ...

    class LocalView2D(DisjointSlice2D[T], LocalArray[T, tuple[int, int]]):
        """A part of a `LocalArray`."""

        @property
        def shape(self) -> tuple[int, int]:
            """Rows and columns."""
            ...

        @overload
        def __getitem__(self, index: tuple[int, int], /) -> T: ...
        @overload
        def __getitem__(self, index: Row, /) -> LocalView[T]: ...
        @overload
        def __getitem__(self, index: Span | tuple[Span, Span], /) -> LocalView2D[T]: ...
        def __getitem__(  # pyright: ignore[reportIncompatibleMethodOverride]
            self, index: object, /
        ) -> object: ...
        def __setitem__(self, index: tuple[int, int], value: T, /) -> None: ...

    class LocalView3D(DisjointSlice3D[T], LocalArray[T, tuple[int, int, int]]):
        """A part of a `LocalArray`."""

        @property
        def shape(self) -> tuple[int, int, int]:
            """Planes, rows and columns."""
            ...

        @overload
        def __getitem__(self, index: tuple[int, int, int], /) -> T: ...
        @overload
        def __getitem__(self, index: Line, /) -> LocalView[T]: ...
        @overload
        def __getitem__(self, index: Plane, /) -> LocalView2D[T]: ...
        @overload
        def __getitem__(self, index: Block, /) -> LocalView3D[T]: ...
        def __getitem__(  # pyright: ignore[reportIncompatibleMethodOverride]
            self, index: object, /
        ) -> object: ...
        def __setitem__(self, index: tuple[int, int, int], value: T, /) -> None: ...

    def dynamic_shared(dtype: type[T], /) -> SharedArray[T]:
        """Shared memory of as many bytes as the launch has; once in a kernel."""
        ...

else:

    class SharedArray:
        """One allocation for each block, undefined at its start."""

        def __init__(self, dtype: type, shape: object, /) -> None:
            raise OutsideKernelError("SharedArray")

        def __class_getitem__(cls, item: object) -> type:
            """The class itself: `SharedArray[f32]` is what annotations say."""
            return cls

    class LocalArray:
        """An allocation of one thread, undefined each time its declaration runs."""

        def __init__(self, dtype: type, shape: object, /) -> None:
            raise OutsideKernelError("LocalArray")

        def __class_getitem__(cls, item: object) -> type:
            """The class itself: `LocalArray[f32]` is what annotations say."""
            return cls

    class SharedArray2D(SharedArray):
        """A shared array of two dimensions, as parameters of helpers say."""

    class SharedArray3D(SharedArray):
        """A shared array of three dimensions, as parameters of helpers say."""

    class LocalArray2D(LocalArray):
        """A local array of two dimensions, as parameters of helpers say."""

    class LocalArray3D(LocalArray):
        """A local array of three dimensions, as parameters of helpers say."""

    def dynamic_shared(dtype: type, /) -> SharedArray:
        """Shared memory of as many bytes as the launch has; once in a kernel."""
        raise OutsideKernelError("dynamic_shared")
