"""Several GPUs without any: copies between them, and calls through NCCL, on made-up ones."""

import asyncio
import importlib
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import oxide
from oxide import operations as ops
from oxide_codegen import cuda
from oxide_codegen.collectives import nccl
from oxide_codegen.errands import Captured
from oxide_codegen.operations import completion, execution, scheduling
from runtime import fake_cuda, fake_nccl, processes, programs, unproved

N = 1000


@pytest.fixture
def driver(monkeypatch):
    unproved.use(monkeypatch)
    # The streams of another driver are none of this one's.
    monkeypatch.setattr(scheduling, "_policy", [])
    return fake_cuda.install(monkeypatch, count=2)


@pytest.fixture
def library(monkeypatch, driver):
    return fake_nccl.install(monkeypatch, driver)


def numbers(seed):
    return np.random.default_rng(seed).random(N, dtype=np.float32)


def on_both():
    return tuple(oxide.asarray(numbers(k), device=f"cuda:{k}") for k in range(2))


# ---------------------------------------------------------------- copies


def test_a_copy_is_ordered_on_both_devices(driver):
    x, y = on_both()
    with oxide.device("cuda:1"):
        del driver.log[:]
        ops.copy(y, x).sync()
    np.testing.assert_array_equal(y.numpy(), numbers(0))
    copies = [entry for entry in driver.log if entry[0] == "peer"]
    [(_, stream)] = copies
    assert driver.streams[stream] == 1
    # The copy waits for an event of the source's device, and a stream there for the copy.
    at = driver.log.index(copies[0])
    ready = driver.log[at - 1]
    done = next(e for e in driver.log[at:] if e[0] == "order" and e[2] == f"event on {stream}")
    beside = done[1]
    assert ready == ("order", stream, f"event on {beside}")
    assert driver.streams[beside] == 0
    # Who writes the source next comes behind.
    del driver.log[:]
    ops.clear(x).sync()
    assert any(e[0] == "order" and f"event on {beside}" == e[2] for e in driver.log)


@pytest.mark.parametrize("peers", [True, False])
def test_pools_are_opened_once_where_devices_reach_each_other(driver, peers):
    driver.peers = peers
    x, y = on_both()
    for _ in range(3):
        ops.copy(y, x).sync()
    pools = [cuda.cuda(k).device.memory_resource.peer_accessible_by for k in range(2)]
    assert pools == ([{1}, set()] if peers else [set(), set()])
    assert sum(entry[0] == "peer" for entry in driver.log) == 3


def test_operations_are_done_on_the_device_of_their_arrays(driver):
    _, y = on_both()
    with oxide.device("cuda:0"):
        np.testing.assert_array_equal(ops.download(y).sync(), numbers(1))
        assert not ops.clear(y).sync().numpy().any()
    # As a graph of cuda:0 does it, without a driver that captures.
    with pytest.raises(ops.GraphError, match="what is on cuda:1 cannot be part of a graph on cuda"):
        execution.begun(ops.clear(y), None, Captured()).advance()


def test_a_launch_runs_where_its_arrays_are(driver):
    add = programs.vecadd.prepare(grid=4, block=256)
    x, y = on_both()
    for one in (x, y):
        out = oxide.zeros(N, oxide.f32, device=one.device)
        add(one, one, out)
        np.testing.assert_array_equal(out.numpy(), 2 * one.numpy())
    with pytest.raises(oxide.LaunchTypeError, match="cuda:1"):
        add(x, y, oxide.zeros(N, oxide.f32, device="cuda:0"))


# ---------------------------------------------------------------- one process


def test_gpus_of_one_process(library):
    x, y = on_both()
    with ops.Group("cuda:0", "cuda:1") as both:
        ops.all_reduce(both, (x, y)).sync()
        for one in (x, y):
            np.testing.assert_array_equal(one.numpy(), numbers(0) + numbers(1))
        gathered = ops.all_gather(both, (x, ops.upload(numbers(1)))).sync()
        assert [one.device for one in gathered] == ["cuda:0", "cuda:1"]
        np.testing.assert_array_equal(gathered[1].numpy(), [x.numpy(), numbers(1)])
        # In bytes, whatever the elements are.
        ops.broadcast(both, gathered, root=1).sync()
    assert library.log[:2] == [
        (0, "all_reduce (sum) of 1,000 f32"),
        (1, "all_reduce (sum) of 1,000 f32"),
    ]
    assert library.log[-1] == (1, "broadcast from rank 1 of 8,000 u8")
    assert {one.state for one in library.communicators.values()} == {"destroyed"}


def test_it_comes_behind_writers_and_before_readers(library, driver):
    x, y = on_both()
    streams = [oxide.stream(one.device) for one in (x, y)]
    outs = [oxide.zeros(N, oxide.f32, device=one.device) for one in (x, y)]
    with ops.Group("cuda:0", "cuda:1") as both:
        for stream, one, out in zip(streams, (x, y), outs, strict=True):
            programs.vecadd.prepare(grid=4, block=256, stream=stream)(one, one, out)
        del driver.log[:]

        def then(reduced):
            waits = {entry[2] for entry in driver.log if entry[0] == "order"}
            assert {f"event on {stream.handle}" for stream in streams} <= waits
            del driver.log[:]
            programs.vecadd.prepare(grid=4, block=256, stream=streams[0])(*reduced[:1] * 2, x)
            assert ("order", streams[0].handle) in {entry[:2] for entry in driver.log}
            return ops.value(None)

        ops.all_reduce(both, outs, "max").and_then(then).sync()
        del driver.log[:]
        programs.vecadd.prepare(grid=4, block=256, stream=oxide.stream())(outs[0], outs[0], x)
        # What was waited for needs no event; what has read it since then does.
        orders = {entry[2] for entry in driver.log if entry[0] == "order"}
        assert orders == {f"event on {streams[0].handle}"}
    np.testing.assert_array_equal(x.numpy(), 4 * np.maximum(numbers(0), numbers(1)))


def test_it_is_awaited(library, monkeypatch):
    monkeypatch.setattr(completion, "_HEARTBEAT", 0.005)
    x, y = on_both()

    async def main():
        with ops.Group("cuda:0", "cuda:1") as both:
            for _ in range(3):
                await ops.all_reduce(both, (x, y), "min")
            with pytest.raises(oxide.CollectiveMismatchError):
                await ops.all_reduce(both, (x, oxide.zeros(1, oxide.f32, device="cuda:1")))

    asyncio.run(main())
    np.testing.assert_array_equal(y.numpy(), np.minimum(numbers(0), numbers(1)))
    for one in completion._threads.values():
        one._end()


def test_a_group_of_one_gpu_needs_no_nccl(driver):
    x, _ = on_both()
    with ops.Group("cuda:0") as alone:
        assert ops.all_reduce(alone, x).sync() is x
        np.testing.assert_array_equal(ops.all_gather(alone, x).sync().numpy(), [numbers(0)])


def test_gpus_that_are_not_there(driver):
    with pytest.raises(oxide.DeviceError, match="there is no device 'cuda:2'"):
        ops.Group("cuda:0", "cuda:2")


def test_what_nccl_says_is_said(library, monkeypatch):
    x, y = on_both()
    with ops.Group("cuda:0", "cuda:1") as both:
        _, bindings = nccl._import()

        def fail(*_):
            raise fake_nccl.NCCLError("unhandled system error")

        monkeypatch.setattr(bindings, "all_reduce", fail)
        with pytest.raises(oxide.CollectiveError, match=r"1,000 f32: NCCL says: unhandled system"):
            ops.all_reduce(both, (x, y)).sync()


def test_what_is_not_installed_is_named(driver, monkeypatch):
    def missing(name):
        if name.startswith("nccl."):
            raise ModuleNotFoundError(name)
        return real(name)

    real = importlib.import_module

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(oxide.MissingExtraError, match=r"needs nccl4py.*oxide-kernels\[nccl\]"):
        ops.Group("cuda:0", "cuda:1")


# ---------------------------------------------------------------- several processes, as threads


def in_processes(work, limit=20.0):
    """What `work` gives in two processes, which are threads of this one, or what it raised."""
    port = processes.free_port()

    def run(process):
        try:
            with oxide.device(f"cuda:{process}"):
                group = ops.Group.join(
                    f"cuda:{process}", process=process, count=2, port=port, limit=limit
                )
                try:
                    return work(group)
                finally:
                    group.close()
        except oxide.CollectiveError as error:
            return error

    with ThreadPoolExecutor(2) as threads:
        return list(threads.map(run, range(2)))


def test_gpus_of_several_processes(library):
    def work(group):
        x = oxide.asarray(numbers(group.rank))
        ops.all_reduce(group, x).sync()
        gathered = ops.all_gather(group, ops.upload(np.array([group.rank], np.int32))).sync()
        # The confirmation comes when both have asked: now all elements are there.
        return x.numpy(), gathered.numpy().ravel().tolist()

    for total, gathered in in_processes(work):
        np.testing.assert_array_equal(total, numbers(0) + numbers(1))
        assert gathered == [0, 1]


def test_all_processes_are_told_that_they_disagree(library):
    def work(group):
        x = oxide.zeros(10 + group.rank, oxide.f32)
        ops.all_reduce(group, x).sync()

    for error in in_processes(work):
        assert isinstance(error, oxide.CollectiveMismatchError)
        assert "10 f32" in str(error)
        assert "11 f32" in str(error)
    # What waits on a device for the other one is ended.
    assert {one.state for one in library.communicators.values()} == {"aborted"}


def test_a_process_that_does_not_come_is_named(library):
    over = threading.Event()

    def work(group):
        if group.rank == 1:
            assert over.wait(10)
            return
        try:
            ops.all_reduce(group, oxide.zeros(10, oxide.f32)).sync()
        finally:
            over.set()

    error, _ = in_processes(work, limit=0.3)
    assert isinstance(error, oxide.CollectiveTimeoutError)
    assert "rank 1 has not come to call 0" in str(error)


def test_a_rank_that_nccl_does_not_find(library):
    library.absent.add(1)

    def work(group):
        raise AssertionError(group)

    errors = in_processes(work, limit=0.3)
    assert all("NCCL has not brought all ranks together" in str(error) for error in errors)


def test_a_rank_that_cannot_take_part_is_not_waited_for(library):
    library.unable = 1

    def work(group):
        raise AssertionError(group)

    first, second = in_processes(work, limit=15)
    assert str(second) == "NCCL does not bring the ranks together: out of memory"
    assert isinstance(first, oxide.RankLostError)
    assert "rank 1 cannot take part: NCCL does not bring" in str(first)


def test_what_nccl_finds_later_ends_the_group(library, monkeypatch):
    from oxide_codegen.collectives import link

    monkeypatch.setattr(link, "_HEARTBEAT", 0.02)
    over = threading.Event()

    def work(group):
        if group.rank == 1:
            assert over.wait(10)
            return
        for one in library.communicators.values():
            one.status = 3 if one.rank == 0 else 0
        try:
            ops.all_reduce(group, oxide.zeros(10, oxide.f32)).sync()
        finally:
            over.set()

    error, _ = in_processes(work)
    assert "made-up error 3" in str(error)
