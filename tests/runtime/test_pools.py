"""Where memory comes from, and what is said where there is none."""

import ctypes
import gc

import numpy as np
import pytest

import oxide
from oxide_codegen import pools
from runtime import fake_cuda
from runtime.on_devices import place

__all__ = ["place"]
N = 1000


class Taken:
    """Memory that a resource gave."""

    def __init__(self, resource, size):
        self._resource = resource
        self._memory = ctypes.create_string_buffer(size + 256)
        self.size = size
        self.handle = -(-ctypes.addressof(self._memory) // 256) * 256

    def close(self, stream=None):
        self._resource.used -= self.size
        self._resource.closed.append(self.size)

    def __del__(self):
        if not self._resource.device_id + 1:
            self.close()


class Attributes:
    def __init__(self, resource):
        self._resource = resource

    @property
    def used_mem_current(self):
        return self._resource.used


class DeviceMemoryResource:
    """A pool with a limit, as those of cuda.core are."""

    is_host_accessible = False
    is_managed = False
    handle = fake_cuda.Driver.CUmemoryPool("a pool of one's own")

    def __init__(self, device_id, limit=1 << 20):
        self.device_id = device_id
        self.limit = limit
        self.used = 0
        self.attempts = 0
        self.closed = []
        self.attributes = Attributes(self)

    def allocate(self, size, *, stream):
        self.attempts += 1
        if self.used + size > self.limit:
            raise RuntimeError("CUDA_ERROR_OUT_OF_MEMORY: out of memory")
        self.used += size
        return Taken(self, size)


class PinnedMemoryResource(DeviceMemoryResource):
    is_host_accessible = True


class HostMemoryResource(PinnedMemoryResource):
    """Memory of the host that goes when nobody refers to it."""


class ManagedMemoryResource(PinnedMemoryResource):
    is_managed = True


@pytest.fixture
def driver(monkeypatch):
    return fake_cuda.install(monkeypatch)


def test_memory_comes_from_the_resource_that_was_set(place):
    resource = DeviceMemoryResource(0) if place != "cpu" else HostMemoryResource(-1)
    before = oxide.memory_resource()
    oxide.set_memory_resource(resource)
    assert oxide.memory_resource() is resource
    x = oxide.asarray(np.ones(N, np.float32))
    assert (resource.used, resource.attempts) == (4000, 1)
    y = x[::2].copy()
    assert resource.used == 6000
    np.testing.assert_array_equal(y.numpy(), np.ones(500))
    x.free()
    del x, y
    gc.collect()
    oxide.synchronize()
    assert resource.used == 0
    oxide.set_memory_resource(None)
    assert oxide.memory_resource() == before
    oxide.zeros(N, oxide.f32)
    assert resource.attempts == 2


def test_a_full_pool_is_tried_once_more_and_says_who_holds_what(place):
    made = DeviceMemoryResource if place != "cpu" else HostMemoryResource
    resource = made(0 if place != "cpu" else -1, limit=10_000)
    oxide.set_memory_resource(resource)
    # Of the cpu, arrays of other tests may be there.
    before = pools.HOST.held if place == "cpu" else 0
    try:
        x, y = oxide.zeros(N, oxide.f32), oxide.zeros(N, oxide.f32)
        device = None if place == "cpu" else x._cuda()
        with pytest.raises(oxide.DeviceMemoryError, match="no room for 4,000 bytes") as caught:
            oxide.zeros(N, oxide.f32)
        assert resource.attempts == 4
        error = caught.value
        assert (error.requested, error.held - before) == (4000, 8000)
        assert f"from the {made.__name__} that was set" in str(error)
        if device is not None:
            assert (error.free, error.others) == (1000, 100_000 - 1000 - 8000)
            assert "of which 8,000 are used" in str(error)
            assert "others 91,000" in str(error)
        del x
        gc.collect()
        z = oxide.zeros(N, oxide.f32)
        assert z.numpy().sum() + y.numpy().sum() == 0
    finally:
        oxide.set_memory_resource(None)


def test_what_is_garbage_is_given_back_before_an_array_is_refused(driver):
    resource = DeviceMemoryResource(0, limit=4096)
    oxide.set_memory_resource(resource)
    x = oxide.zeros(N, oxide.f32)
    keeps = [x]
    keeps.append(keeps)
    del x, keeps
    inner = resource.allocate

    def allocate(size, *, stream):
        # What is collected while the pool is asked is only noted.
        gc.collect()
        return inner(size, stream=stream)

    resource.allocate = allocate
    driver.log.clear()
    oxide.zeros(N, oxide.f32)
    assert [what for what, *_ in driver.log] == ["sync", "sync", "trim", "trim"]
    assert resource.closed == [4000]


def test_each_kind_of_memory_has_a_resource(driver):
    pinned, managed = PinnedMemoryResource(0), ManagedMemoryResource(0)
    oxide.set_memory_resource(pinned)
    oxide.set_memory_resource(managed)
    p, m = oxide.pinned(N, oxide.f32), oxide.managed(N, oxide.f32)
    assert (pinned.used, managed.used) == (4096, 4000)
    x = oxide.zeros(N, oxide.f32)
    assert (pinned.used, managed.used) == (4096, 4000)
    p[:] = 2.0
    m.copy_from(p)
    x.copy_from(m)
    assert (x.numpy() == 2).all()
    del p
    gc.collect()
    oxide.set_memory_resource(None)
    assert pinned.closed == [4096]
    assert oxide.pinned(N, oxide.f32).size == N
    assert pinned.used == 0


def test_pinned_memory_that_is_kept_is_given_back_where_there_is_none(driver):
    resource = PinnedMemoryResource(0, limit=1 << 21)
    oxide.set_memory_resource(resource)
    p = oxide.pinned(1 << 20, oxide.u8)
    del p
    gc.collect()
    q = oxide.pinned(2 << 20, oxide.u8)
    assert resource.closed == [1 << 20]
    with pytest.raises(oxide.DeviceMemoryError, match="2,097,152 bytes of pinned memory") as caught:
        oxide.pinned(2 << 20, oxide.u8)
    assert (caught.value.held, q.size) == (2 << 20, 2 << 20)


def test_what_is_no_resource_of_the_device(driver):
    with pytest.raises(TypeError, match=r"a method `allocate\(size, \*, stream\)`"):
        oxide.set_memory_resource(42)
    with pytest.raises(oxide.DeviceError, match="one of cuda:1, not of cuda:0"):
        oxide.set_memory_resource(DeviceMemoryResource(1))
    with pytest.raises(oxide.DeviceError, match="cpu does not reach memory of Device"):
        oxide.set_memory_resource(DeviceMemoryResource(0), "cpu")
    resource = DeviceMemoryResource(0)
    resource.allocate = None
    with pytest.raises(TypeError, match="have; got DeviceMemoryResource"):
        oxide.set_memory_resource(resource)


@pytest.mark.parametrize("late", [False, True])
def test_another_failure_of_a_resource_is_told(driver, late):
    """Also where it comes when room has been made: nothing but a lack of room is one."""

    def fail(size, *, stream):
        tries.append(size)
        if late and len(tries) % 2:
            raise RuntimeError("CUDA_ERROR_OUT_OF_MEMORY")
        raise RuntimeError("CUDA_ERROR_ILLEGAL_ADDRESS")

    tries = []
    for made, ask, words in (
        (DeviceMemoryResource(0), oxide.zeros, "allocating 4000 bytes on cuda:0"),
        (PinnedMemoryResource(0), oxide.pinned, "allocating 4096 bytes of pinned memory"),
    ):
        made.allocate = fail
        oxide.set_memory_resource(made)
        with pytest.raises(oxide.DeviceError, match=f"{words} failed: .*ILLEGAL") as caught:
            ask(N, oxide.f32)
        assert not isinstance(caught.value, MemoryError)
    assert len(tries) == (4 if late else 2)
