"""The arrays that a kernel takes.

| parameter | the kernel may |
|---|---|
| `Slice[T]`, `Slice2D[T]` | read any element |
| `DisjointSlice[T]`, `DisjointSlice2D[T]` | read, and write what is proved its own |
| `AtomicSlice[T]`, `AtomicSlice2D[T]` | change elements by `atomic.*` |

They are declarations: a kernel is compiled from its source, so nothing here ever holds data.
`Slice` is invariant; were it covariant, a buffer of integers would pass for one of floats.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from oxide_codegen.errors import OutsideKernelError

T = TypeVar("T")
Index = TypeVar("Index")


class AtomicTarget(Generic[T, Index]):
    """What `oxide.atomic` changes: elements of type `T` at an `Index`."""


class Slice(Generic[T]):
    """Shared by all threads and read-only for the launch."""

    @property
    def shape(self) -> tuple[int]:
        """The length, as a tuple."""
        raise OutsideKernelError("Slice.shape")

    @property
    def size(self) -> int:
        """The number of elements."""
        raise OutsideKernelError("Slice.size")

    def __len__(self) -> int:
        raise OutsideKernelError("len")

    def __getitem__(self, index: int, /) -> T:
        raise OutsideKernelError("Slice.__getitem__")


class Slice2D(Generic[T]):
    """Shared by all threads and read-only for the launch, in rows and columns."""

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        raise OutsideKernelError("Slice2D.shape")

    @property
    def size(self) -> int:
        """The number of elements."""
        raise OutsideKernelError("Slice2D.size")

    def __len__(self) -> int:
        raise OutsideKernelError("len")

    def __getitem__(self, index: tuple[int, int], /) -> T:
        raise OutsideKernelError("Slice2D.__getitem__")


class DisjointSlice(Slice[T]):
    """An element that one thread writes is touched by no other until they synchronise."""

    def __setitem__(self, index: int, value: T, /) -> None:
        raise OutsideKernelError("DisjointSlice.__setitem__")


class DisjointSlice2D(Slice2D[T]):
    """An element that one thread writes is touched by no other until they synchronise."""

    def __setitem__(self, index: tuple[int, int], value: T, /) -> None:
        raise OutsideKernelError("DisjointSlice2D.__setitem__")


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

    def __len__(self) -> int:
        raise OutsideKernelError("len")


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

    def __len__(self) -> int:
        raise OutsideKernelError("len")
