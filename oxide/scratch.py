"""Memory that a kernel allocates for itself: shared by a block, or local to a thread.

The index has the type of the shape, so that type checkers know the rank: `tile[i, j]` is an
error if `tile` is `SharedArray(f32, 64)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeAlias

from oxide_codegen.errors import OutsideKernelError

if TYPE_CHECKING:
    from typing_extensions import TypeVar

    from oxide.slices import AtomicTarget

    T = TypeVar("T")
    Shape = TypeVar("Shape", int, tuple[int, int], default=int)

    class Scratch(Generic[T, Shape]):
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

        def __len__(self) -> int: ...

        def __getitem__(self, index: Shape, /) -> T: ...

        def __setitem__(self, index: Shape, value: T, /) -> None: ...

    class SharedArray(Scratch[T, Shape], AtomicTarget[T, Shape]):
        """One allocation for each block, undefined at its start."""

    class LocalArray(Scratch[T, Shape]):
        """An allocation of one thread, undefined each time its declaration runs."""

    # What parameters of helper functions are annotated with.
    SharedArray2D: TypeAlias = SharedArray[T, tuple[int, int]]
    LocalArray2D: TypeAlias = LocalArray[T, tuple[int, int]]

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

    class LocalArray2D(LocalArray):
        """A local array of two dimensions, as parameters of helpers say."""
