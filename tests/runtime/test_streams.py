"""Streams and the order between them: on the cpu device, and in the rules that GPUs follow too."""

import gc
import pickle
import threading
import time
import weakref

import numpy as np
import pytest

import oxide
from oxide_codegen import host_streams
from oxide_codegen.errands import EVERYBODY
from oxide_codegen.ordering import Point, Uses
from runtime import programs, unproved

N = 1000
A, B, C = 1, 2, 3


def lanes(uses, lane, *, writes):
    return [point.lane for point in uses.before(lane, writes=writes)]


def test_readers_come_behind_the_writer_and_not_behind_each_other():
    uses = Uses()
    uses.note(Point(A), writes=True)
    assert lanes(uses, B, writes=False) == [A]
    uses.note(Point(B), writes=False)
    assert lanes(uses, C, writes=False) == [A]
    uses.note(Point(C), writes=False)
    assert lanes(uses, B, writes=False) == []
    assert lanes(uses, A, writes=False) == []
    assert lanes(uses, A, writes=True) == [B, C]
    assert lanes(uses, B, writes=True) == [C]
    uses.note(Point(A), writes=True)
    assert [point.lane for point in uses.points()] == [A]


def test_a_lane_has_one_point():
    uses = Uses()
    first, second = Point(B), Point(B)
    uses.note(first, writes=False)
    uses.note(second, writes=False)
    assert uses.points() == (second,)


@pytest.fixture
def on_cpu(monkeypatch):
    unproved.use(monkeypatch)
    with oxide.device("cpu"):
        yield


@pytest.fixture
def gate():
    """An event that work waits for; opened at the end whatever happens."""
    made = threading.Event()
    yield made
    made.set()


def test_work_on_streams_of_the_cpu_is_ordered_by_what_it_uses(on_cpu, gate):
    first, second = oxide.stream(), oxide.stream()
    x, y, z = (
        oxide.asarray(np.ones(N, np.float32)),
        oxide.zeros(N, oxide.f32),
        oxide.zeros(N, oxide.f32),
    )
    first.host.enqueue(gate.wait)
    programs.vecadd[4, 256, first](x, x, y)
    programs.vecadd[4, 256, second](y, x, z)
    time.sleep(0.02)
    assert not second.host.point().event.done()
    gate.set()
    assert (z.numpy() == 3).all()


def test_readers_on_streams_of_the_cpu_do_not_wait_for_each_other(on_cpu, gate):
    first, second = oxide.stream(), oxide.stream()
    x, y = oxide.asarray(np.ones(N, np.float32)), oxide.zeros(N, oxide.f32)
    first.host.enqueue(gate.wait, ((x.memory, False),))
    programs.vecadd[4, 256, second](x, x, y)
    assert (y.numpy() == 2).all()
    assert not gate.is_set()


def test_without_a_stream_the_caller_waits(on_cpu, gate):
    stream = oxide.stream()
    x, y = oxide.asarray(np.ones(N, np.float32)), oxide.zeros(N, oxide.f32)
    stream.host.enqueue(gate.wait, ((y.memory, True),))
    threading.Timer(0.02, gate.set).start()
    programs.vecadd[4, 256](x, x, y)
    assert gate.is_set()
    assert (y.numpy() == 2).all()


def test_a_failure_is_raised_once_by_who_waits(on_cpu):
    stream = oxide.stream()
    index = oxide.asarray(np.full(N, N + 5, np.int32))
    a, out = oxide.zeros(N, oxide.f32), oxide.zeros(N, oxide.f32)
    programs.gather[4, 256, stream](index, a, out)
    with pytest.raises(oxide.KernelIndexError):
        stream.sync()
    stream.sync()
    programs.gather[4, 256, stream](index, a, out)
    with pytest.raises(oxide.KernelIndexError):
        out.numpy()
    oxide.synchronize()


def test_the_thread_of_a_stream_ends_with_it(on_cpu):
    stream = oxide.stream()
    name = f"oxide-stream-{stream.host.number}"
    stream.host.enqueue(lambda: None)
    stream.sync()
    (thread,) = (t for t in threading.enumerate() if t.name == name)
    del stream
    gc.collect()
    thread.join(2)
    assert not thread.is_alive()


def test_what_was_freed_is_not_used(on_cpu, gate):
    stream = oxide.stream()
    x, y = oxide.asarray(np.ones(N, np.float32)), oxide.zeros(N, oxide.f32)
    launch = programs.vecadd.prepare(grid=4, block=256)
    bound = launch.bind(x, x, y)
    bound()
    with oxide.zeros(N, oxide.f32) as z:
        stream.host.enqueue(gate.wait)
        launch.on(stream)(x, y, z)
    y.free()
    y.free()
    gate.set()
    stream.sync()
    for use in (bound, y.numpy, z.numpy, lambda: launch(x, y, x), lambda: y.copy_from(x)):
        with pytest.raises(oxide.BufferFreedError, match="was freed"):
            use()
    assert repr(y) == "<oxide.DeviceBuffer f32 (1000,) on cpu, freed>"


def test_freed_memory_goes_behind_its_last_use(on_cpu, gate):
    """Also of an array that somebody still has; what is in flight keeps it."""
    stream, x = oxide.stream(), oxide.zeros(N, oxide.f32)
    launch = programs.scale.prepare(grid=4, block=256).on(stream)
    # The first launches are checked at length, later ones by a plan.
    for _ in range(4):
        launch(x)
    kept = weakref.ref(x.memory.owner)
    stream.host.enqueue(gate.wait)
    launch(x)
    x.free()
    gc.collect()
    assert kept() is not None
    gate.set()
    stream.sync()
    gc.collect()
    assert kept() is None
    assert repr(x).endswith("on cpu, freed>")


def test_a_write_comes_behind_all_threads_that_read(on_cpu, gate):
    """Each calling thread is a lane: who reads later takes nobody's place."""
    stream, x = oxide.stream(), oxide.zeros(N, oxide.f32)
    begun = threading.Event()

    def read():
        with host_streams.using(((x.memory, False),)):
            begun.set()
            gate.wait()

    reader = threading.Thread(target=read)
    reader.start()
    begun.wait()
    x.numpy()
    done = stream.host.enqueue(lambda: None, ((x.memory, True),))
    time.sleep(0.02)
    assert not done.done()
    gate.set()
    done.result(10)
    reader.join()


def test_arrays_that_share_bytes_are_used_in_order(on_cpu, gate):
    """Parts of one foreign array, and an array of ours that was given away and came back."""
    lent, own = np.zeros(N, np.float32), oxide.zeros(N, oxide.f32)
    pairs = [
        (oxide.from_dlpack(lent), oxide.from_dlpack(lent[4:])),
        (own, oxide.from_dlpack(np.from_dlpack(own)[:4])),
    ]
    first, second = oxide.stream(), oxide.stream()
    for one, other in pairs:
        gate.clear()
        first.host.enqueue(gate.wait, ((one.memory, True),))
        done = second.host.enqueue(lambda: None, ((other.memory, False),))
        time.sleep(0.02)
        assert not done.done()
        gate.set()
        done.result(10)
    # What is in flight knows its uses, also when nobody has the array any more.
    gate.clear()
    first.host.enqueue(gate.wait, ((oxide.from_dlpack(lent[:4]).memory, True),))
    done = second.host.enqueue(lambda: None, ((oxide.from_dlpack(lent).memory, False),))
    time.sleep(0.02)
    assert not done.done()
    gate.set()
    done.result(10)


def test_without_streams_launches_of_threads_are_one_after_the_other(on_cpu, gate, monkeypatch):
    monkeypatch.setattr(host_streams, "_begun", [])
    x = oxide.zeros(N, oxide.f32)
    programs.scale[4, 256](x)
    begun, seen = threading.Event(), []

    def use():
        with host_streams.using(((x.memory, True),)):
            begun.set()
            gate.wait()
            seen.append("first")

    def launch():
        programs.scale[4, 256](x)
        seen.append("second")

    threads = [threading.Thread(target=use), threading.Thread(target=launch)]
    threads[0].start()
    begun.wait()
    threads[1].start()
    time.sleep(0.02)
    assert seen == []
    gate.set()
    for one in threads:
        one.join()
    assert seen == ["first", "second"]


@pytest.mark.parametrize("way", ["interpreter", "sanitizer"])
def test_launches_that_are_looked_at_are_in_order(way, gate):
    with oxide.device(way):
        stream, x, out = oxide.stream(), oxide.zeros(8, oxide.f32), oxide.zeros(8, oxide.f32)
        fives = oxide.pinned(8, oxide.f32)
        fives[:] = 5
        stream.host.enqueue(gate.wait)
        x.copy_from(fives, stream)
        launch = programs.vecadd.prepare(grid=1, block=8)
        launch.on(stream)(x, x, out)
        gate.set()
        assert out.numpy().tolist() == [10] * 8
        graph = launch.op(x, x, out).graph()
        x.copy_from(np.ones(8, np.float32))
        assert graph.sync().numpy().tolist() == [2] * 8


def test_kernels_travel_by_their_names():
    assert pickle.loads(pickle.dumps(programs.vecadd)) is programs.vecadd


def test_events_are_places_on_streams(on_cpu, gate):
    first, second = oxide.stream(), oxide.stream()
    before = first.record()
    first.host.enqueue(gate.wait)
    after = first.record()
    seen = []
    second.wait(after)
    second.host.enqueue(lambda: seen.append(after.is_done))
    before.sync()
    assert (before.is_done, after.is_done) == (True, False)
    with pytest.raises(oxide.DeviceError, match="sync first"):
        after - before
    time.sleep(0.02)
    gate.set()
    second.sync()
    assert seen == [True]
    assert 10 < after - before < 5000
    third = first.fork()
    first.join(third)
    first.sync()


def test_a_failure_outlives_its_stream(on_cpu):
    stream = oxide.stream()

    def fail():
        raise ArithmeticError("lost")

    done = stream.host.enqueue(fail)
    del stream
    assert isinstance(done.exception(), ArithmeticError)
    with pytest.raises(ArithmeticError):
        oxide.synchronize()
    assert not EVERYBODY.claim(done.exception())
