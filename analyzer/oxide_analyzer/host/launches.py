"""What one launch comes to: which kernel, on what, and whether that is allowed.

    step[4, 256](a, out)      step.prepare(grid=4, block=256)(a, out)      ….bind(…)      ….op(…)
                              step.op(prepared, a, out)

Memory that two parameters share (OX108), a contract that does not hold (OX401), arrays that are not
all in one place (OX504), and buffers that were freed (OX501).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from oxide_analyzer.diagnostics import Related
from oxide_analyzer.frontends.oxide.meanings import FunctionRole, UserFunction
from oxide_analyzer.frontends.oxide.scopes import parameters
from oxide_analyzer.host import api
from oxide_analyzer.host.conditions import Known, broken, folded, shown, threads
from oxide_analyzer.host.values import (
    UNKNOWN,
    Configured,
    HostFunction,
    Items,
    Kind,
    Named,
    Thing,
    Value,
)
from oxide_analyzer.ir.kernel import ArrayParameter
from oxide_analyzer.ir.nodes import Const, Ownership
from oxide_analyzer.rules import ox108_aliased_arguments as ox108
from oxide_analyzer.rules import ox401_launch_violates_contract as ox401
from oxide_analyzer.rules import ox504_wrong_device as ox504
from oxide_analyzer.sizes import Symbol, Whole

if TYPE_CHECKING:
    import ast
    from collections.abc import Iterator

    from oxide_analyzer.checked import Fact
    from oxide_analyzer.host.conditions import Extents
    from oxide_analyzer.host.expressions import Expressions, Given
    from oxide_analyzer.ir.kernel import Kernel
    from oxide_analyzer.sizes import Size

_MOST_AXES = 3
_OF_OURS = (Kind.BUFFER, Kind.OPERATION)


def configured(here: Expressions, kernel: UserFunction, given: Value, node: ast.expr) -> Value:
    """`k[grid, block]`, `k[grid, block, stream, shared]`."""
    match given:
        case Items(items=[grid, block, *rest]) if len(rest) <= 2:
            stream, shared = (*rest, None, None)[:2]
            return Configured(kernel, Named(grid, block, stream, shared), node)
        case _:
            here.run.escapes(given)
            return UNKNOWN


def method(
    here: Expressions, owner: Configured | HostFunction, name: str, given: Given, node: ast.Call
) -> tuple[Value] | None:
    """What a method of a kernel or of a launch gives; None for what is not known."""
    match owner, name:
        case HostFunction(function=function), ("prepare" | "launch_unchecked") if (
            function.role is FunctionRole.KERNEL
        ):
            if not given.is_complete or given.positional:
                return None
            named = Named(*(given.keywords.get(n) for n in ("grid", "block", "stream", "shared")))
            return (Configured(function, named, node, is_checked=name == "prepare"),)
        case Configured(), "bind":
            _look(here, owner, given, node)
            for value in given.all:
                here.run.escapes(value)
            return (UNKNOWN,)
        case Configured(kernel=function), "op":
            _look(here, owner, given, node, is_direct=False)
            what = f"is part of `{function.node.name}`"
            return (api.operation_of(here, given.all, node, what),)
        case HostFunction(function=function), "op" if function.role is FunctionRole.KERNEL:
            match given.positional:
                case [Configured() as prepared, *rest] if prepared.kernel.node is function.node:
                    given.positional = rest
                    return method(here, prepared, name, given, node)
                case _:
                    # What was prepared somewhere else is not known, but an operation it gives.
                    what = f"is part of `{function.node.name}`"
                    return (api.operation_of(here, given.all, node, what),)
        case _:
            return None


def launched(here: Expressions, called: Configured, given: Given, node: ast.Call) -> Value:
    """A launch."""
    _look(here, called, given, node)
    for value in given.all:
        here.run.escapes(value)
    # With arrays of the host it comes back when it is done.
    return None


def _look(
    here: Expressions,
    called: Configured,
    given: Given,
    node: ast.Call,
    *,
    is_direct: bool = True,
) -> None:
    arguments = _bound(called.kernel, given)
    if is_direct:
        for value in given.all:
            if isinstance(value, Thing):
                api.use(here, value, node)
                here.read(value, node)
    if arguments is None:
        return
    stated = here.run.stated(called.kernel)
    if stated is None:
        return
    kernel, facts = stated
    arrays = {
        parameter.name: value
        for parameter in kernel.parameters
        if isinstance(parameter, ArrayParameter)
        and isinstance(value := arguments.get(parameter.name), Thing)
    }
    _demand_apart(here, kernel, arrays, node)
    if is_direct:
        _demand_one_place(here, kernel, called, arrays, node)
    if called.is_checked:
        _demand_contract(here, kernel, facts, called, arguments, node)


def _bound(function: UserFunction, given: Given) -> dict[str, Value] | None:
    if not given.is_complete:
        return None
    declared = [argument.arg for argument, _ in parameters(function.node)]
    if len(given.positional) > len(declared):
        return None
    found = dict(zip(declared, given.positional, strict=False))
    return {**found, **given.keywords}


# ---------------------------------------------------------------- memory


def _demand_apart(
    here: Expressions, kernel: Kernel, arrays: dict[str, Thing], node: ast.Call
) -> None:
    names = list(arrays)
    for place, name in enumerate(names):
        for other in names[:place]:
            one, two = arrays[name], arrays[other]
            if one.number != two.number or (one.shape is not None and 0 in one.shape):
                continue
            if one.kind is Kind.OPERATION and not one.may_repeat:
                # That it is used twice is said by itself.
                continue
            written = [n for n in (name, other) if _is_written(kernel, n)]
            if written:
                beside = other if written[0] == name else name
                here.run.report(
                    ox108.found(
                        here.span(node),
                        kernel.name,
                        written[0],
                        beside,
                        (*_made(one, here), _declared(kernel)),
                    )
                )
                return


def _is_written(kernel: Kernel, name: str) -> bool:
    return kernel.arrays[name].ownership is not Ownership.READ_ONLY


def _made(thing: Thing, here: Expressions) -> Iterator[Related]:
    if thing.made.path == here.run.source.path:
        yield Related(thing.made, "made here")


def _declared(kernel: Kernel) -> Related:
    return Related(kernel.name_span, f"`{kernel.name}` is declared here")


def _demand_one_place(
    here: Expressions,
    kernel: Kernel,
    called: Configured,
    arrays: dict[str, Thing],
    node: ast.Call,
) -> None:
    first: tuple[str, Thing, str] | None = None
    for name, thing in arrays.items():
        place = _place(thing)
        if place is None:
            continue
        if first is None:
            first = name, thing, place
        elif _differ(place, first[2]):
            related = (*_made(thing, here), *_made(first[1], here))
            here.run.report(
                ox504.arrays(
                    here.span(node), kernel.name, (name, place), (first[0], first[2]), related
                )
            )
            return
        elif first[2] == _ANY_DEVICE:
            first = name, thing, place
    stream = called.given.stream
    if first is None or not isinstance(stream, Thing) or stream.device is None:
        return
    if first[2] not in (_HOST, _ANY_DEVICE, stream.device):
        related = (*_made(stream, here), *_made(first[1], here))
        here.run.report(
            ox504.stream(here.span(node), kernel.name, stream.device, (first[0], first[2]), related)
        )


_HOST = "in host memory"
_ANY_DEVICE = "in a buffer"


def _place(thing: Thing) -> str | None:
    if thing.kind is Kind.HOST_ARRAY:
        return _HOST
    if thing.kind is Kind.BUFFER:
        return _ANY_DEVICE if thing.device is None else thing.device
    return None


def _differ(one: str, other: str) -> bool:
    if _HOST in (one, other):
        return one != other
    return _ANY_DEVICE not in (one, other) and one != other


# ---------------------------------------------------------------- contracts


def _demand_contract(
    here: Expressions,
    kernel: Kernel,
    facts: tuple[Fact, ...],
    called: Configured,
    arguments: dict[str, Value],
    node: ast.Call,
) -> None:
    grid, declared = _extents(called.given.grid), _declared_block(kernel)
    block = declared if called.given.block is None else _extents(called.given.block)
    if 0 in grid:
        return
    said = _shape_of_launch(kernel, grid, block, declared)
    if said is not None:
        related = (_declared(kernel),)
        here.run.report(ox401.geometry(here.span(node), kernel.name, said, related))
        return
    scalars: dict[str, Size] = {}
    shapes: dict[str, tuple[Size, ...]] = {}
    for name, value in arguments.items():
        match value:
            case int() | Symbol() | Whole():
                scalars[name] = folded(value)
            case Thing(shape=shape) if name in kernel.arrays and shape is not None:
                if len(shape) == kernel.arrays[name].rank:
                    shapes[name] = tuple(map(folded, shape))
            case _:
                pass
    known = Known(scalars, shapes, grid, block)
    for fact in facts:
        found = broken(fact.condition, known)
        if found is not None:
            stated = Related(fact.span, "declared here" if fact.declared else "the proof needs it")
            here.run.report(
                ox401.fact(
                    here.span(node),
                    kernel.name,
                    fact.text,
                    str(found),
                    is_declared=fact.declared,
                    related=(stated,),
                )
            )
            return


def _extents(value: Value) -> Extents:
    items = value.items if isinstance(value, Items) else (value,)
    if not 1 <= len(items) <= _MOST_AXES or isinstance(value, Symbol):
        # A name may hold a tuple.
        return (None, None, None)
    sizes: list[Size | None] = [
        folded(item) if isinstance(item, int | Symbol | Whole) else None for item in items
    ]
    sizes += [1] * (_MOST_AXES - len(sizes))
    return (sizes[0], sizes[1], sizes[2])


def _declared_block(kernel: Kernel) -> Extents:
    if kernel.contract.block is None:
        return (None, None, None)
    x, y, z = (
        int(extent.value) if isinstance(extent, Const) else None for extent in kernel.contract.block
    )
    return (x, y, z)


def _shape_of_launch(
    kernel: Kernel, grid: Extents, block: Extents, declared: Extents
) -> str | None:
    """What a contract says of grid and block that these are not."""
    for one, fixed in zip(block, declared, strict=True):
        if isinstance(one, int) and isinstance(fixed, int) and one != fixed:
            stated = f"the kernel is declared with block={_text(declared)}"
            return f"`block` is {_text(block)}, but {stated}"
    most, count = kernel.contract.max_threads, threads(block)
    if isinstance(most, Const) and count is not None and count > int(most.value):
        return (
            f"`block` has {count} threads, but the kernel is declared with max_threads={most.value}"
        )
    for axis in range(kernel.contract.domain or _MOST_AXES, _MOST_AXES):
        for name, extents in (("grid", grid), ("block", block)):
            extent = extents[axis]
            if isinstance(extent, int) and extent != 1:
                return (
                    f"`{name}` has extent {extent} along {'xyz'[axis]}, but the kernel is declared "
                    f"with domain={kernel.contract.domain}"
                )
    return None


def _text(extents: Extents) -> str:
    return f"({', '.join('?' if extent is None else shown(extent) for extent in extents)})"
