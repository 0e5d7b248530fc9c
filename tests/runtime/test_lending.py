"""Arrays between libraries: DLPack and `__cuda_array_interface__`, in and out."""

import gc
import weakref

import numpy as np
import pytest

import oxide
from oxide_codegen import dlpack
from runtime import fake_cuda, programs, unproved


@pytest.fixture
def cpu(monkeypatch):
    unproved.use(monkeypatch)
    with oxide.device("cpu"):
        yield


def numbers(*shape):
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


# ---------------------------------------------------------------- on the cpu


@pytest.mark.usefixtures("cpu")
def test_numpy_and_a_buffer_share_memory():
    x = oxide.asarray(numbers(4, 6))
    array = np.from_dlpack(x)
    np.testing.assert_array_equal(array, numbers(4, 6))
    array[0] = 9.0
    assert (x.numpy()[0] == 9).all()
    np.testing.assert_array_equal(np.from_dlpack(x[:, ::2].T), x.numpy()[:, ::2].T)
    kept = numbers(3)
    y = oxide.from_dlpack(kept)
    assert (y.device, y.dtype) == ("cpu", oxide.f32)
    y.copy_from(y[::-1])
    assert kept.tolist() == [2, 1, 0]
    assert np.from_dlpack(oxide.zeros(0, oxide.f32)).shape == (0,)
    for element in (bool, oxide.i8, oxide.u16, oxide.i64, oxide.f16, oxide.f64):
        assert (
            np.from_dlpack(oxide.zeros(2, element)).dtype == oxide.zeros(2, element).numpy().dtype
        )


@pytest.mark.usefixtures("cpu")
def test_memory_outlives_what_lent_it():
    x = oxide.asarray(numbers(1000))
    array = np.from_dlpack(x)
    x.free()
    assert array.sum() == numbers(1000).sum()
    owner = numbers(1000)
    gone = weakref.ref(owner)
    y = oxide.from_dlpack(owner)
    del owner
    assert y.numpy().sum() == numbers(1000).sum()
    del y
    gc.collect()
    assert gone() is None


@pytest.mark.usefixtures("cpu")
def test_who_takes_memory_waits_for_its_writer():
    stream = oxide.stream()
    x = oxide.zeros(1000, oxide.f32)
    ones = oxide.asarray(np.ones(1000, np.float32))
    for _ in range(20):
        programs.vecadd[4, 256, stream](ones, ones, x)
        programs.scale[4, 256, stream](x)
    assert (np.from_dlpack(x) == 4.5).all()


@pytest.mark.usefixtures("cpu")
def test_facts_are_not_believed_of_memory_that_others_have():
    x = oxide.asarray(np.arange(4))
    x.learn("a fact", x.ask())
    view = x[1:]
    assert not x.knows("a fact")
    for buffer in (x, view):
        buffer.learn("a fact", buffer.ask())
        assert not buffer.knows("a fact")
    y = oxide.asarray(np.arange(4))
    y.learn("a fact", y.ask())
    np.from_dlpack(y)
    y.learn("a fact", y.ask())
    assert not y.knows("a fact")


@pytest.mark.usefixtures("cpu")
def test_arguments_of_the_protocol():
    x = oxide.asarray(numbers(2, 3))
    assert x.__dlpack_device__() == (dlpack.CPU, 0)
    with pytest.raises(ValueError, match="on no stream"):
        x.__dlpack__(stream=1)
    with pytest.raises(BufferError, match="is not on DLPack device"):
        x.__dlpack__(dl_device=(2, 0))
    copied = np.from_dlpack(x, copy=True)
    copied[:] = 0.0
    assert x.numpy().any()
    assert oxide.from_dlpack(Holder(x, copy=True)).numpy().any()
    for version, name in (((1, 0), "dltensor_versioned"), ((0, 8), "dltensor"), (None, "dltensor")):
        assert f'"{name}"' in repr(x.__dlpack__(max_version=version))
    read_only = numbers(4)
    read_only.flags.writeable = False
    y = oxide.from_dlpack(read_only)
    assert repr(y).endswith("memory of another library, read-only>")
    with pytest.raises(ValueError, match="read-only"):
        y.copy_from(numbers(4))
    assert not np.from_dlpack(y).flags.writeable
    with pytest.raises(BufferError):
        y.__dlpack__()


class Holder:
    """An array that hands out what it was asked for, with more arguments."""

    def __init__(self, array, **options):
        self._array = array
        self._options = options

    def __dlpack__(self, **given):
        return self._array.__dlpack__(**given, **self._options)

    def __dlpack_device__(self):
        return self._array.__dlpack_device__()


@pytest.mark.usefixtures("cpu")
def test_what_cannot_be_taken():
    with pytest.raises(TypeError, match="wants an array with __dlpack__, got list"):
        oxide.from_dlpack([1.0])
    with pytest.raises(ValueError, match=r"from_dlpack: the array is not C-contiguous"):
        oxide.from_dlpack(numbers(4)[::2])
    with pytest.raises(BufferError, match="the array is on cpu, not on cpu:1"):
        oxide.from_dlpack(numbers(4), device="cpu:1", copy=False)
    moved = oxide.from_dlpack(numbers(4), device="cpu:1")
    assert (moved.device, moved.numpy().tolist()) == ("cpu:1", [0, 1, 2, 3])
    record = np.dtype([("x", "f4"), ("n", "i4")])
    with pytest.raises(BufferError, match="DLPack has no elements"):
        oxide.zeros(3, record).__dlpack__()


class Producer:
    """An array of another library, with a mistake in what it says of its memory."""

    def __init__(self, change):
        self.array = np.ones(6, np.float32)
        self.capsule = self.array.__dlpack__()
        change(dlpack._opened(self.capsule)[0])

    def __dlpack_device__(self):
        return 1, 0

    def __dlpack__(self, **_):
        return self.capsule


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda tensor: setattr(tensor, "data", None), "has elements and no address"),
        (lambda tensor: tensor.shape.__setitem__(0, -1), r"cannot have the shape \(-1,\)"),
        (lambda tensor: tensor.shape.__setitem__(0, 2**62), "cannot have the shape"),
    ],
)
def test_memory_that_cannot_be_is_refused(change, words):
    given = Producer(change)
    with oxide.device("cpu"):
        with pytest.raises(ValueError, match=f"^from_dlpack: the array {words}"):
            oxide.from_dlpack(given)
        with pytest.raises(oxide.LaunchValueError, match=f"`a` {words}"):
            programs.vecadd[1, 32](given, given.array, np.zeros(6, np.float32))


def test_a_capsule_is_taken_once():
    given = Producer(lambda tensor: None)
    np.from_dlpack(given)
    for capsule in (given.capsule, None, 5):
        given.capsule = capsule
        with pytest.raises(TypeError, match="gives no capsule of DLPack"):
            oxide.from_dlpack(given)


@pytest.mark.usefixtures("cpu")
def test_two_that_borrow_one_memory_are_in_order():
    kept = np.zeros(1000, np.float32)
    first, second = oxide.from_dlpack(kept), oxide.from_dlpack(kept)
    ones = oxide.asarray(np.ones(1000, np.float32))
    streams = oxide.stream(), oxide.stream()
    for _ in range(20):
        programs.vecadd[4, 256, streams[0]](ones, ones, first)
        programs.scale[4, 256, streams[1]](second)
    assert (second.numpy() == 4.5).all()
    with pytest.raises(oxide.LaunchValueError, match="shares memory"):
        programs.vecadd[4, 256](ones, first, second)
    first.free()
    first.free()
    with pytest.raises(oxide.BufferFreedError):
        first.numpy()
    assert second.numpy().any()


@pytest.mark.usefixtures("cpu")
def test_torch_and_a_buffer_share_memory():
    torch = pytest.importorskip("torch")
    x = oxide.asarray(numbers(4, 6))
    tensor = torch.from_dlpack(x)
    assert tensor.shape == (4, 6)
    tensor += 1
    np.testing.assert_array_equal(x.numpy(), numbers(4, 6) + 1)
    columns = torch.from_dlpack(x.T)
    assert columns.stride() == (1, 6)
    assert torch.equal(columns, tensor.T)
    assert torch.from_dlpack(x, copy=True).data_ptr() != tensor.data_ptr()
    y = oxide.from_dlpack(tensor)
    assert y.view().address == tensor.data_ptr()
    out = torch.zeros(24)
    programs.vecadd[1, 32](tensor.ravel(), tensor.ravel(), out)
    programs.vecadd[1, 32](y.ravel(), y.ravel(), oxide.from_dlpack(out))
    assert torch.equal(out.reshape(4, 6), 2 * tensor)
    halves = torch.from_dlpack(oxide.zeros(3, oxide.bf16))
    assert halves.dtype == torch.bfloat16
    assert oxide.from_dlpack(torch.ones(3, dtype=torch.bfloat16)).dtype is oxide.bf16
    assert oxide.from_dlpack(torch.ones(3, dtype=torch.bool)).dtype is bool
    with pytest.raises(TypeError, match="does not give its memory away"):
        oxide.from_dlpack(torch.ones(3, requires_grad=True))
    x.free()
    assert columns.sum() == numbers(4, 6).sum() + 24
    assert torch.utils.dlpack.to_dlpack(tensor) is not None


# ---------------------------------------------------------------- on a made-up GPU


@pytest.fixture
def driver(monkeypatch):
    return fake_cuda.install(monkeypatch)


def test_the_consumer_s_stream_comes_behind_all_uses(driver):
    stream = oxide.stream()
    x = oxide.zeros(24, oxide.f32)
    x.copy_from(numbers(24), stream)
    driver.log.clear()
    x.__dlpack__(stream=77)
    assert driver.log == [("order", 77, f"event on {stream.handle}")]
    driver.log.clear()
    x.numpy()
    assert ("order", fake_cuda.LEGACY, "event on 77") in driver.log
    driver.log.clear()
    x.__dlpack__(stream=-1)
    x.__dlpack__(stream=None)
    x.__dlpack__(stream=1)
    assert driver.log == []
    for wrong in (0, -2, "1", 1.5, True):
        with pytest.raises(ValueError, match="a handle of CUDA"):
            x.__dlpack__(stream=wrong)


def test_what_a_consumer_gets(driver):
    x = oxide.asarray(numbers(4, 6))
    view = x[1:, ::2]
    tensor = dlpack.taken(view, None)
    assert tensor.address == x.view().address + 24
    assert (tensor.shape, tensor.strides, tensor.code) == ((3, 3), (24, 8), "|f4")
    assert (tensor.index, tensor.read_only) == (0, False)
    assert x.__dlpack_device__() == (dlpack.CUDA, 0)
    assert oxide.managed(3, oxide.f32).__dlpack_device__() == (dlpack.CUDA_MANAGED, 0)
    assert dlpack.taken(oxide.zeros(3, oxide.bf16), None).code == "|bf2"
    assert dlpack.taken(oxide.zeros((0, 3), oxide.i64), None).address == 0
    copied = dlpack.taken(Holder(x, copy=True), None)
    assert copied.address != x.view().address
    assert '"dltensor_versioned"' in repr(x.__dlpack__(dl_device=(1, 0), max_version=(1, 0)))
    with pytest.raises(BufferError, match="is not on DLPack device"):
        x.__dlpack__(dl_device=(1, 0), copy=False)


def test_memory_that_is_lent_is_given_back_when_it_is_returned(driver):
    x = oxide.asarray(numbers(24))
    owner, held = x.memory.owner, x._cuda().held
    tensor = dlpack.taken(x, None)
    x.free()
    oxide.synchronize()
    assert not owner.closed
    with pytest.raises(oxide.BufferFreedError):
        x.numpy()
    before = driver.log[:]
    del tensor
    gc.collect()
    assert driver.log == before
    oxide.synchronize()
    assert owner.closed
    assert x._cuda().held == held - 96


def test_the_array_interface_tells_layout_and_stream(driver):
    stream = oxide.stream()
    x = oxide.asarray(numbers(4, 6))
    x.copy_from(numbers(4, 6), stream)
    driver.log.clear()
    told = x[1:, ::2].__cuda_array_interface__
    assert driver.log == [("order", fake_cuda.LEGACY, f"event on {stream.handle}")]
    assert told == {
        "shape": (3, 3),
        "typestr": "<f4",
        "data": (x.view().address + 24, False),
        "version": 3,
        "strides": (24, 8),
        "stream": fake_cuda.LEGACY,
    }
    assert x.__cuda_array_interface__["strides"] is None


class Foreign:
    """An array of another library, which knows what it was asked."""

    def __init__(self, buffer):
        self._buffer = buffer
        self.asked = []

    def __dlpack__(self, **options):
        self.asked.append(options)
        return self._buffer.__dlpack__(**options)

    def __dlpack_device__(self):
        return self._buffer.__dlpack_device__()


def test_a_producer_is_told_our_stream(driver):
    foreign = Foreign(oxide.asarray(numbers(24)))
    x = oxide.from_dlpack(foreign)
    assert foreign.asked == [{"max_version": (1, 0), "stream": 1}]
    assert repr(x) == "<oxide.DeviceBuffer f32 (24,) on cuda:0, memory of another library>"
    np.testing.assert_array_equal(x.numpy(), numbers(24))
    assert oxide.from_dlpack(foreign).memory is x.memory
    x.free()
    assert foreign._buffer.numpy().any()
    with oxide.from_dlpack(foreign, copy=True) as y:
        assert y.view().address != foreign._buffer.view().address
    there = oxide.from_dlpack(foreign, device="cpu")
    np.testing.assert_array_equal(there.numpy(), numbers(24))


def test_parts_of_one_foreign_array_are_in_order(driver):
    """Whichever of them a stream has used, the next stream comes behind it."""
    foreign = Foreign(oxide.asarray(numbers(24)))
    whole, part = oxide.from_dlpack(foreign), oxide.from_dlpack(Foreign(foreign._buffer[4:8]))
    apart = oxide.from_dlpack(Foreign(foreign._buffer[12:]))
    first, second = oxide.stream(), oxide.stream()
    for writes, reads in ((whole, part), (part, whole), (apart, whole)):
        writes.copy_from(oxide.zeros(writes.shape, oxide.f32), first)
        driver.log.clear()
        reads.copy(second)
        assert ("order", second.handle, f"event on {first.handle}") in driver.log
        # A use on the default stream is noted, too, though that may go ahead where it is alone.
        writes.copy_from(oxide.zeros(writes.shape, oxide.f32))
        driver.log.clear()
        reads.copy(second)
        assert ("order", second.handle, fake_cuda.LEGACY) in driver.log
    alone = oxide.from_dlpack(Foreign(oxide.asarray(numbers(24))))
    assert (alone.memory.is_joined, whole.memory.is_joined) == (False, True)


def test_what_was_freed_meanwhile_is_used_by_nobody(driver):
    """As by a launch that looked before another thread freed it."""
    x = oxide.asarray(numbers(24))
    memory, device, stream = x.memory, x._cuda(), oxide.stream()
    x.free()
    for handle in (stream.handle, device.default_handle):
        with pytest.raises(oxide.BufferFreedError), device.using(((memory, True),), handle):
            pass
    assert not device.lock._is_owned()
