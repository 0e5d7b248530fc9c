"""What Oxide offers on the host: buffers, streams, operations.

A buffer is freed by `free` and at the end of `with … as b`; an operation is used up by whoever runs
it or makes it a part of another one, unless it is shared.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, TypeGuard

from oxide_analyzer.host import arrays
from oxide_analyzer.host.state import Flight, Use
from oxide_analyzer.host.values import UNKNOWN, Items, Kind, Text, Thing, Value
from oxide_analyzer.rules import ox501_use_after_free as ox501
from oxide_analyzer.rules import ox503_unsynchronised_access as ox503

if TYPE_CHECKING:
    from oxide_analyzer.host.expressions import Expressions, Given

_OPERATIONS = "oxide.operations."
_MOST_RESULTS = 16
_DEVICE = re.compile(r"(cpu|cuda)(:\d+)?")
# What a buffer that was freed can no longer do; its shape it still knows.
_USES = frozenset(
    (
        *("numpy", "copy_from", "copy_to", "view", "__cuda_array_interface__", "__dlpack__"),
        *("reshape", "ravel", "transpose"),
    )
)


def device_of(value: Value) -> str | None:
    """The device that a string names."""
    if not isinstance(value, Text) or not _DEVICE.fullmatch(value.value):
        return None
    return {"cuda": "cuda:0", "cpu:0": "cpu"}.get(value.value, value.value)


def called(here: Expressions, path: str, given: Given, node: ast.Call) -> tuple[Value] | None:
    """What a function of Oxide gives; None for any other."""
    if path.startswith(_OPERATIONS):
        return _operation(here, path.removeprefix(_OPERATIONS), given, node)
    match path:
        case "oxide.empty" | "oxide.zeros" | "oxide.managed":
            device = _device(here, given, 2)
            shape = arrays.shape_of(given.argument(0, "shape"))
            return (here.made(Kind.BUFFER, node, shape=shape, device=device),)
        case "oxide.pinned":
            shape = arrays.shape_of(given.argument(0, "shape"))
            return (here.made(Kind.HOST_ARRAY, node, shape=shape, is_pinned=True, waits=True),)
        case "oxide.asarray":
            return (_as_array(here, given, node),)
        case "oxide.from_dlpack":
            return (_from_dlpack(here, given, node),)
        case "oxide.stream":
            device = _device(here, given, 0)
            return (here.made(Kind.STREAM, node, device=device),)
        case _:
            return None


def _device(here: Expressions, given: Given, place: int) -> str | None:
    name = given.keywords.get("device")
    if name is None and place == 0:
        name = given.argument(0, "device")
    return (here.state.device or None) if name is None else device_of(name)


def _looked_at(here: Expressions, given: Given, node: ast.Call) -> Value:
    """The array that is given, of which memory is made; who has it may do so as well."""
    source = given.argument(0, "array")
    for value in given.all:
        here.run.escapes(value)
    match source:
        case Thing(kind=Kind.BUFFER):
            use(here, source, node)
        case Thing(kind=Kind.HOST_ARRAY):
            here.read(source, node)
        case _:
            pass
    return source


def _as_array(here: Expressions, given: Given, node: ast.Call) -> Value:
    match source := _looked_at(here, given, node):
        case Thing(kind=Kind.HOST_ARRAY):
            return here.made(Kind.BUFFER, node, shape=source.shape, device=_device(here, given, 2))
        case Items() | int():
            shape = arrays.of_literal(source)
            return here.made(Kind.BUFFER, node, shape=shape, device=_device(here, given, 2))
        case _:
            # A buffer may be the same one, or a copy on another device; an array that is on a
            # device already is only wrapped.
            return UNKNOWN


def _from_dlpack(here: Expressions, given: Given, node: ast.Call) -> Value:
    """The memory of an array: of a NumPy one, where that is."""
    match source := _looked_at(here, given, node):
        case Thing(kind=Kind.HOST_ARRAY):
            elsewhere = "device" in given.keywords
            device = device_of(given.keywords["device"]) if elsewhere else "cpu"
            return here.made(Kind.BUFFER, node, shape=source.shape, device=device)
        case _:
            return UNKNOWN


# ---------------------------------------------------------------- buffers


def method(
    here: Expressions, owner: Thing, name: str, given: Given, node: ast.Call
) -> tuple[Value] | None:
    """What a method of an object gives; None for what is not known."""
    match owner.kind:
        case Kind.BUFFER:
            return _of_buffer(here, owner, name, given, node)
        case Kind.OPERATION:
            return _of_operation(here, owner, name, given, node)
        case Kind.STREAM:
            return _of_stream(here, owner, name, given, node)
        case Kind.HOST_ARRAY | Kind.FOREIGN_ARRAY | Kind.FOREIGN_STREAM:
            return None


def _of_buffer(
    here: Expressions, owner: Thing, name: str, given: Given, node: ast.Call
) -> tuple[Value] | None:
    for value in given.all:
        for thing in [value] if isinstance(value, Thing) else []:
            use(here, thing, node)
            here.read(thing, node)
        here.run.escapes(value)
    match name:
        case "free":
            here.state.freed.setdefault(owner.number, Use(here.span(node), "freed here"))
            return (None,)
        case "numpy":
            use(here, owner, node)
            return (here.made(Kind.HOST_ARRAY, node, shape=owner.shape),)
        case "copy":
            use(here, owner, node)
            return (here.made(Kind.BUFFER, node, shape=owner.shape, device=owner.device),)
        case "copy_to":
            use(here, owner, node)
            target, stream = given.argument(0, "target"), given.argument(1, "stream")
            if _is_on_stream(stream) and isinstance(target, Thing) and target.waits:
                here.state.flights[target.number] = Flight(here.span(node), stream.number)
            return (UNKNOWN,)
        case _ if name in _USES:
            use(here, owner, node)
            return (UNKNOWN,)
        case _:
            return None


def _is_on_stream(stream: Value) -> TypeGuard[Thing]:
    return isinstance(stream, Thing) and stream.kind is Kind.STREAM


def use(here: Expressions, thing: Thing, node: ast.expr) -> None:
    """A buffer is used; it must not be freed."""
    freed = here.state.freed.get(thing.number)
    if freed is not None and thing.kind is Kind.BUFFER:
        here.run.report(ox501.freed(here.span(node), freed.span, freed.what, thing.made))


def _of_stream(
    here: Expressions, owner: Thing, name: str, given: Given, node: ast.Call
) -> tuple[Value] | None:
    match name:
        case "fork":
            return (here.made(Kind.STREAM, node, device=owner.device),)
        case "sync" | "wait" | "join" | "record":
            if name == "sync":
                here.anything_happens()
            for value in given.all:
                here.run.escapes(value)
            return (UNKNOWN,)
        case _:
            return None


# ---------------------------------------------------------------- operations


def take(here: Expressions, value: Value, node: ast.expr, what: str) -> None:
    """An operation becomes part of something, or is run; so is each in a tuple."""
    if isinstance(value, Items):
        for item in value.items:
            take(here, item, node, what)
        return
    if not isinstance(value, Thing):
        return
    use(here, value, node)
    if value.kind is not Kind.OPERATION:
        here.run.escapes(value)
        return
    here.run.used.add(value.made)
    before = here.state.taken.get(value.number)
    if before is None:
        here.state.taken[value.number] = Use(here.span(node), what)
    elif not value.may_repeat:
        here.run.report(ox501.taken(here.span(node), before.span, before.what))


def done(here: Expressions, value: Thing, node: ast.expr, what: str) -> Value:
    """The result of an operation that is run."""
    take(here, value, node, what)
    if value.gives is None or value.may_repeat:
        return UNKNOWN
    return here.made(value.gives, node, shape=value.shape)


def _operation(here: Expressions, name: str, given: Given, node: ast.Call) -> tuple[Value] | None:
    gives, shape = None, None
    first = given.positional[0] if given.positional else None
    match name:
        case "empty" | "zeros":
            gives, shape = Kind.BUFFER, arrays.shape_of(given.argument(0, "shape"))
        case "upload":
            gives, shape = Kind.BUFFER, first.shape if isinstance(first, Thing) else None
        case "download":
            gives, shape = Kind.HOST_ARRAY, first.shape if isinstance(first, Thing) else None
        case "unzip":
            return (_unzipped(here, given, node),)
        case "copy" | "clear" | "value" | "zip_ops" | "with_context" | "host":
            pass
        case "all_reduce" | "broadcast" | "all_gather":
            pass
        case _:
            return None
    for value in given.all:
        take(here, value, node, f"is part of the `{name}`")
        if isinstance(value, Thing) and value.kind is Kind.HOST_ARRAY:
            here.read(value, node)
    return (here.made(Kind.OPERATION, node, shape=shape, gives=gives),)


def operation_of(here: Expressions, parts: list[Value], node: ast.expr, what: str) -> Thing:
    """An operation that others become part of."""
    for part in parts:
        take(here, part, node, what)
    return here.made(Kind.OPERATION, node)


def _unzipped(here: Expressions, given: Given, node: ast.Call) -> Value:
    source, count = given.argument(0, "source"), given.argument(1, "count")
    if isinstance(source, Thing) and not source.may_repeat:
        take(here, source, node, "is part of the `unzip`")
    here.run.escapes(source)
    if not isinstance(count, int) or not 0 < count <= _MOST_RESULTS:
        return UNKNOWN
    results = tuple(here.made(Kind.OPERATION, node) for _ in range(count))
    # Whoever wants one of the results need not want the others.
    here.run.escapes(Items(results))
    return Items(results)


def _of_operation(
    here: Expressions, owner: Thing, name: str, given: Given, node: ast.Call
) -> tuple[Value] | None:
    match name:
        case "sync" | "sync_on":
            here.anything_happens()
            for value in given.all:
                here.run.escapes(value)
            return (done(here, owner, node, "was run"),)
        case "share":
            take(here, owner, node, "is shared")
            return (
                here.made(
                    Kind.OPERATION, node, shape=owner.shape, gives=owner.gives, may_repeat=True
                ),
            )
        case "graph":
            # It is made of the operation, which is used up when it is enqueued.
            here.run.escapes(owner)
            return (UNKNOWN,)
        case "and_then":
            take(here, owner, node, "is part of the `and_then`")
            for value in given.all:
                here.run.escapes(value)
            if owner.gives is Kind.HOST_ARRAY and node.args:
                _in_flight(here, node.args[0], owner)
            here.escape_names_in(node)
            return (here.made(Kind.OPERATION, node),)
        case _:
            return None


def _in_flight(here: Expressions, then: ast.expr, owner: Thing) -> None:
    """What comes behind a download gets an array that is still being written."""
    if not isinstance(then, ast.Lambda) or not then.args.args:
        return
    name = then.args.args[0].arg
    for inner in ast.walk(then.body):
        match inner:
            case (
                ast.Subscript(value=ast.Name(id=read), ctx=ast.Load())
                | ast.Call(func=ast.Attribute(value=ast.Name(id=read)))
                | ast.BinOp(left=ast.Name(id=read))
                | ast.BinOp(right=ast.Name(id=read))
            ) if read == name:
                here.run.report(ox503.handed_on(here.span(inner), owner.made, name))
                return
            case _:
                pass
