"""Arrays of several devices combined on the cpu: in one process, and in several."""

import asyncio
import contextlib
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import oxide
from oxide import operations as ops
from oxide_codegen.collectives import environment, wire
from oxide_codegen.collectives.calls import OPERATORS, REDUCED, Call, combined
from oxide_codegen.collectives.link import Link
from oxide_codegen.elements import dtype_of
from runtime import processes, programs, unproved

N = 1000
PROCESSES = 3


@pytest.fixture(autouse=True)
def on_cpu(monkeypatch):
    unproved.use(monkeypatch)
    with oxide.device("cpu"):
        yield
    oxide.synchronize()


@pytest.fixture
def both():
    with ops.Group("cpu:0", "cpu:1") as group:
        yield group


@pytest.fixture
def add():
    return programs.vecadd.prepare(grid=4, block=256)


def numbers(seed):
    return np.random.default_rng(seed).random(N, dtype=np.float32)


def halves():
    return oxide.asarray(numbers(0)), oxide.asarray(numbers(1), device="cpu:1")


# ---------------------------------------------------------------- what comes of a call


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("element", sorted(REDUCED.keys() - {"bf16"}))
def test_reductions_are_those_of_numpy(element, operator):
    dtype = dtype_of(element)
    random = np.random.default_rng(3)
    rows = [random.integers(0, 200, 50).astype(dtype) for _ in range(4)]
    names = {"sum": np.add, "prod": np.multiply, "min": np.minimum, "max": np.maximum}
    expected = rows[0]
    with np.errstate(over="ignore"):
        for row in rows[1:]:
            expected = names[operator](expected, row)
    call = Call("all_reduce", element, 50, operator)
    found = combined(call, [row.view(np.uint8) for row in rows])
    np.testing.assert_array_equal(found.view(dtype), expected)


def test_bf16_is_rounded_to_even_at_each_step():
    def bits(*values):
        return (np.array(values, np.float32).view(np.uint32) >> 16).astype(np.uint16)

    # 1 + 2**-8 lies between two of them; so does 1 + 3 * 2**-8.
    rows = [bits(1, 1, np.nan), bits(2**-8, 3 * 2**-8, 1), bits(2**-8, 0, 1)]
    call = Call("all_reduce", "bf16", 3, "sum")
    found = combined(call, [row.view(np.uint8) for row in rows]).view(np.uint16)
    assert found[:2].tolist() == bits(1, 1 + 2**-6).tolist()
    assert found[2] == 0x7FC0


def test_what_is_no_number_gives_way():
    call = Call("all_reduce", "f32", 2, "max")
    rows = [np.array([np.nan, 1], np.float32), np.array([2, np.nan], np.float32)]
    found = combined(call, [row.view(np.uint8) for row in rows])
    assert found.view(np.float32).tolist() == [2, 1]


def test_answers_are_taken_while_something_is_sent():
    """The hub may wait for that before it reads on."""
    call = Call("all_reduce", "u8", 1, "sum")
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(2) as pool:
        made = pool.submit(Link, "127.0.0.1", server.getsockname()[1], {}, 5.0)
        connection, _ = server.accept()
        with connection:
            wire.receive(connection)
            wire.send(connection, {"kind": "welcome", "processes": [], "limit": 5})
            link = made.result()
            answer = link.call(0, call, b"1")
            sent = pool.submit(link.call, 1, call, bytes(64 << 20))
            time.sleep(0.02)
            wire.send(connection, {"kind": "result", "number": 0}, b"2")
            assert answer.result(5) == b"2"
            assert not sent.done()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"port": 1 << 16}, "there is no port 65536"),
        ({"process": 2}, "there is no process 2 among 2"),
        ({"process": 0, "count": 0}, "there is no process 0 among 0"),
    ],
)
def test_places_where_nobody_meets(given, words):
    where = {"process": 1, "count": 2, "port": 29999, "limit": 1.0} | given
    with pytest.raises(oxide.CollectiveError, match=words):
        ops.Group.join("cpu", **where)


# ---------------------------------------------------------------- in one process


def test_each_device_holds_the_result(both):
    x, y = halves()
    results = ops.all_reduce(both, (x, y)).sync()
    assert (results[0] is x, results[1] is y) == (True, True)
    for one in results:
        np.testing.assert_array_equal(one.numpy(), numbers(0) + numbers(1))


def test_operations_are_done_on_the_devices_of_their_places(both):
    parts = (ops.upload(numbers(0)), ops.upload(numbers(1)))
    gathered = ops.all_gather(both, parts).sync()
    assert [one.device for one in gathered] == ["cpu", "cpu:1"]
    for one in gathered:
        np.testing.assert_array_equal(one.numpy(), [numbers(0), numbers(1)])


def test_a_broadcast_overwrites(both):
    x, y = halves()
    ops.broadcast(both, (x, y), root=1).sync()
    np.testing.assert_array_equal(x.numpy(), numbers(1))
    np.testing.assert_array_equal(y.numpy(), numbers(1))


def test_it_is_in_order_with_launches_on_either_device(both, add):
    """Launches before and behind it, on streams of their own, without waiting for any."""
    streams = [oxide.stream(device) for device in both.devices]
    pairs = [
        (oxide.asarray(np.ones(N, np.float32), device=d), oxide.zeros(N, oxide.f32, device=d))
        for d in both.devices
    ]

    async def main():
        for _ in range(4):
            for stream, (x, y) in zip(streams, pairs, strict=True):
                add.on(stream)(x, x, y)
            await ops.all_reduce(both, [y for _, y in pairs])
            for stream, (x, y) in zip(streams, pairs, strict=True):
                add.on(stream)(y, y, x)

    asyncio.run(main())
    for x, _ in pairs:
        assert (x.numpy() == 8**4).all()


@pytest.mark.parametrize("seed", range(4))
def test_random_programs_are_those_of_numpy(both, add, seed):
    """All in flight at once, over streams of two devices; what comes out is what comes in turn."""
    random = np.random.default_rng(seed)
    model = random.random((2, 4, N), dtype=np.float32)
    arrays = [
        [oxide.asarray(row, device=device) for row in rows]
        for device, rows in zip(both.devices, model, strict=True)
    ]

    async def done(operation):
        await operation

    async def main():
        tasks = []
        for _ in range(40):
            (a, b, c), here = random.permutation(4)[:3], random.integers(2)
            match random.choice(["launch", "launch", "copy", "reduce", "tell"]):
                case "launch":
                    mine = arrays[here]
                    made = ops.on(both.devices[here], add.op(mine[a], mine[b], mine[c]))
                    model[here, c] = model[here, a] + model[here, b]
                case "copy":
                    made = ops.copy(arrays[here][a], arrays[1 - here][b])
                    model[here, a] = model[1 - here, b]
                case "reduce":
                    made = ops.all_reduce(both, [rows[a] for rows in arrays], "max")
                    model[:, a] = model[:, a].max(axis=0)
                case _:
                    made = ops.broadcast(both, [rows[a] for rows in arrays], root=int(here))
                    model[:, a] = model[here, a]
            tasks.append(asyncio.ensure_future(done(made)))
        await asyncio.gather(*tasks)

    asyncio.run(main())
    found = [[array.numpy() for array in rows] for rows in arrays]
    np.testing.assert_array_equal(found, model)


def test_a_group_of_one(both):
    with ops.Group("cpu") as alone:
        x, _ = halves()
        assert ops.all_reduce(alone, x).sync() is x
        assert ops.all_gather(alone, x).sync().shape == (1, N)
        assert ops.all_reduce(alone, [x]).sync() == (x,)


def test_arrays_without_elements(both):
    empty = [oxide.zeros(0, oxide.f32, device=device) for device in both.devices]
    ops.all_reduce(both, empty).sync()
    assert ops.all_gather(both, empty).sync()[0].shape == (2, 0)


def test_arrays_that_do_not_fit_are_refused(both):
    x, y = halves()
    with pytest.raises(
        oxide.CollectiveMismatchError,
        match=r"rank 0 for all_reduce \(sum\) of 1,00"
        r"0 f32, rank 1 for all_reduce \(sum\) of 10 f32",
    ):
        ops.all_reduce(both, (x, oxide.zeros(10, oxide.f32, device="cpu:1"))).sync()
    with pytest.raises(ValueError, match="1,000 i32"):
        ops.all_reduce(both, (x, oxide.zeros(N, oxide.i32, device="cpu:1"))).sync()
    with pytest.raises(oxide.DeviceError, match="rank 0 is cpu, and its array is on cpu:1"):
        ops.all_reduce(both, (y, x)).sync()
    with pytest.raises(ValueError, match="an array for each of cpu, cpu:1, got 1"):
        ops.all_reduce(both, x)
    with pytest.raises(TypeError, match="all_reduce has no i16"):
        ops.all_reduce(both, [oxide.zeros(3, oxide.i16, device=d) for d in both.devices]).sync()
    with pytest.raises(TypeError, match=r"use oxide\.asarray"):
        ops.all_reduce(both, (numbers(0), y)).sync()
    with pytest.raises(ValueError, match="sum, prod, max, min, not 'mean'"):
        ops.all_reduce(both, (x, y), "mean")
    with pytest.raises(ValueError, match="there is no rank 2 among 2"):
        ops.broadcast(both, (x, y), root=2)
    np.testing.assert_array_equal(x.numpy(), numbers(0))


def test_what_is_no_group():
    with pytest.raises(oxide.DeviceError, match="not of both"):
        ops.Group("cpu", "cuda:0")
    with pytest.raises(ValueError, match="once"):
        ops.Group("cpu", "cpu:0")
    with pytest.raises(ValueError, match="at least one"):
        ops.Group()
    with ops.Group("cpu") as closed:
        assert repr(closed) == "<oxide.operations.Group of 1, here rank 0: cpu>"
    with pytest.raises(oxide.CollectiveError, match="was closed"):
        ops.all_reduce(closed, oxide.zeros(1, oxide.f32)).sync()


def test_it_is_no_part_of_a_graph(both):
    with pytest.raises(ops.GraphError, match="all_reduce cannot be part of a graph"):
        ops.all_reduce(both, halves()).graph()
    with pytest.raises(ops.GraphError, match="cannot be part of a graph"):
        ops.all_gather(both, (ops.zeros(4, oxide.f32), ops.zeros(4, oxide.f32))).graph()


def test_a_view_with_gaps_is_not_combined(both):
    x, y = (oxide.zeros((4, 4), oxide.f32, device=device) for device in both.devices)
    with pytest.raises(oxide.BufferLayoutError):
        ops.all_reduce(both, (x[:, 1], y[:, 1])).sync()
    ops.all_reduce(both, (x[1], y[1])).sync()


def test_a_freed_array_is_not_combined(both):
    x, y = halves()
    y.free()
    with pytest.raises(oxide.BufferFreedError):
        ops.all_reduce(both, (x, y)).sync()


# ---------------------------------------------------------------- launchers


def test_launchers_say_who_this_is():
    def found(**variables):
        place = environment.place(variables)
        return place.process, place.count, place.local, place.address, place.port

    torch = {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_RANK": "1", "MASTER_ADDR": "a"}
    assert found(**torch, MASTER_PORT="1000") == (5, 8, 1, "a", 1000)
    agent = {"TORCHELASTIC_USE_AGENT_STORE": "True"}
    assert found(**torch, MASTER_PORT="1000", **agent) == (5, 8, 1, "a", 1001)
    assert found(OMPI_COMM_WORLD_RANK="1", OMPI_COMM_WORLD_SIZE="2")[:4] == (1, 2, 1, "127.0.0.1")
    assert found(PMI_RANK="0", PMI_SIZE="2", MPI_LOCALRANKID="0")[:3] == (0, 2, 0)
    assert found(SLURM_PROCID="3", SLURM_NTASKS="4", SLURM_LOCALID="1")[:3] == (3, 4, 1)


def test_a_program_alone(monkeypatch):
    assert ops.processes() == 1
    monkeypatch.setenv("PMI_RANK", "1")
    monkeypatch.setenv("PMI_SIZE", "4")
    assert ops.processes() == 4


@pytest.mark.parametrize(
    ("variables", "text"),
    [
        ({}, "RANK and WORLD_SIZE are not set"),
        ({"RANK": "2", "WORLD_SIZE": "2"}, "there is none such"),
        ({"RANK": "one", "WORLD_SIZE": "2"}, "RANK wants a number, got 'one'"),
    ],
)
def test_launchers_that_say_nothing_sensible(variables, text):
    with pytest.raises(oxide.CollectiveError, match=text):
        environment.place(variables)


# ---------------------------------------------------------------- in several processes


@pytest.fixture(scope="module")
def seen():
    """What each of several processes has seen; the second one is killed at the end."""
    program = Path(__file__).with_name("collective_programs.py")
    codes, lines = processes.run(program, PROCESSES, "cpu")
    assert [code == 0 for code in codes] == [True, False, True]
    return lines


def test_processes_combine_arrays(seen):
    expected = (numbers(0) + numbers(1)) + numbers(2)
    for rank, lines in enumerate(seen):
        found = lines[0]
        assert (found["rank"], found["size"]) == (rank, PROCESSES)
        assert found["sum"] == expected.tobytes().hex()
        assert found["gathered"] == [[0, 7], [1, 7], [2, 7]]
        assert found["told"] == [2, 2, 2]
        assert found["many"] == [2]


def test_processes_with_several_devices(seen):
    for lines in seen:
        assert lines[1] == {"product": [720, 720], "shape": [6, 1]}


def test_all_are_told_that_ranks_disagree(seen):
    for lines in seen:
        found = lines[2]
        assert found["error"] == "CollectiveMismatchError"
        assert "999 f32" in found["text"]
        assert "1,000 f32" in found["text"]


def test_all_are_told_who_does_not_come(seen):
    for rank, lines in enumerate(seen):
        found = lines[3]
        assert found["error"] == "CollectiveTimeoutError"
        assert "after 0.5 s rank 1 has not come to call 0, all_reduce" in found["text"]
        assert 0.4 < found["seconds"] < 10, rank


def test_the_others_are_told_who_died(seen):
    assert len(seen[1]) == 4
    for rank in (0, 2):
        found = seen[rank][4]
        assert found["error"] == "RankLostError"
        assert "rank 1 is gone" in found["text"]
        assert found["seconds"] < 10


def test_elements_that_are_near_do_not_travel():
    """Those of process 0; and memory in which elements came is used again when it is free."""
    from oxide_codegen.collectives.hub import Hub
    from oxide_codegen.collectives.link import Link

    port, links = processes.free_port(), {}
    hub = Hub("127.0.0.1", port, 2, 20)

    def join(process):
        hello = {"process": process, "count": 2, "kinds": "cpu", "devices": ["cpu"], "version": 1}
        links[process] = Link("127.0.0.1", port, hello, 20, None if process else hub)

    joining = [threading.Thread(target=join, args=(process,)) for process in range(2)]
    for one in joining:
        one.start()
    for one in joining:
        one.join()
    memories = []
    for number, name in enumerate(("all_reduce", "all_reduce", "broadcast")):
        call = Call(name, "i32", 3, "sum", root=1 if name == "broadcast" else 0)
        rows = [np.full(3, 2 + process, np.int32).view(np.uint8) for process in range(2)]
        given = [b"" if name == "broadcast" else rows[0], rows[1]]
        into = [np.zeros(12, np.uint8) for _ in range(2)]
        found = [links[k].call(number, call, given[k], into[k]) for k in range(2)]
        results = [one.result(5) for one in found]
        assert [np.frombuffer(one, np.int32).tolist() for one in results] == [
            [5 - 2 * (number == 2)] * 3
        ] * 2
        # It came to where it was wanted.
        assert results[1] is into[1]
        assert name == "broadcast" or results[0] is into[0]
        memories += [id(one) for one in hub._free]
    assert len(set(memories)) == 1, "one that serves again, and that of the root is not given back"
    for one in links.values():
        one.leave()


def test_strangers_are_sent_away():
    """Whoever is none of the processes disturbs nothing; and nothing is left of a group."""
    from oxide_codegen.collectives.hub import Hub
    from oxide_codegen.collectives.link import Link

    port = processes.free_port()
    hub = Hub("127.0.0.1", port, 1, 20)
    for text in (b"GET / HTTP/1.1\r\n\r\n", b"\0\0\0\2\0\0\0\0\0\0\0\0{}", b""):
        stranger = socket.create_connection(("127.0.0.1", port))
        # It may be sent away before it has said everything.
        with stranger, contextlib.suppress(OSError):
            stranger.sendall(text)
            stranger.shutdown(socket.SHUT_WR)
            assert stranger.recv(1) == b""
    hello = {"version": 1, "process": 0, "count": 1, "kinds": "cpu", "devices": ["cpu"]}
    link = Link("127.0.0.1", port, hello, 20)
    assert link.call(0, Call("all_reduce", "f32", 1, "sum"), b"\0\0\0\0").result(5) == bytes(4)
    link.leave()
    assert hub
    until = time.monotonic() + 10
    while any(one.name in ("oxide-hub", "oxide-link") for one in threading.enumerate()):
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_port_that_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(oxide.CollectiveError, match="cannot listen"):
            ops.Group.join("cpu", process=0, count=2, port=port)
