"""Names of `numba.cuda` that have a meaning only inside a kernel.

They are objects so that modules with kernels can be imported and read by type checkers; kernels are
compiled from their source, and ordinary Python code that calls one of these is told so.
"""

from __future__ import annotations

from typing import Any, Literal, NoReturn, overload

from oxide_codegen.errors import OutsideKernelError


class Place:
    """`threadIdx`, `blockIdx`, `blockDim`, `gridDim`: numbers along x, y and z."""

    def __init__(self, name: str) -> None:
        self._name = name

    @property
    def x(self) -> int:
        """Along x."""
        raise OutsideKernelError(f"cuda.{self._name}.x")

    @property
    def y(self) -> int:
        """Along y."""
        raise OutsideKernelError(f"cuda.{self._name}.y")

    @property
    def z(self) -> int:
        """Along z."""
        raise OutsideKernelError(f"cuda.{self._name}.z")


class Namespace:
    """`atomic`, `shared`, `local`, `const`, `cg`: functions by their names."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Intrinsic(f"{self._name}.{name}")


class Intrinsic:
    """A function of kernels."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Refused outside of kernels."""
        raise OutsideKernelError(f"cuda.{self._name}")

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Intrinsic(f"{self._name}.{name}")


@overload
def grid(ndim: Literal[1]) -> int: ...
@overload
def grid(ndim: Literal[2]) -> tuple[int, int]: ...
@overload
def grid(ndim: Literal[3]) -> tuple[int, int, int]: ...
def grid(ndim: int) -> Any:
    """The thread's index in the grid, along x, y and z."""
    raise OutsideKernelError("cuda.grid")


@overload
def gridsize(ndim: Literal[1]) -> int: ...
@overload
def gridsize(ndim: Literal[2]) -> tuple[int, int]: ...
@overload
def gridsize(ndim: Literal[3]) -> tuple[int, int, int]: ...
def gridsize(ndim: int) -> Any:
    """The threads of the grid, along x, y and z."""
    raise OutsideKernelError("cuda.gridsize")


def syncthreads() -> None:
    """All threads of the block meet."""
    raise OutsideKernelError("cuda.syncthreads")


def outside(name: str) -> NoReturn:
    """A value of kernels, asked for by ordinary code."""
    raise OutsideKernelError(f"cuda.{name}")
