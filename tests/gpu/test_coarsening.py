"""Several elements per thread on a real device: the same results as one."""

import numpy as np
import pytest

import oxide
from oxide import DisjointSlice, Slice, f32, f64, grid_dim, i32, kernel, thread, u8

pytestmark = pytest.mark.gpu

# Enough blocks for the form for large launches on every device.
GRID, BLOCK = 8001, 64
N = GRID * BLOCK


@kernel(requires=lambda a, b, c: len(a) >= len(c) and len(b) >= len(c))
def saxpy(a: Slice[f32], b: Slice[f32], c: DisjointSlice[f32], k: f32):
    i = thread.index_1d()
    if i < len(c):
        c[i] = k * a[i] + b[i]


@kernel
def in_place(out: DisjointSlice[f64]):
    i = thread.index_1d()
    if i >= len(out):
        return
    out[i] = 2.0 * out[i]
    out[i] += f64(i)


@oxide.device
def square(x: i32) -> i32:
    return x * x


@kernel(requires=lambda a, out: len(a) >= len(out))
def branches(a: Slice[i32], out: DisjointSlice[i32]):
    i = thread.index_1d()
    if i < len(out) and i < len(a):
        x = square(a[i])
        y = i32(7)
        if x > 9:
            y = x - 1
        elif x == 4:
            y = i32(grid_dim.x)
        out[i] = y + i32(i % 1000)


@kernel(requires=lambda a, out: len(a) >= len(out))
def bytes_of(a: Slice[u8], out: DisjointSlice[u8]):
    i = thread.index_1d()
    if i < len(out):
        out[i] = (a[i] ^ 37) + u8(i % 7)


@pytest.fixture(autouse=True)
def on_the_gpu(monkeypatch):
    monkeypatch.delenv("OXIDE_DEVICE", raising=False)


LENGTHS = [N, *(N - k for k in range(1, 9)), N // 2, 5, 0]


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("start", [(0, 0, 0), (1, 0, 0), (0, 0, 3), (4, 8, 4)])
def test_every_tail_and_every_address(length, start):
    """Views of foreign memory start where they like; what lies behind an array stays."""
    torch = pytest.importorskip("torch")
    whole = [torch.arange(N + 32, device="cuda", dtype=torch.float32) % 251 for _ in range(3)]
    a, b, c = (w[s : s + length] for w, s in zip(whole, start, strict=True))
    before = whole[2].clone()
    saxpy[GRID, BLOCK](a, b, c, 3.0)
    torch.cuda.synchronize()
    expected = before.clone()
    expected[start[2] : start[2] + length] = 3.0 * a + b
    assert torch.equal(whole[2], expected)


@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("grid", [GRID, GRID - 1, GRID - 2, GRID - 3])
def test_every_tail_and_every_grid(length, grid):
    host = np.arange(length, dtype=np.float64) / 8
    buffer = oxide.asarray(host, device="cuda:0")
    in_place[grid, BLOCK](buffer)
    index = np.arange(length)
    expected = np.where(index < grid * BLOCK, 2.0 * host + index, host)
    np.testing.assert_array_equal(buffer.numpy(), expected)


@pytest.mark.parametrize("grid", [GRID, GRID - 5])
def test_the_cpu_says_the_same(grid):
    random = np.random.default_rng(5)
    for program, type_ in ((branches, np.int32), (bytes_of, np.uint8)):
        a = random.integers(0, 5, N, dtype=type_)
        results = []
        for where in ("cpu", "cuda"):
            out = np.zeros(N, dtype=type_)
            with oxide.device(where):
                program[grid, BLOCK](a, out)
            results.append(out)
        np.testing.assert_array_equal(*results)


def test_repeated_and_bound_launches():
    a, b = (oxide.asarray(np.arange(N, dtype=np.float32), device="cuda:0") for _ in range(2))
    expected = 2.0 * np.arange(N, dtype=np.float32) + np.arange(N, dtype=np.float32)
    for grid, count in ((GRID, N), (GRID - 3, N - 3 * BLOCK)):
        c = oxide.zeros(N, f32, device="cuda:0")
        launch = saxpy.prepare(grid=grid, block=BLOCK)
        for _ in range(4):
            launch(a, b, c, 2.0)
        bound = launch.bind(a, b, c, 2.0)
        for _ in range(3):
            bound()
        np.testing.assert_array_equal(c.numpy()[:count], expected[:count])
        assert not c.numpy()[count:].any()
