"""What goes wrong with operations in flight on a GPU: nothing hangs, every error is told once."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import oxide
from gpu import operation_kernels as kernels
from oxide import operations as ops

pytestmark = pytest.mark.gpu
N, BLOCK = 1024, 256
LONGEST = 60


@pytest.fixture(autouse=True)
def on_gpu():
    with oxide.device("cuda"):
        yield
    oxide.synchronize()


@pytest.fixture
def add():
    return kernels.vecadd.prepare(grid=N // BLOCK, block=BLOCK)


def failing(place):
    """A launch whose assertion fails in one thread, which says whose it is."""
    index = np.zeros(N, np.int32)
    index[place] = 5000
    launch = kernels.checked.prepare(grid=N // BLOCK, block=BLOCK)
    return launch.op(ops.upload(index), ops.zeros(N, oxide.i32))


def place_of(error):
    return error.block[0] * BLOCK + error.thread[0]


async def doing(operation):
    return await operation


def run(main):
    async def within():
        await asyncio.wait_for(main(), LONGEST)

    asyncio.run(within())


def test_launches_of_one_kernel_keep_their_errors_apart():
    async def main():
        places = range(0, N, 16)
        tasks = [asyncio.ensure_future(doing(failing(place))) for place in places]
        errors = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(error) for error in errors] == [oxide.KernelAssertion] * len(places)
        assert [place_of(error) for error in errors] == list(places)
        assert {error.kernel for error in errors} == {"checked"}

    run(main)
    oxide.synchronize()


def test_nobody_else_is_told():
    async def main():
        task = asyncio.ensure_future(doing(failing(3)))
        await asyncio.sleep(0)
        oxide.synchronize()
        assert (oxide.zeros(N, oxide.f32).numpy() == 0).all()
        with pytest.raises(oxide.KernelAssertion):
            await task

    run(main)


def test_a_failure_that_was_cancelled_is_told_once_to_everybody():
    async def main():
        task = asyncio.ensure_future(doing(failing(3)))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(main)
    with pytest.raises(oxide.KernelAssertion) as caught:
        oxide.synchronize()
    assert place_of(caught.value) == 3
    oxide.synchronize()


def test_failures_of_a_graph():
    index = np.zeros(N, np.int32)
    index[7] = 5000
    launch = kernels.checked.prepare(grid=N // BLOCK, block=BLOCK)
    step = launch.op(oxide.asarray(index), oxide.zeros(N, oxide.i32)).graph()
    oxide.synchronize()
    for _ in range(3):
        with pytest.raises(oxide.KernelAssertion):
            step.sync()
        with pytest.raises(oxide.KernelAssertion):
            ops.with_context(lambda context: step(context.stream)).sync()
        oxide.synchronize()
    step()
    with pytest.raises(oxide.KernelAssertion) as caught:
        oxide.synchronize()
    assert place_of(caught.value) == 7
    oxide.synchronize()


def test_graphs_and_their_records_come_back(add):
    device = oxide.zeros(1, oxide.f32)._cuda()
    x, y = oxide.zeros(N, oxide.f32), oxide.zeros(N, oxide.f32)
    oxide.synchronize()
    free, pages = len(device.records.free), len(device.records._pages)
    for _ in range(200):
        add.op(x, x, y).graph().sync()
    oxide.synchronize()
    oxide.zeros(1, oxide.f32)
    assert len(device.records._pages) <= pages + 1
    assert len(device.records.free) >= free - 1


def test_a_graph_looks_at_elements_as_often_as_they_change():
    scatter = kernels.scatter.prepare(grid=N // BLOCK, block=BLOCK)
    index = oxide.asarray(np.arange(N, dtype=np.int32))
    other = oxide.zeros(N, oxide.i32)
    x, out = oxide.asarray(np.ones(N, np.float32)), oxide.zeros(N, oxide.f32)
    step = scatter.op(index, x, out).graph()
    for _ in range(3):
        step()
    assert (step.sync().numpy() == 1).all()
    index.copy_from(other)
    with pytest.raises(oxide.LaunchValueError, match=r"injective.* is broken"):
        step()
    with pytest.raises(ops.GraphError, match="scatter cannot be part of a graph that writes"):
        ops.copy(index, other).and_then(lambda given: scatter.op(given, x, out)).graph()


def test_out_of_memory_reaches_its_task(add):
    x = oxide.asarray(np.ones(N, np.float32))

    async def main():
        with pytest.raises(oxide.DeviceMemoryError, match="has no room"):
            await add.op(x, x, ops.empty(1 << 45, oxide.f32))
        out = await add.op(x, x, ops.zeros(N, oxide.f32))
        assert (out.numpy() == 2).all()

    run(main)


def test_another_event_loop(add):
    uvloop = pytest.importorskip("uvloop")
    x = oxide.asarray(np.ones(N, np.float32))

    async def main():
        each = (doing(ops.download(add.op(x, x, ops.zeros(N, oxide.f32)))) for _ in range(64))
        assert all((one == 2).all() for one in await asyncio.gather(*each))

    loop = uvloop.new_event_loop()
    loop.run_until_complete(main())
    loop.close()


IN_FLIGHT = """
import asyncio, sys
import oxide
from gpu import operation_kernels as kernels
from oxide import operations as ops

async def main():
    async def doing(operation):
        return await operation
    spin = kernels.spin.prepare(grid=1, block=32)
    tasks = [asyncio.ensure_future(doing(spin.op(50_000_000, ops.zeros(32, oxide.f32))))
             for _ in range(8)]
    await asyncio.sleep(0.05)
    print("in flight", flush=True)

with oxide.device("cuda"):
    asyncio.run(main())
    sys.exit(3)
"""

TRAPPED = """
import asyncio
import oxide
from gpu import operation_kernels as kernels
from oxide import operations as ops
from oxide_codegen.cuda import cuda

PTX = b'''.version 7.0
.target sm_70
.address_size 64
.visible .entry boom() { trap; }
'''

async def main():
    device = cuda(0)
    with device.current():
        module = device.driver.cuModuleLoadData(PTX)[1]
        boom = device.driver.cuModuleGetFunction(module, b"boom")[1]

    def enqueue(context):
        with device.current():
            device.driver.cuLaunchKernel(boom, 1, 1, 1, 1, 1, 1, 0, context.stream.handle, 0, 0)

    add = kernels.vecadd.prepare(grid=4, block=256)
    x = oxide.zeros(1024, oxide.f32)
    after = lambda _: add.op(x, x, ops.zeros(1024, oxide.f32))
    failing = ops.with_context(enqueue).and_then(after)
    async def doing(operation):
        return await operation
    tasks = [asyncio.ensure_future(doing(failing))]
    others = ops.zip_ops(*(ops.zeros(32, oxide.f32) for _ in range(4)))
    tasks.append(asyncio.ensure_future(doing(others)))
    errors = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 30)
    print(*(type(error).__name__ for error in errors[:1]), flush=True)

with oxide.device("cuda"):
    asyncio.run(main())
import os
os._exit(4)
"""


@pytest.mark.parametrize(
    ("program", "code", "said"),
    [(IN_FLIGHT, 3, "in flight\n"), (TRAPPED, 4, "DeviceError\n")],
)
def test_a_process_with_work_in_flight(program, code, said):
    root = Path(__file__).resolve().parents[2]
    places = os.pathsep.join(str(root / part) for part in (".", "analyzer", "codegen", "tests"))
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": places},
        capture_output=True,
        text=True,
        timeout=2 * LONGEST,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, said), done.stderr
