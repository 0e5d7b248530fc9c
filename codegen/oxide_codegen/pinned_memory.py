"""Pinned memory of the host: pages that stay where they are, which a GPU copies by itself.

To pin pages takes longer than to copy them, and to unpin them waits for the device. So memory that
nobody refers to any more is kept for the next who wants as much, from the time on when all copies
from it and to it are done:

    array ─► collected ─► its copies are done ─► kept ─► another array
                                                    └──► no room, or another resource: given back

A copy is a point of its own, with an event, whatever stream it was on: pinned memory belongs to no
device, and copies of several may use it.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from oxide_codegen.errors import DeviceError, DeviceMemoryError
from oxide_codegen.ordering import Point, Uses
from oxide_codegen.pools import array_at, tried_twice

if TYPE_CHECKING:
    from collections.abc import Generator

    from oxide_codegen.cuda import Cuda

# Sizes that are kept apart: powers of two up to this one, its multiples above.
_COARSE = 1 << 20
_LEAST = 1 << 9
# The lane of the host, which waits and enqueues nothing.
_HOST = -2
_LANES_PER_DEVICE = 1 << 64


@dataclass(frozen=True, slots=True)
class Block:
    """Pinned memory of one size, and the buffer of the resource that it came from."""

    size: int
    buffer: Any


class Pinned:
    """Pinned memory with its last uses; what is an array of it keeps it alive."""

    __slots__ = ("__weakref__", "_block", "_lock", "_pool", "address", "size", "uses")

    def __init__(self, pool: PinnedPool, block: Block | None, size: int) -> None:
        self._pool = pool
        self._block = block
        self._lock = threading.Lock()
        self.address = 0 if block is None else int(block.buffer.handle)
        self.size = size
        self.uses = Uses()

    def array(self, shape: tuple[int, ...], dtype: Any) -> Any:
        """The memory as a NumPy array."""
        return array_at(self.address, shape, dtype, self)

    @contextmanager
    def used(self, device: Cuda, stream: int, *, writes: bool) -> Generator[None]:
        """Enqueue a copy within, on a stream of a device, that reads the memory or writes it.

        It comes behind all copies that it has to; the context is current.
        """
        if device.is_captured(stream):
            raise DeviceError(
                "a copy of pinned memory is no part of a graph: nobody could say when it is done"
            )
        lane = (device.index + 1) * _LANES_PER_DEVICE + stream
        with self._lock:
            for point in self.uses.before(lane, writes=writes):
                device.stream(stream).wait(point.event)
            yield
            event = device.stream(stream).record()
            self.uses.note(Point(lane, event, device), writes=writes)

    def settle(self, *, writes: bool) -> None:
        """Wait for the copies that the host comes behind if it reads, or also writes."""
        with self._lock:
            points = tuple(self.uses.before(_HOST, writes=writes))
        for point in points:
            device: Any = point.keeps
            with device.current():
                point.event.sync()
        for device in {id(point.keeps): point.keeps for point in points}.values():
            device.raise_failures()

    @property
    def is_done(self) -> bool:
        """Whether no copy is in flight."""
        return _are_done(self.uses)

    def __del__(self) -> None:
        # No call to the driver and no lock: this may run within either.
        if self._block is not None:
            self._pool.garbage.put((self._block, self.uses))


def _are_done(uses: Uses) -> bool:
    try:
        for point in uses.points():
            device: Any = point.keeps
            with device.current():
                if not point.event.is_done:
                    return False
    except Exception:
        # A device that has failed does not say: its memory is never used again.
        return False
    return True


class PinnedPool:
    """The pinned memory of one device's context: what is in use, and what is kept."""

    def __init__(self, device: Cuda) -> None:
        self._device = device
        self._resource: Any = device.core.LegacyPinnedMemoryResource()
        self._stream: Any = None
        self._lock = threading.Lock()
        self._kept: dict[int, list[Block]] = {}
        self._in_flight: list[tuple[Block, Uses]] = []
        # What `Pinned` leaves behind.
        self.garbage: SimpleQueue[tuple[Block, Uses]] = SimpleQueue()
        # Bytes that arrays have, and bytes that are kept.
        self.held = 0
        self.kept = 0

    @property
    def resource(self) -> Any:
        """Where new memory comes from: a memory resource of cuda.core."""
        return self._resource

    @resource.setter
    def resource(self, chosen: Any) -> None:
        self._resource = chosen
        self.trim()

    def take(self, size: int) -> Pinned:
        """So many bytes that no copy uses; the context is current."""
        if not size:
            return Pinned(self, None, 0)
        self.reap()
        rounded = _rounded(size)
        with self._lock:
            found = self._kept.get(rounded)
            block = found.pop() if found else None
            if block is not None:
                self.kept -= rounded
                self.held += rounded
        if block is None:
            block = self._allocated(rounded)
            with self._lock:
                self.held += rounded
        return Pinned(self, block, size)

    def _allocated(self, size: int) -> Block:
        def no_room(error: Exception) -> DeviceMemoryError:
            return DeviceMemoryError(
                f"the host gives no {size:,} bytes of pinned memory: arrays of Oxide hold "
                f"{self.held:,} ({error})",
                requested=size,
                free=0,
                held=self.held,
                others=0,
            )

        doing = f"allocating {size} bytes of pinned memory"
        return tried_twice(size, lambda: self._allocate(size), self.trim, no_room, doing)

    def _allocate(self, size: int) -> Block:
        # In the order of a stream that has nothing else to do, so that the host need not wait.
        if self._stream is None:
            self._stream = self._device.device.create_stream()
        buffer = self._resource.allocate(size, stream=self._stream)
        self._stream.sync()
        return Block(size, buffer)

    def reap(self) -> None:
        """Keep what is garbage, as far as its copies are done; the context is current."""
        if self.garbage.empty() and not self._in_flight:
            return
        with self._lock:
            pending, self._in_flight = self._in_flight, []
            while True:
                try:
                    pending.append(self.garbage.get_nowait())
                except Empty:
                    break
            for block, uses in pending:
                if _are_done(uses):
                    self._kept.setdefault(block.size, []).append(block)
                    self.kept += block.size
                    self.held -= block.size
                else:
                    self._in_flight.append((block, uses))

    def trim(self) -> None:
        """Give back all that is kept."""
        with self._device.current():
            self.reap()
            with self._lock:
                blocks = [block for kept in self._kept.values() for block in kept]
                self._kept.clear()
                self.kept = 0
            for block in blocks:
                block.buffer.close(self._stream)


def _rounded(size: int) -> int:
    if size > _COARSE:
        return -(-size // _COARSE) * _COARSE
    return max(_LEAST, 1 << (size - 1).bit_length())
