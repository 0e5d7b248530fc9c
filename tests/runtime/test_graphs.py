"""Graphs of a GPU that is made up: what is written down, who is told, what is given back."""

import ctypes
import gc
import time
import types
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import oxide
from oxide import operations as ops
from oxide_codegen import abi, cuda, host_streams
from oxide_codegen.operations import completion
from oxide_codegen.program import Program
from runtime import fake_cuda, programs, unproved

N = 1000


class Recording:
    """What a driver writes down between the beginning and the end of a capture, and plays."""

    def __init__(self, driver):
        self._driver = driver
        self._launch = driver.cuLaunchKernel
        self._noted = None
        self.graphs, self.made, self.destroyed = {}, 0, []
        driver.CUstreamCaptureMode = types.SimpleNamespace(CU_STREAM_CAPTURE_MODE_RELAXED=2)
        driver.cuThreadExchangeStreamCaptureMode = lambda mode: (0, mode)
        driver.cuStreamIsCapturing = lambda stream: (0, int(stream in cuda.cuda(0).captures))
        for name in ("cuStreamBeginCapture", "cuStreamEndCapture", "cuLaunchKernel"):
            setattr(driver, name, getattr(self, name))
        for name in ("Instantiate", "ExecUpdate", "Destroy", "ExecDestroy", "Launch"):
            setattr(driver, f"cuGraph{name}", getattr(self, name.lower()))

    def cuStreamBeginCapture(self, stream, mode):
        self._noted = []
        return (0,)

    def cuStreamEndCapture(self, stream):
        noted, self._noted = self._noted, None
        return 0, noted

    def cuLaunchKernel(self, function, *rest):
        *extents, stream, table, _ = rest
        if stream not in cuda.cuda(0).captures:
            return self._launch(function, *rest)
        native, hidden, _ = self._driver.functions[int(function)]
        count = len(native.layout.slots) + len(hidden)
        pointers = (ctypes.c_void_p * count).from_address(table)
        # The driver copies the arguments when the launch is written down.
        cells = [ctypes.string_at(pointer, abi.CELL) for pointer in pointers]
        self._noted.append((function, extents, cells))
        return (0,)

    def instantiate(self, graph, flags):
        self.made += 1
        self.graphs[self.made] = graph
        return 0, self.made

    def execupdate(self, handle, graph):
        old = [function for function, *_ in self.graphs[handle]]
        if old != [function for function, *_ in graph]:
            return 910, None
        self.graphs[handle] = graph
        return 0, None

    def destroy(self, graph):
        return (0,)

    def execdestroy(self, handle):
        self.destroyed.append(handle)
        return (0,)

    def launch(self, handle, stream):
        for function, extents, cells in self.graphs[handle]:
            kept = [ctypes.create_string_buffer(cell, abi.CELL) for cell in cells]
            table = (ctypes.c_void_p * len(kept))(*(ctypes.addressof(cell) for cell in kept))
            self._launch(function, *extents, stream, ctypes.addressof(table), 0)
        return (0,)


@pytest.fixture(params=["bindings", "library"])
def recording(request, monkeypatch):
    unproved.use(monkeypatch)
    for value in vars(programs).values():
        if isinstance(value, oxide.Kernel):
            made = Program(value.__wrapped__, value._program.options)
            monkeypatch.setattr(value, "_program", made)
            monkeypatch.setattr(value, "_launches", {})
    monkeypatch.setattr(completion, "_threads", {})
    driver = fake_cuda.install(monkeypatch, library=request.param == "library")
    with oxide.device("cuda"):
        yield Recording(driver)
    for one in completion._threads.values():
        one._end()


@pytest.fixture
def add():
    return programs.vecadd.prepare(grid=4, block=256)


def filled(value, count=N, dtype=np.float32):
    return oxide.asarray(np.full(count, value, dtype))


def test_a_graph_is_written_down_and_played(recording, add):
    x, y, z = filled(1), filled(2), filled(0)
    for _ in range(3):
        add.op(x, x, z).sync()
    step = ops.zip_ops(add.op(x, x, y), add.op(x, x, z)).graph()
    assert (y.numpy() == 2).all()
    assert [id(y), id(z)] == list(step._captured.buffers)
    x.copy_from(np.full(N, 4, np.float32))
    assert step.sync() == (y, z)
    assert (y.numpy() == 8).all()
    assert (z.numpy() == 8).all()


def test_a_graph_is_updated_where_it_can_be(recording, add):
    x, y, z = filled(1), filled(0), filled(5)
    step = add.op(x, x, y).graph()
    step.update(add.op(z, x, y))
    step()
    assert (y.numpy() == 6).all()
    assert recording.made == 1
    scaled = programs.scale.prepare(grid=4, block=256)
    step.update(scaled.op(y))
    assert recording.made == 2
    step()
    assert (y.numpy() == 12.5).all()
    oxide.zeros(1, oxide.f32)
    assert recording.destroyed == [1]


def test_what_a_graph_leaves_is_given_back(recording, add):
    x, y = filled(1), filled(0)
    device = x._cuda()
    add.op(x, x, y).graph().sync()
    gc.collect()
    oxide.synchronize()
    free, records = len(device.records.free), len(device.records.everybodys)
    for _ in range(5):
        step = add.op(x, x, y).graph()
        step.update(add.op(x, x, y))
        step.sync()
    del step
    gc.collect()
    oxide.synchronize()
    oxide.zeros(1, oxide.f32)
    assert len(device.records.free) == free
    assert len(device.records.everybodys) == records
    assert sorted(recording.destroyed) == list(range(1, 7))


def test_the_failures_of_a_graph(recording):
    """They go to who waits for the graph, or to an operation that it is part of, or everybody."""
    gather = programs.gather.prepare(grid=4, block=256)
    index = filled(N, dtype=np.int32)
    step = gather.op(index, filled(1), filled(0)).graph()
    oxide.synchronize()
    for _ in range(2):
        with pytest.raises(oxide.KernelIndexError):
            step.sync()
        with pytest.raises(oxide.KernelIndexError):
            ops.with_context(lambda context: step(context.stream)).sync()
        oxide.synchronize()
    step()
    with pytest.raises(oxide.KernelIndexError):
        oxide.synchronize()
    oxide.synchronize()


@pytest.mark.parametrize("recording", ["library"], indirect=True)
@pytest.mark.parametrize("where", ["cpu", "cuda"])
def test_a_graph_is_not_enqueued_where_it_cannot_be(recording, add, where):
    with oxide.device(where):
        x, y = filled(1), filled(0)
        step, other = add.op(x, x, y).graph(), add.op(y, y, x).graph()
        stream = oxide.stream(f"{where}:1") if where == "cpu" else oxide.stream("cpu")
        with pytest.raises(oxide.DeviceError, match="and the graph is on"):
            step(stream)
        with pytest.raises(TypeError, match="`stream` wants an object with __cuda_stream__"):
            step("stream")
        assert (step.sync().numpy() == 2).all()
        x.free()
        for use in (step, step.sync, other, lambda: step(oxide.stream())):
            with pytest.raises(oxide.BufferFreedError, match="uses an array that was freed"):
                use()
        z = filled(3)
        step.update(add.op(z, z, y))
        assert (step.sync().numpy() == 6).all()


def test_calls_of_a_graph_are_one_after_the_other(monkeypatch):
    """Whichever threads make them: between parts of the one nobody sees parts of another."""
    unproved.use(monkeypatch)
    enqueue = host_streams.HostStream.enqueue

    def slowly(stream, work, touched=()):
        time.sleep(1e-4)
        return enqueue(stream, work, touched)

    with oxide.device("cpu"):
        x, y, ones = filled(0), filled(0), filled(1)
        add = programs.vecadd.prepare(grid=4, block=256)
        step = add.op(x, ones, y).and_then(lambda sums: ops.copy(x, sums)).graph()
        monkeypatch.setattr(host_streams.HostStream, "enqueue", slowly)
        with ThreadPoolExecutor(4) as pool:
            [*pool.map(lambda _: step(), range(20))]
        assert (x.numpy() == 20).all()


@pytest.mark.parametrize("recording", ["library"], indirect=True)
def test_a_graph_looks_at_elements_as_often_as_they_change(recording):
    scatter = programs.scatter.prepare(grid=4, block=256)
    index = oxide.asarray(np.arange(N, dtype=np.int32))
    x, out = filled(1), filled(0)
    step = scatter.op(index, x, out).graph()
    assert (step.sync().numpy() == 1).all()
    index.copy_from(np.zeros(N, np.int32))
    with pytest.raises(oxide.LaunchValueError, match=r"injective.* is broken"):
        step()
    with pytest.raises(ops.GraphError, match="scatter cannot be part of a graph that writes"):
        ops.zip_ops(scatter.op(index, x, out), ops.clear(index)).graph()
