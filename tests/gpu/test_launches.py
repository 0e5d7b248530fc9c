"""On a real device: the same kernels, the same results, and every way to pass arguments."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest

import oxide
from oxide import (
    AtomicSlice,
    DisjointSlice,
    SharedArray,
    Slice,
    atomic,
    f32,
    f64,
    i32,
    i64,
    kernel,
    sync_threads,
    thread,
    u32,
    u64,
)

pytestmark = pytest.mark.gpu
EXAMPLES = sorted(
    path for path in (Path(__file__).parents[2] / "examples").glob("*.py") if path.stem != "run_all"
)
N = 1000


@kernel(requires=lambda a, b, c: len(a) >= len(c) and len(b) >= len(c))
def vecadd(a: Slice[f32], b: Slice[f32], c: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(c):
        c[i] = a[i] + b[i]


# Guarded up to this length: no small launch breaks these kernels, and no prover proves them, so
# that their checks remain.
LARGE = 100_000


@kernel
def gather(index: Slice[i32], a: Slice[f32], out: DisjointSlice[f32]):
    i = thread.index_1d()
    if i < len(out) and i < len(index):
        j = index[i]
        if 0 <= j < len(a) or len(a) >= LARGE:
            out[i] = a[j]


@kernel
def scalars(out: DisjointSlice[f64], flag: bool, i: i32, j: i64, u: u32, v: u64, x: f32, y: f64):
    if thread.index_1d() == 0 and len(out) >= 7:
        out[0] = 1.0 if flag else 0.0
        out[1] = f64(i)
        out[2] = f64(j)
        out[3] = f64(u)
        out[4] = f64(v)
        out[5] = f64(x)
        out[6] = y


@kernel(block=64)
def count(values: Slice[i32], bins: AtomicSlice[i32]):
    local = SharedArray(i32, 64)
    local[thread.x] = 0
    sync_threads()
    i = thread.index_1d()
    if i < len(values):
        atomic.add(local, values[i] & 63, 1)
    sync_threads()
    if thread.x < len(bins):
        atomic.add(bins, thread.x, local[thread.x])


@kernel(requires=lambda a, by: len(a) == len(by))
def divide(a: DisjointSlice[i32], by: Slice[i32]):
    i = thread.index_1d()
    if i < len(a) and (by[i] != 0 or len(a) >= LARGE):
        a[i] = a[i] // by[i]


@pytest.fixture
def arrays():
    random = np.random.default_rng(3)
    return random.random(N, dtype=np.float32), random.random(N, dtype=np.float32)


@pytest.fixture(autouse=True)
def on_the_gpu(monkeypatch):
    monkeypatch.delenv("OXIDE_DEVICE", raising=False)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_examples(path, device):
    spec = importlib.util.spec_from_file_location(f"example_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    with oxide.device(device):
        module.main()


def test_the_default_device_is_the_gpu():
    assert oxide.zeros(1, f32).device == "cuda:0"


def test_numpy_arrays(arrays):
    a, b = arrays
    c = np.zeros_like(a)
    vecadd[4, 256](a, b, c)
    np.testing.assert_array_equal(c, a + b)


def test_buffers_and_bound_launches(arrays):
    a, b = arrays
    x, y, z = oxide.asarray(a), oxide.asarray(b), oxide.empty(N, f32)
    launch = vecadd.prepare(grid=4, block=256)
    launch(x, y, z)
    np.testing.assert_array_equal(z.numpy(), a + b)
    bound = launch.bind(x, y, z)
    for _ in range(100):
        bound()
    x.copy_from(b)
    bound()
    np.testing.assert_array_equal(z.numpy(), b + b)


def test_scalars_arrive():
    out = oxide.zeros(7, f64)
    scalars[1, 32](out, True, -3, 2**40, 2**32 - 1, 2**63, 0.1, 0.1)
    expected = [1, -3, 2**40, 2**32 - 1, 2.0**63, float(np.float32(0.1)), 0.1]
    assert out.numpy().tolist() == expected


def test_atomics_and_barriers():
    values = np.random.default_rng(4).integers(0, 1 << 20, 64 * 50 + 7, dtype=np.int32)
    bins = np.zeros(64, np.int32)
    count[51, 64](values, bins)
    np.testing.assert_array_equal(bins, np.bincount(values & 63, minlength=64))


@kernel(block=32)
def hashed(a: Slice[i32], out: DisjointSlice[i32]):
    total = i32(7)
    for k in range(thread.x, len(a), 32):
        total = total * 3 + a[k]
    i = thread.index_1d()
    if i < len(out):
        out[i] = total


@pytest.mark.parametrize("length", [1, 31, 512, 513, 1100, 5000])
def test_rounds_of_an_unrolled_loop_and_what_is_left(length):
    a, out = np.arange(length, dtype=np.int32), np.zeros(32, np.int32)
    hashed[1, 32](a, out)
    for lane in range(32):
        total = 7
        for value in a[lane::32].tolist():
            total = total * 3 + value
        assert out[lane] == (total + 2**31) % 2**32 - 2**31


def test_streams_are_ordered(arrays):
    a, b = arrays
    x, y, z = oxide.asarray(a), oxide.asarray(b), oxide.zeros(N, f32)
    first, second = oxide.stream(), oxide.stream()
    for _ in range(50):
        vecadd[4, 256, first](x, y, z)
        vecadd[4, 256, second](z, y, x)
        vecadd[4, 256](z, x, y)
    expected = [a.copy(), b.copy(), np.zeros_like(a)]
    for _ in range(50):
        expected[2] = expected[0] + expected[1]
        expected[0] = expected[2] + expected[1]
        expected[1] = expected[2] + expected[0]
    np.testing.assert_array_equal(y.numpy(), expected[1])
    del x, z
    second.sync()


def test_an_index_out_of_bounds():
    a = np.random.default_rng(3).random(LARGE, dtype=np.float32)
    index = np.arange(N, dtype=np.int32)
    index[700] = 2 * LARGE
    out = oxide.zeros(N, f32)
    launch = gather.prepare(grid=4, block=256).bind(oxide.asarray(index), oxide.asarray(a), out)
    launch()
    with pytest.raises(oxide.KernelIndexError) as caught:
        out.numpy()
    error = caught.value
    assert (error.array, error.index, error.length) == ("a", 2 * LARGE, LARGE)
    assert (error.block, error.thread) == ((2, 0, 0), (700 - 512, 0, 0))
    assert error.path == __file__
    # The context is alive and the record empty: the other elements are there.
    assert out.numpy()[699] == a[699]
    host = np.zeros(N, np.float32)
    with pytest.raises(IndexError):
        gather[4, 256](index, a, host)
    launch()
    with pytest.raises(oxide.KernelIndexError):
        oxide.synchronize()
    queue = oxide.stream()
    gather[4, 256, queue](oxide.asarray(index), oxide.asarray(a), out)
    with pytest.raises(oxide.KernelIndexError):
        queue.sync()


def test_a_zero_divisor():
    values, by = np.full(LARGE, -7, np.int32), np.full(LARGE, 2, np.int32)
    blocks = LARGE // 256 + 1
    divide[blocks, 256](values, by)
    assert set(values.tolist()) == {-4}
    by[77] = 0
    with pytest.raises(ZeroDivisionError):
        divide[blocks, 256](values, by)


def test_errors_before_anything_is_enqueued(arrays):
    a, _ = arrays
    x = oxide.asarray(a)
    with pytest.raises(oxide.LaunchTypeError, match=r"oxide\.asarray"):
        vecadd[4, 256](x, a, np.zeros_like(a))
    with pytest.raises(oxide.LaunchTypeError, match=r"cuda:0"):
        vecadd[4, 256](x, oxide.asarray(a, device="cpu"), oxide.zeros(N, f32))
    with pytest.raises(oxide.LaunchValueError, match="shares memory"):
        vecadd[4, 256](x, x, x)
    with pytest.raises(TypeError, match=r"buffer\.numpy"):
        np.asarray(x)


def test_cupy(arrays):
    cupy = pytest.importorskip("cupy")
    a, b = (cupy.asarray(array) for array in arrays)
    c = cupy.zeros_like(a)
    with cupy.cuda.Stream(non_blocking=True) as queue:
        d = a + b
        vecadd[4, 256](a, d, c)
        vecadd[4, 256, queue](a, d, c)
        queue.synchronize()
    np.testing.assert_array_equal(cupy.asnumpy(c), arrays[0] + (arrays[0] + arrays[1]))
    with pytest.raises(oxide.LaunchValueError, match="C-contiguous"):
        vecadd[4, 256](a[::2], b, c)
    with pytest.raises(oxide.LaunchTypeError, match="float64"):
        vecadd[4, 256](a.astype(cupy.float64), b, c)
    ours = oxide.asarray(c)
    assert ours.view().address == c.data.ptr
    np.testing.assert_array_equal(cupy.asnumpy(cupy.asarray(ours)), ours.numpy())


def test_torch(arrays):
    torch = pytest.importorskip("torch")
    a, b = (torch.from_numpy(array).cuda() for array in arrays)
    c = torch.zeros_like(a)
    vecadd[4, 256](a, b, c)
    np.testing.assert_array_equal(c.cpu().numpy(), arrays[0] + arrays[1])
    queue = torch.cuda.Stream()
    queue.wait_stream(torch.cuda.current_stream())
    vecadd[4, 256, queue.cuda_stream](a, c, b)
    queue.synchronize()
    np.testing.assert_array_equal(b.cpu().numpy(), arrays[0] + (arrays[0] + arrays[1]))
    host = torch.zeros(N)
    vecadd[4, 256](torch.from_numpy(arrays[0]), torch.from_numpy(arrays[1]), host)
    np.testing.assert_array_equal(host.numpy(), arrays[0] + arrays[1])
    assert torch.cuda.current_device() == 0


def test_many_buffers_are_freed():
    for _ in range(200):
        x = oxide.zeros(1 << 24, f32)
        vecadd[1, 256](x, x, oxide.empty(256, f32))
    oxide.synchronize()


def test_launches_from_threads(arrays):
    from concurrent.futures import ThreadPoolExecutor

    a, b = (oxide.asarray(array) for array in arrays)
    launch = vecadd.prepare(grid=4, block=256)

    def work(_):
        c = oxide.zeros(N, f32)
        for _ in range(50):
            launch(a, b, c)
        return c.numpy()

    with ThreadPoolExecutor(8) as pool:
        for result in pool.map(work, range(16)):
            np.testing.assert_array_equal(result, arrays[0] + arrays[1])
