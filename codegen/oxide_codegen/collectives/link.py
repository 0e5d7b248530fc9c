"""A process's side of its group: calls that are told to the hub, and what it answers.

Answers come to a thread, which resolves futures. When the group has failed, each of them and every
later call raises that, and `when_failed` is called once: on GPUs it ends what waits for others.
"""

from __future__ import annotations

import selectors
import socket
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from oxide_codegen.collectives import wire
from oxide_codegen.errors import (
    CollectiveError,
    CollectiveMismatchError,
    CollectiveTimeoutError,
    RankLostError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_codegen.collectives.calls import Call
    from oxide_codegen.collectives.hub import Hub

_ERRORS: dict[str, type[CollectiveError]] = {
    "mismatch": CollectiveMismatchError,
    "late": CollectiveTimeoutError,
    "lost": RankLostError,
}
_RETRY = 0.02
# How often the thread looks round while nothing comes.
_HEARTBEAT = 1.0
# How long behind its time limit the hub itself may be.
_GRACE = 5.0


class Link:
    """A connection to the hub at an address; `hello` says who this is.

    Where the hub is in this process, `hub`, elements go there and back as they lie in memory.
    """

    def __init__(
        self,
        address: str,
        port: int,
        hello: dict[str, Any],
        limit: float,
        hub: Hub | None = None,
    ) -> None:
        until = time.monotonic() + limit + _GRACE
        # Who sends holds the first, and waits for the hub, which waits for who takes its answers:
        # that takes the second alone.
        self._sending = threading.Lock()
        self._lock = threading.Lock()
        self._hub = hub
        if hub is not None:
            hub.is_near = True
        # Until when, who waits, and where the result may go.
        self._waiting: dict[int, tuple[float, Future[Any], Any]] = {}
        self._failure: tuple[type[CollectiveError], str] | None = None
        self._has_left = False
        # Whether process 0 has left, so that the hub may go.
        self._is_over = False
        self.when_failed: Callable[[], None] | None = None
        # Called now and then while answers are waited for; raises what it has found, which counts
        # when it is found twice in a row.
        self.look: Callable[[], None] | None = None
        self._is_suspicious = False
        self._connection, welcome = _joined(address, port, hello, until)
        self.processes: list[dict[str, Any]] = welcome["processes"]
        self.limit = float(welcome["limit"])
        self._connection.settimeout(None)
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=self._listen, name="oxide-link", daemon=True).start()

    def call(self, number: int, call: Call, payload: Any = b"", into: Any = None) -> Future[Any]:
        """Tell the hub; the future gives what all get, or what went wrong.

        `into` is memory that the result may be written to, if it is as large.
        """
        answer: Future[Any] = Future()
        with self._sending:
            with self._lock:
                self.demand_health()
                if self._has_left:
                    raise CollectiveError(f"{call}: this process has left the group")
                self._waiting[number] = (time.monotonic() + self.limit + _GRACE, answer, into)
            header = {"kind": "call", "number": number, "call": call.header()}
            if self._hub is not None:
                self._hub.given[number], payload = (payload, into), b""
            try:
                wire.send(self._connection, header, payload)
            except OSError:
                # Why, the listening thread finds out, and tells.
                return answer
        return answer

    def demand_health(self) -> None:
        """Raise if the group has failed."""
        if self._failure is not None:
            kind, text = self._failure
            raise kind(f"the group has failed: {text}")

    def give_up(self, text: str) -> None:
        """Tell all that this process cannot take part, and why."""
        with self._sending, suppress(OSError):
            # Where the hub is gone, so are the others.
            wire.send(self._connection, {"kind": "unable", "text": text})
        self.leave()

    def leave(self) -> None:
        """Take part no more."""
        with self._lock:
            if self._has_left:
                return
            self._has_left = True
        # Who sends to a hub that takes nothing any more keeps no process from ending.
        if not self._sending.acquire(timeout=_GRACE):
            return
        try:
            wire.send(self._connection, {"kind": "goodbye"})
            self._connection.shutdown(socket.SHUT_WR)
        except OSError:
            # The hub is gone already.
            return
        finally:
            self._sending.release()

    def fail(self, kind: type[CollectiveError], text: str, *, is_missed: bool = True) -> None:
        """The group has failed, or is at an end that nobody misses."""
        with self._lock:
            if self._failure is not None:
                return
            self._failure = kind, text
            waiting, self._waiting = [*self._waiting.values()], {}
        if self.when_failed is not None and is_missed:
            self.when_failed()
        for _, answer, _ in waiting:
            answer.set_exception(kind(text))

    def _listen(self) -> None:
        with selectors.DefaultSelector() as arrivals:
            arrivals.register(self._connection, selectors.EVENT_READ)
            while self._failure is None:
                try:
                    if arrivals.select(_HEARTBEAT):
                        self._take(*wire.receive(self._connection, place=self._place))
                    else:
                        self._look()
                except CollectiveError as error:
                    self.fail(type(error), str(error))
                except OSError:
                    how = "has left" if self._is_over else "is gone"
                    is_missed = not (self._has_left or self._is_over) or bool(self._waiting)
                    text = f"process 0, where the ranks of the group meet, {how}"
                    self.fail(RankLostError, text, is_missed=is_missed)
                except Exception as error:
                    # Whoever waits for an answer must not wait for ever.
                    self.fail(CollectiveError, f"{type(error).__name__}: {error}")
        self._connection.close()

    def _place(self, header: dict[str, Any], size: int) -> Any:
        """Where the elements of a result go, where somebody has said so."""
        # Without the lock, which whoever sends has until the hub takes what he sends.
        _, _, into = self._waiting.get(int(header.get("number", -1)), (0.0, None, None))
        return into if into is not None and into.nbytes == size else None

    def _take(self, header: dict[str, Any], payload: Any) -> None:
        if header["kind"] == "failed":
            self.fail(_ERRORS[header["error"]], header["text"])
            return
        if header["kind"] == "left":
            self._is_over = True
            return
        with self._lock:
            number = int(header["number"])
            _, answer, _ = self._waiting.pop(number)
        if self._hub is not None:
            payload = self._hub.made.pop(number)
        answer.set_result(payload)

    def _look(self) -> None:
        with self._lock:
            late = [over for over, *_ in self._waiting.values() if over < time.monotonic()]
        if late:
            raise CollectiveTimeoutError(
                f"process 0, where the ranks of the group meet, has not answered for "
                f"{self.limit + _GRACE:g} s"
            )
        if self.look is None:
            return
        try:
            self.look()
        except CollectiveError:
            # What is behind it, such as a rank that is gone, is on its way here.
            if self._is_suspicious:
                raise
            self._is_suspicious = True
        else:
            self._is_suspicious = False


def _joined(
    address: str, port: int, hello: dict[str, Any], until: float
) -> tuple[socket.socket, dict[str, Any]]:
    """A connection to the hub, as soon as there is one, and its welcome when all are there."""
    while True:
        left = max(until - time.monotonic(), _RETRY)
        try:
            connection = socket.create_connection((address, port), left)
            try:
                wire.send(connection, {"kind": "hello", **hello})
                welcome, _ = wire.receive(connection, most=0)
            except BaseException:
                connection.close()
                raise
        except OSError as error:
            # Nobody listens yet, or still those of another group.
            if left <= _RETRY:
                raise CollectiveTimeoutError(
                    f"process 0 of the group does not answer at {address} port {port}: {error}"
                ) from None
            time.sleep(_RETRY)
            continue
        if welcome.get("kind") != "welcome":
            connection.close()
            raise _ERRORS[welcome["error"]](welcome["text"])
        return connection, welcome
