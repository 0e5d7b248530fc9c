"""Doing operations: enqueue what may be enqueued, wait for what must be waited for.

An operation is walked by generators, one for each branch, in one thread. A branch goes on until it
needs something that only the host can wait for: a Python function of results that have to be there,
or an operation that somebody else does. Then another branch goes on; when none can, the run hands
out what it waits for, and whoever drives it waits: `sync` by blocking, `awaited` on the event loop.

    zip_ops(a, host(f, b)).and_then(c)
        branch 1   a ──────────────────────┐
        branch 2   b ─► blocked: f(b) ─────┴─► c

What is in flight is kept: every array of a run lives until its last stream is done, also when the
one who awaits is cancelled or its loop is closed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from oxide_codegen import devices
from oxide_codegen.operations import completion, scheduling
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

if TYPE_CHECKING:
    from collections.abc import Generator

    from oxide_codegen.devices import DeviceId
    from oxide_codegen.operations.completion import Work
    from oxide_codegen.operations.scheduling import Policy
    from oxide_codegen.streams import Stream

T = TypeVar("T")

# What a branch asks of its run: to go on when a future has a result, or when all branches have.
_Walk: TypeAlias = "Generator[Future[Any] | list[_Walk], Any, Any]"


class Context:
    """Where a branch enqueues: its device and stream; it keeps alive what is handed to it."""

    def __init__(self, run: Run, device: DeviceId, stream: Stream) -> None:
        self._run = run
        self._inner: list[Context] = []
        self._futures: list[Future[Any]] = []
        self.device_id = device
        self.stream = stream

    @property
    def device(self) -> str:
        """Where it is: "cpu" or "cuda:0"."""
        return str(self.device_id)

    @property
    def is_captured(self) -> bool:
        """Whether what is enqueued is written down for a graph, and done later."""
        return self._run.is_captured

    def keep(self, *objects: object) -> None:
        """Let these live until the work of the run is done."""
        self._run.kept.extend(objects)

    def launched(self, kernel: str, done: Future[Any] | None) -> None:
        """A kernel was enqueued: what it runs into is the run's; on the cpu, `done` says when."""
        self._run.kernels.add(kernel)
        if done is not None:
            self.enqueued(done)

    def enqueued(self, done: Future[Any]) -> None:
        """Work was enqueued on a stream of the cpu."""
        self._futures.append(done)
        self._run.futures.append(done)

    def beside(self, device: DeviceId | None = None) -> Context:
        """A context for one more branch, here or on another device."""
        made = self._run.beside(device or self.device_id)
        self._inner.append(made)
        return made

    def behind(self, others: tuple[Work, ...]) -> None:
        """What this branch has used was enqueued elsewhere."""
        for other in others:
            if isinstance(other, Future):
                self._futures.append(other)
            else:
                self._inner.append(Context(self._run, other.device_id, other))

    def work(self) -> tuple[Work, ...]:
        """All that this branch and those within it have enqueued, or used."""
        own: tuple[Work, ...] = tuple(self._futures)
        if self.device_id.kind == "cuda":
            own = (self.stream,)
        inner = (work for one in self._inner for work in one.work())
        return tuple(dict.fromkeys((*own, *inner)))

    def settled(self) -> Future[None]:
        """Done when all of that is; whether it went well, who wants the result is told."""
        return completion.watch(self.work(), frozenset(), (self,))


class Run:
    """One operation being done, by one thread at a time."""

    def __init__(
        self, operation: DeviceOperation[Any], policy: Policy | None, *, captured: bool = False
    ) -> None:
        operation.take("was done")
        self.is_captured = captured
        self.device = devices.current()
        self.kept: list[object] = []
        self.kernels: set[str] = set()
        self.futures: list[Future[Any]] = []
        self.result: Any = None
        self._policy = policy or scheduling.policy()
        self._streams: dict[int, Stream] = {}
        self._ready: deque[tuple[_Branch, Any, BaseException | None]] = deque()
        self._blocked: dict[Future[Any], list[_Branch]] = {}
        first = _walk(operation, self.beside(self.device))
        self._ready.append((_Branch(first, None, 0), None, None))

    def _stream(self, device: DeviceId) -> Stream:
        stream = self._policy(device)
        self._streams[id(stream)] = stream
        return stream

    def beside(self, device: DeviceId) -> Context:
        """A context for one more branch, on a device."""
        return Context(self, device, self._stream(device))

    def advance(self) -> tuple[Future[Any], ...]:
        """Enqueue what can be; what is waited for, nothing when it is finished."""
        for future in [one for one in self._blocked if one.done()]:
            for branch in self._blocked.pop(future):
                error = future.exception()
                result = None if error is not None else future.result()
                self._ready.append((branch, result, error))
        while self._ready:
            branch, value, error = self._ready.popleft()
            try:
                walk = branch.walk
                wanted = walk.send(value) if error is None else walk.throw(error)
            except StopIteration as end:
                self._ended(branch, end.value, None)
            except BaseException as failure:
                self._ended(branch, None, failure)
            else:
                self._wait(branch, wanted)
        return tuple(self._blocked)

    def _wait(self, branch: _Branch, wanted: Future[Any] | list[_Walk]) -> None:
        if isinstance(wanted, Future):
            self._blocked.setdefault(wanted, []).append(branch)
            return
        branch.results = [None] * len(wanted)
        branch.left = len(wanted)
        for place, walk in enumerate(wanted):
            self._ready.append((_Branch(walk, branch, place), None, None))

    def _ended(self, branch: _Branch, value: Any, error: BaseException | None) -> None:
        parent = branch.parent
        if parent is None:
            if error is not None:
                raise error
            self.result = value
            return
        parent.results[branch.place] = value
        parent.error = parent.error or error
        parent.left -= 1
        if parent.left == 0:
            self._ready.append((parent, parent.results, parent.error))

    def _work(self) -> tuple[Work, ...]:
        streams = (one for one in self._streams.values() if one.device_id.kind == "cuda")
        return (*streams, *self.futures)

    def completed(self) -> Future[None]:
        """Done when all that was enqueued is, with what it ran into; keeps all until then."""
        return completion.watch(self._work(), frozenset(self.kernels), tuple(self.kept))

    def wait(self) -> None:
        """Wait for all that was enqueued, and raise what it ran into."""
        completion.wait(self._work(), frozenset(self.kernels))


class _Branch:
    """A walk, whose result its parent wants at a place among others."""

    def __init__(self, walk: _Walk, parent: _Branch | None, place: int) -> None:
        self.walk = walk
        self.parent = parent
        self.place = place
        self.results: list[Any] = []
        self.error: BaseException | None = None
        self.left = 0


# ---------------------------------------------------------------- walking


def _walk(operation: DeviceOperation[Any], context: Context) -> _Walk:
    """Do an operation in a context; gives its result, which may be in flight."""
    match operation:
        case Value(result=result):
            context.keep(result)
            return result
        case Step(run=run, inputs=inputs):
            given = yield from _all(inputs, context)
            result = run(context, *given)
            context.keep(given, result)
            return result
        case Then(source=source, function=function):
            result = yield from _walk(source, context)
            following: Any = function(result)
            if not isinstance(following, DeviceOperation):
                raise TypeError(
                    f"and_then wants a function that gives an operation, it gave "
                    f"{type(following).__name__}; wrap it in value(…)"
                )
            following.take("was done")
            return (yield from _walk(following, context))
        case On(device=device, source=source):
            where = context if device == context.device_id else context.beside(device)
            return (yield from _walk(source, where))
        case Zip(parts=parts):
            return tuple((yield from _all(parts, context)))
        case Shared():
            return (yield from _shared(operation, context))
        case Item(source=source, index=index):
            results = yield from _shared(source, context)
            return results[index]
        case Host(run=run, inputs=inputs):
            if context.is_captured:
                from oxide_codegen.operations.graphs import refuse_host_function

                raise refuse_host_function(operation.what)
            given = yield from _all(inputs, context)
            if inputs:
                context.keep(given)
                yield context.settled()
            return (yield _host_threads().submit(run, *given))
        case _:
            raise TypeError(f"{type(operation).__name__} is no operation of Oxide")


def _all(parts: tuple[DeviceOperation[Any], ...], context: Context) -> _Walk:
    """Operations side by side: the first goes on here, others where they do not wait for it."""
    branches = [k for k, part in enumerate(parts) if not isinstance(part, Value)]
    if len(branches) <= 1:
        results: list[Any] = []
        for part in parts:
            results.append((yield from _walk(part, context)))
        return results
    contexts = [
        context if k in (branches[0], *_plain(parts)) else context.beside()
        for k in range(len(parts))
    ]
    return (yield [_walk(part, where) for part, where in zip(parts, contexts, strict=True)])


def _plain(parts: tuple[DeviceOperation[Any], ...]) -> tuple[int, ...]:
    return tuple(k for k, part in enumerate(parts) if isinstance(part, Value))


def _shared(operation: Shared[Any], context: Context) -> _Walk:
    if operation.begin():
        try:
            result = yield from _walk(operation.source, context)
        except BaseException as error:
            operation.result.set_exception(error)
            raise
        operation.work = context.work()
        operation.result.set_result(result)
        return result
    if not operation.result.done():
        yield operation.result
    result = operation.result.result()
    context.behind(operation.work)
    context.keep(result)
    return result


@cache
def _host_threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(thread_name_prefix="oxide-host")


# ---------------------------------------------------------------- driving


def sync(operation: DeviceOperation[T], policy: Policy | None = None) -> T:
    """Do an operation, and block until its result is there."""
    run = Run(operation, policy)
    try:
        while waited := run.advance():
            # Its error is that of a branch, which is told next.
            waited[0].exception()
    except BaseException:
        run.completed()
        raise
    run.wait()
    return run.result


async def awaited(operation: DeviceOperation[T], policy: Policy | None = None) -> T:
    """Do an operation; the event loop goes on while its result is not there.

    A cancellation ends the waiting, not what is in flight, which is kept until it is done.
    """
    run = Run(operation, policy)
    try:
        while waited := run.advance():
            await _first_of(waited)
    except BaseException:
        run.completed()
        raise
    done = run.completed()
    await _first_of((done,))
    done.result()
    return run.result


async def _first_of(waited: tuple[Future[Any], ...]) -> None:
    """Wait on the event loop for one of the futures, whatever its result."""
    loop = asyncio.get_running_loop()
    told: asyncio.Future[None] = loop.create_future()

    def tell(_: Future[Any]) -> None:
        try:
            loop.call_soon_threadsafe(_resolve, told)
        except RuntimeError:
            # The loop was closed: nobody waits there any more.
            return

    for one in waited:
        one.add_done_callback(tell)
    await told


def _resolve(told: asyncio.Future[None]) -> None:
    if not told.done():
        told.set_result(None)
