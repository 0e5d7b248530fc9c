"""NCCL made of host memory: what the runtime uses of `nccl.core` and `nccl.bindings.nccl`.

A call is done when all ranks of a communicator have asked for it, by whoever asks last; ranks of
other processes wait for that within their calls, as they may in the real one. It checks that each
stream is one of the rank's device, and that nothing is called after an abort.
"""

import contextlib
import ctypes
import itertools
import threading
import types

import numpy as np

from oxide_codegen.collectives import nccl
from oxide_codegen.collectives.calls import OPERATORS, REDUCED, Call, combined


class NCCLError(Exception):
    pass


class _World:
    """Ranks that know each other."""

    def __init__(self, size, is_local=False):
        self.size = size
        self.is_local = is_local
        self.done = threading.Condition()
        self.members = {}
        self.complete = threading.Event()
        self.calls = {}


class Communicator:
    def __init__(self, library, world, rank, device):
        self.library, self.world, self.rank, self.device = library, world, rank, device
        self.ptr = next(library.handles)
        self.count = 0
        self.state = "alive"
        self.status = 0
        library.communicators[self.ptr] = self

    def get_async_error(self):
        return self.status

    def finalize(self):
        self.state = "finalized"

    def destroy(self):
        self.state = "destroyed"

    def abort(self):
        self.state = "aborted"


class Library:
    """The library of one process, or of several that are threads of this one."""

    def __init__(self, driver):
        self.driver = driver
        self.handles = itertools.count(9000)
        self.communicators = {}
        self.worlds = {}
        self.lock = threading.Lock()
        # Ranks that never come while communicators are made, and one that cannot.
        self.absent = set()
        self.unable = None
        self.log = []

    def get_unique_id(self):
        return len(self.worlds).to_bytes(128, "little")

    def init_all(self, devices):
        world = _World(len(devices), is_local=True)
        return [Communicator(self, world, rank, index) for rank, index in enumerate(devices)]

    def init(self, size, rank, unique):
        if rank == self.unable:
            raise NCCLError("out of memory")
        with self.lock:
            world = self.worlds.setdefault(unique, _World(size))
            made = Communicator(self, world, rank, self.driver.context - 1000)
            world.members[rank] = made
            if len(world.members) + len(self.absent) == size:
                world.complete.set()
        if self.absent:
            threading.Event().wait()
        assert world.complete.wait(20)
        return made

    def enqueue(self, pointer, call, source, target, stream):
        communicator = self.communicators[pointer]
        assert communicator.state == "alive"
        assert self.driver.streams[stream] == communicator.device
        assert self.driver.memory[source] == self.driver.memory[target] == communicator.device
        self.log.append((communicator.rank, str(call)))
        world = communicator.world
        with self.lock:
            number, communicator.count = communicator.count, communicator.count + 1
            meeting = world.calls.setdefault(number, {})
            meeting[communicator.rank] = call, source, target
            is_last = len(meeting) == world.size
        if not is_last:
            self._wait(communicator, meeting)
            return
        try:
            self._do(world, call, meeting)
        finally:
            with world.done:
                meeting["over"] = True
                world.done.notify_all()

    def _wait(self, communicator, meeting):
        world = communicator.world
        with world.done:
            while not (world.is_local or "over" in meeting):
                world.done.wait(0.01)
                if communicator.state == "aborted":
                    raise NCCLError("the communicator was aborted")
                if communicator.status:
                    raise NCCLError(f"made-up error {communicator.status}")

    def _do(self, world, call, meeting):
        ranks = [meeting[rank] for rank in range(world.size)]
        if len({call for call, _, _ in ranks}) > 1:
            # The real one writes something, or hangs.
            return
        rows = [_bytes(source, call.size).copy() for _, source, _ in ranks]
        result = combined(
            call, rows[call.root : call.root + 1] if call.name == "broadcast" else rows
        )
        for _, _, written in ranks:
            _bytes(written, len(result))[:] = result


def _bytes(address, size):
    return np.frombuffer((ctypes.c_char * size).from_address(address), np.uint8)


def install(monkeypatch, driver):
    """Put the fake in the place of the binding; the library."""
    library = Library(driver)
    kinds = {number: element for element, number in REDUCED.items()}
    operators = {number: name for name, (number, _) in OPERATORS.items()}

    def all_reduce(source, target, count, kind, operator, comm, stream):
        call = Call("all_reduce", kinds[kind], count, operators[operator])
        library.enqueue(comm, call, source, target, stream)

    def broadcast(source, target, count, kind, root, comm, stream):
        library.enqueue(
            comm, Call("broadcast", kinds[kind], count, root=root), source, target, stream
        )

    def all_gather(source, target, count, kind, comm, stream):
        library.enqueue(comm, Call("all_gather", kinds[kind], count), source, target, stream)

    @contextlib.contextmanager
    def group():
        yield

    core = types.SimpleNamespace(
        get_unique_id=library.get_unique_id,
        UniqueId=types.SimpleNamespace(from_bytes=bytes),
        Communicator=types.SimpleNamespace(init=library.init, init_all=library.init_all),
        group=group,
        get_error_string=lambda status: f"made-up error {status}",
    )
    bindings = types.SimpleNamespace(
        Comm=int,
        NCCLError=NCCLError,
        all_reduce=all_reduce,
        broadcast=broadcast,
        all_gather=all_gather,
    )
    monkeypatch.setattr(nccl, "_import", lambda: (core, bindings))
    return library
