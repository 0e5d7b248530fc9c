"""Arrays that host code makes, and what their parts are: shapes and types of elements.

    np.zeros((rows, cols), dtype=np.float32)      f32, (rows, cols)
    cuda.device_array_like(x)                     as x
    image[:, :, 0]                                the extents of the first two axes
    x.astype("float32").T                         f32, the extents of x turned round

Functions are known by their names, whatever module they come from: NumPy, CuPy and `numba.cuda`
name them alike.
"""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from oxide_analyzer.frontends.numba import dtypes, host_views
from oxide_analyzer.frontends.numba.quantities import (
    NOT_KNOWN,
    HostArray,
    HostScalar,
    HostValue,
    NotKnown,
    Region,
    Sizes,
    as_size,
    whole,
)
from oxide_analyzer.language.records import XOROSHIRO
from oxide_analyzer.language.types import F64, I64
from oxide_analyzer.sizes import Size, Symbol, Whole

if TYPE_CHECKING:
    from oxide_analyzer.frontends.numba.host import Host
    from oxide_analyzer.language.records import Element

_FACTORIES = {"zeros", "empty", "ones", "device_array", "pinned_array", "mapped_array"}
_LIKE = {"zeros_like", "empty_like", "ones_like", "full_like", "device_array_like"}
_OF_DEVICES = {"device_array", "mapped_array", "device_array_like"}
_COPIES = {
    "to_device",
    "asarray",
    "array",
    "ascontiguousarray",
    "copy",
    "copy_to_host",
    "astype",
    "as_cuda_array",
    "asnumpy",
    "get",
    "sort",
}
_METHODS = {"copy", "astype", "get", "copy_to_host"}
# What may give the very array that they are given.
_VIEWS = {"asarray", "ascontiguousarray", "as_cuda_array", "asnumpy"}
_RANDOM = {"rand", "randn"}
_SIZED = {
    "random",
    "random_sample",
    "uniform",
    "normal",
    "standard_normal",
    "choice",
    "exponential",
}
_SPACED = {"linspace", "logspace", "geomspace"}
_SPACED_BY_DEFAULT = 50


def element(host: Host, node: ast.expr | None) -> Element | None:
    """The type that `np.float32`, `"c8"`, `np.dtype([("x", "f4")])` or `x.dtype` names."""
    match node:
        case ast.Attribute(value=value, attr="dtype"):
            held = host.value(value)
            return held.element if isinstance(held, HostArray) else None
        case ast.Call(func=ast.Attribute(attr="dtype"), args=[ast.Attribute() as inner]):
            return element(host, inner)
        case ast.expr():
            return dtypes.element(node, host.scope, host.resolver)
        case None:
            return None


def attribute(array: HostArray, name: str) -> HostValue:
    """`x.shape`, `x.size`, `x.T`."""
    shape = array.shape
    if array.supposed is not None:
        return _supposed(array, array.supposed, name)
    if name == "shape":
        return HostArray(f"{array.name}.shape", None) if shape is None else Sizes(shape)
    if name == "size":
        if shape is None:
            return Symbol(array.count)
        size: HostValue = shape[0] if shape else 1
        for extent in shape[1:]:
            size = _product(size, extent)
        return size
    if name == "ndim" and shape is not None:
        return len(shape)
    if name == "T" and shape is not None:
        return HostArray(f"{array.name}.T", tuple(reversed(shape)), array.element, array.lies)
    return NOT_KNOWN


def _supposed(array: HostArray, shape: str, name: str) -> HostValue:
    """What an array says of itself that may have more axes than one: only that along the first
    one is its length."""
    match name:
        case "shape":
            return HostArray(shape, None, supposed=shape)
        case "size":
            return Symbol(array.count)
        case "T":
            turned = f"{array.name}.T"
            return HostArray(turned, (Symbol(turned),), array.element, array.lies, turned)
        case _:
            return NOT_KNOWN


def _product(one: HostValue, other: HostValue) -> HostValue:
    if isinstance(one, int) and isinstance(other, int):
        return one * other
    return whole("*", one, other)


def computed(
    host: Host, node: ast.expr, one: HostValue, op: ast.operator, other: HostValue
) -> HostValue:
    """What arithmetic makes of arrays, one of which has a shape: another one, of that shape if
    both have it, or the other is a number."""
    shapes = [(e.shape, e.supposed) for e in (one, other) if isinstance(e, HostArray)]
    if isinstance(op, ast.MatMult) or shapes[-1] != shapes[0]:
        return NOT_KNOWN
    if not all(isinstance(e, HostArray | HostScalar | int | Symbol | Whole) for e in (one, other)):
        return NOT_KNOWN
    shape, supposed = shapes[0]
    return HostArray(place(host, node), shape, supposed=supposed)


def part(host: Host, array: HostArray, node: ast.Subscript, depth: int) -> HostValue:
    """`x[i]`, `x[:, 0]`, `x[:n]`: a view, or an element."""
    assert array.shape is not None
    given = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    if len(given) > len(array.shape):
        return NOT_KNOWN
    shape: list[Size] = []
    may_be_mask = False
    for axis, extent in enumerate(array.shape):
        index = given[axis] if axis < len(given) else ast.Slice()
        match index:
            case ast.Slice(lower=None, upper=None, step=None):
                shape.append(extent)
            case ast.Slice(lower=lower, upper=upper, step=None):
                shape.append(_sliced(host, array, axis, lower, upper, depth))
            case ast.Slice():
                shape.append(Symbol(f"{place(host, node)}[{axis}]"))
            case ast.Constant(value=int()) | ast.Name() | ast.BinOp() | ast.UnaryOp():
                chosen = host.value(index, depth + 1)
                if not isinstance(as_size(chosen), int | Symbol | Whole):
                    # A mask, or the indices of several elements.
                    return NOT_KNOWN
                may_be_mask |= isinstance(chosen, HostArray)
            case _:
                return NOT_KNOWN
    if not shape:
        if array.element is None or array.supposed is not None:
            return NOT_KNOWN
        return HostScalar(array.element)
    regions = _regions(host, array, given, depth)
    name = place(host, node)
    if may_be_mask:
        # Of a mask with two axes it is as many elements as hold.
        return HostArray(name, None, array.element, regions)
    return HostArray(name, tuple(shape), array.element, regions, array.supposed and name)


def _regions(host: Host, array: HostArray, given: list[ast.expr], depth: int) -> tuple[Region, ...]:
    """Where a part of an array lies."""
    part: list[tuple[Size, Size] | None] = []
    for axis, index in enumerate(given):
        extents = array.shape or array.extents(axis + 1) or ()
        extent: HostValue = extents[axis] if axis < len(extents) else NOT_KNOWN
        if isinstance(index, ast.Slice):
            low = 0 if index.lower is None else as_size(host.value(index.lower, depth + 1))
            high = extent if index.upper is None else as_size(host.value(index.upper, depth + 1))
            low = NOT_KNOWN if index.step is not None else low
        else:
            low = as_size(host.value(index, depth + 1))
            if isinstance(low, int) and isinstance(extent, int):
                low = low % extent if extent else low
            high = low + 1 if isinstance(low, int) else whole("+", low, 1)
        if isinstance(index, ast.Constant) and index.value in (None, ...):
            # From here on the axes are others.
            break
        part.append(_ends(low, high))
    return tuple(
        # Of a part of a part it is enough to know which part it is of.
        region if region.part else replace(region, part=tuple(part))
        for region in array.lies
    )


def _ends(low: HostValue, high: HostValue) -> tuple[Size, Size] | None:
    if isinstance(low, int | Symbol | Whole) and isinstance(high, int | Symbol | Whole):
        return low, high
    return None


def view(host: Host, array: HostArray, node: ast.Subscript, depth: int) -> HostValue | None:
    """A part of what may be an array; None if it is one element of it, or of what else it is.

    Of what a name holds, `x[i]` and `x[j]` are taken for two things; not so of what is a view.
    """
    given = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    keys = [index.value for index in given if isinstance(index, ast.Constant)]
    if any(isinstance(key, str) for key in keys):
        # A field of records, or what a dictionary holds.
        return None
    is_certain = bool(array.regions) or any(isinstance(index, ast.Slice) for index in given)
    is_counted = len(keys) == len(given) and all(isinstance(key, int) for key in keys)
    if not is_certain and not is_counted:
        return None
    return HostArray(place(host, node), None, array.element, _regions(host, array, given, depth))


def _sliced(
    host: Host,
    array: HostArray,
    axis: int,
    lower: ast.expr | None,
    upper: ast.expr | None,
    depth: int,
) -> Size:
    assert array.shape is not None
    extent = array.shape[axis]
    low = 0 if lower is None else host.value(lower, depth + 1)
    high = extent if upper is None else host.value(upper, depth + 1)
    if isinstance(low, int) and isinstance(high, int) and isinstance(extent, int):
        return len(range(*slice(low, high).indices(extent)))
    # Python takes no more than there is, which nobody knows here.
    ends = [_said(low), _said(high)]
    node = lower or upper
    if None in ends and node is not None:
        return Symbol(f"{place(host, node)}[{axis}]")
    return Symbol(f"{array.name}[{axis}][{ends[0]}:{ends[1]}]")


def _said(value: HostValue) -> str | None:
    """What is the same for two values only if they are."""
    size = as_size(value)
    match size:
        case int() | Symbol() | Whole():
            return str(size)
        case _:
            return None


def made(host: Host, node: ast.Call, name: str, depth: int) -> HostValue:
    """The array that a call makes."""
    arguments = list(node.args)
    given = {keyword.arg: keyword.value for keyword in node.keywords}
    type = element(host, given.get("dtype"))

    def argument(position: int, keyword: str) -> ast.expr | None:
        return arguments[position] if position < len(arguments) else given.get(keyword)

    if name in _FACTORIES:
        shape = argument(0, "shape")
        if "dtype" not in given:
            second = argument(1, "dtype")
            type = F64 if second is None else element(host, second)
        made = NOT_KNOWN if shape is None else _of_shape(host, node, shape, type, depth)
        return _on_device(made) if name in _OF_DEVICES else made
    if name == "full":
        shape, value = argument(0, "shape"), argument(1, "fill_value")
        third = argument(2, "dtype")
        type = element(host, third) if third is not None else _of_number(host, value, depth)
        return NOT_KNOWN if shape is None else _of_shape(host, node, shape, type, depth)
    if name == "arange":
        return _counted(host, node, arguments, type, depth)
    if name in _SPACED:
        count = argument(2, "num")
        size = _SPACED_BY_DEFAULT if count is None else host.value(count, depth + 1)
        return _of_sizes(host, node, [size], type or F64)
    if name in _RANDOM:
        return _of_sizes(host, node, [host.value(a, depth + 1) for a in arguments], F64)
    if name in _SIZED or name in ("randint", "integers"):
        size = given.get("size")
        if size is None and name in ("random", "random_sample", "standard_normal") and arguments:
            size = arguments[0]
        if size is None and len(arguments) == len(("low", "high", "size")) and name != "choice":
            size = arguments[2]
        if name in ("randint", "integers"):
            type = type if "dtype" in given else I64
        else:
            type = (type or F64) if name != "choice" else None
        return NOT_KNOWN if size is None else _of_shape(host, node, size, type, depth)
    if name in ("eye", "identity") and len(arguments) == 1 and given.keys() <= {"dtype"}:
        return _of_sizes(host, node, [host.value(arguments[0], depth + 1)] * 2, type or F64)
    if name in _LIKE:
        source = NOT_KNOWN if not arguments else host.value(arguments[0], depth + 1)
        if not isinstance(source, HostArray):
            return NOT_KNOWN
        kept = source.element if "dtype" not in given else type
        if "shape" in given:
            return _of_shape(host, node, given["shape"], kept, depth)
        found = _same(host, node, source, kept)
        return _on_device(found) if name in _OF_DEVICES else found
    if name == "create_xoroshiro128p_states" and arguments:
        return _of_sizes(host, node, [host.value(arguments[0], depth + 1)], XOROSHIRO)
    found: HostValue = NOT_KNOWN
    if name in ("reshape", "ravel", "flatten", "transpose"):
        found = _rearranged(host, node, name, depth)
    elif name in _COPIES:
        found = _copied(host, node, name, given, depth)
    if not isinstance(found, NotKnown):
        return found
    return host_views.of_call(host, node, name, place(host, node), depth)


def _on_device(array: HostValue) -> HostValue:
    """The array in memory of a device."""
    if not isinstance(array, HostArray):
        return array
    return replace(array, regions=tuple(replace(r, is_of_device=True) for r in array.lies))


def _copied(
    host: Host, node: ast.Call, name: str, given: dict[str | None, ast.expr], depth: int
) -> HostValue:
    arguments = list(node.args)
    if name in _METHODS and isinstance(node.func, ast.Attribute):
        found = host.value(node.func.value, depth + 1)
        if isinstance(found, HostArray):
            if name == "astype" and arguments:
                type, may_be_one = element(host, arguments[0]), not _is_copy(given)
                return _same(host, node, found, type, is_view=may_be_one)
            if name == "get" and (arguments or found.shape is None):
                # Of a dictionary, or of a queue.
                return NOT_KNOWN
            into = given.get("ary", arguments[0] if arguments and name == "copy_to_host" else None)
            if into is not None:
                return host.value(into, depth + 1)
            return _same(host, node, found, found.element)
    source = arguments[0] if arguments and name != "get" else None
    found = NOT_KNOWN if source is None else host.value(source, depth + 1)
    second = given.get("dtype", arguments[1] if len(arguments) > 1 else None)
    match found:
        case HostArray():
            type = element(host, second)
            if name == "to_device":
                if "to" in given:
                    return host.value(given["to"], depth + 1)
                # What is on a device already is given as it is.
                array = _same(host, node, found, found.element, is_view=found.is_of_device)
                return _on_device(array)
            kept = found.element if second is None else type
            is_view = name in _VIEWS or not _is_copy(given)
            return _same(host, node, found, kept, is_view=is_view)
        case Sizes():
            return _literal(host, node, found, second)
        case _:
            return NOT_KNOWN


def _is_copy(given: dict[str | None, ast.expr]) -> bool:
    """Whether a copy is made in any case: not with `copy=False`, nor with `copy=None`."""
    match given.get("copy"):
        case None | ast.Constant(value=True):
            return True
        case _:
            return False


def _same(
    host: Host, node: ast.Call, array: HostArray, type: Element | None, *, is_view: bool = False
) -> HostArray:
    """An array of the same shape: another one, or perhaps the same."""
    made = place(host, node)
    regions = array.lies if is_view else (Region(made),)
    name = array.name if array.shape is None else made
    return replace(array, name=name, element=type, regions=regions)


def _literal(host: Host, node: ast.Call, items: Sizes, dtype: ast.expr | None) -> HostValue:
    """`np.array([1, 2, 3])`, `np.array([[0.5, 1], [2, 3]])`."""
    shape: list[Size] = []
    if not all(isinstance(leaf, int | HostScalar | Symbol | Whole) for leaf in _leaves(items)):
        # What a name holds may be an array: then this has another axis.
        return NOT_KNOWN
    level: HostValue = items
    while isinstance(level, Sizes):
        shape.append(len(level.items))
        level = level.items[0] if level.items else NOT_KNOWN
    type = element(host, dtype)
    if dtype is None:
        leaves = list(_leaves(items))
        if leaves and all(isinstance(leaf, int) for leaf in leaves):
            type = I64
        elif leaves and all(isinstance(leaf, int | HostScalar) for leaf in leaves):
            type = F64
    return HostArray(place(host, node), tuple(shape), type)


def _leaves(value: HostValue) -> list[HostValue]:
    if isinstance(value, Sizes):
        return [leaf for item in value.items for leaf in _leaves(item)]
    return [value]


def _rearranged(host: Host, node: ast.Call, name: str, depth: int) -> HostValue:
    """`x.reshape(rows, cols)`, `x.ravel()`."""
    source = NOT_KNOWN
    if isinstance(node.func, ast.Attribute):
        source = host.value(node.func.value, depth + 1)
    if not isinstance(source, HostArray):
        return NOT_KNOWN
    if name in ("ravel", "flatten"):
        size = as_size(attribute(source, "size"))
        regions = source.lies if name == "ravel" else ()
        return _of_sizes(host, node, [size], source.element, regions)
    if name == "transpose":
        turned = attribute(source, "T")
        return NOT_KNOWN if node.args else turned
    given = [host.value(argument, depth + 1) for argument in node.args]
    if len(given) == 1 and given[0] != -1:
        array = _shaped(host, node, given[0], source.element)
        return replace(array, regions=source.lies)
    # An extent of -1 is what is left over.
    sizes = [NOT_KNOWN if extent == -1 else extent for extent in given]
    if len(given) == 1:
        sizes = [as_size(attribute(source, "size"))]
    return _of_sizes(host, node, sizes, source.element, source.lies) if sizes else NOT_KNOWN


def _counted(
    host: Host, node: ast.Call, arguments: list[ast.expr], type: Element | None, depth: int
) -> HostValue:
    """`np.arange(n)`, `np.arange(low, high)`."""
    ends = [host.value(argument, depth + 1) for argument in arguments]
    given = {keyword.arg for keyword in node.keywords}
    is_whole = all(isinstance(as_size(end), int | Symbol | Whole) for end in ends)
    if type is None and "dtype" not in given and all(isinstance(end, int) for end in ends):
        type = I64
    match ends:
        case _ if not given <= {"dtype"}:
            return _of_sizes(host, node, [NOT_KNOWN], type)
        case [only] if is_whole:
            return _of_sizes(host, node, [_not_below_zero(only)], type)
        case [low, high] if is_whole:
            if isinstance(low, int) and isinstance(high, int):
                return _of_sizes(host, node, [max(0, high - low)], type)
            return _of_sizes(host, node, [_not_below_zero(whole("-", high, low))], type)
        case _:
            return _of_sizes(host, node, [NOT_KNOWN], type)


def _not_below_zero(size: HostValue) -> HostValue:
    """How many numbers there are up to one; lengths are not below zero."""
    found = as_size(size)
    match found:
        case Symbol(name=name) if ".shape[" not in name and not name.endswith(".size"):
            return whole("max", found, 0)
        case Whole():
            return whole("max", found, 0)
        case _:
            return found


def _of_number(host: Host, node: ast.expr | None, depth: int) -> Element | None:
    """The elements of an array that is filled with a number."""
    match NOT_KNOWN if node is None else host.value(node, depth + 1):
        case int():
            return I64
        case HostScalar(type=type):
            return type
        case _:
            return None


def _of_shape(
    host: Host, node: ast.expr, shape: ast.expr, type: Element | None, depth: int
) -> HostArray:
    return _shaped(host, node, host.value(shape, depth + 1), type)


def _shaped(host: Host, node: ast.expr, shape: HostValue, type: Element | None) -> HostArray:
    """An array of a shape, or of a length, that a value gives."""
    match shape:
        case Sizes(items=items):
            # An extent of -1 is what is left over.
            sizes = [NOT_KNOWN if extent == -1 else extent for extent in items]
            return _of_sizes(host, node, sizes, type)
        case HostArray(name=name, shape=None) if name.endswith(".shape"):
            # The shape of another array: as long as that one along every axis.
            made = (Region(place(host, node)),)
            return HostArray(name.removesuffix(".shape"), None, type, made)
        case HostArray(name=name, shape=None):
            return replace(_of_sizes(host, node, [shape], type), supposed=name)
        case NotKnown():
            at = place(host, node)
            return replace(_of_sizes(host, node, [Symbol(at)], type), supposed=at)
        case _:
            return _of_sizes(host, node, [shape], type)


def _of_sizes(
    host: Host,
    node: ast.expr,
    items: list[HostValue],
    type: Element | None,
    regions: tuple[Region, ...] = (),
) -> HostArray:
    at = place(host, node)
    sizes = tuple(
        extent if isinstance(extent, int | Symbol | Whole) else Symbol(f"{at}[{axis}]")
        for axis, extent in enumerate(map(as_size, items))
    )
    return HostArray(at, sizes, type, regions)


def place(host: Host, node: ast.expr | ast.stmt) -> str:
    """A name for what an expression makes."""
    return f"{host.scope.qualname}:{node.lineno}:{node.col_offset}{host.path}"
