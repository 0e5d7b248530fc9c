"""What may lie in memory that there is already: views of arrays, their rows, and what `out=` fills.

    np.squeeze(x), x.view("i4")           anything that lies where x does
    np.add(x, y, out=x)                   the same
    a, b = np.split(x, 2)                 parts of x, side by side
    for row in x: …                       somewhere in x
    u, v = x                              x[0] and x[1]

Of the shapes nothing is said. A function that is not listed here is taken to make what it gives.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.numba.quantities import NOT_KNOWN, HostArray, HostValue, Region, Sizes
from oxide_analyzer.sizes import Symbol, Whole

if TYPE_CHECKING:
    from oxide_analyzer.frontends.numba.host import Host
    from oxide_analyzer.sizes import Size

_VIEWING = frozenset(
    (
        *("view", "squeeze", "ravel", "reshape", "transpose", "swapaxes", "diagonal", "expand"),
        *("flip", "fliplr", "flipud", "rot90", "moveaxis", "rollaxis", "permute_dims"),
        *("atleast_1d", "atleast_2d", "atleast_3d", "expand_dims", "broadcast_to", "unsqueeze"),
        *("asanyarray", "asfortranarray", "asarray_chkfinite", "require", "frombuffer", "permute"),
        *("as_strided", "sliding_window_view", "from_dlpack", "matrix_transpose", "real", "imag"),
        *("detach", "contiguous", "cpu", "numpy", "cuda", "to", "view_as", "real_if_close"),
    )
)
_SPLITTING = frozenset(["split", "array_split", "hsplit", "vsplit", "dsplit", "tensor_split"])
ATTRIBUTES = frozenset(["T", "mT", "real", "imag", "flat", "base", "data"])
"""The attributes of arrays that lie where these do."""
_MOST_PARTS = 16


def of_call(host: Host, node: ast.Call, name: str, at: str, depth: int) -> HostValue:
    """What a call gives that makes no array of its own."""
    for keyword in node.keywords:
        if keyword.arg == "out":
            return _anywhere_in(host.value(keyword.value, depth + 1), at)
    if name not in _VIEWING and name not in _SPLITTING:
        return NOT_KNOWN
    source: HostValue = NOT_KNOWN
    if isinstance(node.func, ast.Attribute):
        source = host.value(node.func.value, depth + 1)
    arguments = node.args
    if not isinstance(source, HostArray) and arguments:
        source, arguments = host.value(arguments[0], depth + 1), arguments[1:]
    if name in _SPLITTING and isinstance(source, HostArray) and arguments:
        count = host.value(arguments[0], depth + 1)
        if isinstance(count, int) and 0 < count <= _MOST_PARTS and len(arguments) == 1:
            return _parts(source, count, at)
    return _anywhere_in(source, at)


def _anywhere_in(source: HostValue, at: str) -> HostValue:
    match source:
        case HostArray():
            return HostArray(at, None, None, source.lies)
        case Sizes(items=[HostArray() as only]):
            return HostArray(at, None, None, only.lies)
        case _:
            return NOT_KNOWN


def _parts(source: HostArray, count: int, at: str) -> HostValue:
    """So many parts of one size along the first axis."""
    size = Symbol(f"{at}.part")

    def part(number: int) -> HostArray:
        ends = Whole("*", size, number), Whole("*", size, number + 1)
        return HostArray(f"{at}[{number}]", None, source.element, _inside(source, ends))

    return Sizes(tuple(map(part, range(count))), is_list=True)


def _inside(source: HostArray, ends: tuple[Size, Size]) -> tuple[Region, ...]:
    return tuple(r if r.part else replace(r, part=(ends,)) for r in source.lies)


def row(source: HostArray, at: str) -> HostValue:
    """What a loop over an array gives: one row after the other, or numbers."""
    if source.shape is not None and source.supposed is None:
        if len(source.shape) == 1:
            return NOT_KNOWN
        return HostArray(at, source.shape[1:], source.element, source.lies)
    return HostArray(at, None, None, source.lies)


def unpacked(source: HostArray, place: int, at: str) -> HostValue:
    """One of the names that take an array apart."""
    found = row(source, at)
    if not isinstance(found, HostArray):
        return found
    return replace(found, regions=_inside(source, (place, place + 1)))
