"""Arrays of several GPUs combined through NCCL: in one process, and in one process for each."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

import oxide
from gpu import operation_kernels as kernels
from oxide import operations as ops
from oxide_codegen.devices import device_count
from runtime import processes

pytestmark = pytest.mark.gpu
N = 1 << 20


@pytest.fixture(scope="module", autouse=True)
def two_gpus():
    if device_count() < 2:
        pytest.skip("there is one GPU")
    pytest.importorskip("nccl.core")
    yield
    oxide.synchronize()


@pytest.fixture(scope="module")
def both(two_gpus):
    with ops.Group("cuda:0", "cuda:1") as group:
        yield group


def numbers(seed, element=np.float32):
    return (np.random.default_rng(seed).random(N) * 100).astype(element)


def on_both(element=np.float32):
    return tuple(oxide.asarray(numbers(k, element), device=f"cuda:{k}") for k in range(2))


@pytest.mark.parametrize("operator", ["sum", "prod", "min", "max"])
@pytest.mark.parametrize("element", ["i1", "u1", "i4", "u4", "i8", "u8", "f2", "f4", "f8"])
def test_reductions_are_those_of_numpy(both, element, operator):
    dtype = np.dtype(element)
    names = {"sum": np.add, "prod": np.multiply, "min": np.minimum, "max": np.maximum}
    with np.errstate(over="ignore"):
        expected = names[operator](numbers(0, dtype), numbers(1, dtype))
    for one in ops.all_reduce(both, on_both(dtype), operator).sync():
        np.testing.assert_array_equal(one.numpy(), expected)


def test_gathers_and_broadcasts(both):
    gathered = ops.all_gather(both, on_both(np.int16)).sync()
    expected = [numbers(0, np.int16), numbers(1, np.int16)]
    for one in gathered:
        np.testing.assert_array_equal(one.numpy(), expected)
    x, y = on_both()
    ops.broadcast(both, (x, y), root=1).sync()
    np.testing.assert_array_equal(x.numpy(), numbers(1))
    np.testing.assert_array_equal(y.numpy(), numbers(1))


def test_it_comes_behind_slow_writers_and_before_readers(both):
    """On both devices, without waiting for any of them on the host."""
    spin = kernels.spin.prepare(grid=N // 256, block=256)
    add = kernels.vecadd.prepare(grid=N // 256, block=256)
    streams = [oxide.stream(device) for device in both.devices]
    xs = [oxide.zeros(N, oxide.f32, device=device) for device in both.devices]
    ys = [oxide.zeros(N, oxide.f32, device=device) for device in both.devices]

    async def main():
        for rounds in (3000, 20, 2000):
            for stream, x in zip(streams, xs, strict=True):
                spin.on(stream)(rounds, x)
            await ops.all_reduce(both, xs)
            for stream, x, y in zip(streams, xs, ys, strict=True):
                add.on(stream)(x, x, y)

    asyncio.run(main())
    with oxide.device("cuda:0"):
        alone = oxide.zeros(N, oxide.f32)
        spin(2000, alone)
    for x, y in zip(xs, ys, strict=True):
        np.testing.assert_array_equal(x.numpy(), 2 * alone.numpy())
        np.testing.assert_array_equal(y.numpy(), 4 * alone.numpy())


def test_halves_are_made_where_they_are_combined(both):
    add = kernels.vecadd.prepare(grid=N // 256, block=256)

    def half(seed):
        x = ops.upload(numbers(seed)).share()
        return add.op(x, x, ops.empty(N, oxide.f32))

    first, second = ops.all_reduce(both, (half(0), half(1))).sync()
    expected = 2 * numbers(0) + 2 * numbers(1)
    for one in (first, second):
        np.testing.assert_array_equal(one.numpy(), expected)


def test_many_at_once(both):
    """From several threads' operations, in whatever order they come."""

    async def one():
        x, y = on_both()
        await ops.all_reduce(both, (x, y))
        np.testing.assert_array_equal(x.numpy(), y.numpy())

    async def main():
        await asyncio.gather(*(one() for _ in range(20)))

    asyncio.run(main())


def test_processes():
    program = Path(processes.__file__).with_name("collective_programs.py")
    codes, seen = processes.run(program, 2, "cuda", timeout=240)
    assert [code == 0 for code in codes] == [True, False]
    expected = np.random.default_rng(0).random(1000, dtype=np.float32) + np.random.default_rng(
        1
    ).random(1000, dtype=np.float32)
    for rank, lines in enumerate(seen):
        assert (lines[0]["rank"], lines[0]["size"]) == (rank, 2)
        assert lines[0]["sum"] == expected.tobytes().hex()
        assert lines[0]["gathered"] == [[0, 7], [1, 7]]
        assert lines[0]["told"] == [1, 1, 1]
        assert lines[0]["many"] == [1]
        assert lines[1]["error"] == "CollectiveMismatchError"
        assert lines[2]["error"] == "CollectiveTimeoutError"
    lost = seen[0][3]
    assert lost["error"] == "RankLostError"
    assert lost["seconds"] < 20
