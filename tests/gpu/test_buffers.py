"""Memory on a GPU: views and copies, pinned and managed memory, other libraries, pools."""

import gc
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import oxide
from gpu import operation_kernels as kernels
from oxide_codegen.devices import device_count
from runtime.test_memory_model import STEPS, Program

pytestmark = pytest.mark.gpu
N = 1 << 16


@pytest.fixture(autouse=True)
def on_gpu():
    with oxide.device("cuda"):
        yield
    oxide.synchronize()


def numbers(*shape):
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


@pytest.fixture
def slow():
    """Work on a stream that takes a tenth of a second or more."""
    launch, out = kernels.spin.prepare(grid=1, block=32), oxide.zeros(32, oxide.f32)

    def begin(stream):
        launch.on(stream)(40_000_000, out)

    begin(oxide.stream())
    oxide.synchronize()
    return begin


# ---------------------------------------------------------------- views and copies


def test_views_are_those_of_numpy():
    data = numbers(40, 60)
    x = oxide.asarray(data)
    for view, expected in (
        (x[1:30], data[1:30]),
        (x[:, 2:50], data[:, 2:50]),
        (x[::2, ::3], data[::2, ::3]),
        (x[::-1, ::-2], data[::-1, ::-2]),
        (x.T, data.T),
        (x.reshape(10, 4, 60)[:, 1], data.reshape(10, 4, 60)[:, 1]),
        (x.reshape(4, 10, 60).transpose(1, 2, 0), data.reshape(4, 10, 60).transpose(1, 2, 0)),
    ):
        np.testing.assert_array_equal(view.numpy(), expected)
        np.testing.assert_array_equal(view.copy().numpy(), expected)
        y = oxide.zeros(view.shape, oxide.f32)
        y.copy_from(np.asfortranarray(expected))
        np.testing.assert_array_equal(y.numpy(), expected)
    x[:, ::2].copy_from(np.zeros((40, 30), np.float32))
    data[:, ::2] = 0
    np.testing.assert_array_equal(x.numpy(), data)
    x[1:].copy_from(x[:-1])
    np.testing.assert_array_equal(x.numpy()[1:], data[:-1])


def test_views_cross_from_one_gpu_to_another():
    if device_count() < 2:
        pytest.skip("there is one GPU")
    x = oxide.asarray(numbers(30, 40))
    y = oxide.zeros((40, 30), oxide.f32, device="cuda:1")
    y.T.copy_from(x[:, ::-1])
    np.testing.assert_array_equal(y.numpy(), numbers(30, 40)[:, ::-1].T)
    there = oxide.zeros((30, 40), oxide.f32, device="cpu")
    y.T.copy_to(there)
    np.testing.assert_array_equal(there.numpy(), numbers(30, 40)[:, ::-1])


def test_parts_of_one_buffer_in_one_launch():
    x = oxide.asarray(numbers(3 * N))
    launch = kernels.vecadd.prepare(grid=N // 256, block=256)
    for _ in range(3):
        launch(x[:N], x[N : 2 * N], x[2 * N :])
    np.testing.assert_array_equal(
        x.numpy()[2 * N :], numbers(3 * N)[:N] + numbers(3 * N)[N : 2 * N]
    )
    with pytest.raises(oxide.LaunchValueError, match="shares memory"):
        launch(x[:N], x[N + 1 : 2 * N + 1], x[2 * N :])


@pytest.mark.parametrize("seed", range(20))
def test_arrays_hold_what_they_would_one_step_after_the_other(seed):
    program = Program(seed)
    for _ in range(10 * STEPS):
        program.step()
    program.check()


# ---------------------------------------------------------------- pinned and managed memory


def test_copies_of_pinned_memory_return_at_once(slow):
    stream = oxide.stream()
    p, x = oxide.pinned(1 << 24, oxide.f32), oxide.zeros(1 << 24, oxide.f32)
    p[:] = 1.0
    slow(stream)
    clock = time.perf_counter()
    x.copy_from(p, stream)
    assert time.perf_counter() - clock < 0.02
    clock = time.perf_counter()
    p[:] = 2.0
    assert time.perf_counter() - clock > 0.02
    assert (x.numpy() == 1).all()
    slow(stream)
    x.copy_to(p, stream)
    half = p[: 1 << 23]
    assert (half == 1).all()


def test_copies_of_pinned_memory_are_fast():
    """Page-locked copies reach the link; the figure is read, not judged, elsewhere."""
    stream = oxide.stream()
    p, x = oxide.pinned(1 << 26, oxide.u8), oxide.zeros(1 << 26, oxide.u8)
    plain = np.empty(1 << 26, np.uint8)
    x.copy_from(p, stream)
    stream.sync()
    clock = time.perf_counter()
    x.copy_from(p, stream)
    stream.sync()
    pinned = time.perf_counter() - clock
    clock = time.perf_counter()
    x.copy_from(plain)
    assert pinned < time.perf_counter() - clock


def test_pinned_memory_is_not_given_back_under_a_copy(slow):
    stream = oxide.stream()
    x = oxide.zeros(1 << 20, oxide.f32)
    p = oxide.pinned(1 << 20, oxide.f32)
    address = p.ctypes.data
    p[:] = 3.0
    slow(stream)
    x.copy_from(p, stream)
    del p
    gc.collect()
    q = oxide.pinned(1 << 20, oxide.f32)
    assert q.ctypes.data != address
    q[:] = 4.0
    assert (x.numpy() == 3).all()
    assert oxide.pinned(1 << 20, oxide.f32).ctypes.data == address


def test_managed_memory_is_seen_by_both(slow):
    stream = oxide.stream()
    try:
        a, b = oxide.managed(N, oxide.f32), oxide.managed(N, oxide.f32)
    except oxide.DeviceError as error:
        assert "has no managed memory" in str(error)
        pytest.skip("the device has no managed memory")
    a.array[:] = numbers(N)
    add = kernels.vecadd.prepare(grid=N // 256, block=256, stream=stream)
    slow(stream)
    add(a, a, b)
    np.testing.assert_array_equal(b.array, 2 * numbers(N))
    a.array[:] = 1.0
    add(a, a, b)
    assert (np.asarray(b) == 2).all()
    elements = b.array
    b.free()
    gc.collect()
    oxide.synchronize()
    with pytest.raises(oxide.BufferFreedError):
        elements[0]


# ---------------------------------------------------------------- other libraries


def test_torch_and_a_buffer_share_memory():
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("torch has no GPU")
    x = oxide.asarray(numbers(40, 60))
    tensor = torch.from_dlpack(x)
    tensor += 1
    torch.cuda.synchronize()
    np.testing.assert_array_equal(x.numpy(), numbers(40, 60) + 1)
    assert torch.equal(torch.from_dlpack(x[:, ::2].T), tensor[:, ::2].T)
    assert torch.as_tensor(x, device="cuda").data_ptr() == tensor.data_ptr()
    y = oxide.from_dlpack(tensor)
    assert y.view().address == tensor.data_ptr()
    x.free()
    assert tensor.sum().item() == numbers(40, 60).sum() + 2400
    with torch.cuda.stream(torch.cuda.Stream()):
        ours = oxide.zeros(N, oxide.f32)
        stream = oxide.stream()
        kernels.spin.prepare(grid=1, block=32, stream=stream)(20_000_000, ours)
        kernels.vecadd.prepare(grid=N // 256, block=256, stream=stream)(
            oxide.asarray(numbers(N)), oxide.asarray(numbers(N)), ours
        )
        # On torch's stream, behind ours.
        theirs = torch.from_dlpack(ours).clone()
        torch.cuda.current_stream().synchronize()
    np.testing.assert_array_equal(theirs.cpu().numpy(), 2 * numbers(N))


def test_cupy_and_a_buffer_share_memory():
    cupy = pytest.importorskip("cupy")
    x = oxide.asarray(numbers(40, 60))
    array = cupy.from_dlpack(x)
    array += 1
    np.testing.assert_array_equal(x.numpy(), numbers(40, 60) + 1)
    again = cupy.asarray(x[:, ::2])
    assert again.data.ptr == array.data.ptr
    y = oxide.from_dlpack(array)
    assert y.view().address == array.data.ptr
    stream = cupy.cuda.Stream(non_blocking=True)
    with stream:
        z = cupy.from_dlpack(x) * 2
    ours = oxide.stream()
    ours.wait(stream)
    out = oxide.pinned((40, 60), oxide.f32)
    oxide.from_dlpack(z).copy_to(out, ours)
    np.testing.assert_array_equal(out, 2 * x.numpy())


def test_jax_and_a_buffer_share_memory():
    jax = pytest.importorskip("jax")
    if jax.default_backend() != "gpu":
        pytest.skip("jax has no GPU")
    x = oxide.asarray(numbers(40, 60))
    array = jax.dlpack.from_dlpack(x)
    np.testing.assert_array_equal(np.asarray(array), numbers(40, 60))
    np.testing.assert_array_equal(oxide.from_dlpack(array).numpy(), numbers(40, 60))


# ---------------------------------------------------------------- pools


class Foreign:
    """An array of another library, which it is to us: it speaks DLPack and nothing else."""

    def __init__(self, buffer):
        self._buffer = buffer

    def __dlpack__(self, **options):
        return self._buffer.__dlpack__(**options)

    def __dlpack_device__(self):
        return self._buffer.__dlpack_device__()


def test_parts_of_one_foreign_array_are_in_order(slow):
    owner, sevens = oxide.zeros(N, oxide.f32), oxide.asarray(np.full(N // 2, 7, np.float32))
    whole, part = (oxide.from_dlpack(Foreign(one)) for one in (owner, owner[N // 2 :]))
    first, second = oxide.stream(), oxide.stream()
    for _ in range(2):
        # The second time both streams have used both arrays before.
        owner.copy_from(np.zeros(N, np.float32))
        oxide.synchronize()
        slow(first)
        part.copy_from(sevens, first)
        assert (whole.copy(second).numpy()[N // 2 :] == 7).all()
        slow(second)
        whole.copy_from(np.full(N, 3, np.float32), second)
        assert (part.copy(first).numpy() == 3).all()


def test_memory_comes_from_a_pool_of_one_s_own():
    core = pytest.importorskip("cuda.core")
    x = oxide.zeros(1, oxide.f32)
    device = x._cuda()
    with device.current():
        options = core.DeviceMemoryResourceOptions(max_size=64 << 20)
        resource = core.DeviceMemoryResource(0, options)
    oxide.set_memory_resource(resource)
    try:
        kept = [oxide.zeros(4 << 20, oxide.f32)]
        assert resource.attributes.used_mem_current >= 16 << 20
        with pytest.raises(oxide.DeviceMemoryError) as caught:
            for _ in range(40):
                kept.append(oxide.zeros(4 << 20, oxide.f32))
        error = caught.value
        assert error.requested == 16 << 20
        assert error.free > 1 << 30
        assert "from the DeviceMemoryResource that was set" in str(error)
        kept.clear()
        assert not oxide.zeros(4 << 20, oxide.f32).numpy().any()
    finally:
        oxide.set_memory_resource(None)


def test_pinned_and_managed_memory_come_from_resources():
    core = pytest.importorskip("cuda.core")
    device = oxide.zeros(1, oxide.f32)._cuda()
    try:
        with device.current():
            pinned, managed = core.PinnedMemoryResource(), core.ManagedMemoryResource()
    except Exception as error:
        pytest.skip(f"no such pools here: {error}")
    oxide.set_memory_resource(pinned)
    oxide.set_memory_resource(managed)
    try:
        p, m, x = (
            oxide.pinned(N, oxide.f32),
            oxide.managed(N, oxide.f32),
            oxide.zeros(N, oxide.f32),
        )
        p[:] = numbers(N)
        x.copy_from(p, oxide.stream())
        m.copy_from(x)
        np.testing.assert_array_equal(m.array, numbers(N))
        del p, m
        gc.collect()
    finally:
        oxide.set_memory_resource(None)


def test_memory_is_flat():
    device = oxide.zeros(1, oxide.f32)._cuda()

    def some():
        x, p = oxide.zeros((256, 256), oxide.f32), oxide.pinned((256, 256), oxide.f32)
        x.copy_from(p, oxide.stream())
        x[::2].copy().copy_to(p[::2])
        capsule = x.__dlpack__()
        x.free()
        return capsule

    for _ in range(50):
        some()
    gc.collect()
    oxide.synchronize()
    held, kept = device.held, device.pinned_pool.kept
    for k in range(500):
        some()
        if k % 2:
            # Whatever else keeps the device busy, few copies are in flight.
            oxide.synchronize()
    gc.collect()
    oxide.synchronize()
    assert device.held == held
    assert device.pinned_pool.kept <= kept + (1 << 20)


# ---------------------------------------------------------------- processes


_ENDING = """
import oxide
from gpu import operation_kernels as kernels
with oxide.device("cuda"):
    out, stream = oxide.zeros(32, oxide.f32), oxide.stream()
    p = oxide.pinned(32, oxide.f32)
    kernels.spin.prepare(grid=1, block=32, stream=stream)(40_000_000, out)
    out.copy_to(p, stream)
    if FORKS:
        import os
        child = os.fork()
        if not child:
            try:
                out.numpy()
            except oxide.DeviceError as error:
                os._exit(7 if "spawn" in str(error) else 8)
            os._exit(9)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.parametrize("forks", [False, True])
def test_a_process_that_ends_or_is_forked_in_flight(forks):
    found = subprocess.run(
        [sys.executable, "-c", _ENDING.replace("FORKS", str(forks))],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        cwd="tests",
    )
    assert found.stdout == ("7\n" if forks else "")
    # Python itself warns of forks beside threads.
    assert forks or not found.stderr


def test_many_threads():
    add = kernels.vecadd.prepare(grid=N // 256, block=256)
    ones = oxide.asarray(np.ones(N, np.float32))
    wrong = []

    def work():
        stream, p = oxide.stream(), oxide.pinned(N, oxide.f32)
        for _ in range(50):
            mine = oxide.zeros(N, oxide.f32)
            add.on(stream)(ones, ones, mine)
            mine.copy_to(p, stream)
            if not (p == 2).all():
                wrong.append(threading.current_thread().name)
            mine.free()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
