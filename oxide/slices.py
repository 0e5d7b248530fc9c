"""The arrays that a kernel takes.

| parameter | the kernel may |
|---|---|
| `Slice[T]`, `Slice2D[T]`, `Slice3D[T]` | read any element |
| `DisjointSlice[T]`, … | read, and write what is proved its own |
| `AtomicSlice[T]`, … | change elements by `atomic.*` |

They are declarations: a kernel is compiled from its source, so nothing here ever holds data.
`Slice` is invariant; were it covariant, a buffer of integers would pass for one of floats.

Fewer indices than dimensions, or `i:j` for one of them, give a view: `a[i]` and `a[i, :]` are a
row, `a[i:j]` a part. A column is no view, because its elements do not lie side by side.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, Literal, TypeAlias, TypeVar, overload

from oxide_codegen.errors import OutsideKernelError

T = TypeVar("T")
Index = TypeVar("Index")

if TYPE_CHECKING:
    from collections.abc import Iterator

    Span: TypeAlias = "slice[int | None, int | None, int | None]"
    Row: TypeAlias = int | tuple[int, Span]
    Line: TypeAlias = tuple[int, int] | tuple[int, int, Span]
    Plane: TypeAlias = int | tuple[int, Span] | tuple[int, Span, Span]
    Block: TypeAlias = Span | tuple[Span, Span] | tuple[Span, Span, Span]


class AtomicTarget(Generic[T, Index]):
    """What `oxide.atomic` changes: elements of type `T` at an `Index`."""


class Readable(Generic[T, Index]):
    """What elements of type `T` at an `Index` can be read from, several at once too."""

    @overload
    def load(self, index: Index, width: Literal[2], /) -> tuple[T, T]: ...
    @overload
    def load(self, index: Index, width: Literal[4], /) -> tuple[T, T, T, T]: ...
    @overload
    def load(self, index: Index, width: Literal[8], /) -> tuple[T, T, T, T, T, T, T, T]: ...
    @overload
    def load(
        self, index: Index, width: Literal[16], /
    ) -> tuple[T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T]: ...
    def load(self, index: Index, width: int, /) -> object:
        """`width` neighbouring elements at once, at most 16 bytes; the first one is aligned."""
        raise OutsideKernelError("load")


class Writable(Generic[T, Index]):
    """What elements of type `T` at an `Index` can be written to, several at once too."""

    def store(
        self,
        index: Index,
        values: tuple[T, T]
        | tuple[T, T, T, T]
        | tuple[T, T, T, T, T, T, T, T]
        | tuple[T, T, T, T, T, T, T, T, T, T, T, T, T, T, T, T],
        /,
    ) -> None:
        """Neighbouring elements at once, at most 16 bytes; the first one is aligned."""
        raise OutsideKernelError("store")


class Slice(Readable[T, int]):
    """Shared by all threads and read-only for the launch."""

    @property
    def shape(self) -> tuple[int]:
        """The length, as a tuple."""
        raise OutsideKernelError("Slice.shape")

    @property
    def size(self) -> int:
        """The number of elements."""
        raise OutsideKernelError("Slice.size")

    @property
    def dtype(self) -> type[T]:
        """The element type: `a.dtype(0)` is a literal of it."""
        raise OutsideKernelError("Slice.dtype")

    def __len__(self) -> int:
        raise OutsideKernelError("len")

    def __iter__(self) -> Iterator[T]:
        """Each element in turn."""
        raise OutsideKernelError("Slice.__iter__")

    @overload
    def __getitem__(self, index: int, /) -> T: ...
    @overload
    def __getitem__(self, index: Span, /) -> Slice[T]: ...
    def __getitem__(self, index: object, /) -> object:
        raise OutsideKernelError("Slice.__getitem__")


class Slice2D(Readable[T, tuple[int, int]]):
    """Shared by all threads and read-only for the launch, in rows and columns."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        raise OutsideKernelError("Slice2D.shape")

    @property
    def size(self) -> int:
        """The number of elements."""
        raise OutsideKernelError("Slice2D.size")

    @property
    def dtype(self) -> type[T]:
        """The element type: `a.dtype(0)` is a literal of it."""
        raise OutsideKernelError("Slice2D.dtype")

    def __len__(self) -> int:
        raise OutsideKernelError("len")

    @overload
    def __getitem__(self, index: tuple[int, int], /) -> T: ...
    @overload
    def __getitem__(self, index: Row, /) -> Slice[T]: ...
    @overload
    def __getitem__(self, index: Span | tuple[Span, Span], /) -> Slice2D[T]: ...
    def __getitem__(self, index: object, /) -> object:
        raise OutsideKernelError("Slice2D.__getitem__")


class Slice3D(Readable[T, tuple[int, int, int]]):
    """Shared by all threads and read-only for the launch, in planes, rows and columns."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Planes, rows and columns."""
        raise OutsideKernelError("Slice3D.shape")

    @property
    def size(self) -> int:
        """The number of elements."""
        raise OutsideKernelError("Slice3D.size")

    @property
    def dtype(self) -> type[T]:
        """The element type: `a.dtype(0)` is a literal of it."""
        raise OutsideKernelError("Slice3D.dtype")

    def __len__(self) -> int:
        raise OutsideKernelError("len")

    @overload
    def __getitem__(self, index: tuple[int, int, int], /) -> T: ...
    @overload
    def __getitem__(self, index: Line, /) -> Slice[T]: ...
    @overload
    def __getitem__(self, index: Plane, /) -> Slice2D[T]: ...
    @overload
    def __getitem__(self, index: Block, /) -> Slice3D[T]: ...
    def __getitem__(self, index: object, /) -> object:
        raise OutsideKernelError("Slice3D.__getitem__")


class DisjointSlice(Slice[T], Writable[T, int]):
    """An element that one thread writes is touched by no other until they synchronise."""

    @overload
    def __getitem__(self, index: int, /) -> T: ...
    @overload
    def __getitem__(self, index: Span, /) -> DisjointSlice[T]: ...
    def __getitem__(self, index: object, /) -> object:
        raise OutsideKernelError("DisjointSlice.__getitem__")

    def __setitem__(self, index: int, value: T, /) -> None:
        raise OutsideKernelError("DisjointSlice.__setitem__")


class DisjointSlice2D(Slice2D[T], Writable[T, tuple[int, int]]):
    """An element that one thread writes is touched by no other until they synchronise."""

    @overload
    def __getitem__(self, index: tuple[int, int], /) -> T: ...
    @overload
    def __getitem__(self, index: Row, /) -> DisjointSlice[T]: ...
    @overload
    def __getitem__(self, index: Span | tuple[Span, Span], /) -> DisjointSlice2D[T]: ...
    def __getitem__(self, index: object, /) -> object:
        raise OutsideKernelError("DisjointSlice2D.__getitem__")

    def __setitem__(self, index: tuple[int, int], value: T, /) -> None:
        raise OutsideKernelError("DisjointSlice2D.__setitem__")


class DisjointSlice3D(Slice3D[T], Writable[T, tuple[int, int, int]]):
    """An element that one thread writes is touched by no other until they synchronise."""

    @overload
    def __getitem__(self, index: tuple[int, int, int], /) -> T: ...
    @overload
    def __getitem__(self, index: Line, /) -> DisjointSlice[T]: ...
    @overload
    def __getitem__(self, index: Plane, /) -> DisjointSlice2D[T]: ...
    @overload
    def __getitem__(self, index: Block, /) -> DisjointSlice3D[T]: ...
    def __getitem__(self, index: object, /) -> object:
        raise OutsideKernelError("DisjointSlice3D.__getitem__")

    def __setitem__(self, index: tuple[int, int, int], value: T, /) -> None:
        raise OutsideKernelError("DisjointSlice3D.__setitem__")


class AtomicSlice(AtomicTarget[T, int]):
    """Shared by all threads and changed through `oxide.atomic` only."""

    @property
    def shape(self) -> tuple[int]:
        """The length, as a tuple."""
        raise OutsideKernelError("AtomicSlice.shape")

    @property
    def size(self) -> int:
        """The number of elements."""
        raise OutsideKernelError("AtomicSlice.size")

    @property
    def dtype(self) -> type[T]:
        """The element type: `a.dtype(0)` is a literal of it."""
        raise OutsideKernelError("AtomicSlice.dtype")

    def __len__(self) -> int:
        raise OutsideKernelError("len")

    def __getitem__(self, index: Span, /) -> AtomicSlice[T]:
        raise OutsideKernelError("AtomicSlice.__getitem__")


class AtomicSlice2D(AtomicTarget[T, tuple[int, int]]):
    """Shared by all threads and changed through `oxide.atomic` only, in rows and columns."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        raise OutsideKernelError("AtomicSlice2D.shape")

    @property
    def size(self) -> int:
        """The number of elements."""
        raise OutsideKernelError("AtomicSlice2D.size")

    @property
    def dtype(self) -> type[T]:
        """The element type: `a.dtype(0)` is a literal of it."""
        raise OutsideKernelError("AtomicSlice2D.dtype")

    def __len__(self) -> int:
        raise OutsideKernelError("len")

    @overload
    def __getitem__(self, index: Row, /) -> AtomicSlice[T]: ...
    @overload
    def __getitem__(self, index: Span | tuple[Span, Span], /) -> AtomicSlice2D[T]: ...
    def __getitem__(self, index: object, /) -> object:
        raise OutsideKernelError("AtomicSlice2D.__getitem__")


class AtomicSlice3D(AtomicTarget[T, tuple[int, int, int]]):
    """Shared by all threads and changed through `oxide.atomic` only, in three dimensions."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Planes, rows and columns."""
        raise OutsideKernelError("AtomicSlice3D.shape")

    @property
    def size(self) -> int:
        """The number of elements."""
        raise OutsideKernelError("AtomicSlice3D.size")

    @property
    def dtype(self) -> type[T]:
        """The element type: `a.dtype(0)` is a literal of it."""
        raise OutsideKernelError("AtomicSlice3D.dtype")

    def __len__(self) -> int:
        raise OutsideKernelError("len")

    @overload
    def __getitem__(self, index: Line, /) -> AtomicSlice[T]: ...
    @overload
    def __getitem__(self, index: Plane, /) -> AtomicSlice2D[T]: ...
    @overload
    def __getitem__(self, index: Block, /) -> AtomicSlice3D[T]: ...
    def __getitem__(self, index: object, /) -> object:
        raise OutsideKernelError("AtomicSlice3D.__getitem__")
