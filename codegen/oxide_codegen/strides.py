"""Where the elements of an array lie: views of memory, and copies between two layouts.

A layout is a shape and as many strides, in bytes. A view of a layout is another one, some bytes on:
NumPy says which, over memory that is not there. A copy between two layouts is a list of
rectangles, each of which is one call to the driver: axes along which both go on without a gap are
one, the last of the others are the rows of a rectangle, what is left is counted out.

    x of (4, 6) f32, x[:, 2:5] -> (4, 3)     strides (24, 4), 8 bytes on
        rectangle: 4 rows of 12 bytes, 24 bytes apart there, 12 here

An axis that is walked backwards has rows of one element. A copy of more than `MOST` rectangles is
not listed: who wants it goes by way of the host.
"""

from __future__ import annotations

from itertools import product
from math import prod
from operator import index
from typing import TYPE_CHECKING, Any

from oxide_analyzer.record import record

if TYPE_CHECKING:
    from collections.abc import Sequence

Extents = tuple[int, ...]

# The driver is called for each; beyond so many one copy by way of the host is faster.
MOST = 256
# The driver's limit for the distance of two rows.
_PITCH = 2**31 - 1


@record
class Layout:
    """The shape of an array and its strides, in bytes; elements have `item` bytes."""

    shape: Extents
    strides: Extents
    item: int

    @property
    def size(self) -> int:
        """The number of elements."""
        return prod(self.shape)

    @property
    def is_contiguous(self) -> bool:
        """Whether the elements lie side by side in C order."""
        return is_contiguous(self.shape, self.strides, self.item)

    def reach(self) -> tuple[int, int]:
        """Where the memory that it reaches starts and ends, in bytes from its first element."""
        if not self.size:
            return 0, 0
        ends = [s * (n - 1) for n, s in zip(self.shape, self.strides, strict=True)]
        return sum(min(0, e) for e in ends), sum(max(0, e) for e in ends) + self.item


@record
class Rectangle:
    """`rows` rows of `width` bytes: where they start, and how far they are apart, on both sides."""

    target: int
    source: int
    width: int
    rows: int
    target_pitch: int
    source_pitch: int


def packed(shape: Extents, item: int) -> Extents:
    """The strides of an array whose elements lie side by side in C order."""
    strides: list[int] = []
    for extent in reversed(shape):
        strides.append(item)
        item *= max(extent, 1)
    return tuple(reversed(strides))


def is_contiguous(shape: Extents, strides: Extents, item: int) -> bool:
    """Whether elements lie side by side in C order."""
    if 0 in shape:
        return True
    for extent, stride in zip(reversed(shape), reversed(strides), strict=True):
        # An axis of one element is never stepped along, so its stride may be anything.
        if extent != 1 and stride != item:
            return False
        item *= extent
    return True


def indexed(layout: Layout, key: Any) -> tuple[Layout, int]:
    """The layout of `array[key]`, and how many bytes on it starts.

    Raises what NumPy raises, and `TypeError` for an index that makes a copy there.
    """
    import numpy as np

    parts = key if isinstance(key, tuple) else (key,)
    if not all(is_basic(part) for part in parts):
        raise TypeError("arrays on a device have no advanced indexing: index with ints and slices")
    # A byte that nobody looks at, in the layout of the array.
    flat: Any = np.ndarray(layout.shape, np.uint8, bytearray(1), 0, (0,) * len(layout.shape))
    ghost: Any = np.lib.stride_tricks.as_strided(flat, layout.shape, layout.strides)
    found = ghost[parts if keeps_array(key) else (*parts, ...)]
    start = found.__array_interface__["data"][0] - ghost.__array_interface__["data"][0]
    return Layout(found.shape, found.strides, layout.item), start


def keeps_array(key: Any) -> bool:
    """Whether NumPy gives an array of no dimensions where all axes are indexed, no element."""
    parts: tuple[Any, ...] = key if isinstance(key, tuple) else (key,)
    return any(part is ... for part in parts)


def is_basic(part: Any) -> bool:
    """Whether an index, or a part of one, gives a view in NumPy."""
    if part is None or part is ... or isinstance(part, slice):
        return True
    return hasattr(part, "__index__") and not isinstance(part, bool) and not _axes(part)


def _axes(part: Any) -> Any:
    return getattr(part, "shape", ())


def reshaped(layout: Layout, shape: Sequence[int]) -> Layout:
    """The same elements in another shape; `ValueError` where that takes a copy.

    One extent may be -1: what is left. Axes are taken together, on both sides, until they have as
    many elements; on the side of the array these must follow each other without a gap.
    """
    extents = completed(layout, shape)
    if layout.is_contiguous:
        return Layout(extents, packed(extents, layout.item), layout.item)
    old = [(n, s) for n, s in zip(layout.shape, layout.strides, strict=True) if n != 1]
    strides = [layout.item] * len(extents)
    new, k = len(extents), len(old)
    while k:
        k -= 1
        count, stride = old[k]
        end, reached = new, 1
        while reached < count or (reached != count and k):
            if reached < count and new:
                new -= 1
                reached *= extents[new]
                continue
            k -= 1
            if k < 0 or old[k][1] != old[k + 1][0] * old[k + 1][1]:
                raise _no_view(layout, shape)
            count *= old[k][0]
        for place in range(end - 1, new - 1, -1):
            strides[place] = stride
            stride *= extents[place]
    return Layout(extents, tuple(strides), layout.item)


def _no_view(layout: Layout, shape: Sequence[int]) -> ValueError:
    return ValueError(
        f"shape {layout.shape} with strides {layout.strides} has no view of shape {tuple(shape)}: "
        "reshape a copy, `x.copy().reshape(...)`"
    )


def completed(layout: Layout, shape: Sequence[int]) -> Extents:
    """The shape with what is left over for an extent of -1; as many elements as there are."""
    extents = [int(extent) for extent in shape]
    if extents.count(-1) == 1:
        rest = prod(extent for extent in extents if extent != -1)
        extents[extents.index(-1)] = layout.size // rest if rest else 0
    if prod(extents) != layout.size or any(extent < 0 for extent in extents):
        raise ValueError(f"an array of shape {layout.shape} has no shape {tuple(shape)}")
    return tuple(extents)


def transposed(layout: Layout, axes: Sequence[int] | None) -> Layout:
    """The same elements with the axes in another order, by default the reverse."""
    rank = len(layout.shape)
    order = [*range(rank)[::-1]] if axes is None else [index(axis) for axis in axes]
    order = [axis + rank if axis < 0 else axis for axis in order]
    if sorted(order) != [*range(rank)]:
        raise ValueError(f"{tuple(order)} is no order of {rank} axes")
    shape, strides = (tuple(of[k] for k in order) for of in (layout.shape, layout.strides))
    return Layout(shape, strides, layout.item)


# ---------------------------------------------------------------- copies


def rectangles(target: Layout, source: Layout) -> tuple[Rectangle, ...] | None:
    """The copies that make `target` what `source` is, of one shape; None if they are too many.

    Offsets are those from the first elements.
    """
    if not target.size:
        return ()
    axes = _joined(target, source)
    width = target.item
    if axes and axes[-1][1:] == (width, width):
        width *= axes.pop()[0]
    rows, target_pitch, source_pitch = 1, width, width
    # Rows that do not overlap, forwards: what is left is counted out.
    if axes and all(width <= pitch <= _PITCH for pitch in axes[-1][1:]):
        rows, target_pitch, source_pitch = axes.pop()
    if prod(extent for extent, _, _ in axes) > MOST:
        return None
    places = product(*(range(extent) for extent, _, _ in axes))
    return tuple(
        Rectangle(
            sum(k * axis[1] for k, axis in zip(place, axes, strict=True)),
            sum(k * axis[2] for k, axis in zip(place, axes, strict=True)),
            width,
            rows,
            target_pitch,
            source_pitch,
        )
        for place in places
    )


def _joined(target: Layout, source: Layout) -> list[tuple[int, int, int]]:
    """Extents with both strides; axes that go on without a gap on both sides are one."""
    joined: list[tuple[int, int, int]] = []
    for extent, to, of in zip(target.shape, target.strides, source.strides, strict=True):
        if extent == 1:
            continue
        if joined and joined[-1][1:] == (extent * to, extent * of):
            joined[-1] = (joined[-1][0] * extent, to, of)
        else:
            joined.append((extent, to, of))
    return joined
