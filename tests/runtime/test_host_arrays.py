"""Arrays of the host that devices copy from and to by themselves: pinned and managed memory."""

import copy
import gc
import pickle
import sys
import threading

import numpy as np
import pytest

import oxide
from oxide_codegen.host_arrays import over
from runtime import fake_cuda, programs
from runtime.on_devices import place

__all__ = ["place"]
N = 64


class Waits:
    """Memory that notes what is waited for: reads and writes."""

    def __init__(self):
        self.seen = []

    def settle(self, *, writes):
        self.seen.append("write" if writes else "read")


class Wrapped:
    """An array of another library, over memory that it asked for."""

    def __init__(self, interface):
        self.__array_interface__ = interface


def test_what_numpy_does_waits():
    memory = Waits()
    p = over(np.arange(12.0).reshape(3, 4), memory)

    def replace():
        nonlocal p
        p += 1.0

    reads = {
        "an element": lambda: p[1, 2],
        "a choice": lambda: p[[0, 1]],
        "an operator": lambda: p + 1.0,
        "a comparison": lambda: p == p,
        "a reduction": p.sum,
        "a copy": p.copy,
        "a conversion": lambda: p.astype(np.float32),
        "a list": p.tolist,
        "a text": lambda: repr(p),
        "a product": lambda: p @ p.T,
        "an assignment elsewhere": lambda: np.zeros((3, 4)).__setitem__(slice(None), p + 0.0),
        "a deep copy": lambda: copy.deepcopy(p),
        "a pickle": lambda: pickle.dumps(p),
        "rows": lambda: [float(row[0]) for row in p],
        "a shape that takes a copy": lambda: p.T.reshape(12),
    }
    writes = {
        "an assignment": lambda: p.__setitem__(0, 5.0),
        "an operator in place": replace,
        "a result": lambda: np.add(1.0, 2.0, out=p),
        "a method": lambda: p.fill(3.0),
        "a sort": p.sort,
        "a function": lambda: np.copyto(p, 1.0),
        "of several": lambda: np.concatenate([p, p]),
        "at places": lambda: np.add.at(p, (0, 0), 1.0),
        "one by one": lambda: p.flat[3],
        "DLPack": lambda: np.from_dlpack(p),
        "itself": p.sync,
        "its memory": lambda: p.data,
        "its place": lambda: p.ctypes.data,
        "a protocol": lambda: np.asarray(Wrapped(p.__array_interface__)),
        "a protocol of C": lambda: p.__array_struct__,
        "an ordinary array": p.__array__,
    }
    if sys.version_info >= (3, 12):
        writes["a buffer"] = lambda: memoryview(p)
    views = (
        lambda: p[0],
        lambda: p[..., 1:],
        lambda: p[None],
        lambda: p.T,
        lambda: p.reshape(4, 3),
        lambda: p.view(np.int64),
    )
    for name, use in reads.items():
        memory.seen.clear()
        found = use()
        assert set(memory.seen) == {"read"}, name
        assert type(found) is not oxide.HostArray, name
    for name, use in writes.items():
        memory.seen.clear()
        use()
        assert "write" in memory.seen, name
    for view in views:
        memory.seen.clear()
        assert type(view()) is oxide.HostArray
        assert memory.seen == []
        view().sum()
        assert memory.seen == ["read"]
    assert type(np.reshape(p, 12)) is oxide.HostArray
    assert [type(part) for part in np.split(p, 3)] == [oxide.HostArray] * 3


def test_copies_of_pinned_memory_return_at_once_on_the_cpu():
    gate = threading.Event()
    with oxide.device("cpu"):
        stream = oxide.stream()
        p, x = oxide.pinned(N, oxide.f32), oxide.zeros(N, oxide.f32)
        p[:] = 1.0
        try:
            stream.host.enqueue(gate.wait)
            x.copy_from(p, stream)
            assert (p[0], p.sum()) == (1.0, N)
            assert not gate.is_set()
            threading.Timer(0.02, gate.set).start()
            p[:] = 2.0
            assert gate.is_set()
        finally:
            gate.set()
        assert (x.numpy() == 1).all()


def test_a_read_waits_for_a_copy_to_the_host():
    gate = threading.Event()
    with oxide.device("cpu"):
        stream = oxide.stream()
        p, x = oxide.pinned((2, N), oxide.f32), oxide.zeros(N, oxide.f32)
        p[:] = 1.0
        try:
            stream.host.enqueue(gate.wait)
            x.copy_to(p[1], stream)
            half = p[1, : N // 2]
            assert not gate.is_set()
            threading.Timer(0.02, gate.set).start()
            assert half.sum() == 0
            assert gate.is_set()
        finally:
            gate.set()
        assert p[0].sum() == N


def test_what_is_not_pinned_may_change_at_once():
    gate = threading.Event()
    with oxide.device("cpu"):
        stream = oxide.stream()
        x, array = oxide.zeros(N, oxide.f32), np.ones(N, np.float32)
        try:
            stream.host.enqueue(gate.wait)
            x.copy_from(array, stream)
            array[:] = 5.0
        finally:
            gate.set()
        assert (x.numpy() == 1).all()
        x.copy_to(array, stream)
        assert (array == 1).all()


def test_what_a_copy_was_behind_is_raised_by_who_reads():
    with oxide.device("cpu"):
        stream = oxide.stream()
        p, x = oxide.pinned(N, oxide.f32), oxide.zeros(N, oxide.f32)

        def fail():
            raise ArithmeticError("lost")

        stream.host.enqueue(fail, ((x.memory, True),))
        x.copy_to(p, stream)
        with pytest.raises(ArithmeticError):
            p.sum()
        assert p.sum() == 0


def test_kernels_take_pinned_arrays_as_they_take_arrays(place):
    p, q = oxide.pinned(N, oxide.f32), oxide.pinned(N, oxide.f32)
    p[:], q[:] = 1.0, 2.0
    out = np.zeros(N, np.float32)
    programs.vecadd[1, 64](p, q, out)
    assert (out == 3).all()
    x = oxide.asarray(p)
    programs.vecadd[1, 64](p, p, q)
    x.copy_to(q)
    assert q.sum() == N


def test_shapes_of_pinned_memory(place):
    for shape in (0, (0, 3), 5, (2, 3), ()):
        p = oxide.pinned(shape, oxide.f64)
        assert p.shape == (shape if isinstance(shape, tuple) else (shape,))
        assert p.dtype == np.float64
        assert p.flags.writeable
        p[...] = 1.0
        assert p.sum() == p.size
        x = oxide.zeros(p.shape, oxide.f64)
        x.copy_from(p)
        p[...] = 0.0
        x.copy_to(p)
        assert p.sum() == p.size
        x.copy_from(p.T.T[::-1] if p.ndim else p)
    with pytest.raises(ValueError, match="negative"):
        oxide.pinned(-1, oxide.f32)


def test_managed_memory_is_seen_by_both(place):
    a, b, c = (oxide.managed(N, oxide.f32) for _ in range(3))
    assert not a.array.any()
    a.array[:] = np.arange(N)
    b.array[:] = 1.0
    assert isinstance(a.array, oxide.HostArray)
    launch = programs.vecadd.prepare(grid=1, block=64)
    launch(a, b, c)
    assert (c.array == np.arange(N) + 1).all()
    np.testing.assert_array_equal(np.asarray(c), c.numpy())
    c[4:8].array[:] = 0.0
    assert not c.numpy()[4:8].any()
    x = oxide.zeros(N, oxide.f32)
    x.copy_from(c)
    x.copy_from(a.array)
    np.testing.assert_array_equal(x.numpy(), np.arange(N))
    kept = c.array
    c.free()
    with pytest.raises(oxide.BufferFreedError):
        kept[0]
    with pytest.raises(oxide.BufferFreedError):
        c.array.sum()


def test_a_host_read_of_managed_memory_waits_for_its_writer():
    gate = threading.Event()
    with oxide.device("cpu"):
        stream = oxide.stream()
        m = oxide.managed(N, oxide.f32)
        elements = m.array
        try:
            stream.host.enqueue(gate.wait, ((m.memory, True),))
            threading.Timer(0.02, gate.set).start()
            elements.sum()
            assert gate.is_set()
        finally:
            gate.set()


# ---------------------------------------------------------------- on a made-up GPU


@pytest.fixture
def driver(monkeypatch):
    return fake_cuda.install(monkeypatch)


def test_the_host_waits_for_the_copy_and_not_for_the_stream(driver):
    stream = oxide.stream()
    p, x = oxide.pinned(N, oxide.f32), oxide.zeros(N, oxide.f32)
    driver.log.clear()
    x.copy_from(p, stream)
    assert driver.log == [
        ("order", stream.handle, fake_cuda.LEGACY),
        ("upload", stream.handle),
    ]
    driver.busy.add(stream.handle)
    driver.log.clear()
    p.sum()
    assert driver.log == []
    p[0] = 1.0
    assert driver.log == [("reach", stream.handle)]
    driver.log.clear()
    x.copy_to(p, stream)
    assert driver.log == [("download", stream.handle)]
    p.sum()
    assert driver.log[-1] == ("reach", stream.handle)


def test_copies_of_one_pinned_array_on_two_streams_are_in_order(driver):
    first, second = oxide.stream(), oxide.stream()
    p = oxide.pinned(N, oxide.f32)
    x, y = oxide.zeros(N, oxide.f32), oxide.zeros(N, oxide.f32)
    x.copy_from(p, first)
    driver.log.clear()
    y.copy_from(p, second)
    assert ("order", second.handle, f"event on {first.handle}") not in driver.log
    x.copy_to(p, first)
    assert ("order", first.handle, f"event on {second.handle}") in driver.log
    driver.log.clear()
    y.copy_from(p)
    assert ("order", fake_cuda.LEGACY, f"event on {first.handle}") in driver.log


def test_pinned_memory_is_kept_when_its_copies_are_done(driver):
    stream = oxide.stream()
    p, x = oxide.pinned(1000, oxide.f32), oxide.zeros(1000, oxide.f32)
    address = p.ctypes.data
    pool = x._cuda().pinned_pool
    x.copy_from(p, stream)
    driver.busy.add(stream.handle)
    driver.pins.clear()
    before = driver.log[:]
    del p
    gc.collect()
    assert driver.log == before
    q = oxide.pinned(1000, oxide.f32)
    assert q.ctypes.data != address
    assert driver.pins == [4096]
    driver.busy.clear()
    r = oxide.pinned(1000, oxide.f32)
    assert r.ctypes.data == address
    assert (pool.held, pool.kept) == (8192, 0)
    del q, r
    gc.collect()
    oxide.pinned(3_000_000, oxide.u8)
    assert driver.pins == [4096, 3 << 20]
    assert pool.kept == 8192
    pool.trim()
    assert pool.kept == 0


def test_a_device_without_managed_memory_says_so(driver):
    driver.properties.managed_memory = False
    with pytest.raises(oxide.DeviceError, match=r"cuda:0 has no managed memory: use `oxide\.zeros"):
        oxide.managed(4, oxide.f32)
    assert oxide.managed(0, oxide.f32).array.size == 0


def test_managed_memory_that_only_one_may_use_at_a_time(driver):
    driver.properties.concurrent_managed_access = False
    m = oxide.managed(4, oxide.f32)
    driver.log.clear()
    assert not m.array.any()
    assert driver.log == [("sync", None)]
    kept = m.array
    m.free()
    oxide.synchronize()
    assert driver.managed
    del kept
    gc.collect()
    oxide.synchronize()
    assert not driver.managed


def test_a_captured_stream_takes_no_copy_of_pinned_memory(driver):
    p, x = oxide.pinned(N, oxide.f32), oxide.zeros(N, oxide.f32)
    driver.captured.add(77)
    with pytest.raises(oxide.DeviceError, match="no part of a graph"):
        x.copy_from(p, 77)
