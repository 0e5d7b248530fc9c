"""How those who wait learn that work is done: who looks, who blocks, who is told."""

import asyncio
import threading

import numpy as np
import pytest

import oxide
from oxide import operations as ops
from oxide_codegen.cuda import cuda
from oxide_codegen.operations import completion, waiting
from oxide_codegen.operations.completion import Flight
from runtime import fake_cuda, programs, unproved

N = 1000


@pytest.fixture
def driver(monkeypatch):
    unproved.use(monkeypatch)
    driver = fake_cuda.install(monkeypatch)
    monkeypatch.setattr(completion, "_HEARTBEAT", 0.005)
    with oxide.device("cuda"):
        yield driver
    driver.busy.clear()
    for one in completion._threads.values():
        one._end()


@pytest.fixture
def add():
    return programs.vecadd.prepare(grid=4, block=256)


def ones():
    return oxide.asarray(np.ones(N, np.float32))


def orders(driver):
    found = [entry for entry in driver.log if entry[0] == "order"]
    driver.log.clear()
    return found


def test_what_was_waited_for_needs_no_order(driver, add):
    x, out, streams = ones(), ones(), [oxide.stream() for _ in range(3)]

    def do(stream, way):
        operation = add.op(x, x, out)
        if way == "await":

            async def main():
                ops.set_policy(ops.SingleStream(stream))
                await operation

            asyncio.run(main())
        elif way == "sync":
            operation.sync_on(stream)
        else:
            add.on(stream)(x, x, out)
            stream.sync()

    for stream in streams:
        # Each comes behind the default one, where arrays are made, once.
        add.on(stream)(x, x, ones())
    for way in ("sync", "await", "stream"):
        do(streams[0], way)
        driver.log.clear()
        do(streams[1], way)
        assert orders(driver) == []
        # What came later on that stream was not waited for.
        add.on(streams[1])(x, x, out)
        do(streams[2], way)
        assert orders(driver) == [("order", streams[2].handle, f"event on {streams[1].handle}")]


@pytest.fixture(autouse=True)
def round_robin():
    yield
    ops.set_policy(ops.RoundRobin())


def test_what_is_short_wakes_no_thread(driver, add):
    x, turns = ones(), []

    async def other():
        for turn in range(3):
            turns.append(turn)
            await asyncio.sleep(0)

    async def main():
        beside = asyncio.ensure_future(other())
        await add.op(x, x, ones())
        # Nevertheless the loop has gone on.
        assert turns
        await beside

    asyncio.run(main())
    assert not completion._threads


def test_who_blocks_does_so_in_the_driver(driver, add):
    """A function of results: nobody else need find out that they are there."""
    x, stream = ones(), oxide.stream()
    driver.busy.add(stream.handle)
    done = ops.host(lambda found: found.shape, add.op(x, x, ones())).sync_on(stream)
    assert done == (N,)
    assert ("reach", stream.handle) in driver.log
    assert not completion._threads


def test_a_flight_ends_once(driver):
    """Whoever finds out first; who is to be told is told once, also who comes later."""
    stream, told = oxide.stream(), []
    driver.busy.add(stream.handle)
    flight = Flight((stream,), lambda: ("k",), object())
    assert (flight.done(), stream.reached) == (False, 0)
    flight.add_done_callback(told.append)
    flight.add_done_callback(told.append)
    blocked = threading.Thread(target=flight.exception)
    driver.busy.clear()
    blocked.start()
    blocked.join()
    assert flight.done() and flight.exception() is None and flight.keeps is None
    flight.add_done_callback(told.append)
    assert told == [flight] * 3
    assert stream.reached == stream.last == 1


def test_events_are_used_again_when_nobody_has_them(driver):
    first, second = oxide.stream(), oxide.stream()
    Flight((first,), tuple, None).done()
    assert len(cuda(0).events) == 1
    flight = Flight((second, first), tuple, None)
    assert not cuda(0).events
    flight.exception()
    # Who blocked may still be in the driver with them.
    assert not cuda(0).events


def test_a_stream_that_is_not_done_is_asked_once(driver, monkeypatch):
    """Work on it comes in order, so what is behind the first is not done either."""
    slow, fast = oxide.stream(), oxide.stream()
    driver.busy.add(slow.handle)
    flights = [Flight((one,), tuple, None) for one in (slow, slow, fast, slow)]
    asked, inner = [], fake_cuda.Event.is_done.fget
    monkeypatch.setattr(
        fake_cuda.Event, "is_done", property(lambda one: asked.append(one.on) or inner(one))
    )
    stuck = {}
    assert [flight.look(stuck) for flight in flights] == [False, False, True, False]
    assert asked == [slow.handle, fast.handle]
    driver.busy.clear()
    assert all(flight.look({}) for flight in flights)


def test_calls_stand_right_behind_what_they_tell_of(driver, add, monkeypatch):
    """Whoever waits for the first of two on a stream does not wait for the second."""
    x, stream = ones(), oxide.stream()

    def launcher():
        return lambda handle, *_: driver.log.append(("call", handle))

    monkeypatch.setattr(completion, "_host_function_launcher", launcher)

    def followed():
        driver.log.clear()
        add.on(stream)(x, x, ones())
        return [entry for entry in driver.log if entry[0] in ("call", "launch")]

    launched, called = ("launch", stream.handle), ("call", stream.handle)
    driver.busy.add(stream.handle)
    flight = Flight((stream,), tuple, None)
    assert followed() == [called, launched]
    assert followed() == [launched]
    told = []
    flight.add_done_callback(told.append)
    # The call was given already; that it may have come too early is looked after.
    assert driver.log[-1] == launched
    driver.busy.clear()
    for _ in range(400):
        if told:
            break
        threading.Event().wait(0.005)
    assert told == [flight]
    # Nobody need be called for what is done by then, and for what is captured nobody may.
    Flight((stream,), tuple, None)
    assert followed() == [launched]
    driver.busy.add(stream.handle)
    flight = Flight((stream,), tuple, None)
    driver.captured.add(stream.handle)
    assert followed() == [launched]
    flight.add_done_callback(told.append)
    assert called not in driver.log


def test_who_asks_for_events_ends_no_capture(driver, monkeypatch):
    """Others may capture meanwhile, in this thread too."""
    modes, asked, inner = [], [], fake_cuda.Event.is_done.fget
    monkeypatch.setattr(
        driver,
        "cuThreadExchangeStreamCaptureMode",
        lambda mode: (0, modes.append(mode) or "before"),
    )
    monkeypatch.setattr(
        fake_cuda.Event, "is_done", property(lambda one: asked.append(modes[-1]) or inner(one))
    )
    Flight((oxide.stream(),), tuple, None).done()
    assert asked == [driver.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_RELAXED]
    assert modes[-1] == "before"


def test_what_is_long_is_told(driver, add):
    x, stream = ones(), oxide.stream()
    driver.busy.add(stream.handle)
    ops.set_policy(ops.SingleStream(stream))

    async def main():
        tasks = [asyncio.ensure_future(doing(add.op(x, x, ones()))) for _ in range(5)]
        done, _ = await asyncio.wait(tasks, timeout=0.03)
        assert not done
        driver.busy.clear()
        for out in await asyncio.gather(*tasks):
            assert (out.numpy() == 2).all()

    async def doing(operation):
        return await operation

    # The thread sleeps in between, and is woken.
    for _ in range(2):
        asyncio.run(main())
        [thread] = completion._threads.values()
        for _ in range(1000):
            if thread._is_asleep:
                break
            threading.Event().wait(0.005)
        assert thread._is_asleep
        driver.busy.add(stream.handle)


def test_a_loop_is_woken_once_for_what_is_told_together():
    class Loop:
        calls = 0

        def call_soon_threadsafe(self, call):
            self.calls += 1
            self.call = call

    class Told:
        def __init__(self, is_done=False):
            self.is_done = is_done

        def done(self):
            return self.is_done

        def set_result(self, _):
            assert not self.is_done, "a task that was cancelled is not told"
            self.is_done = True

    loop, told = Loop(), [Told(), Told(is_done=True), Told()]
    box = waiting._Box(loop)
    for one in told:
        box.put(one)
    assert loop.calls == 1
    loop.call()
    assert all(one.is_done for one in told)
    box.put(Told())
    assert loop.calls == 2


def test_all_are_waited_for_with_one_wake_up():
    """The task that waits for several goes on when the last is done, however they end."""
    from concurrent.futures import Future

    async def main():
        several = [Future() for _ in range(3)]
        task = asyncio.ensure_future(waiting.all_of(several))
        several[0].set_result(None)
        await asyncio.sleep(0.001)
        several[2].set_exception(ValueError())
        await asyncio.sleep(0.001)
        assert not task.done()
        several[1].set_result(None)
        await task
        first = [Future() for _ in range(2)]
        task = asyncio.ensure_future(waiting.first_of(first))
        await asyncio.sleep(0)
        first[1].set_result(None)
        await task
        first[0].set_result(None)

    asyncio.run(main())
