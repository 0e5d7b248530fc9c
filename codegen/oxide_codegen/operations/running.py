"""One operation being done: its branches, what they have enqueued, and how it ends.

A run is begun by `execution`, which gives it branches to go on with; it ends once: with a result,
with what its work ran into, or abandoned, when nobody waits any more. Then what is in flight is
kept until it is done, and what others share is done to its end.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeAlias

from oxide_codegen import devices, errands, streams
from oxide_codegen.errands import Errand
from oxide_codegen.errors import GraphError, OperationUsedError
from oxide_codegen.host_streams import CALLER, Done
from oxide_codegen.operations import completion, host_threads, scheduling

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from oxide_codegen.devices import DeviceId
    from oxide_codegen.errands import Captured
    from oxide_codegen.operations.completion import Waited, Work
    from oxide_codegen.operations.operation import Shared
    from oxide_codegen.operations.scheduling import Policy
    from oxide_codegen.streams import Stream

# What a branch asks of its run: to go on with the result of a future, when several are done,
# however they ended, or when all branches have ended.
Wanted: TypeAlias = "Future[Any] | tuple[Waited, ...] | list[Walk]"
Walk: TypeAlias = "Generator[Wanted, Any, Any]"


class Context:
    """Where a branch enqueues: its device and stream; it keeps alive what is handed to it."""

    def __init__(self, run: Run, device: DeviceId, stream: Stream, errand: Errand) -> None:
        self._run = run
        self._inner: list[Context] = []
        self._at: list[Context] = []
        self._futures: list[Future[Any]] = []
        # Whether a stream of a GPU has been used; of the cpu, its last work.
        self._is_used = False
        self._last: Future[Any] | None = None
        self._host = stream.host
        self._seen = self._host.last if self._host is not None else None
        self.errand = errand
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

    def enqueued(self, done: Future[Any]) -> None:
        """Work was begun that is not on the stream: who waits for the operation waits for it."""
        self._futures.append(done)
        self._run.futures.append(done)

    def do(self, run: Callable[..., Any], given: Sequence[Any]) -> Any:
        """Let `run` enqueue what it has to, here."""
        if self._host is not None:
            self._seen = self._host.last
        try:
            with errands.Under(self.errand):
                result = run(self, *given)
        except Exception as error:
            if not type(error).__module__.startswith("cuda."):
                raise
            # What cuda.core raises names neither device nor kernel.
            from oxide_codegen.cuda import cuda

            kernels = self.errand.kernels()
            raise cuda(self.device_id.index).as_error(error, kernels) from error
        self._used()
        for one in self._at:
            one._used()
        self._run.kept += (given, result)
        return result

    def _used(self) -> None:
        self._is_used = True
        if self._host is not None:
            last = self._host.last
            if last is not None and last is not self._seen:
                self._last = self._run.lasts[self.stream] = last

    def beside(self, device: DeviceId | None = None, errand: Errand | None = None) -> Context:
        """A context for one more branch, here or on another device."""
        made = self._run.beside(device or self.device_id, errand or self.errand)
        self._inner.append(made)
        return made

    def at(self, device: DeviceId) -> Context:
        """This one if it is on the device, else one for a branch there."""
        if device == self.device_id:
            return self
        if self.is_captured:
            raise GraphError(
                f"what is on {device} cannot be part of a graph on {self.device_id}: a graph is of "
                "one device; make one for each, and order them by the arrays that they use"
            )
        made = self.beside(device)
        self._at.append(made)
        return made

    def sharing(self, shared: Shared[Any]) -> Context:
        """A context on the same stream, for work that others may wait for too."""
        self._run.begins(shared)
        made = Context(self._run, self.device_id, self.stream, shared.errand)
        self._inner.append(made)
        return made

    def shared(self) -> None:
        """What others may wait for has been enqueued."""
        self._run.sharing -= 1

    def behind(self, others: tuple[Work, ...], errand: Errand) -> None:
        """What this branch has used was enqueued elsewhere, for that errand."""
        self._run.joins(errand)
        for other in others:
            if isinstance(other, Future):
                self.enqueued(other)
            else:
                made = Context(self._run, other.device_id, other, errand)
                made._used()
                self._run.uses(other)
                self._inner.append(made)

    def work(self) -> tuple[Work, ...]:
        """All that this branch and those within it have enqueued, or used."""
        found: dict[Work, None] = {}
        left: list[Context] = [self]
        while left:
            one = left.pop()
            if one._is_used and one.device_id.kind == "cuda":
                found[one.stream] = None
            found |= dict.fromkeys(one._futures)
            if one._last is not None:
                found[one._last] = None
            left += reversed(one._inner)
        return tuple(found)

    def settled(self) -> tuple[Waited, ...]:
        """What is done when all of that is."""
        return completion.watched(self.work(), (self,), self._run.kernels)

    def demand_success(self, settled: tuple[Waited, ...]) -> None:
        """Raise what the work of the run, which was waited for, ran into."""
        self._run.demand_success(settled)

    def call(self, function: Callable[..., Any], given: Sequence[Any]) -> Future[Any]:
        """Call a Python function with results that are there."""
        self.keep(given)
        return self._run.call(function, given)


class Run:
    """One operation being done, by one thread at a time."""

    def __init__(
        self,
        walk: Callable[[Context], Walk],
        policy: Policy | None,
        captured: Captured | None,
    ) -> None:
        self.is_captured = captured is not None
        self.device = devices.current()
        self.kept: list[object] = []
        self.futures: list[Future[Any]] = []
        # The last work on each stream of the cpu.
        self.lasts: dict[Stream, Future[Any]] = {}
        self.result: Any = None
        # How many shared operations are being done here, for others as well.
        self.sharing = 0
        self._errand = captured or Errand()
        self._errands: list[Errand] = [self._errand]
        self._policy = policy or scheduling.policy()
        self._streams: dict[Stream, None] = {}
        # Python functions that are being called for this run.
        self._calls: set[Future[Any]] = set()
        self._begun: list[Shared[Any]] = []
        self._ready: deque[tuple[_Branch, Any, BaseException | None]] = deque()
        self._blocked: dict[Waited, list[tuple[_Branch, tuple[Waited, ...] | None]]] = {}
        first = walk(self.beside(self.device, self._errand))
        self._ready.append((_Branch(first, None, 0), None, None))

    def beside(self, device: DeviceId, errand: Errand) -> Context:
        """A context for one more branch, on a device."""
        stream = self._policy(device)
        if not isinstance(stream, streams.Stream):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(
                f"a policy gives a stream of Oxide for {device}, this one {type(stream).__name__}; "
                "of another library's, `Stream.from_handle` makes one"
            )
        self.uses(stream)
        return Context(self, device, stream, errand)

    def uses(self, stream: Stream) -> None:
        """Work of the run is on this stream."""
        self._streams[stream] = None

    def begins(self, shared: Shared[Any]) -> None:
        """Work that others may share is done here."""
        self.sharing += 1
        self._begun.append(shared)
        self._errands.append(shared.errand)

    def call(self, function: Callable[..., Any], given: Sequence[Any]) -> Future[Any]:
        """Call a Python function, on no thread of the driver and not on this one."""
        made = host_threads.call(function, given)
        self._calls.add(made)
        return made

    def joins(self, errand: Errand) -> None:
        """Work of the run is that of an errand which others share."""
        if errand not in self._errands:
            errand.join()
            self._errands.append(errand)

    def advance(self) -> tuple[Waited, ...]:
        """Enqueue what can be; what others have to do before, nothing when it is finished."""
        while True:
            self._look()
            if not self._ready:
                break
            while self._ready:
                self._go_on(*self._ready.popleft())
        own = self._own() if self.sharing else ()
        waited = tuple(one for one in self._blocked if one not in own) if own else self._blocked
        if self._blocked and not waited:
            self._refuse_to_wait()
            return self.advance()
        return tuple(waited)

    def _look(self) -> None:
        """Let branches go on for which something is done."""
        for future in [one for one in self._blocked if one.done()]:
            for branch, rest in self._blocked.pop(future):
                if rest is not None:
                    self._wait(branch, rest)
                    continue
                assert isinstance(future, Future), "several are waited for by `rest`"
                error = future.exception()
                result = None if error is not None else future.result()
                self._calls.discard(future)
                self._ready.append((branch, result, error))

    def _go_on(self, branch: _Branch, value: Any, error: BaseException | None) -> None:
        try:
            walk = branch.walk
            wanted = walk.send(value) if error is None else walk.throw(error)
        except StopIteration as end:
            self._ended(branch, end.value, None)
        except BaseException as failure:
            self._ended(branch, None, failure)
        else:
            self._wait(branch, wanted)

    def _own(self) -> dict[Waited, Shared[Any]]:
        """The results that this run gives itself."""
        return {one.result: one for one in self._begun}

    def _refuse_to_wait(self) -> None:
        """Nothing but this run could give what all of its branches wait for: tell one of them."""
        future = next(iter(self._blocked))
        error = OperationUsedError(f"{self._own()[future].what} waits for its own result")
        self._ready += ((branch, None, error) for branch, _ in self._blocked.pop(future))

    def _wait(self, branch: _Branch, wanted: Wanted) -> None:
        if isinstance(wanted, Future):
            self._blocked.setdefault(wanted, []).append((branch, None))
        elif isinstance(wanted, tuple):
            for one in wanted:
                if not one.done():
                    self._blocked.setdefault(one, []).append((branch, wanted))
                    return
            self._ready.append((branch, None, None))
        else:
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
        if parent.error is None:
            parent.error = error
        elif error is not None and error is not parent.error:
            parent.error.add_note(errands.as_well(error))
        parent.left -= 1
        if parent.left == 0:
            self._ready.append((parent, parent.results, parent.error))

    def _work(self) -> tuple[Work, ...]:
        streams = (one for one in self._streams if one.device_id.kind == "cuda")
        return (*streams, *self.lasts.values(), *self.futures)

    def kernels(self) -> tuple[str, ...]:
        """Those that were launched on GPUs."""
        return tuple(name for errand in self._errands for name in errand.kernels())

    def settled(self) -> tuple[Waited, ...]:
        """What is done when all that was enqueued is."""
        return completion.watched(self._work(), (self,), self.kernels)

    def wait(self) -> None:
        """Wait for all that was enqueued, in this thread."""
        completion.wait(self._work(), self.kernels)

    def demand_success(self, settled: tuple[Waited, ...] = ()) -> None:
        """Raise what the work, which was waited for, ran into."""
        for errand in self._errands:
            error = errand.failure()
            if error is not None:
                raise error
        error = self._other_failure(settled)
        if error is not None:
            raise error

    def _other_failure(self, settled: tuple[Waited, ...]) -> BaseException | None:
        """What work has run into that no errand knows of."""
        for one in (*settled, *self.futures):
            # A stream of the cpu has told whom it concerns; it may be that of another run.
            if not isinstance(one, Done) and one.done():
                error = one.exception()
                if error is not None:
                    return error
        return None

    def finish(self, settled: tuple[Waited, ...] = ()) -> Any:
        """The result, when all is done; raises what it ran into."""
        is_usual = len(self._errands) == 1 and self._other_failure(settled) is None
        if is_usual and self._errand.ends_well():
            return self.result
        try:
            self.demand_success(settled)
        finally:
            self._close()
        return self.result

    def _close(self) -> None:
        for errand in self._errands:
            errand.leave()
        self._close_all()

    def _close_all(self) -> None:
        for errand in (self._errand, *(one.errand for one in self._begun)):
            errand.close()

    def abandon(self) -> None:
        """Nobody waits any more: keep what is in flight until it is done.

        What others share is done to its end.
        """
        for errand in self._errands:
            errand.leave()
        for call in tuple(self._calls):
            call.add_done_callback(_hand_on)
        if self.sharing:
            host_threads.carry_on(self._share_out)
        else:
            self._let_go()

    def _share_out(self) -> tuple[Waited, ...]:
        waited: tuple[Waited, ...] = ()
        try:
            if self.sharing:
                waited = self.advance()
        except BaseException as error:
            # Those who share what has failed find that in its result.
            if not any(one.result.exception() is error for one in self._begun):
                errands.EVERYBODY.note(CALLER, error)
            waited = ()
        if not self.sharing or not waited:
            self._let_go()
            return ()
        return waited

    def _let_go(self) -> None:
        settled = self.settled()
        self._ready.clear()
        self._blocked.clear()
        completion.when_done(settled, self._close_all, self)


class _Branch:
    """A walk, whose result its parent wants at a place among others."""

    def __init__(self, walk: Walk, parent: _Branch | None, place: int) -> None:
        self.walk = walk
        self.parent = parent
        self.place = place
        self.results: list[Any] = []
        self.error: BaseException | None = None
        self.left = 0


def _hand_on(call: Future[Any]) -> None:
    """Nobody waits for this function any more: everybody is told what it ran into."""
    error = None if call.cancelled() else call.exception()
    if error is not None:
        errands.EVERYBODY.note(CALLER, error)
