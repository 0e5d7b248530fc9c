"""Collective calls between GPUs, through NVIDIA's own binding of NCCL, `nccl4py`.

One communicator for each GPU of this process; a call enqueues on a stream of each, together, and
returns at once. NCCL looks at nothing: what the ranks ask for, and whether they are there, the hub
finds out, and `abort` ends what waits for ranks that will not come.

Communicators are made by a thread of their own, because NCCL waits for all ranks there and takes no
time limit.
"""

from __future__ import annotations

import importlib
import threading
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from oxide_codegen.collectives.calls import OPERATORS, REDUCED
from oxide_codegen.errors import CollectiveError, CollectiveTimeoutError, MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from oxide_codegen.collectives.calls import Call

_BYTES = REDUCED["u8"]
_IN_PROGRESS = 7
# How long NCCL may take to give back what it holds.
_ENDING = 10.0


def unique_id() -> bytes:
    """What the ranks of one group know each other by; made by one of them."""
    core, _ = _import()
    return bytes(core.get_unique_id())


class Communicators:
    """NCCL's communicators of the GPUs of this process: ranks `first`, `first + 1`, … of `size`.

    Without an id that all know they are all there are.
    """

    def __init__(
        self, indices: Sequence[int], first: int, size: int, unique: bytes | None, limit: float
    ) -> None:
        self._core, self._bindings = _import()
        # A communicator must not go while something is being enqueued with it.
        self._lock = threading.Lock()
        made = _within(limit, lambda: self._make(indices, first, size, unique))
        self._communicators: list[Any] = made

    def _make(
        self, indices: Sequence[int], first: int, size: int, unique: bytes | None
    ) -> list[Any]:
        from oxide_codegen.cuda import cuda

        core = self._core
        if unique is None:
            return list(core.Communicator.init_all(indices))
        identity = core.UniqueId.from_bytes(unique)
        made: list[Any] = []
        with core.group():
            for place, index in enumerate(indices):
                with cuda(index).current():
                    made.append(core.Communicator.init(size, first + place, identity))
        return made

    def enqueue(
        self, call: Call, sources: Sequence[int], targets: Sequence[int], streams: Sequence[int]
    ) -> None:
        """Enqueue a call for all GPUs of this process: addresses and streams, one for each."""
        bindings = self._bindings
        try:
            with self._lock, self._core.group():
                for communicator, source, target, stream in zip(
                    self._communicators, sources, targets, streams, strict=True
                ):
                    handle = bindings.Comm(communicator.ptr)
                    match call.name:
                        case "all_reduce":
                            kind, operator = REDUCED[call.element], OPERATORS[call.operator][0]
                            bindings.all_reduce(
                                source, target, call.count, kind, operator, handle, stream
                            )
                        case "broadcast":
                            bindings.broadcast(
                                source, target, call.size, _BYTES, call.root, handle, stream
                            )
                        case _:
                            bindings.all_gather(source, target, call.size, _BYTES, handle, stream)
        except bindings.NCCLError as error:
            raise CollectiveError(f"{call}: NCCL says: {error}") from None

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
        def abort() -> None:
            for communicator in communicators:
                communicator.abort()

        with suppress(CollectiveError):
            # Whatever becomes of it, the group has failed already.
            _within(_ENDING, abort)

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
                _within(_ENDING, destroy)
            except CollectiveError:
                self._abort(communicators)


def _within(limit: float, work: Callable[[], Any]) -> Any:
    """What a function of NCCL gives; it is left to itself when the time is over."""
    done: Future[Any] = Future()

    def run() -> None:
        try:
            done.set_result(work())
        except BaseException as error:
            done.set_exception(error)

    threading.Thread(target=run, name="oxide-nccl", daemon=True).start()
    try:
        return done.result(limit)
    except TimeoutError:
        raise CollectiveTimeoutError(
            f"after {limit:g} s NCCL has not brought all ranks together"
        ) from None
    except CollectiveError:
        raise
    except Exception as error:
        raise CollectiveError(f"NCCL does not bring the ranks together: {error}") from None


def _import() -> tuple[Any, Any]:
    try:
        # By name, because type checkers see these packages only where they are installed.
        core = importlib.import_module("nccl.core")
        bindings = importlib.import_module("nccl.bindings.nccl")
    except ImportError as error:
        raise MissingExtraError(
            "combining arrays of several GPUs", "nccl4py with NCCL", "nccl"
        ) from error
    try:
        bindings.get_version()
    except RuntimeError as error:
        # The binding loads the library when it is first called.
        raise MissingExtraError(
            "combining arrays of several GPUs", "NCCL's own library", "nccl"
        ) from error
    return core, bindings
