"""Where the processes of a group meet: a thread in the first one, which hears of every call.

    process 0 ──┐  call 7: all_reduce (sum) of 1,000 f32, and the elements on the cpu
    process 1 ──┤  …
    process 2 ──┘  …                        ─►  result of call 7, to all; to process 0 last

A call is answered when all have asked for it. If they ask for different things, if one is gone or
has left, or does not come within the time limit, all are told so, and the group has failed: nothing
is known of what its arrays hold, so nobody goes on with it.

Process 0 is answered last: when it ends, with the hub, the others have been told what there was.
Its elements do not travel: of its calls only the heads do, so that they come in order.

A ring would share the bytes out evenly, and as many would be moved in all. Among processes of one
machine it is no faster, of small arrays slower by its many steps (`collectives_processes` of the
benchmarks), and it would add each part of an array in another order, where ranks are added in
theirs.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from oxide_codegen.collectives import wire
from oxide_codegen.collectives.calls import Call, combined

if TYPE_CHECKING:
    from collections.abc import Iterable

_HELLO = 10.0
# What reading a message ends with that is none, or none of ours.
_NO_MESSAGE = (OSError, ValueError, KeyError, TypeError)


@dataclass(slots=True)
class _Member:
    """One process."""

    connection: socket.socket
    hello: dict[str, Any]
    lock: threading.Lock = field(default_factory=threading.Lock)
    has_left: bool = False


@dataclass(slots=True)
class _Meeting:
    """A call that some processes have asked for."""

    call: dict[str, Any]
    first: int
    since: float
    payloads: dict[int, Any] = field(default_factory=dict[int, Any])
    # Memory of process 0 for the result.
    into: Any = None


class Hub:
    """The meeting place of `count` processes; each call has to be complete within `limit` seconds.

    It listens when it is made, until all are there.
    """

    def __init__(self, address: str, port: int, count: int, limit: float) -> None:
        family = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0][0]
        self._listener = socket.create_server((address, port), family=family, backlog=count)
        self._count = count
        self._limit = limit
        self._begun = time.monotonic()
        self._members: dict[int, _Member] = {}
        self._meetings: dict[int, _Meeting] = {}
        self._failure: dict[str, Any] | None = None
        # Whether process 0 puts its elements here, and takes results from here, by itself; by the
        # number of the call: elements, with the memory where it wants the result, and the result.
        self.is_near = False
        self.given: dict[int, tuple[Any, Any]] = {}
        self.made: dict[int, Any] = {}
        # Memory for elements that come, as large as what came before.
        self._free: list[bytearray] = []
        self._changed = threading.Condition()
        self._is_complete = False
        for run in (self._accept, self._watch):
            threading.Thread(target=run, name="oxide-hub", daemon=True).start()

    # ------------------------------------------------------------ joining

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(
                target=self._serve, args=(connection,), name="oxide-hub", daemon=True
            ).start()

    def _stop_listening(self) -> None:
        with suppress(OSError):
            # The thread that accepts would go on in spite of `close` alone.
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            process = self._greeted(connection)
            if process is None:
                return
            try:
                while True:
                    header, payload = wire.receive(connection, place=self._place)
                    if header["kind"] == "goodbye":
                        self._leave(process)
                        return
                    if header["kind"] == "unable":
                        text = f"{self._ranks(process)} cannot take part: {header['text']}"
                        self._fail("lost", text, (process,))
                        continue
                    number, into = int(header["number"]), None
                    if process == 0:
                        payload, into = self.given.pop(number, (payload, None))
                    self._called(process, number, header["call"], payload, into)
            except _NO_MESSAGE:
                self._lose(process)
            except Exception as error:
                # Whoever waits for an answer must not wait for ever.
                self._fail("lost", f"{self._ranks(process)}: {type(error).__name__}: {error}")

    def _greeted(self, connection: socket.socket) -> int | None:
        """The number of the process that connects; None where it is none of us, or all failed."""
        try:
            connection.settimeout(_HELLO)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            hello, _ = wire.receive(connection, most=0)
            process = self._admitted(connection, hello)
            connection.settimeout(None)
        except _NO_MESSAGE:
            return None
        return process

    def _admitted(self, connection: socket.socket, hello: dict[str, Any]) -> int | None:
        """The number of a process that may take part; None where it, or the group, may not."""
        if hello["kind"] != "hello":
            raise ValueError
        process, count = int(hello["process"]), int(hello["count"])
        reason, failure = None, None
        with self._changed:
            first = next(iter(self._members.values()), None)
            if count != self._count:
                reason = f"process {process} expects {count} processes, process 0 {self._count}"
            elif not 0 <= process < count or process in self._members:
                reason = f"two processes say that they are number {process}"
            elif first is not None and first.hello["kinds"] != hello["kinds"]:
                reason = (
                    f"process {process} is on {hello['kinds']}, and others are on "
                    f"{first.hello['kinds']}"
                )
            elif first is not None and first.hello["version"] != hello["version"]:
                reason = "the processes have different versions of Oxide"
            failure = self._failure
            if self._is_complete and failure is None:
                # It is for another group, and tries again.
                raise ValueError
            if reason is None and failure is None:
                self._members[process] = _Member(connection, hello)
                if len(self._members) < self._count:
                    return process
                self._is_complete = True
                self._changed.notify_all()
        if reason is not None or failure is not None:
            told = failure or {"kind": "failed", "error": "mismatch", "text": reason}
            wire.send(connection, told)
            if reason is not None:
                self._fail("mismatch", reason)
            return None
        # Whoever wants to make another group may listen on this port now.
        self._stop_listening()
        hellos = [self._members[number].hello for number in range(self._count)]
        self._tell({"kind": "welcome", "processes": hellos, "limit": self._limit})
        return process

    # ------------------------------------------------------------ calls

    def _place(self, _: dict[str, Any], size: int) -> bytearray | None:
        """Memory that was used before, if it fits; new pages take as long as what fills them."""
        with self._changed:
            for place, memory in enumerate(self._free):
                if len(memory) == size:
                    return self._free.pop(place)
            # Of another size than what is asked for now.
            self._free.clear()
        return None

    def _called(
        self, process: int, number: int, call: dict[str, Any], payload: Any, into: Any
    ) -> None:
        with self._changed:
            if self._failure is not None:
                return
            meeting = self._meetings.get(number)
            if meeting is None:
                meeting = _Meeting(call, process, time.monotonic())
                self._meetings[number] = meeting
                self._changed.notify_all()
            gone = [one for one, member in self._members.items() if member.has_left]
            meeting.payloads[process] = payload
            meeting.into = into if process == 0 else meeting.into
            is_complete = len(meeting.payloads) == self._count
            if is_complete:
                del self._meetings[number]
        if meeting.call != call:
            self._fail(
                "mismatch",
                f"the ranks ask for different things in call {number}: {self._ranks(meeting.first)}"
                f" for {Call.of(meeting.call)}, {self._ranks(process)} for {Call.of(call)}",
                (meeting.first, process),
            )
        elif gone:
            self._fail("lost", f"{self._ranks(gone[0])} has left the group", gone)
        elif is_complete:
            answer = {"kind": "result", "number": number}
            found = self._combined(Call.of(call), meeting)
            if self.is_near:
                self.made[number] = found
            if call["name"] != "broadcast":
                # What is broadcast is the elements of one of them; of all else there are new ones.
                spent = [one for one in meeting.payloads.values() if isinstance(one, bytearray)]
                with self._changed:
                    self._free += spent
            self._tell(answer, found)

    def _combined(self, call: Call, meeting: _Meeting) -> Any:
        """The bytes that all get; none where devices have exchanged them by themselves."""
        payloads = meeting.payloads
        if not any(len(payload) for payload in payloads.values()) or not call.size:
            return b""
        import numpy as np

        elements = [np.frombuffer(payloads[process], np.uint8) for process in range(self._count)]
        rows = [row for part in elements for row in part.reshape(-1, call.size)]
        return combined(call, rows, meeting.into)

    # ------------------------------------------------------------ who does not come

    def _watch(self) -> None:
        """Tell all when a time limit is over."""
        with self._changed:
            while self._failure is None:
                now = time.monotonic()
                if not self._is_complete:
                    over = self._begun + self._limit - now
                else:
                    begun = [meeting.since for meeting in self._meetings.values()]
                    over = min(begun) + self._limit - now if begun else None
                if over is None or over > 0:
                    self._changed.wait(over)
                else:
                    break
            if self._failure is not None:
                return
            text, missing = self._late()
        self._fail("late", text, missing)

    def _late(self) -> tuple[str, tuple[int, ...]]:
        if not self._is_complete:
            missing = tuple(one for one in range(self._count) if one not in self._members)
            names = ", ".join(str(one) for one in missing)
            return f"after {self._limit:g} s process {names} has not joined the group", missing
        number, meeting = min(self._meetings.items(), key=lambda item: item[1].since)
        missing = tuple(one for one in self._members if one not in meeting.payloads)
        names = ", ".join(self._ranks(one) for one in missing)
        return (
            f"after {self._limit:g} s {names} has not come to call {number}, "
            f"{Call.of(meeting.call)}",
            missing,
        )

    def _leave(self, process: int) -> None:
        with self._changed:
            self._members[process].has_left = True
            is_waited_for = any(process not in one.payloads for one in self._meetings.values())
            if all(one.has_left for one in self._members.values()) and self._failure is None:
                # There is nothing to watch over any more.
                self._failure = {"kind": "left"}
                self._changed.notify_all()
        if is_waited_for:
            self._fail("lost", f"{self._ranks(process)} has left the group", (process,))
        elif process == 0:
            # The hub may be gone soon, and nobody need wonder.
            self._tell({"kind": "left"})

    def _lose(self, process: int) -> None:
        if not self._members[process].has_left:
            text = f"{self._ranks(process)} is gone: its connection was closed"
            self._fail("lost", text, (process,))

    def _fail(self, error: str, text: str, processes: Iterable[int] = ()) -> None:
        """The group has failed: tell all, once."""
        failure = {"kind": "failed", "error": error, "text": text, "processes": [*processes]}
        with self._changed:
            if self._failure is not None:
                return
            self._failure = failure
            self._changed.notify_all()
        self._stop_listening()
        self._tell(failure)

    def _ranks(self, process: int) -> str:
        """What the devices of a process are called."""
        if not self._is_complete:
            return f"process {process}"
        sizes = [len(self._members[one].hello["devices"]) for one in range(self._count)]
        first = sum(sizes[:process])
        if sizes[process] == 1:
            return f"rank {first}"
        return f"ranks {first} to {first + sizes[process] - 1}"

    def _tell(self, header: dict[str, Any], payload: Any = b"") -> None:
        for process, member in sorted(self._members.items(), reverse=True):
            try:
                with member.lock:
                    wire.send(
                        member.connection, header, payload if process or not self.is_near else b""
                    )
            except OSError:
                # Who reads from it finds that it is gone.
                continue
