"""Operations on a GPU: streams side by side, completion, failures, memory, foreign captures."""

import asyncio
import gc
import time

import numpy as np
import pytest

import oxide
from gpu import operation_kernels as kernels
from oxide import operations as ops

pytestmark = pytest.mark.gpu
N = 1 << 16


@pytest.fixture(autouse=True)
def on_gpu():
    with oxide.device("cuda"):
        yield
    oxide.synchronize()


@pytest.fixture
def add():
    return kernels.vecadd.prepare(grid=N // 256, block=256)


def ones():
    return np.ones(N, np.float32)


def test_results_go_on_in_flight(add):
    def doubled(buffer):
        return add.op(buffer, buffer, ops.empty(N, oxide.f32))

    result = ops.upload(ones()).and_then(doubled).and_then(doubled).and_then(ops.download).sync()
    assert (result == 4).all()


def test_streams_are_ordered_by_what_they_use(add):
    first, second = oxide.stream(), oxide.stream()
    x, y, z = oxide.asarray(ones()), oxide.zeros(N, oxide.f32), oxide.zeros(N, oxide.f32)
    slow = kernels.spin.prepare(grid=1, block=32, stream=first)
    slow(20_000_000, y)
    add.on(first)(x, x, y)
    add.on(second)(y, x, z)
    add.on(first)(z, z, y)
    assert (z.numpy() == 3).all()
    assert (y.numpy() == 6).all()


def test_branches_overlap():
    spins = [kernels.spin.prepare(grid=1, block=32) for _ in range(3)]
    buffers = [oxide.zeros(32, oxide.f32) for _ in range(3)]

    def seconds(operation):
        oxide.synchronize()
        clock = time.perf_counter()
        operation.sync()
        return time.perf_counter() - clock

    cycles = 50_000_000
    spins[0](10, buffers[0])
    alone = seconds(spins[0].op(cycles, buffers[0]))
    three = (spin.op(cycles, buffer) for spin, buffer in zip(spins, buffers, strict=True))
    assert seconds(ops.zip_ops(*three)) < 1.7 * alone


def test_a_short_one_does_not_wait_for_a_long_one():
    spin = kernels.spin.prepare(grid=1, block=32)
    buffers = [oxide.zeros(32, oxide.f32) for _ in range(2)]
    spin(10, buffers[0])
    ended = []

    async def timed(name, cycles, buffer):
        await spin.op(cycles, buffer)
        ended.append(name)

    async def main():
        await asyncio.gather(
            timed("long", 400_000_000, buffers[0]), timed("short", 1000, buffers[1])
        )

    asyncio.run(main())
    assert ended == ["short", "long"]


def test_the_first_on_a_stream_does_not_wait_for_the_second():
    """Nor is it told late, by a call that stands behind both."""
    spin = kernels.spin.prepare(grid=1, block=32)
    buffers = [oxide.zeros(32, oxide.f32) for _ in range(2)]
    spin(10, buffers[0])

    async def ended(cycles, buffer):
        await spin.op(cycles, buffer)
        return time.perf_counter()

    async def main():
        clock = time.perf_counter()
        found = await asyncio.gather(ended(20_000_000, buffers[0]), ended(400_000_000, buffers[1]))
        return [one - clock for one in found]

    ops.set_policy(ops.SingleStream(oxide.stream()))
    try:
        first, second = asyncio.run(main())
    finally:
        ops.set_policy(ops.RoundRobin())
    assert first < 0.3 * second


def test_what_was_waited_for_is_there_on_every_stream(add):
    """Without an event between streams, results are those of one stream."""
    streams = [oxide.stream() for _ in range(3)]
    x, y, z = oxide.asarray(ones()), oxide.zeros(N, oxide.f32), oxide.zeros(N, oxide.f32)

    async def awaited(operation):
        return await operation

    for turn in range(100):
        operation = add.op(x, y, z)
        if turn % 3:
            operation.sync_on(streams[turn % 3])
        else:
            asyncio.run(awaited(operation))
        add.on(streams[(turn + 1) % 3])(x, z, y)
    assert (y.numpy() == 200).all()


def test_a_failure_reaches_its_task_once():
    async def main():
        checked = kernels.checked.prepare(grid=4, block=256)
        index = np.full(1000, 5000, np.int32)
        with pytest.raises(oxide.KernelAssertion, match="checked"):
            await checked.op(ops.upload(index), ops.zeros(1000, oxide.i32))

    asyncio.run(main())
    asyncio.run(main())
    oxide.synchronize()


def test_memory_of_cancelled_operations_comes_back(add):
    device = oxide.zeros(1, oxide.f32)._cuda()
    x = oxide.asarray(ones())

    async def main():
        waiting = [
            asyncio.ensure_future(_begin(add.op(x, x, ops.empty(N, oxide.f32)))) for _ in range(50)
        ]
        await asyncio.sleep(0)
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    asyncio.run(main())
    oxide.synchronize()
    time.sleep(0.3)
    gc.collect()
    device.reap()
    assert device.garbage.empty()


async def _begin(operation):
    return await operation


def test_launches_while_torch_captures(add):
    torch = pytest.importorskip("torch")
    x = torch.ones(N, device="cuda")
    y = torch.zeros(N, device="cuda")
    z = torch.zeros(N, device="cuda")
    a, b, c = (oxide.asarray(ones()) for _ in range(3))
    add(x, x, y)
    torch.cuda.synchronize()
    flying = [add.op(a, b, ops.zeros(N, oxide.f32)) for _ in range(4)]

    async def main():
        tasks = [asyncio.ensure_future(_begin(one)) for one in flying]
        await asyncio.sleep(0)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            add.on(torch.cuda.current_stream())(x, x, y)
            add.on(torch.cuda.current_stream())(y, x, z)
        results = await asyncio.gather(*tasks)
        assert all((one.numpy() == 2).all() for one in results)
        y.zero_()
        graph.replay()
        torch.cuda.synchronize()
        assert bool((z == 3).all())

    asyncio.run(main())
    assert (c.numpy() == 1).all()


def test_a_graph_is_done_as_often_as_one_likes(add):
    x, y = oxide.asarray(ones()), oxide.zeros(N, oxide.f32)
    step = add.op(x, y, ops.empty(N, oxide.f32)).and_then(lambda z: ops.copy(y, z)).graph()
    assert (y.numpy() == 0).all()
    for _ in range(50):
        step()
    assert (y.numpy() == 50).all()
    step.update(add.op(x, x, ops.zeros(N, oxide.f32)).and_then(lambda z: ops.copy(y, z)))
    step(oxide.stream())
    assert (y.numpy() == 2).all()


def test_a_graph_of_a_freed_array_is_refused(add):
    x, y = oxide.asarray(ones()), oxide.zeros(N, oxide.f32)
    step = add.op(x, x, y).graph()
    assert (step.sync().numpy() == 2).all()
    x.free()
    for use in (step, step.sync, lambda: step(oxide.stream())):
        with pytest.raises(oxide.BufferFreedError, match="uses an array that was freed"):
            use()
    step.update(add.op(y, y, oxide.zeros(N, oxide.f32)))
    assert (step.sync().numpy() == 4).all()


def test_branches_of_a_graph_are_in_order(add):
    x, y, z = (oxide.asarray(ones()) for _ in range(3))
    both = ops.zip_ops(add.op(x, x, y), add.op(x, x, z)).and_then(lambda _: add.op(y, z, x))
    step = both.graph()
    for turn in range(1, 6):
        step()
        assert (x.numpy() == 4.0**turn).all()
