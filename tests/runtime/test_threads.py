"""The runtime among threads, collections of garbage, forks and the end of a process."""

import gc
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import ClassVar

import numpy as np
import pytest

import oxide
from oxide import operations as ops
from oxide_codegen import cuda, errands, host_streams
from runtime import fake_cuda, programs
from runtime.on_devices import place

__all__ = ["place"]
N = 256


class Collecting:
    """A lock at each acquisition of which garbage is collected, with the lock and without."""

    collections = 0
    # Locks live on in what is kept between tests.
    is_on = False
    # The thread that collects.
    active: int | None = None
    # What finalizers did that they must not; whatever they raise is lost.
    wrong: ClassVar[list[str]] = []
    make = staticmethod(threading.Lock)

    def __init__(self):
        self._lock = self.make()

    @classmethod
    def collect(cls):
        # One collection within another one would say nothing.
        if Collecting.active is not None or not Collecting.is_on:
            return
        Collecting.active = threading.get_ident()
        try:
            Collecting.collections += 1
            gc.collect()
        finally:
            Collecting.active = None

    def acquire(self, blocking=True, timeout=-1):
        if Collecting.active == threading.get_ident() and blocking:
            self.wrong.append("a finalizer takes a lock")
        self.collect()
        found = self._lock.acquire(blocking, timeout)
        self.collect()
        return found

    def __getattr__(self, name):
        return getattr(self._lock, name)

    def __enter__(self):
        return self.acquire()

    def __exit__(self, *_):
        self.release()


class Reentrant(Collecting):
    make = staticmethod(threading.RLock)


def garbage():
    """Everything of the runtime's in a cycle that only a collection finds."""
    cycle = [oxide.zeros(8, oxide.f32), oxide.pinned(8, oxide.f32), oxide.managed(8, oxide.f32)]
    stream = oxide.stream()
    cycle += [stream, stream.record(), ops.zeros(8, oxide.f32), cycle]
    cycle[0].copy_from(cycle[1], stream)
    cycle.append(cycle[2].array)
    with suppress(BufferError):
        cycle.append(cycle[0].__dlpack__())


@pytest.fixture
def collecting(monkeypatch):
    """Every lock that the runtime makes from now on, and those that are there."""
    gc.collect()
    gc.freeze()
    monkeypatch.setattr(threading, "Lock", Collecting)
    monkeypatch.setattr(threading, "RLock", Reentrant)
    for module in (host_streams, cuda):
        monkeypatch.setattr(module, "_lock", Collecting())
    for owner in (errands.EVERYBODY,):
        monkeypatch.setattr(owner, "_lock", Collecting())
    Collecting.is_on = True
    yield
    Collecting.is_on = False
    gc.unfreeze()


def test_a_collection_may_come_wherever_a_lock_is_taken(place, collecting, monkeypatch):
    if place == "cuda:0":
        driver = fake_cuda.install(monkeypatch)
        inner = driver._in_context

        def asked(*given):
            if Collecting.active == threading.get_ident():
                Collecting.wrong.append("a finalizer calls the driver")
            inner(*given)

        monkeypatch.setattr(driver, "_in_context", asked)
        oxide.zeros(1, oxide.f32)._cuda().lock = Reentrant()
    Collecting.collections = 0
    Collecting.wrong.clear()
    ones, out = oxide.asarray(np.ones(N, np.float32)), oxide.zeros(N, oxide.f32)
    stream = oxide.stream()
    launch = programs.vecadd.prepare(grid=1, block=256)
    garbage()
    launch.on(stream)(ones, ones, out)
    garbage()
    launch(out, ones, oxide.zeros(N, oxide.f32))
    garbage()
    host = oxide.pinned(N, oxide.f32)
    out.copy_to(host, stream)
    assert (host == 2).all()
    garbage()
    out.copy_from(host[::-1])
    oxide.synchronize()
    assert Collecting.collections > 20
    assert Collecting.wrong == []


@pytest.mark.usefixtures("place")
def test_every_object_may_be_used_from_many_threads():
    ones, total = oxide.asarray(np.ones(N, np.float32)), oxide.zeros(N, oxide.f32)
    pinned, managed = oxide.pinned(N, oxide.f32), oxide.managed(N, oxide.f32)
    pinned[:] = 1.0
    streams = [oxide.stream() for _ in range(2)]
    launch = programs.vecadd.prepare(grid=1, block=256)
    bound = launch.bind(ones, ones, total)
    event = streams[0].record()
    start = threading.Barrier(8)

    def work(number):
        stream = streams[number % 2]
        start.wait()
        for k in range(8):
            mine = oxide.zeros(N, oxide.f32)
            launch.on(stream)(ones, ones, mine)
            bound()
            view = mine[k : k + 4]
            view.copy_from(pinned[:4], stream)
            mine.copy_to(pinned, stream)
            managed.copy_from(mine)
            managed.array.sum()
            stream.wait(event)
            stream.record().sync()
            np.from_dlpack(mine) if mine.device == "cpu" else mine.__dlpack__()
            assert set(mine.numpy()) <= {1.0, 2.0}, set(mine.numpy())
            repr(mine)
            mine.free()
        stream.sync()
        return number

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(work, range(8))) == [*range(8)]
    oxide.synchronize()
    assert (total.numpy() == 2).all()
    assert set(np.asarray(managed)) <= {1.0, 2.0}


def test_what_was_freed_by_many_is_given_back_once(monkeypatch):
    fake_cuda.install(monkeypatch)
    x = oxide.zeros(N, oxide.f32)
    device, held = x._cuda(), x._cuda().held
    start = threading.Barrier(8)

    def free(_):
        start.wait()
        x.free()

    with ThreadPoolExecutor(8) as pool:
        [*pool.map(free, range(8))]
    oxide.synchronize()
    assert device.held == held - 4 * N


def test_a_finalizer_of_a_program_may_use_the_runtime(monkeypatch):
    """Where garbage is collected while a use is noted, in the thread that notes it."""
    with_others, seen = host_streams._with_others, []

    class Owner:
        def __init__(self):
            self.x, self.me = oxide.zeros(N, oxide.f32, device="cpu"), self

        def __del__(self):
            self.x.copy_from(np.ones(N, np.float32))
            seen.append(self.x.numpy()[0])
            self.x.free()

    def collecting(touched):
        gc.collect()
        return with_others(touched)

    def use():
        Owner()
        oxide.zeros(N, oxide.f32, device="cpu").copy(stream)

    stream = oxide.stream("cpu")
    monkeypatch.setattr(host_streams, "_with_others", collecting)
    thread = threading.Thread(target=use, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive()
    stream.sync()
    assert seen == [1]


def in_child(work):
    """What `work` answers in a forked process."""
    read, write = os.pipe()
    child = os.fork()
    if not child:
        # Who waits for what never comes gives no answer.
        signal.alarm(20)
        try:
            answer = str(work())
        except BaseException as error:
            answer = f"{type(error).__name__}: {error}"
        os.write(write, answer.encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as found:
        answer = found.read().decode()
    os.waitpid(child, 0)
    return answer


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are not forked here")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_is_told_to_spawn(place):
    gate = threading.Event()
    stream = oxide.stream()
    x, out = oxide.asarray(np.ones(N, np.float32)), oxide.zeros(N, oxide.f32)
    launch = programs.vecadd.prepare(grid=1, block=256)
    bound = launch.bind(x, x, out)
    bound()
    if place == "cpu":
        stream.host.enqueue(gate.wait, ((x.memory, True),))
    uses = {
        "stream": stream.sync,
        "launch on it": lambda: launch.on(stream)(x, x, out),
        "read": x.numpy,
        "copy": lambda: x.copy_from(out),
        "launch": lambda: launch(x, x, out),
    }
    if place == "cuda:0":
        uses |= {
            "bound launch": bound,
            "allocation": lambda: oxide.zeros(1, oxide.f32),
            "free": x.free,
            "pinned memory": lambda: oxide.pinned(1, oxide.f32),
            "view": lambda: [x[1:].copy()],
            "operation": ops.zeros(1, oxide.f32).sync,
        }
    try:
        for name, use in uses.items():
            answer = in_child(use)
            assert answer.startswith("DeviceError: this process was forked"), (name, answer)
            assert "spawn" in answer
        if place == "cpu":
            assert in_child(lambda: out.numpy()[0]) == "2.0"
            assert in_child(anew) == "2.0"
            reached = stream.record()
            for waits in (lambda: behind(x), lambda: comes_behind(reached)):
                answer = in_child(waits)
                assert answer.startswith("DeviceError: this process was forked"), answer
            # The policy has all of its streams, and there is a thread for Python functions.
            for _ in range(8):
                assert operated() == 3
            assert in_child(operated) == "3"
    finally:
        gate.set()


def anew():
    """A stream of its own, in a process that was forked."""
    ones, out = oxide.asarray(np.ones(N, np.float32)), oxide.zeros(N, oxide.f32)
    programs.vecadd[1, 256, oxide.stream()](ones, ones, out)
    return out.numpy()[0]


def behind(x):
    """Work of this process, behind what is in flight in the one that it was forked from."""
    stream = oxide.stream()
    programs.scale[1, 256, stream](x)
    stream.sync()


def comes_behind(event):
    """A stream of this process, behind an event of the one that it was forked from."""
    stream = oxide.stream()
    stream.wait(event)
    stream.sync()


def operated():
    """What an operation and a Python function give."""
    made = ops.zip_ops(ops.zeros(1, oxide.f32), ops.zeros(1, oxide.f32))
    return ops.host(lambda both: 1 + len(both), made).sync()


_ENDING = """
import time
import numpy as np
import oxide
with oxide.device("cpu"):
    stream, p = oxide.stream(), oxide.pinned(4, oxide.f32)
    def slow():
        time.sleep(0.2)
        print("done", flush=True)
        raise ArithmeticError("lost")
    stream.host.enqueue(slow)
    del stream
"""


def test_a_process_that_ends_waits_for_what_is_in_flight():
    found = subprocess.run(
        [sys.executable, "-c", _ENDING], capture_output=True, text=True, timeout=60, check=True
    )
    assert found.stdout == "done\n"
    assert found.stderr.count("when the process ended: lost") == 1


def test_the_end_of_a_process_drains_once(monkeypatch):
    registered = []
    monkeypatch.setattr(cuda.atexit, "register", registered.append)
    driver = fake_cuda.install(monkeypatch)
    x = oxide.zeros(N, oxide.f32)
    oxide.zeros(N, oxide.f32)
    assert registered == [cuda._drain]
    owner, stream = x.memory.owner, oxide.stream()
    del x
    driver.busy.add(stream.handle)
    monkeypatch.setattr(cuda, "_GRACE", 0.01)
    cuda._drain()
    assert not owner.closed
    driver.busy.clear()
    cuda._drain()
    assert owner.closed
    monkeypatch.setattr(cuda, "_forked", [True])
    driver.log.clear()
    cuda._drain()
    assert driver.log == []
