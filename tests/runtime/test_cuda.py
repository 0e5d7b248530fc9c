"""Launches on a GPU, as far as a made-up driver can tell."""

import gc
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import oxide
from oxide_codegen import cuda, entry
from oxide_codegen.program import Program
from runtime import fake_cuda, programs, unproved

N = 1000


@pytest.fixture(params=["bindings", "library"])
def driver(request, monkeypatch):
    unproved.use(monkeypatch)
    # Code is kept by kernel: start anew, on the driver of this test.
    for value in vars(programs).values():
        if isinstance(value, oxide.Kernel):
            monkeypatch.setattr(
                value, "_program", Program(value.__wrapped__, value._program.options)
            )
            monkeypatch.setattr(value, "_launches", {})
    return fake_cuda.install(monkeypatch, library=request.param == "library")


@pytest.fixture
def arrays():
    random = np.random.default_rng(1)
    return random.random(N, dtype=np.float32), random.random(N, dtype=np.float32)


def launches(driver):
    return [entry for entry in driver.log if entry[0] == "launch"]


def test_numpy_arrays_travel(driver, arrays):
    a, b = arrays
    c = np.zeros_like(a)
    programs.vecadd[4, 256](a, b, c)
    np.testing.assert_array_equal(c, a + b)
    assert [what for what, *_ in driver.log] == ["upload"] * 3 + ["launch", "download", "wait"]
    assert driver.context == 1000


def test_the_context_is_restored(driver, arrays):
    a, b = arrays
    oxide.zeros(1, oxide.f32)
    driver.context = 7
    x, y, z = oxide.asarray(a), oxide.asarray(b), oxide.zeros(N, oxide.f32)
    assert driver.context == 7
    programs.vecadd[4, 256](x, y, z)
    assert driver.context == 7
    np.testing.assert_array_equal(z.numpy(), a + b)
    with pytest.raises(oxide.LaunchError):
        programs.vecadd[4, 256](x, y, y)
    assert driver.context == 7


def test_buffers_stay(driver, arrays):
    a, b = arrays
    x, y, z = oxide.asarray(a), oxide.asarray(b), oxide.empty(N, oxide.f32)
    assert z.device == "cuda:0"
    driver.log.clear()
    launch = programs.vecadd.prepare(grid=4, block=256)
    for _ in range(3):
        launch(x, y, z)
    bound = launch.bind(x, y, z)
    bound()
    assert driver.log == [("launch", fake_cuda.LEGACY)] * 4
    np.testing.assert_array_equal(z.numpy(), a + b)


def test_the_entry_takes_over_and_refuses(driver, arrays):
    a, b = arrays
    x, y, z = oxide.asarray(a), oxide.asarray(b), oxide.zeros(N, oxide.f32)
    launch = programs.vecadd.prepare(grid=4, block=256)
    launch(x, y, z)
    launch(x, y, z)
    fast = launch._entry
    assert fast((x, y, z))
    assert not fast((x, y))
    assert not fast((x, y, y))
    assert not fast((x, a, z))
    assert not fast((oxide.zeros(3, oxide.f32), y, z))
    assert not fast((oxide.zeros(N, oxide.f64), y, z))
    assert not fast((oxide.zeros((N, 1), oxide.f32), y, z))
    with pytest.raises(oxide.LaunchValueError, match="3 >= 1000 is false"):
        launch(oxide.zeros(3, oxide.f32), y, z)
    with pytest.raises(oxide.LaunchValueError, match="shares memory"):
        launch(x, z, z)
    driver.context = 7
    assert not fast((x, y, z))
    launch(x, y, z)
    assert driver.context == 7
    driver.context = 1000
    driver.answer = 701
    with pytest.raises(oxide.DeviceError, match="vecadd: the launch failed") as caught:
        launch(x, y, z)
    assert caught.value.code == 701


@pytest.mark.parametrize("driver", ["library"], indirect=True)
def test_the_driver_is_called_directly(driver):
    """Launches that repeat, by the library's own functions; other contexts by the ordinary way."""
    calls = driver.library.calls
    x, y, z = (oxide.zeros(N, oxide.f32) for _ in range(3))
    launch = programs.vecadd.prepare(grid=(4, 2), block=(64, 4))
    bound = launch.bind(x, y, z)
    assert not calls
    bound()
    (handle,) = driver.functions
    one = (handle, 4, 2, 1, 64, 4, 1, 0, fake_cuda.LEGACY)
    assert calls == [one]
    launch(x, y, z)
    launch(x, y, z)
    assert calls == [one]
    launch(x, y, z)
    assert calls == [one] * 2
    assert len(launches(driver)) == 4

    driver.context = 7
    bound()
    launch(x, y, z)
    assert driver.context == 7
    assert calls == [one] * 2
    assert len(launches(driver)) == 6
    driver.context = 1000

    queue = oxide.stream()
    programs.vecadd[4, 256, queue](x, y, z)
    driver.log.clear()
    bound()
    assert driver.log[0] == ("order", fake_cuda.LEGACY, f"event on {queue.handle}")
    bound()
    assert calls == [one] * 3


@pytest.mark.parametrize("code", [701, 999])
def test_the_answer_of_the_driver_is_raised(driver, code):
    x, y, z = (oxide.zeros(N, oxide.f32) for _ in range(3))
    launch = programs.vecadd.prepare(grid=4, block=256)
    bound = launch.bind(x, y, z)
    launch(x, y, z)
    launch(x, y, z)
    driver.answer = code
    for again in (bound, lambda: launch(x, y, z), lambda: programs.vecadd[4, 256](x, y, z)):
        with pytest.raises(oxide.DeviceError, match="vecadd: the launch failed") as caught:
            again()
        assert caught.value.code == code


def test_an_entry_checks_numbers(driver):
    launch = programs.divide.prepare(grid=1, block=32)
    values = oxide.asarray(np.full(32, 9))
    launch(values, 2)
    launch(values, 1)
    assert launch._entry((values, 2))
    assert not launch._entry((values, 2.0))
    assert not launch._entry((values, True))
    assert not launch._entry((values, 2**63))
    assert values.numpy().tolist() == [2] * 32
    with pytest.raises(oxide.LaunchValueError, match="out of the range of i64"):
        launch(values, 2**63)


def test_an_entry_shows_its_checks(driver):
    specialisation = programs.first._program.specialisation()
    kind = entry.LaunchKind(specialisation, (4, 1, 1), (64, 1, 1), 0, None)
    source, _ = entry.write(kind, 0)
    assert "not (d0_0 >= 4)" in source


def test_a_changed_constant_leaves_the_entry(driver, monkeypatch):
    values = oxide.asarray(np.ones(32, np.float32))
    launch = programs.scale.prepare(grid=1, block=32)
    launch(values)
    launch(values)
    assert values.numpy()[0] == (1 * 2 + 0.5) * 2 + 0.5
    bound = launch.bind(values)
    values.copy_from(np.ones(32, np.float32))
    monkeypatch.setattr(programs, "FACTOR", 10)
    assert not launch._entry((values,))
    # Another launch makes the new proof current; this one's entry is still of the old one.
    programs.scale[1, 32](oxide.zeros(1, oxide.f32))
    assert not launch._entry((values,))
    launch(values)
    assert values.numpy()[0] == 10.5
    bound()
    assert values.numpy()[0] == 105.5


def test_failures_come_at_the_next_wait(driver, arrays):
    a, _ = arrays
    index = np.arange(N, dtype=np.int32)
    index[700] = 5000
    out = oxide.zeros(N, oxide.f32)
    where, values = oxide.asarray(index), oxide.asarray(a)
    programs.gather[4, 256](where, values, out)
    with pytest.raises(oxide.KernelIndexError) as caught:
        out.numpy()
    error = caught.value
    assert (error.array, error.index, error.length) == ("a", 5000, N)
    assert (error.block, error.thread) == ((2, 0, 0), (188, 0, 0))
    assert out.numpy()[699] == a[699]
    queue = oxide.stream()
    programs.gather[4, 256, queue](where, values, out)
    with pytest.raises(IndexError):
        queue.sync()
    programs.gather[4, 256](where, values, out)
    with pytest.raises(IndexError):
        oxide.synchronize()
    host = np.zeros(N, np.float32)
    with pytest.raises(IndexError):
        programs.gather[4, 256](index, a, host)
    oxide.synchronize()


def test_streams_wait_for_each_other(driver, arrays):
    a, b = arrays
    x, y, z = oxide.asarray(a), oxide.asarray(b), oxide.zeros(N, oxide.f32)
    first, second = oxide.stream(), oxide.stream()
    launch = programs.vecadd.prepare(grid=4, block=256, stream=first)
    driver.log.clear()
    launch(x, y, z)
    waited = [entry for entry in driver.log if entry[0] == "order"]
    assert waited == [("order", first.handle, fake_cuda.LEGACY)]
    driver.log.clear()
    launch(x, y, z)
    assert driver.log == [("launch", first.handle)]
    programs.vecadd[4, 256, second](x, y, z)
    assert ("order", second.handle, f"event on {first.handle}") in driver.log
    driver.log.clear()
    z.numpy()
    assert driver.log[0] == ("order", fake_cuda.LEGACY, f"event on {second.handle}")
    programs.vecadd[4, 256, 77](x, y, z)
    assert driver.log[-1] == ("launch", 77)


def test_streams_of_others(driver):
    """A stream that somebody else ends: an event is recorded at once."""
    x, y, z = (oxide.zeros(N, oxide.f32) for _ in range(3))
    theirs, ours = oxide.Stream.from_handle(77), oxide.stream()
    programs.vecadd[4, 256, theirs](x, y, z)
    assert z.memory.uses.writer.event == "event on 77"
    ours.wait(78)
    assert ("order", ours.handle, "event on 78") in driver.log
    ours.wait(theirs)
    assert driver.log[-1] == ("order", ours.handle, "event on 77")
    theirs.sync()
    assert driver.log[-1] == ("wait", 77)
    with oxide.device("cpu"):
        for attempt in (lambda: oxide.Stream.from_handle(77), lambda: oxide.stream().wait(77)):
            with pytest.raises(oxide.DeviceError, match="no streams of other libraries"):
                attempt()


def test_garbage_is_freed_by_the_next_call_behind_its_uses(driver):
    stream = oxide.stream()
    device = oxide.zeros(1, oxide.f32)._cuda()
    x, y, z = (oxide.zeros(N, oxide.f32) for _ in range(3))
    programs.vecadd[4, 256, stream](x, y, z)
    owner = z.memory.owner
    driver.log.clear()
    del z
    gc.collect()
    assert not owner.closed
    assert driver.log == []
    oxide.synchronize()
    assert owner.closed
    assert driver.log[0] == ("order", fake_cuda.LEGACY, f"event on {stream.handle}")
    assert device.garbage.empty()


def test_freed_memory_is_given_back_behind_its_uses(driver):
    stream = oxide.stream()
    x, y, z = (oxide.zeros(N, oxide.f32) for _ in range(3))
    launch = programs.vecadd.prepare(grid=4, block=256)
    bound = launch.bind(x, y, z)
    bound()
    launch(x, y, z)
    launch(x, y, z)
    launch.on(stream)(x, y, z)
    held, owner = z._cuda().held, z.memory.owner
    driver.log.clear()
    z.free()
    assert owner.closed
    assert driver.log == [("order", fake_cuda.LEGACY, f"event on {stream.handle}")]
    assert z._cuda().held == held - z.nbytes
    for use in (bound, lambda: launch(x, y, z), z.numpy):
        with pytest.raises(oxide.BufferFreedError, match="on cuda:0, freed> was freed"):
            use()


def test_a_full_device_says_who_holds_what(driver, monkeypatch):
    x = oxide.zeros(N, oxide.f32)
    device = x._cuda()

    def full(size, *, stream):
        raise RuntimeError("CUDA_ERROR_OUT_OF_MEMORY")

    monkeypatch.setattr(device.device, "allocate", full, raising=False)
    with pytest.raises(oxide.DeviceMemoryError, match="no room for 4,000 bytes") as caught:
        oxide.zeros(N, oxide.f32)
    assert (caught.value.requested, caught.value.held) == (4000, 4000)
    assert isinstance(caught.value, MemoryError)


def test_a_forked_process_is_told_to_spawn(driver, monkeypatch):
    oxide.zeros(N, oxide.f32)
    monkeypatch.setattr(cuda, "_forked", [])
    cuda._note_fork()
    with pytest.raises(oxide.DeviceError, match="spawn"):
        oxide.zeros(N, oxide.f32)


def test_what_somebody_captures_is_left_alone(driver):
    x, y, z = (oxide.zeros(N, oxide.f32) for _ in range(3))
    programs.vecadd[4, 256, 99](x, y, z)
    driver.captured.add(98)
    driver.log.clear()
    programs.vecadd[4, 256, 98](x, y, z)
    assert driver.log == [("launch", 98)]


class Foreign:
    """An array of another library on the device, written on a stream of its own."""

    def __init__(self, buffer, stream):
        self._buffer = buffer
        self.__cuda_array_interface__ = buffer.__cuda_array_interface__ | {"stream": stream}

    def __dlpack_device__(self):
        return 2, 0


def test_foreign_arrays_are_waited_for(driver, arrays):
    a, b = (oxide.asarray(array) for array in arrays)
    c = oxide.zeros(N, oxide.f32)
    driver.log.clear()
    programs.vecadd[4, 256](Foreign(a, 99), b, Foreign(c, 1))
    assert driver.log == [
        ("order", fake_cuda.LEGACY, 99),
        ("launch", fake_cuda.LEGACY),
        ("order", 99, fake_cuda.LEGACY),
    ]
    np.testing.assert_array_equal(c.numpy(), arrays[0] + arrays[1])
    borrowed = oxide.asarray(Foreign(a, 98))
    assert borrowed.view().address == a.view().address
    assert ("order", fake_cuda.LEGACY, 98) in driver.log
    assert borrowed.view().stream is None
    stream = oxide.stream()
    launch = programs.vecadd.prepare(grid=4, block=256, stream=stream)
    for _ in range(4):
        driver.log.clear()
        launch(borrowed, b, c)
        event = f"event on {stream.handle}"
        assert driver.log[-2:] == [("launch", stream.handle), ("order", fake_cuda.LEGACY, event)]
    theirs = Foreign(a, 99), Foreign(b, None)
    driver.log.clear()
    launch(*theirs, c)
    assert driver.log[0] == ("order", stream.handle, 99)
    behind = driver.log[driver.log.index(("launch", stream.handle)) + 1 :]
    assert sorted(behind) == [
        ("order", fake_cuda.LEGACY, stream.handle),
        ("order", 99, stream.handle),
    ]
    driver.captured.add(98)
    driver.log.clear()
    programs.vecadd[4, 256, 98](*theirs, c)
    assert driver.log == [("launch", 98)]


def test_arrays_on_two_devices_are_refused(driver, arrays):
    x = oxide.asarray(arrays[0])
    with pytest.raises(oxide.LaunchTypeError, match=r"oxide.asarray"):
        programs.vecadd[4, 256](x, arrays[1], oxide.zeros(N, oxide.f32))
    with pytest.raises(oxide.LaunchTypeError, match="is on cpu, but `a` is on cuda:0"):
        programs.vecadd[4, 256](x, oxide.zeros(N, oxide.f32, device="cpu"), x)
    with oxide.device("cpu"):
        queue = oxide.stream()
        y = np.zeros(N, np.float32)
        programs.vecadd[4, 256, queue](*arrays, y)
        with pytest.raises(oxide.LaunchTypeError, match="CUDA device"):
            programs.vecadd[4, 256, 77](*arrays, y)
    with pytest.raises(oxide.LaunchTypeError, match="one of the cpu"):
        programs.vecadd[4, 256, queue](*arrays, y)


def test_no_blocks_and_no_elements(driver):
    empty = oxide.zeros(0, oxide.f32)
    driver.log.clear()
    programs.vecadd[0, 256](empty, empty, oxide.zeros(0, oxide.f32))
    assert driver.log == []
    programs.vecadd[1, 256](empty, empty, empty)
    nothing = np.zeros(0, np.float32)
    programs.vecadd[1, 256](nothing, nothing, nothing)
    assert len(launches(driver)) == 2


def test_launches_from_threads(driver, arrays):
    a, b = (oxide.asarray(array) for array in arrays)
    launch = programs.vecadd.prepare(grid=4, block=256)
    barrier = threading.Barrier(4)

    def work(_):
        c = oxide.zeros(N, oxide.f32)
        barrier.wait()
        for _ in range(10):
            launch(a, b, c)
        return c.numpy()

    with ThreadPoolExecutor(4) as pool:
        for result in pool.map(work, range(4)):
            np.testing.assert_array_equal(result, arrays[0] + arrays[1])
