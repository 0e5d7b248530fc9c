"""An operation as a graph: written down once, enqueued as a whole as often as one likes.

    step = (blur.op(x, y)).and_then(lambda y: edges.op(y, z)).graph()
    for _ in range(100):
        step()                       one call to the driver
    step.result.numpy()

The operation is walked once, with streams that note what is enqueued instead of doing it: those
of a GPU in the driver's own capture, those of the cpu in a list. What orders its parts is
`ordering`, by uses within the graph; the graph as a whole is one use of all its arrays. Arrays that
it makes are made once, and live as long as it does.

What a kernel's contract says of elements is looked at before the graph is enqueued, as often as
they may have changed; of what the graph writes itself nothing can be known then, so such a launch
is refused. A graph one of whose arrays was freed is not enqueued either.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from oxide_codegen import copies, devices, errands, streams
from oxide_codegen.driver import check
from oxide_codegen.errands import Captured, Errand
from oxide_codegen.errors import BufferFreedError, GraphError
from oxide_codegen.failure_records import Lent, Record
from oxide_codegen.host_streams import Done, HostStream
from oxide_codegen.operations import completion, execution
from oxide_codegen.ordering import Point, Uses
from oxide_codegen.staying import Staying
from oxide_codegen.streams import Stream
from oxide_codegen.vouching import is_vouched

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence
    from concurrent.futures import Future

    from oxide_codegen.cuda import Cuda, Memory
    from oxide_codegen.devices import DeviceId
    from oxide_codegen.host_streams import HostMemory
    from oxide_codegen.operations.operation import DeviceOperation
    from oxide_codegen.operations.running import Run
    from oxide_codegen.operations.scheduling import Policy
    from oxide_codegen.streams import Queue

T = TypeVar("T")

# Branches beyond so many share streams.
_STREAMS = 8


class Graph(Staying, Generic[T]):
    """An operation, written down; `result` is what it gives, once it was done."""

    def __init__(self, operation: DeviceOperation[T]) -> None:
        self.device_id = devices.current()
        self._form: _CudaGraph | _HostGraph
        self._form = _HostGraph() if self.device_id.kind == "cpu" else _CudaGraph(self.device_id)
        self._captured = Captured()
        # One thread at a time enqueues it, or writes it down anew.
        self._lock = threading.Lock()
        self.result: T = self.update(operation)

    @property
    def device(self) -> str:
        """Where it runs: "cpu" or "cuda:0"."""
        return str(self.device_id)

    def __call__(self, stream: object = None) -> None:
        """Enqueue all of it, on a stream or on the default one."""
        self._enqueue(copies.queue_on(self.device_id, stream, "the graph"))

    def _enqueue(self, queue: Queue) -> Callable[[], None]:
        """Enqueue all of it; what to call to wait for that."""
        with self._lock:
            captured, form = self._captured, self._form
            if any(memory.is_freed for memory in form.memories()):
                raise BufferFreedError(
                    f"{self!r} uses an array that was freed: update it, or make another one"
                )
            if not is_vouched():
                for demand in captured.demands:
                    demand.check()
            for buffer in captured.buffers.values():
                buffer.forget()
            return form.enqueue(queue)

    def sync(self) -> T:
        """Do all of it, wait, and give the result; raises what it ran into."""
        mine = Errand()
        try:
            with errands.Under(mine):
                wait = self._enqueue(streams.DEFAULT)
            wait()
            error = mine.failure()
        finally:
            mine.leave()
            mine.close()
        if error is not None:
            raise error
        return self.result

    def update(self, operation: DeviceOperation[T]) -> T:
        """Write down another operation in its place, cheaply if only arrays and numbers differ."""
        captured = Captured()
        with self._lock:
            run = self._form.capture(operation, captured)
            self._run, self._captured, self.result = run, captured, run.result
        return self.result

    def __repr__(self) -> str:
        return f"<oxide.Graph on {self.device}>"


def refuse_host_function(what: str) -> GraphError:
    """What to say of a Python function in a graph."""
    return GraphError(
        f"{what} cannot be part of a graph: the driver would have to run Python on one of its own "
        "threads; do it before or behind the graph"
    )


def _walked(operation: DeviceOperation[Any], policy: Policy, captured: Captured) -> Run:
    """What was written down, with nothing that the host would have to do meanwhile."""
    run = execution.begun(operation, policy, captured)
    if run.advance():
        raise GraphError(f"{operation.what} waits for something outside of the graph")
    for demand in captured.demands:
        for name, view in demand.views:
            if captured.is_changed(view):
                raise GraphError(
                    f"a launch of {demand.kernel} cannot be part of a graph that writes `{name}`: "
                    "what its contract says of the elements is looked at before the graph runs"
                )
    return run


# ---------------------------------------------------------------- on a GPU


class _CudaGraph:
    def __init__(self, device: DeviceId) -> None:
        from oxide_codegen.cuda import cuda

        self._device = cuda(device.index)
        self._executable: _Executable | None = None
        self._touched: tuple[tuple[Memory, bool], ...] = ()
        self._records: tuple[Record, ...] = ()

    def __del__(self) -> None:
        # No call to the driver and no lock: this may run within either.
        self._retire()

    def _retire(self) -> None:
        for record in self._records:
            self._device.records.retired.put(record)

    def capture(self, operation: DeviceOperation[Any], noted: Captured) -> Run:
        device, driver = self._device, self._device.driver
        captured = CudaCapture(device)
        with captured.begun():
            run = _walked(operation, captured.stream_for, noted)
        with device.current():
            executable = self._executable
            updated = executable is not None and not int(
                driver.cuGraphExecUpdate(executable.handle, captured.graph)[0]
            )
            if not updated:
                answer = driver.cuGraphInstantiate(captured.graph, 0)
                made = check(driver, answer, "making a graph")
                self._executable = _Executable(device, made)
            driver.cuGraphDestroy(captured.graph)
        self._touched = captured.touched()
        self._retire()
        self._records = tuple(one for one in noted.tickets if isinstance(one, Record))
        for record in self._records:
            record.give_up()
        return run

    def memories(self) -> Iterable[Memory]:
        return (memory for memory, _ in self._touched)

    def enqueue(self, queue: Queue) -> Callable[[], None]:
        device = self._device
        handle = device.default_handle if queue.handle is None else queue.handle
        executable, errand = self._executable, errands.current()
        assert executable is not None
        if errand is not None:
            for record in self._records:
                errand.expect(Lent(record))
        with device.current(), device.using(self._touched, handle, queue.ours):
            answer = device.driver.cuGraphLaunch(executable.handle, handle)
            check(device.driver, answer, "launching a graph")

        def wait() -> None:
            with device.current():
                device.wait(handle)

        return wait


class _Executable:
    """A graph of the driver; freed behind what is in flight, as memory is."""

    def __init__(self, device: Cuda, handle: Any) -> None:
        self._device = device
        self.handle = handle

    def __del__(self) -> None:
        self._device.garbage.put((_Destroyed(self._device, self.handle), Uses(), True))


class _Destroyed:
    # Of the memory that arrays hold nothing.
    size = 0

    def __init__(self, device: Cuda, handle: Any) -> None:
        self._device = device
        self._handle = handle

    def close(self, _: object) -> None:
        """Give it back; the driver keeps what is in flight until it is done."""
        self._device.driver.cuGraphExecDestroy(self._handle)


class CudaCapture:
    """Streams of one device that note work; which of it comes behind which, by what it uses."""

    def __init__(self, device: Cuda) -> None:
        self._device = device
        self._streams: list[Stream] = []
        self._uses: dict[Memory, Uses] = {}
        self._turn = 0
        self.graph: Any = None

    @contextmanager
    def begun(self) -> Generator[None]:
        """Note what is enqueued within."""
        device, driver = self._device, self._device.driver
        origin = device.new_stream()
        with device.current():
            mode = driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED
            check(driver, driver.cuStreamBeginCapture(origin.handle, mode), "beginning a graph")
        self._join(origin)
        try:
            yield
            with device.current():
                first = device.stream(origin.handle)
                for other in self._streams[1:]:
                    first.wait(device.stream(other.handle).record())
        finally:
            for stream in self._streams:
                device.captures.pop(stream.handle, None)
            with device.current():
                answer = driver.cuStreamEndCapture(origin.handle)
        self.graph = check(driver, answer, "writing down a graph")

    def _join(self, stream: Stream) -> None:
        self._streams.append(stream)
        self._device.captures[stream.handle] = self

    def stream_for(self, _: DeviceId) -> Stream:
        """The stream of one more branch."""
        turn, self._turn = self._turn, (self._turn + 1) % _STREAMS
        if turn < len(self._streams):
            return self._streams[turn]
        device = self._device
        made = device.new_stream()
        with device.current():
            origin = device.stream(self._streams[0].handle)
            device.stream(made.handle).wait(origin.record())
        self._join(made)
        return made

    def order(self, touched: Sequence[tuple[Memory, bool]], stream: int) -> None:
        """Let what is noted next on a stream come behind what it has to."""
        device = self._device
        for memory, writes in touched:
            uses = self._uses.setdefault(memory, Uses())
            for point in uses.before(stream, writes=writes):
                device.stream(stream).wait(device.stream(point.lane).record())
        for memory, writes in touched:
            self._uses[memory].note(Point(stream), writes=writes)

    def touched(self) -> tuple[tuple[Memory, bool], ...]:
        """All memory of the graph, and whether it is written."""
        return tuple((memory, uses.writer is not None) for memory, uses in self._uses.items())


# ---------------------------------------------------------------- on the cpu


class _Noting(HostStream):
    """A stream of the cpu that notes its work, in a list that it shares with others."""

    def __init__(self, place: int, noted: list[tuple[int, Any, Any]]) -> None:
        self._place = place
        self._noted = noted
        self.last = None

    def __del__(self) -> None:
        """There is no thread to end."""

    def enqueue(
        self, work: Callable[[], Any], touched: Sequence[tuple[HostMemory, bool]] = ()
    ) -> Future[Any]:
        """Note it; nothing is done, so nobody has to wait."""
        self._noted.append((self._place, work, tuple(touched)))
        done = Done()
        done.set_result(None)
        return done


class _HostGraph:
    def __init__(self) -> None:
        self._noted: list[tuple[int, Any, Any]] = []
        self._streams: list[HostStream] = []

    def capture(self, operation: DeviceOperation[Any], captured: Captured) -> Run:
        noted: list[tuple[int, Any, Any]] = []
        made: list[Stream] = []

        def stream_for(device: DeviceId) -> Stream:
            place = len(made)
            if place >= _STREAMS:
                return made[place % _STREAMS]
            made.append(Stream(device, 0, _Noting(place, noted)))
            return made[place]

        run = _walked(operation, stream_for, captured)
        self._noted = noted
        self._streams += [HostStream() for _ in range(len(self._streams), len(made))]
        return run

    def memories(self) -> Iterable[HostMemory]:
        return (memory for _, _, touched in self._noted for memory, _ in touched)

    def enqueue(self, queue: Queue) -> Callable[[], None]:
        stream = queue.ours
        begin = None if stream is None else stream.record()
        if begin is not None:
            for one in self._streams:
                one.enqueue(begin.inner.wait)
        last: dict[int, Future[Any]] = {}
        for place, work, touched in self._noted:
            last[place] = self._streams[place].enqueue(work, touched)
        if stream is not None:
            for done in last.values():
                streams.behind(stream, done)
        return partial(completion.wait, tuple(last.values()))
