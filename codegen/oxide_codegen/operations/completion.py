"""Learning that work is done, and what it ran into.

On the cpu device work has futures. On a GPU an event is recorded behind it. Who blocks does so in
the driver, and who only looks asks the event. Who wants to be told is told by a thread, one for
each device, that sleeps until a stream wakes it: behind the event stands a host function of the
driver that posts a semaphore of the C library, so nothing of Python runs on the driver's threads,
nothing polls, and no stream waits for a longer one. What a wake-up means is read from the events,
whose status says of a device that has failed that it has: there the driver calls no host function,
so the thread also looks every tenth of a second while something is in flight.

    event.record(stream); cuLaunchHostFunc(stream, sem_post, &semaphore)
    thread: sem_timedwait ─► cuEventQuery of the first on each stream ─► who is to be told

A thread that is woken takes the interpreter's lock from who enqueues, so it is woken as seldom as
can be: not by who has something new, while it is awake now and then by itself.
"""

from __future__ import annotations

import atexit
import ctypes
import threading
import warnings
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TypeAlias

from oxide_codegen.devices import load_driver
from oxide_codegen.errors import DeviceError
from oxide_codegen.operations.semaphore import Semaphore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from oxide_codegen.cuda import Cuda
    from oxide_codegen.devices import DeviceId
    from oxide_codegen.streams import Stream

# What was enqueued: on a stream of a GPU until now, or something of the cpu's.
Work: TypeAlias = "Stream | Future[Any]"
# What can be waited for.
Waited: TypeAlias = "Future[Any] | Flight"
# The names of the kernels in it, where one has failed.
Kernels: TypeAlias = "Callable[[], tuple[str, ...]]"

# How often events are looked at while some are in flight and no stream wakes the thread; so many
# times more when none are, before the thread sleeps until it is woken.
_HEARTBEAT = 0.1
_LINGERS = 10


def wait(work: tuple[Work, ...], kernels: Kernels = tuple) -> None:
    """Wait in this thread, however it ends; `DeviceError` where a device has failed."""
    for one in work:
        if isinstance(one, Future):
            one.exception()
        else:
            try:
                _cuda(one).reach(one)
            except DeviceError as error:
                names = ", ".join(kernels()) or None
                raise DeviceError(str(error), kernel=names, code=error.code) from None


def watched(work: tuple[Work, ...], keeps: object, kernels: Kernels = tuple) -> tuple[Waited, ...]:
    """What is done when the work is; one for each GPU, whose error is that it has failed.

    `keeps` lives until then, as far as the work is on a GPU and somebody is to be told.
    """
    futures: list[Waited] = []
    streams: dict[DeviceId, list[Stream]] = {}
    for one in work:
        if isinstance(one, Future):
            futures.append(one)
        else:
            streams.setdefault(one.device_id, []).append(one)
    futures += (Flight(tuple(some), kernels, keeps) for some in streams.values())
    return tuple(futures)


def when_done(futures: tuple[Waited, ...], then: Callable[[], None], keeps: object) -> None:
    """Call `then` when all are done, in the thread that finds out; `keeps` lives until then."""
    # Futures live on, as the last ones of their streams: what they call holds nothing then.
    lock, left, kept = threading.Lock(), [len(futures) + 1], [(then, keeps)]

    def one_less(_: object) -> None:
        with lock:
            left[0] -= 1
            is_last = left[0] == 0
        if is_last:
            kept.pop()[0]()

    for one in futures:
        one.add_done_callback(one_less)
    one_less(None)


# ---------------------------------------------------------------- on a GPU


class Flight:
    """Work on streams of one device: events behind it, kernels in it, and who is told.

    Who only looks does so himself; the device's thread hears of it when somebody is to be told. Its
    call has to stand right behind the events: so before anything else comes to one of the streams,
    somebody looks, and where it is not done yet the call is given.
    """

    __slots__ = (
        "_callbacks",
        "_calls",
        "_device",
        "_error",
        "_is_awaited",
        "_is_over",
        "_kernels",
        "_lock",
        "keeps",
        "marks",
    )

    def __init__(self, streams: tuple[Stream, ...], kernels: Kernels, keeps: object) -> None:
        self._device = device = _cuda(streams[0])
        self._kernels = kernels
        self._lock = threading.Lock()
        self._callbacks: list[Callable[[Any], None]] | None = None
        self._error: Exception | None = None
        # Whether it is over; whether somebody blocks until its events are done.
        self._is_over = self._is_awaited = False
        self.keeps = keeps
        # For each stream the event, and which point of the stream it is.
        self.marks: tuple[tuple[Stream, Any, int], ...] = ()
        # The streams that have been given a call.
        self._calls: set[Stream] = set()
        try:
            with device.current():
                self.marks = tuple(_mark(device, stream) for stream in streams)
            for stream in streams:
                stream.flight = self
        except Exception as failure:
            # On a device that has failed nothing is in flight any more.
            self._tell(self._end(device.as_error(failure, kernels())))

    def done(self) -> bool:
        """Whether all of it is done, or the device has failed."""
        if self._is_over or self._callbacks is not None:
            return self._is_over
        with self._device.unseen():
            return self.look({})

    def look(self, stuck: dict[Stream, int]) -> bool:
        """The same, as the events say; `stuck` are the points that are known not to be done.

        The context is current.
        """
        with self._lock:
            if self._is_over:
                return True
            try:
                for stream, event, number in self.marks:
                    if number > stuck.get(stream, number):
                        return False
                    if not event.is_done:
                        stuck[stream] = number
                        return False
            except Exception as failure:
                callbacks = self._end(self._device.as_error(failure, self._kernels()))
            else:
                callbacks = self._reached()
        self._tell(callbacks)
        return True

    def exception(self) -> Exception | None:
        """Wait until it is over; what the device has failed with, if it has."""
        if not self._is_over:
            with self._lock:
                # From now on nobody gets the events for something else.
                self._is_awaited, marks = True, self.marks
            try:
                with self._device.unseen():
                    for _, event, _ in marks:
                        event.sync()
            except Exception as failure:
                with self._lock:
                    callbacks = self._end(self._device.as_error(failure, self._kernels()))
            else:
                with self._lock:
                    callbacks = self._reached()
            self._tell(callbacks)
        return self._error

    def is_passed(self, stream: Stream) -> None:
        """Something else is to be enqueued on one of the streams."""
        stream.flight = None
        if not self.done():
            self.call(_completions(self._device), (stream,))

    def call(self, completions: _Completions, streams: Iterable[Stream]) -> bool:
        """Let streams wake a thread when they come here; whether one was to do so before."""
        with self._lock:
            asked = [stream for stream in streams if stream not in self._calls]
            is_late = bool(self._calls)
            self._calls.update(asked)
        completions.call(asked)
        return is_late

    def add_done_callback(self, then: Callable[[Any], None]) -> None:
        """Call `then` with this when it is over, in the thread that finds out."""
        with self._lock:
            is_over, is_first = self._is_over, self._callbacks is None
            if not is_over:
                self._callbacks = [*(self._callbacks or ()), then]
        if is_over:
            then(self)
        elif is_first:
            _completions(self._device).watch(self)

    def _reached(self) -> list[Callable[[Any], None]]:
        for stream, event, number in self.marks:
            if stream.flight is self:
                stream.flight = None
            stream.reached = max(stream.reached, number)
            if not self._is_awaited:
                self._device.events.append(event)
        return self._end(None)

    def _end(self, error: Exception | None) -> list[Callable[[Any], None]]:
        """It is over; who is to be told now."""
        if self._is_over:
            return []
        self._is_over, self._error, self.marks = True, error, ()
        callbacks, self._callbacks = self._callbacks or [], None
        return callbacks

    def _tell(self, callbacks: list[Callable[[Any], None]]) -> None:
        self.keeps, self._kernels = None, tuple
        for then in callbacks:
            then(self)


def _cuda(stream: Stream) -> Cuda:
    from oxide_codegen.cuda import cuda

    return cuda(stream.device_id.index)


def _mark(device: Cuda, stream: Stream) -> tuple[Stream, Any, int]:
    """An event behind all that is on a stream, in the order of the numbers."""
    with device.lock:
        stream.last += 1
        return stream, device.mark(stream.handle), stream.last


_threads: dict[int, _Completions] = {}
_lock = threading.Lock()


def _completions(device: Cuda) -> _Completions:
    with _lock:
        found = _threads.get(device.index)
        if found is None:
            found = _threads[device.index] = _Completions(device)
        return found


class _Completions:
    """The thread of one device that resolves futures."""

    def __init__(self, device: Cuda) -> None:
        self._device = device
        self._new: SimpleQueue[Flight] = SimpleQueue()
        self._wake = Semaphore()
        self._ended = self._is_asleep = False
        self._launch = _host_function_launcher() if self._wake.is_there else None
        self._thread = threading.Thread(
            target=self._run, name=f"oxide-completion-{device.id}", daemon=True
        )
        self._thread.start()
        atexit.register(self._end)

    def watch(self, flight: Flight) -> None:
        """Tell who waits for it when its events are done."""
        marks = flight.marks
        self._new.put(flight)
        # A call that was given before may have come when the thread knew of nothing.
        is_late = flight.call(self, [stream for stream, _, _ in marks])
        if is_late or self._is_asleep or self._launch is None:
            self._wake.post()

    def call(self, streams: Iterable[Stream]) -> None:
        """Let streams wake the thread when they come here."""
        if self._launch is not None:
            with self._device.current():
                for stream in streams:
                    # One that cannot leaves the look every tenth of a second.
                    if not self._device.is_captured(stream.handle):
                        self._launch(stream.handle, *self._wake.host_function)

    def _run(self) -> None:
        with self._device.unseen():
            self._look_on()

    def _look_on(self) -> None:
        flying: list[Flight] = []
        idle = 0
        while not self._ended:
            idle = 0 if flying else idle + 1
            self._sleep(is_short=idle <= _LINGERS)
            while True:
                try:
                    flying.append(self._new.get_nowait())
                except Empty:
                    break
            stuck: dict[Stream, int] = {}
            flying = [flight for flight in flying if not flight.look(stuck)]
            self._reap()

    def _sleep(self, *, is_short: bool) -> None:
        """Until a stream posts; who has something new only does so where that may be for ever."""
        self._is_asleep = not is_short
        # Who puts something there has seen that, or it is seen here.
        if is_short or self._new.empty():
            self._wake.wait(_HEARTBEAT if is_short else None)
        self._is_asleep = False

    def _reap(self) -> None:
        try:
            self._device.reap()
        except Exception as error:
            # The device has failed, and takes nothing back; this thread goes on telling that.
            warnings.warn(str(self._device.as_error(error)), RuntimeWarning, stacklevel=1)

    def _end(self) -> None:
        self._ended = True
        self._wake.post()
        self._thread.join(2 * _HEARTBEAT)


def _host_function_launcher() -> Callable[..., int] | None:
    """`cuLaunchHostFunc` of the driver itself.

    The bindings put a function of their own in between, which takes the interpreter's lock on the
    driver's thread: who holds that lock and waits for the driver would wait for ever.
    """
    library = load_driver()
    launch = getattr(library, "cuLaunchHostFunc", None)
    if launch is not None:
        launch.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
    return launch
