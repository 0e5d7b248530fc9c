"""Streams, events, devices and contexts with the names that Numba gives them.

They stand for those of the current device: a CUDA device, or the cpu, where work is done when a
launch returns, so that every stream is idle and every event is past.
"""

from __future__ import annotations

import os
import platform
from contextlib import contextmanager
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from oxide_codegen import devices, streams
from oxide_codegen.devices import CPU, DeviceId

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

_CPU_LIMITS = {
    "WARP_SIZE": 32,
    "MAX_THREADS_PER_BLOCK": 1024,
    "MAX_BLOCK_DIM_X": 1024,
    "MAX_BLOCK_DIM_Y": 1024,
    "MAX_BLOCK_DIM_Z": 64,
    "MAX_GRID_DIM_X": 2**31 - 1,
    "MAX_GRID_DIM_Y": 65535,
    "MAX_GRID_DIM_Z": 65535,
    "MAX_SHARED_MEMORY_PER_BLOCK": 49152,
    "UNIFIED_ADDRESSING": 1,
    "CONCURRENT_MANAGED_ACCESS": 1,
}


class NumbaStream(streams.Stream):
    """A stream on a device; as a context manager it waits for its work at the end."""

    def synchronize(self) -> None:
        """Wait for all work on this stream; raises what a launch ran into."""
        self.sync()

    @contextmanager
    def auto_synchronize(self) -> Generator[NumbaStream]:
        """`with stream.auto_synchronize():` waits at the end."""
        yield self
        self.synchronize()

    def __bool__(self) -> bool:
        return True


def stream() -> NumbaStream:
    """A new stream on the current device."""
    made = streams.stream()
    return NumbaStream(made.device_id, made.handle, made.host or made)


def external_stream(ptr: int) -> NumbaStream:
    """A stream of another library, by its handle."""
    return NumbaStream(devices.current(), int(ptr))


def default_stream() -> NumbaStream:
    """The stream of launches that name none."""
    return NumbaStream(devices.current(), 0)


def synchronize() -> None:
    """Wait for all work of this process; raises what a launch ran into."""
    streams.synchronize()


class Event:
    """A point in the work of a stream."""

    def __init__(self, timing: bool = True) -> None:
        self._timing = timing
        self._device = devices.current()
        self._made: Any = None
        self._seconds: float | None = None

    def record(self, stream: Any = 0) -> None:
        """Note the point that the work on a stream has come to."""
        if self._device.kind == "cpu":
            self._seconds = perf_counter()
            return
        from oxide_codegen.cuda import cuda

        device = cuda(self._device.index)
        handle = getattr(stream, "handle", stream) or device.default_handle
        with device.current():
            options = device.core.EventOptions(timing_enabled=self._timing)
            self._made = device.stream(int(handle)).record(options=options)

    def query(self) -> bool:
        """Whether the work up to it is done."""
        return True if self._made is None else bool(self._made.is_done)

    def synchronize(self) -> None:
        """Wait for the work up to it; raises what a launch ran into."""
        if self._made is not None:
            from oxide_codegen.cuda import cuda

            self._made.sync()
            cuda(self._device.index).raise_failures()

    def wait(self, stream: Any = 0) -> None:
        """Let later work on a stream come behind it."""
        if self._made is not None:
            from oxide_codegen.cuda import cuda

            device = cuda(self._device.index)
            handle = getattr(stream, "handle", stream) or device.default_handle
            with device.current():
                device.stream(int(handle)).wait(self._made)

    def elapsed_time(self, evtend: Event) -> float:
        """Milliseconds from this event to another."""
        return event_elapsed_time(self, evtend)

    def _milliseconds(self, end: Event) -> float:
        if self._made is not None and end._made is not None:
            return float(end._made - self._made)
        if self._seconds is None or end._seconds is None:
            raise ValueError("an event that was never recorded has no time")
        return 1e3 * (end._seconds - self._seconds)


def event_elapsed_time(evtstart: Event, evtend: Event) -> float:
    """Milliseconds between two events."""
    return evtstart._milliseconds(evtend)  # pyright: ignore[reportPrivateUsage]


class MemoryInfo(NamedTuple):
    """Bytes of memory."""

    free: int
    total: int


class Device:
    """A device by its number; attributes in capitals are the driver's, such as `WARP_SIZE`."""

    def __init__(self, identity: DeviceId) -> None:
        self.identity = identity

    @property
    def id(self) -> int:
        """Its number."""
        return self.identity.index

    @property
    def name(self) -> Any:
        """What its maker calls it."""
        if self.identity.kind == "cpu":
            return platform.processor() or platform.machine()
        return self._core().name

    @property
    def compute_capability(self) -> tuple[int, int]:
        """The version of its architecture; of the cpu, that for which kernels are proved."""
        if self.identity.kind == "cpu":
            return 9, 0
        major, minor = self._core().compute_capability
        return int(major), int(minor)

    @property
    def uuid(self) -> str:
        """Its unique name."""
        return "cpu" if self.identity.kind == "cpu" else f"GPU-{self._core().uuid}"

    def __getattr__(self, name: str) -> int:
        if not name.isupper():
            raise AttributeError(name)
        if self.identity.kind == "cpu":
            if name == "MULTIPROCESSOR_COUNT":
                return os.cpu_count() or 1
            if name in _CPU_LIMITS:
                return _CPU_LIMITS[name]
            raise AttributeError(name)
        from oxide_codegen.cuda import cuda
        from oxide_codegen.driver import check

        device = cuda(self.identity.index)
        attribute = getattr(device.driver.CUdevice_attribute, f"CU_DEVICE_ATTRIBUTE_{name}", None)
        if attribute is None:
            raise AttributeError(name)
        found = device.driver.cuDeviceGetAttribute(attribute, self.identity.index)
        return int(check(device.driver, found, "asking for limits"))

    def reset(self) -> None:
        """Nothing: the context is shared with other libraries, and memory frees itself."""

    def _core(self) -> Any:
        from oxide_codegen.cuda import cuda

        return cuda(self.identity.index).device

    def __repr__(self) -> str:
        return f"<oxide.numba device {self.identity}>"


class Context:
    """What the current device keeps for this process."""

    def __init__(self, device: Device) -> None:
        self.device = device

    def get_memory_info(self) -> MemoryInfo:
        """Free and total bytes of the device's memory."""
        if self.device.identity.kind == "cpu":
            page = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 0
            if not page:
                raise NotImplementedError("this system does not say how much memory it has")
            return MemoryInfo(
                page * os.sysconf("SC_AVPHYS_PAGES"), page * os.sysconf("SC_PHYS_PAGES")
            )
        from oxide_codegen.cuda import cuda
        from oxide_codegen.driver import check

        device = cuda(self.device.id)
        with device.current():
            free, total = check(device.driver, device.driver.cuMemGetInfo(), "asking for memory")
        return MemoryInfo(int(free), int(total))

    def synchronize(self) -> None:
        """Wait for all work on the device."""
        synchronize()

    def reset(self) -> None:
        """Nothing: memory frees itself."""

    def __enter__(self) -> Context:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing was entered."""


class ChosenDevice(Device):
    """`with cuda.gpus[1]:` sets the current device within."""

    def __init__(self, identity: DeviceId) -> None:
        super().__init__(identity)
        self._choices: list[devices.DeviceChoice] = []

    def __enter__(self) -> ChosenDevice:
        choice = devices.DeviceChoice(str(self.identity))
        choice.__enter__()
        self._choices.append(choice)
        return self

    def __exit__(self, *_: object) -> None:
        self._choices.pop().__exit__(None, None, None)


class Devices:
    """All devices: `cuda.gpus`. Where there is no GPU, the cpu is the only one."""

    @property
    def lst(self) -> list[ChosenDevice]:
        """The devices in order."""
        current = devices.current()
        if current.kind == "cpu":
            return [ChosenDevice(CPU)]
        return [ChosenDevice(DeviceId("cuda", k)) for k in range(devices.device_count())]

    def __getitem__(self, index: int) -> ChosenDevice:
        return self.lst[index]

    def __len__(self) -> int:
        return len(self.lst)

    def __iter__(self) -> Iterator[ChosenDevice]:
        return iter(self.lst)

    @property
    def current(self) -> ChosenDevice:
        """The current one."""
        return ChosenDevice(devices.current())


gpus = Devices()
# What `select_device` chose stays chosen.
_selected: list[ChosenDevice] = []


def get_current_device() -> Device:
    """The device of launches here and now."""
    return Device(devices.current())


def current_context(devnum: int | None = None) -> Context:
    """The context of the current device, or of the one with that number."""
    return Context(get_current_device() if devnum is None else gpus[devnum])


def select_device(device_id: int) -> Device:
    """Make a device the current one of this thread, and return it."""
    chosen = gpus[device_id]
    if chosen.identity != devices.current():
        chosen.__enter__()
        _selected.append(chosen)
    return chosen


def list_devices() -> list[ChosenDevice]:
    """All devices."""
    return gpus.lst
