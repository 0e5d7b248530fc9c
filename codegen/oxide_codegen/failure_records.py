"""Where checks on a GPU leave what they found: records in pinned memory of the host.

A kernel has one record for the launches that everybody waits for: the first failure among them is
kept. A launch of an operation takes one of its own from a pool, so that two launches of one kernel
in flight do not tell each other's failures; it goes back when the launch is done.

    launch of everybody    hidden argument = record of the kernel
    launch of an errand    hidden argument = record of the launch ─► errand.failure() ─► pool
"""

from __future__ import annotations

import ctypes
import threading
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from oxide_codegen.abi import EMPTY_RECORD, RECORD_SIZE, STATE_OFFSET, FailureState, decode
from oxide_codegen.failures import failure

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_analyzer.ir.kernel import Kernel
    from oxide_codegen.errors import OxideError

_COMPLETE = int(FailureState.COMPLETE)
_STRIDE = 128
# So many that few programs need a second page: pinning while somebody captures may end the capture.
_PER_PAGE = 512


class Record:
    """A place for the failure of a launch, at the same address on host and device."""

    __slots__ = ("_is_everybodys", "_kernel", "_records", "address")

    def __init__(self, records: Records, kernel: Kernel, address: int) -> None:
        self._records = records
        self._kernel = kernel
        self._is_everybodys = False
        self.address = address

    @property
    def name(self) -> str:
        """The kernel's."""
        return self._kernel.name

    @property
    def lane(self) -> int:
        """Its device, as a number below zero."""
        return self._records.lane

    @property
    def is_clear(self) -> bool:
        """Whether no launch that is done has left anything."""
        state = ctypes.c_uint32.from_address(self.address + STATE_OFFSET)
        return state.value != _COMPLETE

    def failure(self) -> OxideError | None:
        """What a launch that is done has left here, once."""
        found: list[OxideError] = []
        self.hand_over(lambda _, error: found.append(error))
        return found[0] if found else None

    def hand_over(self, note: Callable[[int, OxideError], None]) -> None:
        """Let `note` have it: at no moment is it neither here nor there."""
        if self.is_clear:
            return
        with self._records.lock:
            record = decode(ctypes.string_at(self.address, RECORD_SIZE))
            if record is not None:
                note(self.lane, failure(self._kernel, record))
                ctypes.memmove(self.address, EMPTY_RECORD, RECORD_SIZE)

    def give_up(self) -> None:
        """Tell everybody."""
        if not self._is_everybodys:
            self._is_everybodys = True
            self._records.everybodys.append(self)

    def withhold(self) -> None:
        """Tell nobody but who looks here."""
        if self._is_everybodys:
            self._is_everybodys = False
            self._records.everybodys.remove(self)

    def close(self) -> None:
        """Give it back: the launch is done, and what it has left was told."""
        self.withhold()
        self._records.free.append(self.address)


class Lent:
    """A record of a graph's launch, for as long as somebody waits for that graph."""

    def __init__(self, record: Record) -> None:
        self._record = record
        self.name, self.lane = record.name, record.lane
        record.withhold()

    @property
    def is_clear(self) -> bool:
        """Whether the launch has left nothing."""
        return self._record.is_clear

    def failure(self) -> OxideError | None:
        """What the launch has left there, once."""
        return self._record.failure()

    def hand_over(self, note: Callable[[int, OxideError], None]) -> None:
        """Let `note` have it: at no moment is it neither here nor there."""
        self._record.hand_over(note)

    def give_up(self) -> None:
        """Tell everybody."""
        self._record.give_up()

    def close(self) -> None:
        """Nobody waits: later launches of the graph are everybody's again."""
        self._record.give_up()


class Records:
    """The records of one device; `allocate` gives a page of pinned memory."""

    def __init__(self, index: int, allocate: Callable[[int], Any]) -> None:
        self.lane = ~index
        self.lock = threading.Lock()
        # Those that everybody looks at.
        self.everybodys: list[Record] = []
        self.free: list[int] = []
        # Of graphs that are gone, until the device has been waited for.
        self.retired: SimpleQueue[Record] = SimpleQueue()
        self._allocate = allocate
        self._pages: list[Any] = []

    def take(self, kernel: Kernel) -> Record:
        """A record for one launch of a kernel; the context is current."""
        try:
            return Record(self, kernel, self.free.pop())
        except IndexError:
            self._grow()
            return self.take(kernel)

    def permanent(self, kernel: Kernel) -> Record:
        """A record for all launches of a kernel that everybody waits for."""
        made = self.take(kernel)
        made.give_up()
        return made

    def failure(self) -> OxideError | None:
        """The first failure that is everybody's, once."""
        for record in tuple(self.everybodys):
            error = record.failure()
            if error is not None:
                return error
        return None

    def all_done(self) -> None:
        """The device has been waited for."""
        while True:
            try:
                self.retired.get_nowait().close()
            except Empty:
                return

    def _grow(self) -> None:
        page = self._allocate(_PER_PAGE * _STRIDE)
        start = int(page.handle)
        ctypes.memset(start, 0, _PER_PAGE * _STRIDE)
        self._pages.append(page)
        self.free += range(start, start + _PER_PAGE * _STRIDE, _STRIDE)
