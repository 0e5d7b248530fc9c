"""Work on a GPU comes behind what used its memory before: see `ordering` for what that is.

    with device.using(((x, False), (y, True)), stream, owner):
        enqueue what reads x and writes y

Going in, the stream is told to wait for the uses on other streams, and the new ones are noted; the
device's lock is held until the work is enqueued, so nobody sees a use that is not there yet.

What the host has waited for needs no order any more. So the points of a stream of ours have
numbers, and it knows up to which one it was waited for: for those nobody records an event.

    k.op(x).sync() on one stream, then k.op(x).sync() on another      no event between them
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from oxide_codegen.device_memory import SEVERAL
from oxide_codegen.errors import demand_not_freed
from oxide_codegen.ordering import Point
from oxide_codegen.streams import Stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from oxide_codegen.cuda import Cuda
    from oxide_codegen.device_memory import Memory


class Using:
    """Work that is being enqueued on a stream of a device; gives the stream."""

    __slots__ = ("_device", "_owner", "_point", "_stream", "_touched")

    def __init__(
        self,
        device: Cuda,
        touched: Sequence[tuple[Memory, bool]],
        stream: int,
        owner: Stream | None,
    ) -> None:
        self._device = device
        self._touched = touched
        self._stream = stream
        self._owner = owner
        self._point: Point | None = None

    def __enter__(self) -> int:
        device, stream, owner = self._device, self._stream, self._owner
        default = device.default_handle
        if stream == default:
            if all(memory.stream == default for memory, _ in self._touched):
                return stream
        elif device.is_captured(stream):
            # The work runs when the graph is launched, in whatever order its owner gives it.
            if stream in device.captures:
                device.captures[stream].order(self._touched, stream)
            return stream
        if owner is not None and owner.flight is not None:
            owner.flight.is_passed(owner)
        device.lock.acquire()
        try:
            self._point = self._noted()
        except BaseException:
            device.lock.release()
            raise
        return stream

    def _noted(self) -> Point:
        device, stream, touched = self._device, self._stream, self._touched
        # The default stream comes behind readers elsewhere too: from then on its launches, which
        # are most, need not look at uses.
        alone = stream == device.default_handle
        before: dict[int, Point] | None = None
        for memory, writes in touched:
            demand_not_freed(memory.is_freed)
            for point in memory.uses.before(stream, writes=writes or alone):
                if not is_reached(point):
                    before = {} if before is None else before
                    before[id(point)] = point
        if before is not None:
            waiting = device.stream(stream)
            for point in before.values():
                waiting.wait(device.event(point))
        point = device.default_point if alone else point_on(stream, self._owner)
        where, is_moved = (stream if alone else SEVERAL), False
        for memory, writes in touched:
            memory.uses.note(point, writes=writes or alone)
            if memory.stream != where and not memory.is_joined:
                memory.stream, is_moved = where, True
        if is_moved:
            device.moved = object()
        return point

    def __exit__(self, kind: object, *_: object) -> None:
        point = self._point
        if point is None:
            return
        device = self._device
        try:
            if kind is None and self._stream != device.default_handle:
                self._enqueued(point)
        finally:
            device.lock.release()

    def _enqueued(self, point: Point) -> None:
        device, touched = self._device, self._touched
        if self._owner is None and touched:
            # It may be gone when somebody has to wait for it.
            point.event = device.stream(self._stream).record()
        for memory, _ in touched:
            if memory.is_borrowed:
                # Its owner knows of no stream of ours, and uses it on the default one.
                device.default_stream.wait(device.event(point))
                return


def point_on(stream: int, owner: Stream | None) -> Point:
    """All that is on a stream with what is enqueued next; the device's lock is held until then."""
    if owner is None:
        return Point(stream)
    owner.last += 1
    return Point(stream, None, owner, owner.last)


def is_reached(point: Point) -> bool:
    """Whether the host knows that all of it is done."""
    owner: Any = point.keeps
    return owner.__class__ is Stream and point.number <= owner.reached
