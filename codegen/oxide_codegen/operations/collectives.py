"""Operations that combine arrays of several devices: `all_reduce`, `broadcast`, `all_gather`.

    both = ops.Group("cuda:0", "cuda:1")
    left, right = ops.all_reduce(both, (half.op(…), other.op(…))).sync()

A call is one use of the arrays of all devices of this process: it begins on each when what was
enqueued for its array is done there, and what uses one of them next comes behind the whole. What is
given as an operation is done on the device of its place. On GPUs NCCL does it on one stream of
each; on the cpu one thread does it, which waits for other processes.
"""

from __future__ import annotations

from contextlib import ExitStack
from operator import index
from typing import TYPE_CHECKING, Any

from oxide_codegen import buffers, streams
from oxide_codegen.buffers import DeviceBuffer, host_array
from oxide_codegen.collectives.calls import OPERATORS, REDUCED, Call, combined
from oxide_codegen.errors import (
    CollectiveError,
    CollectiveMismatchError,
    DeviceError,
    GraphError,
)
from oxide_codegen.operations.operation import DeviceOperation, On, Step, as_operation
from oxide_codegen.operations.transfers import change

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from oxide_codegen.collectives.group import Group
    from oxide_codegen.collectives.link import Link
    from oxide_codegen.operations.running import Context

    Buffers = tuple[DeviceBuffer[Any], ...]

# How long to wait for word of a rank that is gone, where NCCL has noticed that something is wrong.
_WORD = 2.0


def all_reduce(group: Group, arrays: Any, operator: str = "sum") -> DeviceOperation[Any]:
    """Combine the arrays of all ranks element by element, in place: each holds the result then.

    `operator` is "sum", "prod", "min" or "max". `arrays` has one for each device of this process,
    buffers or operations; with a single device it may be the array itself. Gives what it was given.
    """
    if operator not in OPERATORS:
        raise ValueError(f"all_reduce knows {', '.join(OPERATORS)}, not {operator!r}")

    def call(first: DeviceBuffer[Any]) -> Call:
        element = first.view().element
        if element not in REDUCED:
            raise TypeError(f"all_reduce has no {element}; it has {', '.join(sorted(REDUCED))}")
        return Call("all_reduce", element, first.size, operator)

    return _operation(group, arrays, "all_reduce", call, _in_place)


def broadcast(group: Group, arrays: Any, root: int = 0) -> DeviceOperation[Any]:
    """Overwrite the arrays of all ranks with that of rank `root`; gives them."""
    root = index(root)
    if root not in range(group.size):
        raise ValueError(f"broadcast: there is no rank {root} among {group.size}")

    def call(first: DeviceBuffer[Any]) -> Call:
        return Call("broadcast", first.view().element, first.size, root=root)

    return _operation(group, arrays, "broadcast", call, _in_place)


def all_gather(group: Group, arrays: Any) -> DeviceOperation[Any]:
    """The arrays of all ranks, one behind the other in the order of ranks, on each device.

    Gives new arrays, of one dimension more in front.
    """

    def call(first: DeviceBuffer[Any]) -> Call:
        return Call("all_gather", first.view().element, first.size)

    def target(context: Context, source: DeviceBuffer[Any]) -> DeviceBuffer[Any]:
        shape, element = (group.size, *source.shape), source.view().element
        stream = None if context.device_id.kind == "cpu" else context.stream
        return buffers.allocate(shape, element, context.device_id, stream)

    return _operation(group, arrays, "all_gather", call, target)


def _in_place(_: Context, source: DeviceBuffer[Any]) -> DeviceBuffer[Any]:
    return source


def _operation(
    group: Group,
    arrays: Any,
    name: str,
    call_for: Callable[[DeviceBuffer[Any]], Call],
    target_for: Callable[[Context, DeviceBuffer[Any]], DeviceBuffer[Any]],
) -> DeviceOperation[Any]:
    is_single = not isinstance(arrays, tuple | list)
    given = (arrays,) if is_single else tuple(arrays)
    if len(given) != len(group.device_ids):
        raise ValueError(
            f"{name} wants an array for each of {', '.join(group.devices)}, got {len(given)}"
        )
    inputs = tuple(
        On(device, one) if isinstance(one, DeviceOperation) else as_operation(one)
        for device, one in zip(group.device_ids, given, strict=True)
    )

    def run(context: Context, *sources: Any) -> Any:
        if context.is_captured:
            raise GraphError(
                f"{name} cannot be part of a graph: other devices would have to repeat it as "
                "often; do it between two graphs"
            )
        call = _demanded(group, name, call_for, sources)
        contexts = [context.at(device) for device in group.device_ids]
        targets = tuple(
            target_for(where, source) for where, source in zip(contexts, sources, strict=True)
        )
        for target in targets:
            if target.view().read_only:
                raise ValueError(f"{name} writes its arrays, and {target!r} is read-only")
            change(target)
        enqueue = _on_cpu if group.kind == "cpu" else _on_cuda
        enqueue(group, call, contexts, sources, targets)
        return targets[0] if is_single else targets

    return Step(name, run, inputs)


def _demanded(
    group: Group,
    name: str,
    call_for: Callable[[DeviceBuffer[Any]], Call],
    sources: tuple[Any, ...],
) -> Call:
    """What is asked for; raises where the arrays of this process do not fit."""
    first: Call | None = None
    for rank, device, source in zip(group.ranks, group.device_ids, sources, strict=True):
        if not isinstance(source, DeviceBuffer):
            raise TypeError(
                f"{name} wants arrays on devices, got {type(source).__name__}: use oxide.asarray"
            )
        if source.device_id != device:
            raise DeviceError(
                f"{name}: rank {rank} is {device}, and its array is on {source.device}"
            )
        call = call_for(source)
        if first is not None and call != first:
            raise CollectiveMismatchError(
                f"the ranks ask for different things: rank {group.rank} for {first}, rank {rank} "
                f"for {call}"
            )
        first = call
    assert first is not None, "a group has at least one device"
    return first


def _touched(source: DeviceBuffer[Any], target: DeviceBuffer[Any]) -> tuple[tuple[Any, bool], ...]:
    written = (target.memory, True)
    return (written,) if source is target else ((source.memory, False), written)


# ---------------------------------------------------------------- on the cpu


def _on_cpu(
    group: Group, call: Call, contexts: list[Context], sources: Buffers, targets: Buffers
) -> None:
    # One after the other in memory, as bytes, whatever is read and written is used by one thread.
    into = [host_array(target.view()).reshape(-1).view("u1") for target in targets]
    rows = [host_array(source.view()).reshape(-1).view("u1") for source in sources]
    touched = [
        use
        for source, target in zip(sources, targets, strict=True)
        for use in _touched(source, target)
    ]
    first, *others = (context.stream for context in contexts)
    thread = first.host
    assert thread is not None, "a stream of the cpu is a thread"
    with group.calling() as number:
        link = group.link

        def work() -> None:
            if link is None:
                mine = rows[call.root : call.root + 1] if call.name == "broadcast" else rows
                result = combined(call, mine, into[0])
            else:
                result = _exchanged(group, link, number, call, rows, into[0])
            for one in into:
                if one is not result:
                    one[:] = result

        done = thread.enqueue(work, touched)
        group.enqueued(done)
    for other in others:
        streams.behind(other, done)


def _exchanged(
    group: Group, link: Link, number: int, call: Call, rows: list[Any], into: Any
) -> Any:
    """What the hub makes of the arrays of all processes, in `into` if it is there already."""
    import numpy as np

    if call.name == "broadcast":
        place = call.root - group.rank
        rows = rows[place : place + 1] if call.root in group.ranks else []
    payload = rows[0] if len(rows) == 1 else np.concatenate(rows) if rows else b""
    found = link.call(number, call, payload, into).result()
    return into if found is into else np.frombuffer(found, np.uint8)


# ---------------------------------------------------------------- on GPUs


def _on_cuda(
    group: Group, call: Call, contexts: list[Context], sources: Buffers, targets: Buffers
) -> None:
    from oxide_codegen.cuda import cuda

    with group.calling() as number, ExitStack() as entered:
        # In the order of devices: who calls for another group meanwhile takes them in that order.
        handles = dict[int, int]()
        for place in sorted(range(len(contexts)), key=lambda one: group.device_ids[one].index):
            device, stream = cuda(group.device_ids[place].index), contexts[place].stream
            touched = _touched(sources[place], targets[place])
            entered.enter_context(device.current())
            handles[place] = entered.enter_context(device.using(touched, stream.handle, stream))
        done = None
        if group.link is not None:
            # Before NCCL, which may wait in its call for ranks that do not come.
            done = group.link.call(number, call)
            group.enqueued(done)
            contexts[0].enqueued(done)
        if group.nccl is not None and call.count:
            try:
                group.nccl.enqueue(
                    call,
                    [source.view().address for source in sources],
                    [target.view().address for target in targets],
                    [handles[place] for place in range(len(contexts))],
                )
            except CollectiveError as error:
                _give_up(group.link, done, error)
                raise
        elif call.name == "all_gather" and call.count:
            _copy_alone(targets[0], sources[0], handles[0])


def _give_up(link: Link | None, done: Future[Any] | None, error: CollectiveError) -> None:
    """Raise why the group has failed, if NCCL has only felt it first; else tell the others."""
    if link is None or done is None:
        return
    try:
        known = done.exception(_WORD)
    except TimeoutError:
        known = None
    if known is not None:
        raise known from error
    link.give_up(str(error))


def _copy_alone(target: DeviceBuffer[Any], source: DeviceBuffer[Any], stream: int) -> None:
    """Of a group of one rank, what it gathers."""
    from oxide_codegen.cuda import cuda
    from oxide_codegen.driver import check

    driver = cuda(target.device_id.index).driver
    answer = driver.cuMemcpyAsync(
        target.view().address, source.view().address, source.nbytes, stream
    )
    check(driver, answer, "copying between arrays")
