"""Devices that combine their arrays: in one process, or one or several in each of many.

    both = Group("cuda:0", "cuda:1")
    with Group.join() as everyone:              as torchrun, mpirun or srun have started it
        …

A *rank* is a device of the group; those of process 0 come first. All ranks make the same calls in
the same order. A group whose call went wrong has failed as a whole, and says so to everybody: make
another one, of those who are left.
"""

from __future__ import annotations

import atexit
import os
import threading
from concurrent.futures import wait
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from oxide_codegen import devices
from oxide_codegen.collectives import environment
from oxide_codegen.collectives.link import Link
from oxide_codegen.errors import CollectiveError, DeviceError
from oxide_codegen.staying import Staying

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from concurrent.futures import Future

    from oxide_codegen.collectives.hub import Hub
    from oxide_codegen.collectives.nccl import Communicators

DEFAULT_LIMIT = 300.0
# How long a process that ends waits for what it has called.
_ENDING = 5.0
_VERSION = 1
_PORTS = 1 << 16


class Group(Staying):
    """Devices whose arrays are combined, all GPUs or all of the cpu; `Group(…)` those of a process.

    `devices` are those of this process, `ranks` what they are called in the group, `size` says how
    many there are in all processes.
    """

    def __init__(self, *devices: str) -> None:
        self._begin(devices)
        self.ranks = range(len(self.device_ids))
        self.size = len(self.device_ids)
        if self.kind == "cuda" and self.size > 1:
            self.nccl = self._connected(None, DEFAULT_LIMIT, None)

    def _begin(self, names: tuple[str, ...]) -> None:
        ids = tuple(devices.parse(name) for name in names)
        if not ids:
            raise ValueError("a group wants at least one device")
        if len({one.kind for one in ids}) > 1:
            raise DeviceError(f"a group is of GPUs or of the cpu, not of both: {', '.join(names)}")
        if len(set(ids)) < len(ids):
            raise ValueError(f"a device is in a group once, got {', '.join(names)}")
        for one in ids:
            if one.kind == "cuda":
                devices.demand(one)
        self.device_ids = ids
        self.kind = ids[0].kind
        self.link: Link | None = None
        self.nccl: Communicators | None = None
        self._hub: Hub | None = None
        self._lock = threading.Lock()
        self._number = 0
        self._flying: list[Future[Any]] = []
        self._is_closed = False

    @classmethod
    def join(
        cls,
        *devices: str,
        process: int | None = None,
        count: int | None = None,
        address: str | None = None,
        port: int | None = None,
        limit: float = DEFAULT_LIMIT,
    ) -> Group:
        """The devices of all processes of a program, once each of them has called this.

        Without `process`, its number, and `count`, how many there are, the environment says which
        one this is (RANK, WORLD_SIZE; also as mpirun and srun set them) and where they meet
        (MASTER_ADDR, MASTER_PORT). Without devices it is the GPU with the number of the process on
        its machine, or the cpu where the current device is that. Whoever does not come to a call
        within `limit` seconds, those of process 0, is an error for all.
        """
        if process is None or count is None:
            place = environment.place(os.environ)
        else:
            place = environment.Place(process, count, process, "127.0.0.1", 29511)
        group = cls.__new__(cls)
        group._begin(devices or (_own(place.local),))
        group._join(place, address or place.address, port or place.port, limit)
        return group

    def _join(self, place: environment.Place, address: str, port: int, limit: float) -> None:
        if not 0 < port < _PORTS:
            raise CollectiveError(f"there is no port {port}: processes meet at one below {_PORTS}")
        if not 0 <= place.process < place.count:
            raise CollectiveError(
                f"there is no process {place.process} among {place.count}: they count from 0"
            )
        is_first = place.process == 0
        hello: dict[str, Any] = {
            "version": _VERSION,
            "process": place.process,
            "count": place.count,
            "kinds": self.kind,
            "devices": [str(one) for one in self.device_ids],
        }
        if is_first:
            if self.kind == "cuda":
                from oxide_codegen.collectives import nccl

                hello["nccl"] = nccl.unique_id().hex()
            self._hub = _hub(address, port, place.count, limit)
        self.link = Link(address, port, hello, limit, self._hub)
        sizes = [len(one["devices"]) for one in self.link.processes]
        first = sum(sizes[: place.process])
        self.ranks = range(first, first + len(self.device_ids))
        self.size = sum(sizes)
        atexit.register(self._end)
        if self.kind == "cuda" and self.size > 1:
            unique = bytes.fromhex(self.link.processes[0]["nccl"])
            try:
                self.nccl = self._connected(unique, self.link.limit, self.link.demand_health)
            except BaseException as error:
                # The others wait for this one in NCCL.
                self.link.give_up(str(error))
                raise
            self.link.when_failed = self.nccl.abort
            self.link.look = self.nccl.look

    def _connected(
        self, unique: bytes | None, limit: float, look: Callable[[], None] | None
    ) -> Communicators:
        from oxide_codegen.collectives.nccl import Communicators

        indices = [one.index for one in self.device_ids]
        return Communicators(indices, self.ranks.start, self.size, unique, limit, look)

    @property
    def devices(self) -> tuple[str, ...]:
        """The devices of this process, in the order of their ranks."""
        return tuple(str(one) for one in self.device_ids)

    @property
    def rank(self) -> int:
        """The rank of the first device of this process."""
        return self.ranks.start

    @contextmanager
    def calling(self) -> Generator[int]:
        """The number of a call that is enqueued within; one after the other."""
        with self._lock:
            if self._is_closed:
                raise CollectiveError(f"{self!r} was closed")
            if self.link is not None:
                self.link.demand_health()
            yield self._number
            self._number += 1

    def enqueued(self, done: Future[Any]) -> None:
        """A call is in flight until this is done."""
        self._flying = [*(one for one in self._flying if not one.done()), done]

    def close(self) -> None:
        """Take part no more; what is in flight is done before."""
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
        for one in self._flying:
            # How it ended, who waits for it is told.
            one.exception()
        if self.nccl is not None:
            self.nccl.close()
        if self.link is not None:
            atexit.unregister(self._end)
            self.link.leave()

    def _end(self) -> None:
        """The process ends: what is in flight may be done, but not as late as others may come."""
        assert self.link is not None, "only who has joined a group leaves it"
        _, late = wait(self._flying, _ENDING)
        self.link.leave()
        if late:
            self.link.fail(CollectiveError, "this process ends")

    def __enter__(self) -> Group:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        here = ", ".join(self.devices)
        return f"<oxide.operations.Group of {self.size}, here rank {self.rank}: {here}>"


def _own(local: int) -> str:
    """The device of a process that names none."""
    here = devices.current()
    if here.kind == "cpu":
        return str(here)
    devices.demand(devices.DeviceId("cuda", local))
    return f"cuda:{local}"


def _hub(address: str, port: int, count: int, limit: float) -> Hub:
    from oxide_codegen.collectives.hub import Hub

    try:
        return Hub(address, port, count, limit)
    except OSError as error:
        raise CollectiveError(
            f"process 0 of the group cannot listen at {address} port {port}: {error}"
        ) from None
