"""Several devices in one process, those of the cpu: places of arrays, streams, copies, policies."""

import asyncio

import numpy as np
import pytest

import oxide
from oxide import operations as ops
from runtime import programs, unproved

N = 1000


@pytest.fixture(autouse=True)
def on_cpu(monkeypatch):
    unproved.use(monkeypatch)
    with oxide.device("cpu"):
        yield
    oxide.synchronize()


@pytest.fixture
def add():
    return programs.vecadd.prepare(grid=4, block=256)


def numbers(seed):
    return np.random.default_rng(seed).random(N, dtype=np.float32)


def test_devices_of_the_cpu_have_numbers():
    first, second = oxide.zeros(4, oxide.f32), oxide.zeros(4, oxide.f32, device="cpu:1")
    assert (first.device, second.device) == ("cpu", "cpu:1")
    assert oxide.zeros(4, oxide.f32, device="cpu:0").device == "cpu"
    with oxide.device("cpu:2") as chosen:
        assert repr(chosen) == "oxide.device('cpu:2')"
        assert oxide.stream().device == "cpu:2"
        assert oxide.asarray([1, 2], oxide.f32).device == "cpu:2"


def test_arrays_of_two_devices_are_not_mixed(add):
    x, y = oxide.asarray(numbers(1)), oxide.zeros(N, oxide.f32, device="cpu:1")
    with pytest.raises(oxide.LaunchTypeError, match="on cpu:1"):
        add(x, x, y)
    with pytest.raises(oxide.LaunchTypeError, match="`stream` is one of cpu:1"):
        add.on(oxide.stream("cpu:1"))(x, x, oxide.zeros(N, oxide.f32))


def test_a_buffer_crosses(add):
    x = oxide.asarray(numbers(1))
    with oxide.device("cpu:1"):
        y = ops.copy(oxide.zeros(N, oxide.f32), x).sync()
        z = add.op(y, y, ops.empty(N, oxide.f32)).sync()
    assert (x.device, y.device, z.device) == ("cpu", "cpu:1", "cpu:1")
    np.testing.assert_array_equal(z.numpy(), numbers(1) + numbers(1))


def test_what_is_copied_stands_there_when_the_copy_comes(add):
    """Writers on one device and readers on the other are in order, without waiting for either."""
    x, z = oxide.zeros(N, oxide.f32), oxide.zeros(N, oxide.f32)
    ones = oxide.asarray(np.ones(N, np.float32))
    y = oxide.zeros(N, oxide.f32, device="cpu:1")
    stream = oxide.stream()
    copies = []
    for _ in range(3):
        add.on(stream)(x, ones, z)
        copies.append(ops.download(ops.copy(y, z)).sync())
        add.on(stream)(z, ones, x)
    assert [copy[0] for copy in copies] == [1, 3, 5]


def test_operations_are_done_where_their_arrays_are():
    y = oxide.asarray(numbers(2), device="cpu:1")
    streams = []

    def policy(device):
        streams.append(str(device))
        return oxide.stream(str(device))

    np.testing.assert_array_equal(ops.download(y).sync(policy), numbers(2))
    assert streams == ["cpu", "cpu:1"]
    with pytest.raises(ValueError, match=r"is on cpu, and the operation runs on cpu:1"):
        ops.clear(y).sync_on(oxide.stream())
    with oxide.device("cpu:1"):
        assert not ops.clear(y).sync_on(oxide.stream()).numpy().any()


def test_a_sum_of_two_devices(add):
    def half(seed):
        x = ops.upload(numbers(seed)).share()
        return add.op(x, x, ops.empty(N, oxide.f32))

    async def main():
        first, second = ops.on("cpu", half(1)), ops.on("cpu:1", half(2))
        moved = ops.copy(ops.empty(N, oxide.f32), second)
        return await ops.download(add.op(first, moved, ops.empty(N, oxide.f32)))

    expected = (numbers(1) + numbers(1)) + (numbers(2) + numbers(2))
    np.testing.assert_array_equal(asyncio.run(main()), expected)


def test_a_graph_is_of_one_device():
    x = oxide.zeros(N, oxide.f32, device="cpu:1")
    with pytest.raises(ops.GraphError, match="what is on cpu:1 cannot be part of a graph on cpu"):
        ops.clear(x).graph()
    with oxide.device("cpu:1"):
        assert ops.clear(x).graph().sync() is x
