"""Collective calls between GPUs, through NVIDIA's own binding of NCCL, `nccl4py`.

One communicator for each GPU of this process; a call enqueues on a stream of each, together, and
returns at once. NCCL looks at nothing: what the ranks ask for, and whether they are there, the hub
finds out, and `abort` ends what waits for ranks that will not come.

Communicators are made and ended by threads of their own, one for each rank, because NCCL waits for
all ranks there and takes no time limit.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import FIRST_EXCEPTION, Future, wait
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from oxide_codegen.collectives.calls import OPERATORS, REDUCED
from oxide_codegen.driver import libraries
from oxide_codegen.errors import CollectiveError, CollectiveTimeoutError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from oxide_codegen.collectives.calls import Call

_BYTES = REDUCED["u8"]
_IN_PROGRESS = 7
# How long NCCL may take to give back what it holds.
_ENDING = 10.0
# How often who waits for NCCL looks whether the others are well.
_LOOK = 0.2


def unique_id() -> bytes:
    """What the ranks of one group know each other by; made by one of them."""
    core, _ = _import()
    return bytes(core.get_unique_id())


class Communicators:
    """NCCL's communicators of the GPUs of this process: ranks `first`, `first + 1`, … of `size`.

    Without an id that all know they are all there are. `look` raises if there is no use in waiting
    for the others.
    """

    def __init__(
        self,
        indices: Sequence[int],
        first: int,
        size: int,
        unique: bytes | None,
        limit: float,
        look: Callable[[], None] | None,
    ) -> None:
        self._core, self._bindings = _import()
        # A communicator must not go while something is being enqueued with it.
        self._lock = threading.Lock()
        core = self._core
        if unique is None:
            [made] = _within(limit, [lambda: core.Communicator.init_all([*indices])], look)
            self._communicators: list[Any] = list(made)
            return
        ranks = ((first + place, index) for place, index in enumerate(indices))
        ranked = [partial(self._init, size, rank, unique, index) for rank, index in ranks]
        self._communicators = _within(limit, ranked, look)

    def _init(self, size: int, rank: int, unique: bytes, index: int) -> Any:
        from oxide_codegen.cuda import cuda

        with cuda(index).current():
            identity = self._core.UniqueId.from_bytes(unique)
            return self._core.Communicator.init(size, rank, identity)

    def enqueue(
        self, call: Call, sources: Sequence[int], targets: Sequence[int], streams: Sequence[int]
    ) -> None:
        """Enqueue a call for all GPUs of this process: addresses and streams, one for each."""
        try:
            with self._lock:
                if not self._communicators:
                    raise CollectiveError(f"{call}: the group has failed or was closed")
                self._enqueue(call, sources, targets, streams)
        except self._bindings.NCCLError as error:
            raise CollectiveError(f"{call}: NCCL says: {error}") from None

    def _enqueue(
        self, call: Call, sources: Sequence[int], targets: Sequence[int], streams: Sequence[int]
    ) -> None:
        calls = self._bindings
        with self._core.group():
            for communicator, source, target, stream in zip(
                self._communicators, sources, targets, streams, strict=True
            ):
                handle = calls.Comm(communicator.ptr)
                match call.name:
                    case "all_reduce":
                        kind, operator = REDUCED[call.element], OPERATORS[call.operator][0]
                        calls.all_reduce(source, target, call.count, kind, operator, handle, stream)
                    case "broadcast":
                        calls.broadcast(
                            source, target, call.size, _BYTES, call.root, handle, stream
                        )
                    case _:
                        calls.all_gather(source, target, call.size, _BYTES, handle, stream)

    def look(self) -> None:
        """Raise what NCCL has run into meanwhile."""
        if not self._lock.acquire(blocking=False):
            # There is a call under way, which says it itself.
            return
        try:
            found = [int(one.get_async_error()) for one in self._communicators]
        finally:
            self._lock.release()
        for status in found:
            if status not in (0, _IN_PROGRESS):
                raise CollectiveError(f"NCCL says: {self._core.get_error_string(status)}")

    def abort(self) -> None:
        """End what is in flight, for whoever waits for it."""
        # Who is enqueueing may itself wait for a rank that is gone: not for ever.
        is_alone = self._lock.acquire(timeout=1.0)
        communicators, self._communicators = self._communicators, []
        if is_alone:
            self._lock.release()
        self._abort(communicators)

    def _abort(self, communicators: list[Any]) -> None:
        with suppress(CollectiveError):
            # Whatever becomes of it, the group has failed already.
            _within(_ENDING, [communicator.abort for communicator in communicators])

    def close(self) -> None:
        """Give back what the communicators hold, when all ranks of this machine do."""
        with self._lock:
            communicators, self._communicators = self._communicators, []

        def destroy() -> None:
            with self._core.group():
                for communicator in communicators:
                    communicator.finalize()
            for communicator in communicators:
                communicator.destroy()

        if communicators:
            try:
                _within(_ENDING, [destroy])
            except CollectiveError:
                self._abort(communicators)


def _within(
    limit: float, works: Sequence[Callable[[], Any]], look: Callable[[], None] | None = None
) -> list[Any]:
    """What functions of NCCL give, each in a thread; left to themselves when the time is over."""
    until = time.monotonic() + limit
    begun = [_begun(work) for work in works]
    while wait(begun, _LOOK, FIRST_EXCEPTION).not_done:
        if any(one.done() and one.exception() for one in begun):
            break
        if look is not None:
            look()
        if time.monotonic() > until:
            raise CollectiveTimeoutError(
                f"after {limit:g} s NCCL has not brought all ranks together"
            )
    for one in begun:
        error = one.exception() if one.done() else None
        if error is not None:
            raise CollectiveError(f"NCCL does not bring the ranks together: {error}") from None
    return [one.result() for one in begun]


def _begun(work: Callable[[], Any]) -> Future[Any]:
    done: Future[Any] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:
            done.set_exception(error)

    threading.Thread(target=run, name="oxide-nccl", daemon=True).start()
    return done


def _import() -> tuple[Any, Any]:
    doing = "combining arrays of several GPUs"
    names = ("nccl.core", "nccl.bindings.nccl")
    core, bindings = libraries(names, doing, "nccl4py with NCCL", "nccl")
    try:
        bindings.get_version()
    except RuntimeError as error:
        # The binding loads the library when it is first called.
        raise MissingExtraError(doing, "NCCL's own library", "nccl") from error
    return core, bindings
