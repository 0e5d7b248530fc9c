"""Learning that work is done, and what it ran into.

On the cpu device work has futures. On a GPU an event is recorded behind it, and one thread for each
device resolves futures when their events are done. The thread sleeps until a stream wakes it:
behind each event stands a host function of the driver that posts a semaphore of the C library, so
nothing of Python runs on the driver's threads, nothing polls, and no stream waits for a longer one.
What a wake-up means is read from the events, whose status says of a device that has failed that it
has: there the driver calls no host function, so the thread also looks every tenth of a second while
something is in flight.

    event.record(stream); cuLaunchHostFunc(stream, sem_post, &semaphore)
    thread: sem_timedwait ─► cuEventQuery of each ─► future.set_result | set_exception
"""

from __future__ import annotations

import atexit
import ctypes
import threading
import time
import warnings
from concurrent.futures import Future
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TypeAlias

from oxide_codegen.devices import load_driver
from oxide_codegen.streams import Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_codegen.cuda import Cuda
    from oxide_codegen.devices import DeviceId

# What was enqueued: on a stream of a GPU until now, or something of the cpu's.
Work: TypeAlias = "Stream | Future[Any]"

# How often events are looked at while some are in flight and no stream wakes the thread.
_HEARTBEAT = 0.1


def wait(work: tuple[Work, ...], kernels: tuple[str, ...] = ()) -> None:
    """Wait in this thread, however it ends; `DeviceError` where a device has failed."""
    for one in work:
        if isinstance(one, Future):
            one.exception()
        else:
            device = _cuda(one)
            with device.current():
                device.wait(one.handle, ", ".join(kernels) or None)


def watched(
    work: tuple[Work, ...], keeps: object, kernels: tuple[str, ...] = ()
) -> tuple[Future[Any], ...]:
    """Futures that are done when the work is; one for each GPU, whose error is that it has failed.

    `keeps` lives until then, as far as the work is on a GPU.
    """
    futures = [one for one in work if isinstance(one, Future)]
    streams: dict[DeviceId, list[Stream]] = {}
    for one in work:
        if isinstance(one, Stream):
            streams.setdefault(one.device_id, []).append(one)
    for some in streams.values():
        done: Future[Any] = Future()
        device = _cuda(some[0])
        futures.append(done)
        try:
            flight = _InFlight(_marks(tuple(some)), kernels, keeps, done, device)
            _completions(device).watch(flight)
        except Exception as failure:
            # On a device that has failed nothing is in flight any more.
            done.set_exception(device.as_error(failure, kernels))
    return tuple(futures)


def when_done(futures: tuple[Future[Any], ...], then: Callable[[], None], keeps: object) -> None:
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


@dataclass(eq=False, slots=True)
class _InFlight:
    """Work on streams of one device: events behind it, kernels in it, and who is told."""

    marks: tuple[tuple[Stream, Any], ...]
    kernels: tuple[str, ...]
    keeps: object
    done: Future[None]
    device: Cuda


def _cuda(stream: Stream) -> Cuda:
    from oxide_codegen.cuda import cuda

    return cuda(stream.device_id.index)


def _marks(streams: tuple[Stream, ...]) -> tuple[tuple[Stream, Any], ...]:
    device = _cuda(streams[0])
    with device.current():
        return tuple((stream, device.stream(stream.handle).record()) for stream in streams)


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
        self._new: SimpleQueue[_InFlight] = SimpleQueue()
        self._wake = _Semaphore()
        self._ended = False
        self._launch = _host_function_launcher() if self._wake.is_there else None
        self._thread = threading.Thread(
            target=self._run, name=f"oxide-completion-{device.id}", daemon=True
        )
        self._thread.start()
        atexit.register(self._end)

    def watch(self, flight: _InFlight) -> None:
        """Tell the future when the events are done."""
        self._new.put(flight)
        if self._launch is not None:
            with self._device.current():
                for stream, _ in flight.marks:
                    # A stream that cannot call leaves the look every tenth of a second.
                    self._launch(stream.handle, *self._wake.host_function)
        self._wake.post()

    def _run(self) -> None:
        driver = self._device.driver
        # Nothing that this thread does may end what others capture.
        relaxed = driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED
        driver.cuThreadExchangeStreamCaptureMode(relaxed)
        self._device.enter()
        flying: list[_InFlight] = []
        while not self._ended:
            self._wake.wait(_HEARTBEAT if flying else None)
            while True:
                try:
                    flying.append(self._new.get_nowait())
                except Empty:
                    break
            flying = [flight for flight in flying if not self._landed(flight)]
            self._reap()

    def _reap(self) -> None:
        try:
            self._device.reap()
        except Exception as error:
            # The device has failed, and takes nothing back; this thread goes on telling that.
            warnings.warn(str(self._device.as_error(error)), RuntimeWarning, stacklevel=1)

    def _landed(self, flight: _InFlight) -> bool:
        """Whether all events of some work are done; then who waits has been told."""
        try:
            if not all(event.is_done for _, event in flight.marks):
                return False
            error = None
        except Exception as failure:
            error = self._device.as_error(failure, flight.kernels)
        flight.keeps = None
        if error is None:
            flight.done.set_result(None)
        else:
            flight.done.set_exception(error)
        return True

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


class _Timespec(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Semaphore:
    """A semaphore of the C library, which a stream can post without Python.

    Where there is none (Windows), `wait` sleeps for the shortest time that a clock there has.
    """

    _SIZE = 64

    def __init__(self) -> None:
        self._memory = ctypes.create_string_buffer(self._SIZE)
        self._address = ctypes.addressof(self._memory)
        library = ctypes.CDLL(None) if hasattr(ctypes, "pythonapi") else None
        self._post = getattr(library, "sem_post", None)
        if library is not None and self._post is not None:
            self._post.argtypes = [ctypes.c_void_p]
            self._wait = library.sem_wait
            self._wait.argtypes = [ctypes.c_void_p]
            self._timed = library.sem_timedwait
            self._timed.argtypes = [ctypes.c_void_p, ctypes.POINTER(_Timespec)]
            library.sem_init(ctypes.c_void_p(self._address), 0, 0)

    @property
    def is_there(self) -> bool:
        """Whether a stream can post it."""
        return self._post is not None

    @property
    def host_function(self) -> tuple[int | None, int]:
        """What `cuLaunchHostFunc` calls, and with what."""
        assert self._post is not None
        return ctypes.cast(self._post, ctypes.c_void_p).value, self._address

    def post(self) -> None:
        """Wake who waits."""
        if self._post is not None:
            self._post(self._address)

    def wait(self, seconds: float | None) -> None:
        """Sleep until somebody posts, or so long."""
        if self._post is None:
            time.sleep(0.001)
        elif seconds is None:
            self._wait(self._address)
        else:
            until = time.time() + seconds
            end = _Timespec(int(until), int(until % 1 * 1e9))
            self._timed(self._address, ctypes.byref(end))
