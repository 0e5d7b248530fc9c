"""What goes wrong while operations are in flight, on the cpu and on a made-up GPU.

Nothing hangs, nothing is freed early, and every error is told once, to whom it concerns.
"""

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
import weakref
from pathlib import Path

import numpy as np
import pytest

import oxide
from oxide import operations as ops
from oxide_codegen.operations import completion, scheduling
from oxide_codegen.ordering import Uses
from oxide_codegen.program import Program
from runtime import fake_cuda, programs, unproved

N = 1000
LONGEST = 10


class Cpu:
    """A stream of the cpu on which nothing is done for a while."""

    def __init__(self):
        self.stream = oxide.stream("cpu")
        self._gate = threading.Event()

    def hold(self):
        self.stream.host.enqueue(self._gate.wait)

    def release(self):
        self._gate.set()

    def fill(self, monkeypatch):
        def empty(*_, **__):
            raise MemoryError("there is no room")

        monkeypatch.setattr(np, "empty", empty)

    def end(self):
        self.release()
        oxide.synchronize()


class Gpu:
    """The same of a made-up GPU."""

    def __init__(self, monkeypatch):
        self.driver = fake_cuda.install(monkeypatch, library=True)
        self.driver.CUstreamCaptureMode = fake_cuda.types.SimpleNamespace(
            CU_STREAM_CAPTURE_MODE_RELAXED=2
        )
        self.driver.cuThreadExchangeStreamCaptureMode = lambda mode: (0, mode)
        monkeypatch.setattr(completion, "_threads", {})
        monkeypatch.setattr(completion, "_HEARTBEAT", 0.005)
        for value in vars(programs).values():
            if isinstance(value, oxide.Kernel):
                made = Program(value.__wrapped__, value._program.options)
                monkeypatch.setattr(value, "_program", made)
                monkeypatch.setattr(value, "_launches", {})
        self.stream = oxide.stream("cuda")

    def hold(self):
        self.driver.busy.add(self.stream.handle)

    def release(self):
        self.driver.busy.discard(self.stream.handle)

    def fill(self, monkeypatch):
        def allocate(*_, **__):
            raise RuntimeError("CUDA_ERROR_OUT_OF_MEMORY")

        device = oxide.zeros(1, oxide.f32)._cuda().device
        monkeypatch.setattr(type(device), "allocate", allocate)

    def end(self):
        self.release()
        oxide.synchronize()
        for one in completion._threads.values():
            one._end()


@pytest.fixture(params=["cpu", "cuda"])
def device(request, monkeypatch):
    unproved.use(monkeypatch)
    made = Cpu() if request.param == "cpu" else Gpu(monkeypatch)
    monkeypatch.setattr(scheduling, "_policy", [ops.SingleStream(made.stream)])
    with oxide.device(request.param):
        yield made
        made.end()


@pytest.fixture
def add():
    return programs.vecadd.prepare(grid=4, block=256)


def ones():
    return np.ones(N, np.float32)


def gather_at(place):
    """A launch that fails at an index which says whose it is."""
    index = oxide.asarray(np.full(N, place, np.int32))
    arrays = oxide.asarray(ones()), oxide.zeros(N, oxide.f32)
    return programs.gather.prepare(grid=4, block=256).op(index, *arrays)


async def doing(operation):
    return await operation


def run(main):
    async def within():
        await asyncio.wait_for(main(), LONGEST)

    asyncio.run(within())


def until(holds):
    end = time.monotonic() + LONGEST
    while not holds():
        assert time.monotonic() < end
        gc.collect()
        time.sleep(0.001)


# ---------------------------------------------------------------- checks of kernels


def test_launches_of_one_kernel_keep_their_errors_apart(device):
    async def main():
        device.hold()
        places = range(N, N + 8)
        tasks = [asyncio.ensure_future(doing(gather_at(place))) for place in places]
        await asyncio.sleep(0.01)
        device.release()
        errors = await asyncio.gather(*tasks, return_exceptions=True)
        assert [(type(error), error.index) for error in errors] == [
            (oxide.KernelIndexError, place) for place in places
        ]
        assert all("gather" in str(error) for error in errors)

    run(main)
    oxide.synchronize()


def test_nobody_else_is_told(device):
    async def main():
        other = oxide.asarray(ones())
        task = asyncio.ensure_future(doing(gather_at(N)))
        await asyncio.sleep(0)
        time.sleep(0.01)
        assert (other.numpy() == 1).all()
        oxide.synchronize()
        device.stream.sync()
        with pytest.raises(oxide.KernelIndexError):
            await task

    run(main)
    oxide.synchronize()


def test_a_failure_that_was_cancelled_is_told_once_to_everybody(device):
    async def main():
        device.hold()
        task = asyncio.ensure_future(doing(gather_at(N)))
        await asyncio.sleep(0.005)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        device.release()

    run(main)
    told = []

    def is_told():
        try:
            oxide.synchronize()
        except oxide.KernelIndexError as error:
            told.append(error)
        return bool(told)

    until(is_told)
    oxide.synchronize()


def test_what_failed_before_a_cancellation_is_told_to_everybody(device):
    gate = threading.Event()

    async def main():
        both = ops.zip_ops(gather_at(N), ops.host(lambda: gate.wait(LONGEST)))
        task = asyncio.ensure_future(doing(both))
        await asyncio.sleep(0)
        device.stream.sync()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    run(main)
    gate.set()
    with pytest.raises(oxide.KernelIndexError):
        oxide.synchronize()
    oxide.synchronize()


def test_all_errors_of_an_operation_are_told_together(device):
    with pytest.raises(oxide.KernelIndexError) as caught:
        ops.zip_ops(gather_at(N), gather_at(N + 1)).sync()
    assert caught.value.index == N
    (note,) = caught.value.__notes__
    assert note.startswith("as well: KernelIndexError") and str(N + 1) in note
    oxide.synchronize()


def test_all_who_share_a_failure_are_told(device):
    async def main():
        shared = gather_at(N).share()
        tasks = [asyncio.ensure_future(doing(ops.download(shared))) for _ in range(3)]
        errors = await asyncio.gather(*tasks, return_exceptions=True)
        assert [error.index for error in errors] == [N] * 3

    run(main)
    oxide.synchronize()


def test_a_host_function_is_not_called_with_what_failed(device):
    called = []
    with pytest.raises(oxide.KernelIndexError):
        ops.host(called.append, gather_at(N)).sync()
    assert not called
    oxide.synchronize()


def test_who_launches_on_the_stream_of_an_operation_works_for_it(device):
    def enqueue(context):
        index = oxide.asarray(np.full(N, N, np.int32))
        out = oxide.zeros(N, oxide.f32)
        programs.gather[4, 256, context.stream](index, oxide.asarray(ones()), out)

    with pytest.raises(oxide.KernelIndexError):
        ops.with_context(enqueue).sync()
    oxide.synchronize()


@pytest.mark.parametrize("prepared", [1, 4])
def test_repeated_launches_keep_their_errors_apart(device, prepared):
    """The first goes the ordinary way, later ones by a plan."""
    gather = programs.gather.prepare(grid=4, block=256)
    a, out = oxide.asarray(ones()), oxide.zeros(N, oxide.f32)
    right = oxide.asarray(np.zeros(N, np.int32))
    for _ in range(prepared):
        gather.op(right, a, out).sync()
    assert bool(gather._plans._found) == (prepared > 1)

    async def main():
        places = range(N, N + 6)
        wrong = [oxide.asarray(np.full(N, place, np.int32)) for place in places]
        device.hold()
        tasks = [asyncio.ensure_future(doing(gather.op(one, a, out))) for one in wrong]
        tasks.append(asyncio.ensure_future(doing(gather.op(right, a, out))))
        await asyncio.sleep(0.005)
        device.release()
        *errors, last = await asyncio.gather(*tasks, return_exceptions=True)
        assert [error.index for error in errors] == list(places)
        assert last is out

    run(main)
    oxide.synchronize()


# ---------------------------------------------------------------- before anything runs


def test_a_launch_that_is_refused(device, add):
    x, short = oxide.asarray(ones()), oxide.zeros(3, oxide.f32)
    with pytest.raises(oxide.LaunchValueError, match="vecadd"):
        ops.zip_ops(add.op(x, x, ops.zeros(N, oxide.f32)), add.op(short, x, x)).sync()
    out = add.op(x, x, ops.zeros(N, oxide.f32)).sync()
    assert (out.numpy() == 2).all()


def test_a_plan_refuses_what_the_ordinary_way_refuses(device):
    """A launch that was checked before by straight code, with arguments that are wrong."""
    axpy = programs.axpy.prepare(grid=4, block=256)
    x, y = oxide.asarray(ones()), oxide.asarray(ones())
    wrong = [
        ((1e39, x, y), "out of the range of f32"),
        ((2.0, oxide.zeros(3, oxide.f32), y), "is false"),
        ((2.0, y, y), "shares memory"),
        ((2.0, oxide.zeros(N, oxide.f64), y), "wants elements of f32"),
        (("2", x, y), "wants a number"),
        ((2.0, x, ones()), "a NumPy array"),
        ((2.0, x), "missing"),
        ((2.0, x, y, y), "too many"),
    ]

    def refuse():
        for arguments, words in wrong:
            with pytest.raises(oxide.LaunchError, match=words):
                axpy.op(*arguments).sync()

    refuse()
    for _ in range(3):
        axpy.op(2.0, x, y).sync()
    assert axpy._plans._found
    refuse()
    axpy.op(float("inf"), x, y).sync()
    assert np.isinf(y.numpy()).all()
    x.free()
    with pytest.raises(oxide.BufferFreedError):
        axpy.op(2.0, x, y).sync()


@pytest.mark.parametrize("device", ["cuda"], indirect=True)
def test_a_driver_that_refuses(device, add):
    x = oxide.asarray(ones())

    async def main():
        device.driver.answer = 701
        with pytest.raises(oxide.DeviceError, match="vecadd") as caught:
            await add.op(x, x, ops.zeros(N, oxide.f32))
        assert caught.value.code == 701
        device.driver.answer = 0
        out = await add.op(x, x, ops.zeros(N, oxide.f32))
        assert (out.numpy() == 2).all()

    run(main)


@pytest.mark.parametrize("device", ["cuda"], indirect=True)
def test_a_device_that_fails(device, add, monkeypatch):
    """What waits is told by name, and does not wait for a stream that never calls back."""
    x, told, flights, watched = oxide.asarray(ones()), [], [], completion.watched

    def noted(*given):
        flights.append(watched(*given))
        return flights[-1]

    def failed(_):
        raise RuntimeError("CUDA_ERROR_ILLEGAL_ADDRESS")

    class Lost:
        size = 0

        def close(self, _):
            raise RuntimeError("CUDA_ERROR_ILLEGAL_ADDRESS")

    async def main():
        device.hold()
        monkeypatch.setattr(completion, "watched", noted)
        tasks = [
            asyncio.ensure_future(doing(add.op(x, x, ops.empty(N, oxide.f32)))) for _ in range(2)
        ]
        while len(flights) < len(tasks):
            await asyncio.sleep(0.001)
        monkeypatch.setattr(completion.warnings, "warn", lambda *_, **__: told.append("lost"))
        x._cuda().garbage.put((Lost(), Uses(), True))
        with monkeypatch.context() as patch:
            patch.setattr(fake_cuda.Event, "is_done", property(failed))
            errors = await asyncio.gather(*tasks, return_exceptions=True)
        assert [type(error) for error in errors] == [oxide.DeviceError] * 2
        assert [error.kernel for error in errors] == ["vecadd"] * 2
        assert "ILLEGAL_ADDRESS" in str(errors[0])
        device.release()
        out = await add.op(x, x, ops.zeros(N, oxide.f32))
        assert (out.numpy() == 2).all()

    run(main)
    assert told == ["lost"]


def test_out_of_memory_reaches_its_task(device, add, monkeypatch):
    x = oxide.asarray(ones())

    async def main():
        with monkeypatch.context() as patch:
            device.fill(patch)
            with pytest.raises(MemoryError):
                await add.op(x, x, ops.empty(N, oxide.f32))
        out = await add.op(x, x, ops.zeros(N, oxide.f32))
        assert (out.numpy() == 2).all()

    run(main)


# ---------------------------------------------------------------- who stops waiting


class Kept:
    pass


def keeping():
    """References to what work keeps, and what enqueues that work."""
    alive = []

    def enqueue(context):
        kept = Kept()
        alive.append(weakref.ref(kept))
        context.keep(kept)
        if context.stream.host is not None:
            context.stream.host.enqueue(lambda: None)

    return alive, enqueue


def test_what_is_in_flight_is_kept(device):
    alive, enqueue = keeping()

    async def main():
        device.hold()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(doing(ops.with_context(enqueue)), 0.01)
        gc.collect()
        oxide.zeros(1, oxide.f32)
        await asyncio.sleep(0.005)
        assert alive[0]() is not None
        device.release()

    run(main)
    until(lambda: alive[0]() is None)


def test_a_task_that_nobody_resumes_keeps_what_is_in_flight(device):
    alive, enqueue = keeping()

    device.hold()
    loop = asyncio.new_event_loop()
    coroutine = doing(ops.with_context(enqueue))
    task = loop.create_task(coroutine)
    loop.run_until_complete(asyncio.sleep(0.005))
    loop.close()
    task._log_destroy_pending = False
    del task, loop
    coroutine.close()
    gc.collect()
    assert alive[0]() is not None
    device.release()
    oxide.synchronize()
    until(lambda: alive[0]() is None)


def test_who_shares_goes_on_when_the_first_is_cancelled(device):
    gate, begun = threading.Event(), threading.Event()

    def slow():
        begun.set()
        gate.wait(LONGEST)
        return 7

    async def main():
        shared = ops.host(slow).share()
        first = asyncio.ensure_future(doing(shared))
        await asyncio.to_thread(begun.wait)
        second = asyncio.ensure_future(doing(shared))
        await asyncio.sleep(0)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        gate.set()
        assert await second == 7
        assert await shared == 7

    run(main)


def test_a_host_function_that_nobody_waits_for_tells_everybody(device):
    gate = threading.Event()

    def fail():
        gate.wait(LONGEST)
        raise ArithmeticError("late")

    async def main():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(doing(ops.host(fail)), 0.005)

    run(main)
    gate.set()
    told = []

    def is_told():
        try:
            oxide.synchronize()
        except ArithmeticError as error:
            told.append(error)
        return bool(told)

    until(is_told)
    oxide.synchronize()


LEAVING = """
import asyncio, sys, threading, time
import oxide
from oxide import operations as ops
from oxide_codegen import host_streams

host_streams._GRACE = 0.1
never = threading.Event()

def stuck(context):
    context.stream.host.enqueue(never.wait)
    return oxide.zeros(10, oxide.f32)

async def main():
    async def doing(operation):
        return await operation
    waits = ops.host(lambda _: never.wait(), ops.zeros(3, oxide.f32))
    each = ops.with_context(stuck), ops.host(time.sleep, 1000), waits
    tasks = [asyncio.ensure_future(doing(one)) for one in each]
    await asyncio.sleep(0.05)
    print("in flight", flush=True)
    tasks[0].cancel()

with oxide.device("cpu"):
    asyncio.run(main())
    sys.exit(3)
"""


def test_a_process_ends_with_work_in_flight():
    root = Path(__file__).resolve().parents[2]
    places = os.pathsep.join(str(root / part) for part in (".", "analyzer", "codegen"))
    done = subprocess.run(
        [sys.executable, "-c", LEAVING],
        env={**os.environ, "PYTHONPATH": places},
        capture_output=True,
        text=True,
        timeout=3 * LONGEST,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (3, "in flight\n", "")
