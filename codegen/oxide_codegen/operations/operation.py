"""Work that is described first and done later: launches, copies and what is made of them.

    x = ops.upload(samples)                             nothing has happened
    y = filtered.op(x, ops.zeros(n, f32))               nor here
    mean, peak = ops.zip_ops(means.op(y, …), peaks.op(y, …)).sync()

An operation is a value that says what is to be done and gives a result when it is: what it needs
first are operations too, so a program is a graph, whose branches run on streams of their own. It
is done once, by `.sync()`, `.sync_on(stream)` or `await`; who wants its result twice shares it.
`execution` does it; this module is what there is to do.

A result may be in flight: an array on the device, ordered before whatever uses it. `sync` and
`await` give it when it is there.
"""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from oxide_codegen import devices
from oxide_codegen.errands import Errand
from oxide_codegen.errors import OperationUsedError
from oxide_codegen.staying import Staying

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from oxide_codegen.devices import DeviceId
    from oxide_codegen.operations.completion import Work
    from oxide_codegen.operations.graphs import Graph
    from oxide_codegen.operations.running import Context
    from oxide_codegen.operations.scheduling import Policy
    from oxide_codegen.streams import Stream

T = TypeVar("T")
U = TypeVar("U")


class DeviceOperation(Staying, Generic[T]):
    """Something to be done once, on a device; `what` names it in messages."""

    def __init__(self, what: str) -> None:
        self.what = what
        self._user: str | None = None

    def and_then(self, then: Callable[[T], DeviceOperation[U]]) -> DeviceOperation[U]:
        """What `then` makes of the result, which may be in flight: done behind this one.

        `then` is called while work is being enqueued, in the thread that does so.
        """
        return Then(self, then)

    def share(self) -> Shared[T]:
        """The same, done once and used as often as one likes."""
        return Shared(self)

    def sync(self, policy: Policy | None = None) -> T:
        """Do it, wait, and give the result; raises what it ran into."""
        from oxide_codegen.operations import execution

        return execution.sync(self, policy)

    def sync_on(self, stream: Stream) -> T:
        """Do all of it on one stream, wait, and give the result."""
        from oxide_codegen.operations import execution
        from oxide_codegen.operations.scheduling import SingleStream

        return execution.sync(self, SingleStream(stream))

    def __await__(self) -> Generator[Any, None, T]:
        """Do it, and give the result when it is there; the event loop goes on meanwhile."""
        from oxide_codegen.operations import execution

        return execution.awaited(self).__await__()

    def graph(self) -> Graph[T]:
        """Write it down, to be enqueued as a whole as often as one likes."""
        from oxide_codegen.operations.graphs import Graph

        return Graph(self)

    def take(self, user: str) -> None:
        """Who does it, or what it becomes part of; raises if there is one already."""
        if self._user is not None:
            raise OperationUsedError(
                f"{self.what} {self._user} already: an operation is done once; use `.share()` "
                "to use its result more often"
            )
        self._user = user

    def __repr__(self) -> str:
        return f"<oxide operation {self.what}>"


class _Call(DeviceOperation[T]):
    """A function of the results of operations."""

    def __init__(
        self,
        what: str,
        run: Callable[..., T],
        inputs: tuple[DeviceOperation[Any], ...] = (),
    ) -> None:
        super().__init__(what)
        self.run = run
        self.inputs = inputs
        for one in inputs:
            one.take(f"is part of {what}")


class Step(_Call[T]):
    """One thing to enqueue: `run` does so on the stream of the context that it gets first."""


class Host(_Call[T]):
    """A Python function of results that are there; it runs on no thread of the driver."""


class Value(DeviceOperation[T]):
    """A result that is there."""

    def __init__(self, result: T) -> None:
        super().__init__("a value")
        self.result = result


class Zip(DeviceOperation[tuple[Any, ...]]):
    """Several, side by side."""

    def __init__(self, parts: tuple[DeviceOperation[Any], ...]) -> None:
        super().__init__(f"zip_ops of {len(parts)}")
        self.parts = parts
        for one in parts:
            one.take("is part of zip_ops")


class Then(DeviceOperation[U]):
    """One, and what a function makes of its result."""

    def __init__(
        self, source: DeviceOperation[Any], function: Callable[[Any], DeviceOperation[U]]
    ) -> None:
        # Of a long chain the beginning.
        is_known = isinstance(source, Then)
        super().__init__(source.what if is_known else f"{source.what}, and then another")
        self.source = source
        self.function = function
        source.take("is part of and_then")


class On(DeviceOperation[T]):
    """An operation on a device that is not the one of its context."""

    def __init__(self, device: DeviceId, source: DeviceOperation[T]) -> None:
        super().__init__(f"{source.what} on {device}")
        self.device = device
        self.source = source
        source.take(f"is done on {device}")


class Shared(DeviceOperation[T]):
    """An operation that may be used any number of times, by any number of threads."""

    def __init__(self, source: DeviceOperation[T]) -> None:
        super().__init__(f"{source.what}, shared")
        self.source = source
        self.result: Future[T] = Future()
        self.errand = Errand()
        # What its result comes behind, for those who wait for it on the host.
        self.work: tuple[Work, ...] = ()
        self._lock = threading.Lock()
        self._begun = False
        source.take("is shared")

    def take(self, user: str) -> None:
        """Anybody may."""

    def begin(self) -> bool:
        """Whether the caller is the first, and so is to do it."""
        with self._lock:
            first, self._begun = not self._begun, True
        return first


class Item(DeviceOperation[U]):
    """One of the results of an operation that gives several."""

    def __init__(self, source: Shared[Any], index: int) -> None:
        super().__init__(f"result {index} of {source.what}")
        self.source = source
        self.index = index


# ---------------------------------------------------------------- what programs call


def value(result: T) -> DeviceOperation[T]:
    """An operation whose result is there."""
    return Value(result)


def zip_ops(*parts: Any) -> DeviceOperation[tuple[Any, ...]]:
    """All of them, on streams of their own; the results as a tuple."""
    return Zip(tuple(as_operation(one) for one in parts))


def unzip(source: DeviceOperation[Any], count: int) -> tuple[DeviceOperation[Any], ...]:
    """The `count` results of an operation as operations, of which each is done at most once."""
    shared = source if isinstance(source, Shared) else source.share()
    return tuple(Item(shared, index) for index in range(count))


def on(device: str, source: DeviceOperation[T]) -> DeviceOperation[T]:
    """An operation done on a device: "cuda:1", also as a part of one that is elsewhere."""
    return On(devices.parse(device), source)


def with_context(run: Callable[[Context], T]) -> DeviceOperation[T]:
    """What `run` enqueues on the stream of the context that it is called with."""
    return Step(f"with_context({_name(run)})", run)


def host(function: Callable[..., T], *arguments: Any) -> DeviceOperation[T]:
    """`function` of the results of operations, and of plain values, when they are there."""
    inputs = tuple(as_operation(one) for one in arguments)
    return Host(f"host({_name(function)})", function, inputs)


def as_operation(one: Any) -> DeviceOperation[Any]:
    """An operation as it is, anything else as the value of one."""
    return one if isinstance(one, DeviceOperation) else Value(one)


def _name(function: object) -> str:
    return str(getattr(function, "__qualname__", type(function).__name__))
