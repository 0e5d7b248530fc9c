"""Operations on the cpu device: results, order, streams, event loops and failures."""

import asyncio
import copy
import gc
import pickle
import sys
import threading
import time
import weakref
from concurrent.futures import Future

import numpy as np
import pytest

import oxide
from oxide import operations as ops
from oxide_codegen import devices
from oxide_codegen.operations import scheduling
from runtime import programs, unproved

N = 1000


@pytest.fixture(autouse=True)
def on_cpu(monkeypatch):
    unproved.use(monkeypatch)
    with oxide.device("cpu"):
        yield
    oxide.synchronize()


@pytest.fixture
def gate(on_cpu):
    """An event that work waits for; opened at the end whatever happens."""
    made = threading.Event()
    yield made
    made.set()


@pytest.fixture
def add():
    return programs.vecadd.prepare(grid=4, block=256)


def ones():
    return np.ones(N, np.float32)


def test_a_launch_gives_what_it_writes(add):
    x = ops.upload(ones()).share()
    total = add.op(x, x, ops.zeros(N, oxide.f32))
    assert (ops.download(total).sync() == 2).all()


def test_a_kernel_takes_what_was_prepared_of_it(add):
    x = oxide.asarray(ones())
    assert (programs.vecadd.op(add, x, x, ops.zeros(N, oxide.f32)).sync().numpy() == 2).all()
    with pytest.raises(oxide.LaunchTypeError, match=r"wants what gather\.prepare gives"):
        programs.gather.op(add, x, x, x)


def test_nothing_happens_before_it_is_asked_for(add):
    out = oxide.zeros(N, oxide.f32)
    made = add.op(ones_buffer := oxide.asarray(ones()), ones_buffer, out)
    assert (out.numpy() == 0).all()
    made.sync()
    assert (out.numpy() == 2).all()


def test_results_go_on_in_flight(add):
    def doubled(buffer):
        return add.op(buffer, buffer, ops.empty(N, oxide.f32))

    result = ops.upload(ones()).and_then(doubled).and_then(doubled).and_then(ops.download).sync()
    assert (result == 4).all()


def test_branches_run_side_by_side():
    """Each waits for the other: in one queue they would never end."""
    first, second = threading.Event(), threading.Event()

    def meeting(mine, other):
        def run(context):
            def work():
                mine.set()
                assert other.wait(5)

            context.stream.host.enqueue(work)

        return ops.with_context(run)

    ops.zip_ops(meeting(first, second), meeting(second, first)).sync(ops.RoundRobin(2))


def test_one_stream_runs_in_order():
    stream = oxide.stream()
    seen = []

    def noting(number):
        def run(context):
            assert context.stream is stream
            context.stream.host.enqueue(lambda: seen.append(number))

        return ops.with_context(run)

    ops.zip_ops(*(noting(k) for k in range(20))).sync_on(stream)
    assert seen == list(range(20))


def test_an_operation_is_done_once(add):
    made = ops.upload(ones())
    made.sync()
    with pytest.raises(ops.OperationUsedError, match=r"upload was done already.*share"):
        made.sync()
    part = ops.upload(ones())
    ops.zip_ops(part)
    with pytest.raises(ops.OperationUsedError, match="is part of zip_ops already"):
        part.sync()


@pytest.mark.parametrize("travel", [pickle.dumps, copy.copy, copy.deepcopy])
def test_what_stays_in_its_process(add, travel):
    x, stream = oxide.zeros(N, oxide.f32), oxide.stream()
    operation = add.op(x, x, oxide.zeros(N, oxide.f32))
    for one in (stream, stream.record(), operation, ops.clear(x).graph(), ops.Group("cpu")):
        with pytest.raises(TypeError, match="stays in its process, and there is one of it"):
            travel(one)


def test_what_is_shared_is_done_once():
    count = []
    shared = ops.host(lambda: count.append(1) or 7).share()
    assert ops.zip_ops(shared, shared, shared).sync() == (7, 7, 7)
    assert shared.sync() == 7
    assert count == [1]


def test_results_are_taken_apart():
    left, right = ops.unzip(ops.value((3, 4)), 2)
    assert ops.zip_ops(right, left).sync() == (4, 3)


def test_host_functions_get_results_that_are_there(add):
    x = ops.upload(ones()).share()
    names = []

    def total(buffer):
        names.append(threading.current_thread().name)
        return float(buffer.numpy().sum())

    assert ops.host(total, add.op(x, x, ops.empty(N, oxide.f32))).sync() == 2 * N
    assert names[0].startswith("oxide-host")


def test_chains_are_as_long_as_one_likes():
    def next_of(number):
        return ops.value(number + 1)

    longest = sys.getrecursionlimit() // 2
    followed, shared = ops.value(0), ops.value(0)
    for _ in range(longest):
        followed = followed.and_then(next_of)
        shared = shared.and_then(next_of).share()
    assert followed.sync() == longest
    assert asyncio.run(_await(shared)) == longest
    assert len(followed.what) < 100


def beside(work):
    """What `work` gives in a thread that nobody waits for if it takes too long."""
    done = Future()

    def run():
        with oxide.device("cpu"):
            try:
                done.set_result(work())
            except Exception as error:
                done.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return done.result(10)


def test_who_shares_goes_on_whatever_is_done_first():
    """A result that somebody else gives may be there before one that was waited for earlier."""
    gate = threading.Event()

    def made():
        late = ops.host(gate.wait, 10).share()
        early = ops.host(lambda: threading.Timer(0.02, gate.set).start()).and_then(lambda _: late)
        early = early.share()
        return ops.zip_ops(early, early, late)

    assert asyncio.run(_await(made())) == (True, True, True)
    gate.clear()
    assert beside(made().sync) == (True, True, True)


def test_what_waits_for_its_own_result_is_told():
    operations = {}
    operations["it"] = ops.value(1).and_then(lambda _: operations["it"]).share()
    for _ in range(2):
        with pytest.raises(ops.OperationUsedError, match="waits for its own result"):
            beside(operations["it"].sync)


def test_errors_reach_who_waits():
    def fail():
        raise ArithmeticError("on the host")

    with pytest.raises(ArithmeticError, match="on the host"):
        ops.zip_ops(ops.host(fail), ops.upload(ones())).sync()
    index = np.full(N, N + 5, np.int32)
    gather = programs.gather.prepare(grid=4, block=256)
    failing = gather.op(ops.upload(index), ops.upload(ones()), ops.zeros(N, oxide.f32))
    with pytest.raises(oxide.KernelIndexError, match="gather"):
        failing.sync()
    oxide.synchronize()
    with pytest.raises(TypeError, match="wants a function that gives an operation"):
        ops.value(1).and_then(lambda one: one).sync()


# ---------------------------------------------------------------- event loops


def test_it_is_awaited(add):
    async def main():
        x = ops.upload(ones()).share()
        results = await asyncio.gather(
            *(awaiting(ops.download(add.op(x, x, ops.zeros(N, oxide.f32)))) for _ in range(8))
        )
        assert all((result == 2).all() for result in results)

    async def awaiting(operation):
        return await operation

    asyncio.run(main())
    asyncio.run(main())


def test_the_loop_goes_on_meanwhile(gate):

    async def main():
        waiting = asyncio.ensure_future(_await(ops.host(gate.wait, 5)))
        await asyncio.sleep(0.01)
        assert not waiting.done()
        gate.set()
        assert await waiting

    asyncio.run(main())


async def _await(operation):
    return await operation


def test_an_error_reaches_the_task():
    async def main():
        index = np.full(N, N + 5, np.int32)
        gather = programs.gather.prepare(grid=4, block=256)
        with pytest.raises(oxide.KernelIndexError, match="gather"):
            await gather.op(ops.upload(index), ops.upload(ones()), ops.zeros(N, oxide.f32))

    asyncio.run(main())
    oxide.synchronize()


def test_an_error_without_kernels_reaches_the_task():
    def fail(context):
        def work():
            raise ArithmeticError("on a stream")

        context.stream.host.enqueue(work)

    async def main():
        with pytest.raises(ArithmeticError, match="on a stream"):
            await ops.with_context(fail)

    asyncio.run(main())
    oxide.synchronize()


def test_cancelling_frees_nothing_in_flight(gate):
    buffers = []

    def hold(context):
        buffer = oxide.zeros(N, oxide.f32)
        buffers.append(weakref.ref(buffer))
        stream = context.stream.host
        stream.enqueue(gate.wait, ((buffer.memory, True),))
        return buffer

    async def main():
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(_await(ops.with_context(hold)), 0.02)
        gc.collect()
        assert buffers[0]() is not None
        gate.set()

    asyncio.run(main())
    oxide.synchronize()
    # The thread of the stream lets go when it has told that the work is done.
    end = time.monotonic() + 5
    while buffers[0]() is not None and time.monotonic() < end:
        gc.collect()
        time.sleep(0.001)
    assert buffers[0]() is None


def test_a_closed_loop_is_left_alone(gate):

    async def main():
        asyncio.ensure_future(_await(ops.host(gate.wait, 5)))  # noqa: RUF006
        await asyncio.sleep(0.01)

    asyncio.run(main())
    gate.set()
    oxide.synchronize()


def test_loops_of_several_threads(add):
    x = oxide.asarray(ones())
    found = []

    async def main():
        found.append(await ops.download(add.op(x, x, ops.zeros(N, oxide.f32))))

    threads = [threading.Thread(target=lambda: asyncio.run(in_device())) for _ in range(4)]

    async def in_device():
        with oxide.device("cpu"):
            await main()

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all((result == 2).all() for result in found)


def test_it_is_awaited_once_and_shared_often():
    async def main():
        made = ops.upload(ones())
        await made
        with pytest.raises(ops.OperationUsedError, match=r"was done already.*share"):
            await made
        shared = ops.upload(ones()).share()
        assert await shared is await shared

    asyncio.run(main())
    asyncio.run(main())


def test_it_belongs_to_no_loop_until_it_is_awaited(add):
    made = []

    async def describe():
        x = ops.upload(ones()).share()
        made.append(ops.download(add.op(x, x, ops.zeros(N, oxide.f32))))
        made.append(x)

    asyncio.run(describe())
    thread = threading.Thread(target=lambda: asyncio.run(describe()))
    thread.start()
    thread.join()

    async def do():
        return [await one for one in made]

    left, _, right, _ = asyncio.run(do())
    assert (left == 2).all()
    assert (right == 2).all()


def test_one_of_a_group_fails_and_the_others_are_cancelled(add, gate):
    ended = []
    x = oxide.asarray(ones())

    async def waiting():
        try:
            await add.op(x, x, ops.host(gate.wait, 10).and_then(lambda _: ops.zeros(N, oxide.f32)))
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    async def failing():
        await asyncio.sleep(0.005)
        index = oxide.asarray(np.full(N, N + 5, np.int32))
        await programs.gather.prepare(grid=4, block=256).op(index, x, ops.zeros(N, oxide.f32))

    async def main():
        with pytest.raises(ExceptionGroup) as caught:
            async with asyncio.TaskGroup() as group:
                for _ in range(3):
                    group.create_task(waiting())
                group.create_task(failing())
        (error,) = caught.value.exceptions
        assert isinstance(error, oxide.KernelIndexError)

    asyncio.run(main())
    gate.set()
    assert ended == ["cancelled"] * 3
    oxide.synchronize()
    assert (add.op(x, x, ops.zeros(N, oxide.f32)).sync().numpy() == 2).all()


def test_another_event_loop(add):
    uvloop = pytest.importorskip("uvloop")
    x = oxide.asarray(ones())

    async def main():
        assert type(asyncio.get_running_loop()).__module__.startswith("uvloop")
        results = await asyncio.gather(
            *(_await(ops.download(add.op(x, x, ops.zeros(N, oxide.f32)))) for _ in range(8))
        )
        assert all((result == 2).all() for result in results)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(_await(ops.host(threading.Event().wait, 0.2)), 0.01)

    for _ in range(2):
        loop = uvloop.new_event_loop()
        loop.run_until_complete(main())
        loop.close()


def test_a_policy_of_ones_own(add, monkeypatch):
    """Every branch asks it, and goes where it says."""
    asked, seen, stream = [], [], oxide.stream()
    x = oxide.asarray(ones())

    def one_for_all(device):
        asked.append(device)
        return stream

    monkeypatch.setattr(scheduling, "_policy", [])
    ops.set_policy(one_for_all)
    assert ops.policy() is one_for_all
    branches = [add.op(x, x, ops.zeros(N, oxide.f32)) for _ in range(3)]
    ops.zip_ops(*branches, ops.with_context(lambda context: seen.append(context.stream))).sync()
    assert [str(one) for one in asked] == ["cpu"] * 4
    assert seen == [stream]
    with pytest.raises(ValueError, match="the stream is on cpu"):
        ops.SingleStream(stream)(devices.DeviceId("cuda"))
    with pytest.raises(ValueError, match="at least one stream"):
        ops.RoundRobin(0)


# ---------------------------------------------------------------- graphs


def test_a_policy_that_gives_no_stream(add):
    x = oxide.zeros(N, oxide.f32)
    with pytest.raises(TypeError, match="a policy gives a stream of Oxide for cpu, this one NoneT"):
        add.op(x, x, oxide.zeros(N, oxide.f32)).sync(lambda _: None)
    with pytest.raises(oxide.DeviceError, match="cpu has no streams of other libraries"):
        ops.value(1).sync_on(5)


def test_a_graph_is_done_as_often_as_one_likes(add):
    x, y = oxide.asarray(ones()), oxide.zeros(N, oxide.f32)
    step = add.op(x, y, ops.empty(N, oxide.f32)).and_then(lambda z: ops.copy(y, z)).graph()
    assert (y.numpy() == 0).all()
    for _ in range(5):
        step()
    assert (y.numpy() == 5).all()
    assert step.sync() is y
    assert (y.numpy() == 6).all()
    step.update(add.op(x, x, y))
    step()
    assert (step.result.numpy() == 2).all()


def test_a_graph_is_in_order_with_streams(add):
    stream = oxide.stream()
    w, x, y, z = (oxide.asarray(ones()) for _ in range(4))
    step = ops.zip_ops(add.op(x, x, y), add.op(x, x, z)).graph()
    add.on(stream)(w, w, x)
    step(stream)
    add.on(stream)(y, z, w)
    assert (w.numpy() == 8).all()


def test_what_a_graph_cannot_do(add):
    for refused in (ops.host(int), ops.zip_ops(ops.zeros(N, oxide.f32), ops.host(int, 1))):
        with pytest.raises(ops.GraphError, match="run Python on one of its own threads"):
            refused.graph()
    with pytest.raises(oxide.LaunchTypeError, match="array of the host"):
        add.op(ones(), ones(), np.zeros(N, np.float32)).graph()


def test_a_graph_looks_at_elements_as_often_as_they_change():
    scatter = programs.scatter.prepare(grid=4, block=256)
    index, other = oxide.asarray(np.arange(N, dtype=np.int32)), oxide.asarray(np.zeros(N, np.int32))
    x, out = oxide.asarray(ones()), oxide.zeros(N, oxide.f32)
    step = scatter.op(index, x, out).graph()
    step()
    assert step.sync() is out
    assert (out.numpy() == 1).all()
    index.copy_from(other.numpy())
    for run in (step, step.sync):
        with pytest.raises(oxide.LaunchValueError, match=r"injective.* is broken"):
            run()
    with oxide.unsafe("one thread after the other"):
        step()
    for writing in (ops.copy(index, other), ops.clear(index)):
        with pytest.raises(ops.GraphError, match="scatter cannot be part of a graph that writes"):
            writing.and_then(lambda given: scatter.op(given, x, out)).graph()


def test_a_graph_makes_others_forget_what_it_writes():
    scatter = programs.scatter.prepare(grid=4, block=256)
    index, other = oxide.asarray(np.arange(N, dtype=np.int32)), oxide.asarray(np.zeros(N, np.int32))
    x, out = oxide.asarray(ones()), oxide.zeros(N, oxide.f32)
    step = ops.copy(index, other).graph()
    scatter(index, x, out)
    step()
    with pytest.raises(oxide.LaunchValueError, match="injective"):
        scatter(index, x, out)


def test_the_failures_of_a_graph():
    """They go to who waits for the graph, or to an operation that it is part of, or everybody."""
    index = oxide.asarray(np.full(N, N, np.int32))
    gather = programs.gather.prepare(grid=4, block=256)
    step = gather.op(index, oxide.asarray(ones()), oxide.zeros(N, oxide.f32)).graph()
    oxide.synchronize()
    with pytest.raises(oxide.KernelIndexError):
        step.sync()
    with pytest.raises(oxide.KernelIndexError):
        ops.with_context(lambda context: step(context.stream)).sync()
    oxide.synchronize()
    step()
    with pytest.raises(oxide.KernelIndexError):
        oxide.synchronize()
    oxide.synchronize()
