"""Which device is chosen, and what happens where there is none or a broken one."""

import asyncio
import ctypes

import numpy as np
import pytest

import oxide
from oxide_codegen import devices


class FakeDriver:
    """A driver's library as ctypes shows it."""

    def __init__(self, count=0, init=0):
        self.count = count
        self.init = init

    def cuInit(self, _):
        return self.init

    def cuDeviceGetCount(self, pointer):
        ctypes.cast(pointer, ctypes.POINTER(ctypes.c_int))[0] = self.count
        return 0

    def cuGetErrorName(self, _, pointer):
        ctypes.cast(pointer, ctypes.POINTER(ctypes.c_char_p))[0] = b"CUDA_ERROR_UNKNOWN"
        return 0


@pytest.fixture
def driver(monkeypatch):
    monkeypatch.delenv("OXIDE_DEVICE", raising=False)

    def install(found):
        devices.device_count.cache_clear()
        monkeypatch.setattr(devices, "load_driver", lambda: found)

    yield install
    devices.device_count.cache_clear()


def test_without_a_driver_it_is_the_cpu(driver):
    driver(None)
    assert devices.current() == devices.CPU


def test_a_driver_without_devices_is_no_error(driver):
    driver(FakeDriver(init=100))
    assert devices.current() == devices.CPU
    driver(FakeDriver(count=0))
    assert devices.current() == devices.CPU


def test_the_first_gpu_is_the_default(driver):
    driver(FakeDriver(count=2))
    assert str(devices.current()) == "cuda:0"


def test_a_broken_driver_is_an_error_that_names_the_doctor(driver):
    driver(FakeDriver(count=1, init=999))
    with pytest.raises(oxide.DeviceError, match="oxide doctor") as caught:
        oxide.zeros(4, oxide.f32)
    assert caught.value.code == 999
    assert "CUDA_ERROR_UNKNOWN" in str(caught.value)
    with oxide.device("cpu"):
        assert oxide.zeros(4, oxide.f32).device == "cpu"


def test_the_environment_chooses(driver, monkeypatch):
    driver(FakeDriver(count=2))
    monkeypatch.setenv("OXIDE_DEVICE", "cpu")
    assert devices.current() == devices.CPU
    monkeypatch.setenv("OXIDE_DEVICE", "cuda:1")
    assert str(devices.current()) == "cuda:1"
    monkeypatch.setenv("OXIDE_DEVICE", "cuda:2")
    with pytest.raises(oxide.DeviceError, match=r"reports 2 \(cuda:0 to cuda:1\)"):
        devices.current()
    monkeypatch.setenv("OXIDE_DEVICE", "gpu")
    with pytest.raises(oxide.DeviceError, match="OXIDE_DEVICE: there is no device 'gpu'"):
        devices.current()


def test_the_context_manager_is_the_strongest(driver, monkeypatch):
    driver(FakeDriver(count=2))
    monkeypatch.setenv("OXIDE_DEVICE", "cuda:0")
    choice = oxide.device("cpu")
    with choice:
        assert devices.current() == devices.CPU
        with oxide.device("cuda:1"):
            assert str(devices.current()) == "cuda:1"
        with choice:
            assert devices.current() == devices.CPU
        assert devices.current() == devices.CPU
    assert str(devices.current()) == "cuda:0"


def test_one_choice_in_several_tasks(driver, monkeypatch):
    """Which begin and end as they like, and again within themselves."""
    monkeypatch.delenv("OXIDE_DEVICE", raising=False)
    choice, found = oxide.device("cpu:1"), []

    async def task(seconds):
        before = devices.current()
        with choice:
            await asyncio.sleep(seconds)
            with oxide.device("cpu"), choice:
                found.append(str(devices.current()))
            found.append(str(devices.current()))
        assert devices.current() == before

    async def both():
        await asyncio.gather(task(0), task(0.01))

    asyncio.run(both())
    assert found == ["cpu:1"] * 4


@pytest.mark.parametrize("name", ["", "gpu", "cuda:", "cuda:x", "cuda:-1", "cpu:", "cpu:x", "CUDA"])
def test_names_that_are_no_device(name):
    with pytest.raises(oxide.DeviceError, match="there is no device"):
        oxide.device(name)


def test_a_gpu_that_is_not_there(driver):
    driver(None)
    with pytest.raises(oxide.DeviceError, match="no NVIDIA driver"), oxide.device("cuda"):
        pass


# ---------------------------------------------------------------- buffers on the cpu


@pytest.fixture
def cpu():
    with oxide.device("cpu"):
        yield


@pytest.mark.usefixtures("cpu")
@pytest.mark.parametrize("shape", [3, np.int64(3), (3,), [3], (np.int32(3),), np.array([3])])
def test_shapes_are_integers(shape):
    assert oxide.zeros(shape, oxide.f32, device="cpu").shape == (3,)


@pytest.mark.parametrize("shape", [3.0, None, "3", (3.0,), object()])
def test_what_is_no_shape(shape):
    with pytest.raises(TypeError, match="a shape is an integer, or a tuple of integers, got "):
        oxide.zeros(shape, oxide.f32, device="cpu")


@pytest.mark.parametrize("shape", [2**62, (2**40, 2**40), 10**30])
@pytest.mark.parametrize("make", [oxide.empty, oxide.zeros, oxide.managed, oxide.pinned])
def test_more_than_there_are_addresses(make, shape):
    with pytest.raises(oxide.DeviceMemoryError, match="there are not so many addresses"):
        make(shape, oxide.f32, device="cpu")


def test_buffers():
    x = oxide.zeros((3, 4), oxide.f32)
    assert (x.shape, x.ndim, x.size, x.nbytes, len(x)) == ((3, 4), 2, 12, 48, 3)
    assert x.dtype is oxide.f32
    assert x.device == "cpu"
    assert x.numpy().dtype == np.float32
    assert x.numpy().tolist() == np.zeros((3, 4)).tolist()
    data = np.arange(12, dtype=np.float32).reshape(3, 4)
    x.copy_from(data)
    copy = x.numpy()
    copy[0, 0] = 99
    assert x.numpy()[0, 0] == 0
    assert oxide.empty(0, bool).numpy().shape == (0,)
    y = oxide.zeros((3, 4), oxide.f32)
    y.copy_from(x)
    np.testing.assert_array_equal(y.numpy(), data)


@pytest.mark.usefixtures("cpu")
def test_asarray_copies_and_keeps_the_element_type():
    data = np.arange(4, dtype=np.int64)
    x = oxide.asarray(data)
    data[0] = 7
    assert x.numpy()[0] == 0
    assert x.dtype is oxide.i64
    assert oxide.asarray(x) is x
    assert oxide.asarray(x, oxide.f32).dtype is oxide.f32
    assert oxide.asarray([1.5, 2.5], oxide.f64).numpy().tolist() == [1.5, 2.5]
    assert oxide.asarray(np.ones(3), np.float32).dtype is oxide.f32
    assert oxide.asarray(np.ones((4, 4))[::2, ::2]).shape == (2, 2)
    with pytest.raises(TypeError, match="not an element type"):
        oxide.asarray(np.ones(3, "timedelta64[s]"))


@pytest.mark.usefixtures("cpu")
def test_buffers_are_not_host_arrays():
    x = oxide.zeros(4, oxide.f32)
    for attempt in (lambda: np.asarray(x), lambda: x[0], lambda: list(x)):
        with pytest.raises(oxide.HostAccessError, match=r"buffer\.numpy\(\)"):
            attempt()
    with pytest.raises(oxide.HostAccessError, match="copy_from"):
        x[0] = 1.0
    with pytest.raises(TypeError, match="elements of f32"):
        x.copy_from(np.zeros(4))
    with pytest.raises(ValueError, match="wants shape"):
        x.copy_from(np.zeros(5, np.float32))
    with pytest.raises(TypeError, match="not an element type"):
        oxide.zeros(4, "timedelta64[s]")
    with pytest.raises(ValueError, match="negative"):
        oxide.zeros(-1, oxide.f32)
    assert not hasattr(x, "__cuda_array_interface__")


def test_names_of_the_language_are_refused_outside():
    for attempt in (
        lambda: oxide.thread.x,
        oxide.thread.index_1d,
        lambda: oxide.block_dim.y,
        oxide.sync_threads,
        lambda: oxide.grid_stride(4),
        lambda: oxide.SharedArray(oxide.f32, 4),
        lambda: oxide.atomic.add(None, 0, 1),
    ):
        with pytest.raises(oxide.OutsideKernelError, match="inside a kernel"):
            attempt()


def test_scalar_types_convert_as_kernels_do():
    assert oxide.f32(0.1) == float(np.float32(0.1))
    assert oxide.u32(-1) == 2**32 - 1
    assert oxide.i32(2**31) == -(2**31)
    assert oxide.i32(1e30) == 2**31 - 1
    assert oxide.i64(float("nan")) == 0
    assert oxide.i32(True) == 1
    assert oxide.f64(3) == 3.0
    assert repr(oxide.f32) == "oxide.f32"
    with pytest.raises(TypeError):
        oxide.f32("3")
