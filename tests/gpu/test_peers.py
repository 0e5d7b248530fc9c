"""Several GPUs in one process: operations on each, copies between them, one result of all."""

import asyncio

import numpy as np
import pytest

import oxide
from gpu import operation_kernels as kernels
from oxide import operations as ops
from oxide_codegen.devices import device_count

pytestmark = pytest.mark.gpu
N = 1 << 20


@pytest.fixture(autouse=True)
def two_gpus():
    if device_count() < 2:
        pytest.skip("there is one GPU")
    yield
    oxide.synchronize()


def numbers(seed):
    return np.random.default_rng(seed).random(N, dtype=np.float32)


def test_a_buffer_crosses():
    with oxide.device("cuda:0"):
        x = oxide.asarray(numbers(1))
    with oxide.device("cuda:1"):
        y = ops.copy(oxide.zeros(N, oxide.f32), x).sync()
    assert (x.device, y.device) == ("cuda:0", "cuda:1")
    np.testing.assert_array_equal(y.numpy(), numbers(1))


def test_an_array_of_another_device_is_refused():
    with oxide.device("cuda:0"):
        x = oxide.asarray(numbers(1))
    with oxide.device("cuda:1"):
        y = oxide.zeros(N, oxide.f32)
        with pytest.raises(oxide.LaunchTypeError, match="cuda:"):
            kernels.vecadd[N // 256, 256](x, x, y)


def test_writers_and_readers_are_ordered_across_devices():
    """What is copied is what stood there when the copy was enqueued, also if it is slow."""
    spin = kernels.spin.prepare(grid=N // 256, block=256)
    with oxide.device("cuda:0"):
        x = oxide.zeros(N, oxide.f32)
        stream = oxide.stream()
    with oxide.device("cuda:1"):
        y = oxide.zeros(N, oxide.f32)
    for rounds in (2000, 3000, 5):
        with oxide.device("cuda:0"):
            spin.on(stream)(rounds, x)
        with oxide.device("cuda:1"):
            ops.copy(y, x).sync()
        with oxide.device("cuda:0"):
            expected = x.numpy()
            spin.on(stream)(7, x)
        np.testing.assert_array_equal(y.numpy(), expected)


def test_pools_are_opened_where_devices_reach_each_other():
    """Both ways, at the first copy; the copies are the same where they do not."""
    x, y = (oxide.asarray(numbers(k), device=f"cuda:{k}") for k in range(2))
    for target, source, seed in ((y, x, 0), (x, y, 0)):
        ops.copy(target, source).sync()
        np.testing.assert_array_equal(target.numpy(), numbers(seed))
    for one, other in ((x, y), (y, x)):
        if other._cuda().device.can_access_peer(one._cuda().index):
            assert other._cuda().index in one._cuda().device.memory_resource.peer_accessible_by


def test_operations_are_done_on_the_device_of_their_arrays():
    y = oxide.asarray(numbers(1), device="cuda:1")
    asked = []
    streams = {name: oxide.stream(name) for name in ("cuda:0", "cuda:1")}

    def policy(device):
        asked.append(str(device))
        return streams[str(device)]

    with oxide.device("cuda:0"):
        np.testing.assert_array_equal(ops.download(y).sync(policy), numbers(1))
        assert asked[-1] == "cuda:1"
        assert not ops.clear(y).sync(policy).numpy().any()
        x = ops.copy(ops.zeros(N, oxide.f32), ops.upload(numbers(2))).sync(policy)
    assert x.device == "cuda:0"


def test_many_copies_both_ways_with_writers_between():
    """Each of many rounds doubles on one device and copies to the other, without waiting."""
    add = kernels.vecadd.prepare(grid=N // 256, block=256)
    ones = np.ones(N, np.float32)
    here, there = (
        [oxide.asarray(ones, device=f"cuda:{k}"), oxide.empty(N, oxide.f32, device=f"cuda:{k}")]
        for k in range(2)
    )

    async def main():
        for _ in range(10):
            await ops.on("cuda:0", add.op(here[0], here[0], here[1]))
            await ops.copy(there[0], here[1])
            await ops.on("cuda:1", add.op(there[0], there[0], there[1]))
            await ops.copy(here[0], there[1])

    asyncio.run(main())
    assert (here[0].numpy() == 4.0**10).all()


def test_a_sum_of_two_devices():
    add = kernels.vecadd.prepare(grid=N // 256, block=256)

    def half(seed):
        x = ops.upload(numbers(seed)).share()
        return add.op(x, x, ops.empty(N, oxide.f32))

    async def main():
        first = ops.on("cuda:0", half(1))
        second = ops.on("cuda:1", half(2))
        moved = ops.copy(ops.empty(N, oxide.f32), second)
        return await ops.download(add.op(first, moved, ops.empty(N, oxide.f32)))

    with oxide.device("cuda:0"):
        found = asyncio.run(main())
    np.testing.assert_array_equal(found, (numbers(1) + numbers(1)) + (numbers(2) + numbers(2)))


def test_a_failure_of_the_other_device_arrives():
    checked = kernels.checked.prepare(grid=4, block=256)
    index = np.full(1000, 5000, np.int32)
    failing = checked.op(ops.upload(index), ops.zeros(1000, oxide.i32))
    with oxide.device("cuda:0"), pytest.raises(oxide.KernelAssertion, match="checked"):
        ops.on("cuda:1", failing).sync()
