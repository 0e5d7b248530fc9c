"""Queues of work on a device, ours and everybody's.

A launch takes any object with `__cuda_stream__` (cuda.core, PyTorch, CuPy), or the integer
handle of a stream. `oxide.stream()` makes one on the current device; on the cpu it is a thread:
see `host_streams`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from oxide_codegen import devices, errands, host_streams
from oxide_codegen.errors import DeviceError, LaunchTypeError
from oxide_codegen.events import Event
from oxide_codegen.host_streams import Done, HostStream
from oxide_codegen.staying import Staying

if TYPE_CHECKING:
    from concurrent.futures import Future

    from oxide_codegen.devices import DeviceId
    from oxide_codegen.operations.completion import Flight


class Stream(Staying):
    """A stream on `device`; work on it runs in order."""

    def __init__(self, device: DeviceId, handle: int, owner: object = None) -> None:
        self.device_id = device
        self.handle = handle
        # Whether somebody else ends it, who may do so while others still wait for it.
        self.is_foreign = False
        # Of a GPU: how many points there are on it, and up to which the host has waited for it.
        self.last = 0
        self.reached = 0
        # What stands at its end and has not been given a call to whoever may want to be told.
        self.flight: Flight | None = None
        self._owner = owner

    @classmethod
    def from_handle(cls, stream: object, device: str | None = None) -> Stream:
        """The stream of another library: any object with `__cuda_stream__`, or a handle.

        Of a handle, its owner sees to it that the stream lives as long as this object.
        """
        where = devices.current() if device is None else devices.parse(device)
        if where.kind == "cpu":
            raise DeviceError(f"{where} has no streams of other libraries")
        given = queue("Stream.from_handle", stream)
        from oxide_codegen.cuda import cuda

        handle = cuda(where.index).default_handle if given.handle is None else given.handle
        made = cls(where, handle, stream)
        made.is_foreign = True
        return made

    @property
    def device(self) -> str:
        """Where it is: "cpu" or "cuda:0"."""
        return str(self.device_id)

    def sync(self) -> None:
        """Wait for all work on this stream; raises what a launch ran into."""
        if self.device_id.kind == "cuda":
            from oxide_codegen.cuda import cuda

            cuda(self.device_id.index).sync_stream(self)
        elif isinstance(self._owner, HostStream):
            self._owner.sync()

    def record(self) -> Event:
        """All that is on this stream now, to wait for and to measure by."""
        if self.device_id.kind == "cpu":
            # What names no stream is done when its call returns.
            clock, thread = time.perf_counter, self.host
            reached = _done(clock()) if thread is None else thread.enqueue(clock)
            return Event(self.device_id, reached)
        from oxide_codegen.cuda import cuda

        return Event(self.device_id, cuda(self.device_id.index).record(self.handle))

    def wait(self, other: Any) -> None:
        """What is enqueued here from now on comes behind an event, or all of another stream.

        The stream may be one of another library, or its handle.
        """
        if not isinstance(other, Event | Stream):
            other = Stream.from_handle(other, self.device)
        event = other if isinstance(other, Event) else other.record()
        if event.device_id.kind != self.device_id.kind:
            raise DeviceError(f"a stream of {self.device} cannot wait for {event.device}")
        if self.device_id.kind == "cpu":
            if self.host is None:
                event.inner.wait()
            else:
                self.host.enqueue(event.inner.wait)
            return
        from oxide_codegen.cuda import cuda

        device = cuda(self.device_id.index)
        with device.current():
            device.stream(self.handle).wait(event.inner)

    def fork(self) -> Stream:
        """A new stream, behind all that is on this one."""
        made = stream(self.device)
        made.wait(self)
        return made

    def join(self, other: Stream) -> None:
        """What is enqueued here from now on comes behind all of a stream that was forked."""
        self.wait(other)

    @property
    def inner(self) -> Any:
        """Of a stream of ours on a GPU what cuda.core has."""
        return self._owner

    @property
    def host(self) -> HostStream | None:
        """The thread of a stream of the cpu; None for launches that run in their caller's."""
        return self._owner if isinstance(self._owner, HostStream) else None

    def __cuda_stream__(self) -> tuple[int, int]:
        """The protocol of CUDA streams: version and handle."""
        return 0, self.handle

    def __repr__(self) -> str:
        return f"<oxide.Stream {self.handle:#x} on {self.device}>"


def _done(result: float) -> Done:
    made = Done()
    made.set_result(result)
    return made


def behind(stream: Stream, done: Future[Any]) -> None:
    """What is enqueued on a stream of the cpu from now on comes behind `done`."""
    thread = stream.host
    assert thread is not None, "a stream of the cpu is a thread"
    thread.enqueue(done.exception)


def stream(device: str | None = None) -> Stream:
    """A new stream on `device`, or on the current one."""
    where = devices.current() if device is None else devices.parse(device)
    if where.kind == "cpu":
        return Stream(where, 0, HostStream())
    from oxide_codegen.cuda import cuda

    return cuda(where.index).new_stream()


def synchronize() -> None:
    """Wait for all work on all devices in use; raises what a launch ran into."""
    from oxide_codegen.cuda import devices_in_use

    errands.reap()
    host_streams.sync()
    for device in devices_in_use():
        device.sync()


@dataclass(frozen=True, slots=True)
class Queue:
    """Where a launch is enqueued: a handle, or None for the default stream of its device.

    `device` is that of a stream of ours; what device another one is on, the driver knows.
    `owner` is what the user gave: as long as it lives, the handle is good.
    """

    handle: int | None
    device: DeviceId | None = None
    owner: object = None

    @property
    def ours(self) -> Stream | None:
        """The stream of ours that it is, which nobody else ends."""
        return self.owner if isinstance(self.owner, Stream) else None

    @property
    def is_cpu(self) -> bool:
        """Whether it is a stream of the cpu."""
        return self.device is not None and self.device.kind == "cpu"


DEFAULT = Queue(None)


def queue(kernel: str, value: Any) -> Queue:
    """What was given as the stream of a launch."""
    if value is None:
        return DEFAULT
    if isinstance(value, Stream):
        return Queue(value.handle, value.device_id, None if value.is_foreign else value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        # Zero is CUDA's own name for the default stream.
        return Queue(value) if value else DEFAULT
    protocol = getattr(value, "__cuda_stream__", None)
    if protocol is not None:
        given: Any = protocol() if callable(protocol) else protocol
        return Queue(int(given[1]), owner=value) if int(given[1]) else DEFAULT
    raise LaunchTypeError(
        kernel,
        f"`stream` wants an object with __cuda_stream__ or a handle, got {type(value).__name__}",
        parameter="stream",
        expected="a CUDA stream",
        actual=type(value).__name__,
    )
