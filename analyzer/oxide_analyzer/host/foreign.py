"""What NumPy and Numba offer on the host: arrays, copies on streams, and who waits for them.

    s = cuda.stream()
    h = d.copy_to_host(stream=s)      h is written while the program goes on
    print(h[0])                       too early
    s.synchronize()

Arrays and streams are told by what makes them; behind any other call nothing is in flight for sure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.host import arrays
from oxide_analyzer.host.state import Flight
from oxide_analyzer.host.values import UNKNOWN, Kind, Thing, Value

if TYPE_CHECKING:
    import ast

    from oxide_analyzer.host.expressions import Expressions, Given

LAUNCH = "numba.cuda.<launch>"
_NUMPY = "numpy."
_CUDA = "numba.cuda."
_OF_SHAPE = ("zeros", "ones", "empty", "full")
_LIKE = ("zeros_like", "ones_like", "empty_like", "full_like", "copy", "ascontiguousarray")
# They take the memory of an array without asking what kind of array it is.
_PAST_NUMPY = ("array", "asarray", "ascontiguousarray", "require", "frombuffer")
_ON_STREAM = ("to_device", "device_array", "device_array_like", "<launch>", "event")


def called(here: Expressions, path: str, given: Given, node: ast.Call) -> tuple[Value] | None:
    """What a function of NumPy or Numba gives; None for any other."""
    if path in ("math.ceil", "numpy.ceil"):
        return _ceiling(here, node)
    if path.startswith(_NUMPY):
        return _of_numpy(here, path.removeprefix(_NUMPY), given, node)
    if path.startswith(_CUDA):
        return _of_numba(here, path.removeprefix(_CUDA), given, node)
    return None


def _of_numpy(here: Expressions, name: str, given: Given, node: ast.Call) -> tuple[Value]:
    for value in given.all:
        here.read(value, node, past_numpy=name in _PAST_NUMPY)
        here.run.escapes(value)
    first = given.argument(0, "shape")
    shape = None
    match name:
        case _ if name in _OF_SHAPE:
            shape = arrays.shape_of(first)
        case _ if name in _LIKE:
            if not isinstance(first, Thing) or first.kind is not Kind.HOST_ARRAY:
                return (UNKNOWN,)
            shape = first.shape
        case "arange" if len(given.positional) == 1:
            shape = arrays.shape_of(first)
            if shape is None or len(shape) != 1:
                return (UNKNOWN,)
        case "array":
            shape = arrays.of_literal(first)
            if shape is None:
                return (UNKNOWN,)
        case _:
            # What calls like `np.sin` give may be a number.
            return (UNKNOWN,)
    return (here.made(Kind.HOST_ARRAY, node, shape=shape),)


def _of_numba(here: Expressions, name: str, given: Given, node: ast.Call) -> tuple[Value] | None:
    if name in ("stream", "default_stream", "external_stream"):
        # The streams that are there already are waited for in ways that nobody sees.
        return (here.made(Kind.FOREIGN_STREAM, node),) if name == "stream" else (UNKNOWN,)
    if name in ("pinned_array", "mapped_array"):
        shape = arrays.shape_of(given.argument(0, "shape"))
        is_pinned = name == "pinned_array"
        return (here.made(Kind.HOST_ARRAY, node, shape=shape, is_pinned=is_pinned),)
    if name not in _ON_STREAM:
        return None
    stream = given.keywords.get("stream")
    waits = name == "to_device" and not isinstance(stream, Thing)
    if name == "<launch>":
        # Arrays of the host are copied back before it returns.
        waits = not all(
            (isinstance(v, Thing) and v.kind is Kind.FOREIGN_ARRAY) or isinstance(v, int)
            for v in given.all
        )
    for value in given.all:
        here.run.escapes(value)
    if waits:
        here.anything_happens()
    made_array = name in ("to_device", "device_array", "device_array_like")
    return (here.made(Kind.FOREIGN_ARRAY, node) if made_array else UNKNOWN,)


def method(
    here: Expressions, owner: Thing, name: str, given: Given, node: ast.Call
) -> tuple[Value] | None:
    """What a method of an array of the host, or of Numba, gives; None for what is not known."""
    match owner.kind, name:
        case Kind.FOREIGN_ARRAY, "copy_to_host":
            return (_copied(here, given, node),)
        case Kind.FOREIGN_STREAM, ("synchronize" | "auto_synchronize"):
            here.anything_happens()
            return (UNKNOWN,)
        case Kind.HOST_ARRAY, _:
            here.read(owner, node)
            for value in given.all:
                here.run.escapes(value)
            return (UNKNOWN,)
        case _:
            return None


def _copied(here: Expressions, given: Given, node: ast.Call) -> Value:
    """`d.copy_to_host(h, stream=s)`."""
    target, stream = given.argument(0, "ary"), given.argument(1, "stream")
    if target is None:
        target = here.made(Kind.HOST_ARRAY, node)
    if not isinstance(stream, Thing) or stream.kind is not Kind.FOREIGN_STREAM:
        here.anything_happens()
    elif isinstance(target, Thing) and target.kind is Kind.HOST_ARRAY:
        here.state.flights[target.number] = Flight(here.span(node), stream.number)
    return target


def _ceiling(here: Expressions, node: ast.Call) -> tuple[Value] | None:
    """`math.ceil(a / b)`."""
    found = here.quotient(node.args[0]) if len(node.args) == 1 else None
    return None if found is None else (found,)
