"""Who used memory last, and behind whom a new use comes.

Work runs in order on a *lane*: a stream of a GPU, or a thread of the cpu device. A use of memory is
a point on a lane, and reads or writes. A use comes behind the last writer, a write behind all that
read since as well; what is on the same lane is in order by itself.

    write on A      read on B        read on C        read on B        write on A
    -               behind A         behind A         -                behind B and C

A point is all that was enqueued on its lane when it was made. What stands for it, an event, is
recorded when another lane first has to wait, so it may stand for more than the point: an order that
nobody asked for, never one that is missing.
"""

from __future__ import annotations

from typing import Any


class Point:
    """All that is on a lane until now; `event` is what stands for it, once there is one.

    `keeps` is what must live as long as somebody may wait for the point: the lane's owner, which
    may count its points.
    """

    __slots__ = ("event", "keeps", "lane", "number")

    def __init__(self, lane: int, event: Any = None, keeps: object = None, number: int = 0) -> None:
        self.lane = lane
        self.event = event
        self.keeps = keeps
        self.number = number

    def __repr__(self) -> str:
        return f"<point on lane {self.lane:#x}>"


class Uses:
    """The last writer of some memory, and who has read it since, one point for each lane."""

    __slots__ = ("readers", "writer")

    def __init__(self, writer: Point | None = None) -> None:
        self.writer = writer
        self.readers: tuple[Point, ...] = ()

    def before(self, lane: int, *, writes: bool) -> list[Point]:
        """The points on other lanes that a use on `lane` comes behind."""
        writer, readers = self.writer, self.readers
        found = [point for point in readers if point.lane != lane]
        # Who has read on this lane already came behind the writer.
        is_behind = len(found) < len(readers)
        if not writes:
            found.clear()
        if writer is not None and writer.lane != lane and not is_behind:
            found.insert(0, writer)
        return found

    def note(self, point: Point, *, writes: bool) -> None:
        """A use on the point's lane was enqueued, behind what `before` named."""
        if writes:
            self.writer, self.readers = point, ()
        else:
            others = (other for other in self.readers if other.lane != point.lane)
            self.readers = (*others, point)

    def points(self) -> tuple[Point, ...]:
        """All that must be done before the memory may go."""
        return self.readers if self.writer is None else (self.writer, *self.readers)
