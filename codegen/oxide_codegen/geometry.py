"""Grid and block: what a launch may be, whatever the kernel.

Extents are given as `n`, `(x,)`, `(x, y)` or `(x, y, z)` and mean (x, y, z). A grid without a
block is allowed: `k[0, 256](...)` checks its arguments and does nothing, so that code for n
elements needs no special case for none.
"""

from __future__ import annotations

from operator import index
from typing import TYPE_CHECKING, Any

from oxide_analyzer.launch import MAX_BLOCK, MAX_GRID, MAX_SHARED, MAX_THREADS
from oxide_codegen.errors import LaunchTypeError, LaunchValueError

if TYPE_CHECKING:
    from oxide_analyzer.launch import Extent

_AXES = "xyz"


def grid_extent(kernel: str, value: Any) -> Extent:
    """The grid as (x, y, z), each from 0 to the largest that CUDA admits."""
    extent = _extent(kernel, "grid", value)
    _demand_within(kernel, "grid", extent, 0, MAX_GRID, "blocks")
    return extent


def block_extent(kernel: str, value: Any) -> Extent:
    """The block as (x, y, z), of at most 1024 threads."""
    extent = _extent(kernel, "block", value)
    _demand_within(kernel, "block", extent, 1, MAX_BLOCK, "threads")
    threads = extent[0] * extent[1] * extent[2]
    if threads > MAX_THREADS:
        raise LaunchValueError(
            kernel,
            f"block {extent} has {threads} threads; a block has at most {MAX_THREADS}",
            parameter="block",
            expected=MAX_THREADS,
            actual=threads,
            rule="OX405",
        )
    return extent


def shared_bytes(kernel: str, value: Any) -> int:
    """The bytes of dynamic shared memory that a launch asks for."""
    try:
        size = index(value)
    except TypeError:
        raise LaunchTypeError(
            kernel,
            f"`shared` is a number of bytes, got {value!r}",
            parameter="shared",
            expected="an int",
            actual=value,
        ) from None
    if not 0 <= size <= MAX_SHARED:
        raise LaunchValueError(
            kernel,
            f"`shared` is {size} bytes; a block has at most {MAX_SHARED}",
            parameter="shared",
            expected=(0, MAX_SHARED),
            actual=size,
            rule="OX405",
        )
    return size


def _extent(kernel: str, name: str, value: Any) -> Extent:
    parts: tuple[Any, ...] = tuple(value) if isinstance(value, tuple | list) else (value,)
    if not 1 <= len(parts) <= 3:
        raise LaunchTypeError(
            kernel,
            f"`{name}` has one to three extents, got {len(parts)}",
            parameter=name,
            expected="an int or a tuple of one to three",
            actual=value,
        )
    try:
        extents = [index(part) for part in parts]
    except TypeError:
        raise LaunchTypeError(
            kernel,
            f"`{name}` is an int or a tuple of ints, got {value!r}",
            parameter=name,
            expected="an int or a tuple of ints",
            actual=value,
        ) from None
    extents += [1] * (3 - len(extents))
    return (extents[0], extents[1], extents[2])


def _demand_within(
    kernel: str, name: str, extent: Extent, least: int, most: Extent, what: str
) -> None:
    for axis, (value, limit) in enumerate(zip(extent, most, strict=True)):
        if not least <= value <= limit:
            raise LaunchValueError(
                kernel,
                f"`{name}` has {value} {what} along {_AXES[axis]}; it takes {least} to {limit}",
                parameter=name,
                expected=(least, limit),
                actual=value,
                rule="OX405",
            )
