"""Doing operations: enqueue what may be enqueued, wait for what must be waited for.

An operation is walked by generators, one for each branch, in one thread. A branch goes on until it
needs something that only the host can wait for: a Python function of results that have to be there,
or an operation that somebody else does. Then another branch goes on; when none can, the run hands
out what it waits for, and whoever drives it waits: `sync` by blocking, `awaited` on the event loop.

    zip_ops(a, host(f, b)).and_then(c)
        branch 1   a ──────────────────────┐
        branch 2   b ─► blocked: f(b) ─────┴─► c

What an operation needs is walked within its own walk, and where that goes too deep as a branch of
its own, so chains may be as long as memory allows.

What is in flight is kept: every array of a run lives until its last stream is done, also when the
one who awaits is cancelled or its loop is closed. Who is told what it ran into: see `errands`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from oxide_codegen import errands
from oxide_codegen.operations import waiting
from oxide_codegen.operations.operation import (
    DeviceOperation,
    Host,
    Item,
    On,
    Shared,
    Step,
    Then,
    Value,
    Zip,
)
from oxide_codegen.operations.running import Run

if TYPE_CHECKING:
    from oxide_codegen.errands import Captured
    from oxide_codegen.operations.running import Context, Walk
    from oxide_codegen.operations.scheduling import Policy

T = TypeVar("T")

# So many walks are within each other; Python has a limit, of which others use a part.
_DEEPEST = 50


def begun(
    operation: DeviceOperation[Any], policy: Policy | None, captured: Captured | None = None
) -> Run:
    """An operation that is to be done now, or written down."""
    operation.take("was done")
    errands.reap()
    return Run(lambda context: _walk(operation, context), policy, captured)


# ---------------------------------------------------------------- walking


def _within(operation: DeviceOperation[Any], context: Context, depth: int) -> Walk:
    """The walk of what an operation needs that is so deep itself."""
    if depth < _DEEPEST:
        return _walk(operation, context, depth + 1)
    return _beyond(operation, context)


def _beyond(operation: DeviceOperation[Any], context: Context) -> Walk:
    """Do an operation as a branch, for which this one waits."""
    [result] = yield [_walk(operation, context)]
    return result


def _walk(operation: DeviceOperation[Any], context: Context, depth: int = 0) -> Walk:
    """Do an operation in a context; gives its result, which may be in flight."""
    match operation:
        case Value(result=result):
            context.keep(result)
            return result
        case Step(run=run, inputs=inputs):
            given = yield from _all(inputs, context, depth)
            return context.do(run, given)
        case Then(source=source, function=function):
            result = yield from _within(source, context, depth)
            following: Any = function(result)
            if not isinstance(following, DeviceOperation):
                raise TypeError(
                    f"and_then wants a function that gives an operation, it gave "
                    f"{type(following).__name__}; wrap it in value(…)"
                )
            following.take("was done")
            return (yield from _within(following, context, depth))
        case On(device=device, source=source):
            return (yield from _within(source, context.at(device), depth))
        case Zip(parts=parts):
            return tuple((yield from _all(parts, context, depth)))
        case Shared():
            return (yield from _shared(operation, context, depth))
        case Item(source=source, index=index):
            results = yield from _shared(source, context, depth)
            return results[index]
        case Host(run=run, inputs=inputs):
            if context.is_captured:
                from oxide_codegen.operations.graphs import refuse_host_function

                raise refuse_host_function(operation.what)
            given = yield from _all(inputs, context, depth)
            if inputs:
                settled = context.settled()
                yield settled
                context.demand_success(settled)
            return (yield context.call(run, given))
        case _:
            raise TypeError(f"{type(operation).__name__} is no operation of Oxide")


def _all(parts: tuple[DeviceOperation[Any], ...], context: Context, depth: int) -> Walk:
    """Operations side by side: the first goes on here, others where they do not wait for it."""
    branches = [k for k, part in enumerate(parts) if not isinstance(part, Value)]
    if len(branches) <= 1:
        results: list[Any] = []
        for part in parts:
            results.append((yield from _within(part, context, depth)))
        return results
    contexts = [
        context if k in (branches[0], *_plain(parts)) else context.beside()
        for k in range(len(parts))
    ]
    return (yield [_walk(part, where) for part, where in zip(parts, contexts, strict=True)])


def _plain(parts: tuple[DeviceOperation[Any], ...]) -> tuple[int, ...]:
    return tuple(k for k, part in enumerate(parts) if isinstance(part, Value))


def _shared(operation: Shared[Any], context: Context, depth: int) -> Walk:
    if operation.begin():
        within = context if context.is_captured else context.sharing(operation)
        try:
            result = yield from _within(operation.source, within, depth)
        except BaseException as error:
            operation.result.set_exception(error)
            raise
        else:
            operation.work = within.work()
            operation.result.set_result(result)
        finally:
            if within is not context:
                context.shared()
        return result
    if not operation.result.done():
        yield operation.result
    result = operation.result.result()
    context.behind(operation.work, operation.errand)
    context.keep(result)
    return result


# ---------------------------------------------------------------- driving


def sync(operation: DeviceOperation[T], policy: Policy | None = None) -> T:
    """Do an operation, and block until its result is there."""
    run = begun(operation, policy)
    try:
        while waited := run.advance():
            if run.sharing:
                # Others may wait for what this run goes on with when any of them is done.
                waiting.block(waited)
            else:
                # Its error is that of a branch, which is told next.
                waited[0].exception()
        run.wait()
    except BaseException:
        run.abandon()
        raise
    return run.finish()


async def awaited(operation: DeviceOperation[T], policy: Policy | None = None) -> T:
    """Do an operation; the event loop goes on while its result is not there.

    A cancellation ends the waiting, not what is in flight, which is kept until it is done.
    """
    run = begun(operation, policy)
    try:
        while waited := run.advance():
            await waiting.first_of(waited)
        settled = run.settled()
        await waiting.all_of(settled)
    except GeneratorExit:
        # Nobody resumes this coroutine any more, so this may run anywhere.
        errands.left.put(run.abandon)
        raise
    except BaseException:
        run.abandon()
        raise
    return run.finish(settled)
