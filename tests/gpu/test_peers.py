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
