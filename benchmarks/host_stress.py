"""Many tasks, each with many operations on arrays of its own and of all, against a model in order.

    python benchmarks/host_stress.py --device cpu --tasks 8 --count 200
    python benchmarks/host_stress.py --device cuda --tasks 64 --count 10000
    python benchmarks/host_stress.py --device cuda --tasks 8 --count 60 --sanitizer

A task has arrays that only it changes, and reads those that nobody changes and those that others
publish. Each of its operations is one of `WAYS`: awaited, launched on one of its streams, done side
by side with others, shared, part of a graph, cancelled once begun, timed out, failing by itself,
with arrays freed, dropped and made anew in between. The same in NumPy, one after the other, says
what every array must hold at the end. `--seed` and `--count` choose a slice whose operations, and
what they read, are the same each time.

Writes `benchmarks/results/NAME.json` (by default host_stress_DEVICE): what was done, how much
memory the process and the device had used on the way, and what was wrong. With `--sanitizer` it
runs itself under each tool of NVIDIA's compute-sanitizer, and writes what they say.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import resource
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
from machine_record import driver_version, write

import oxide
from oxide import DisjointSlice, Slice, i32, kernel, thread
from oxide import operations as ops

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from oxide import DeviceBuffer

ARRAYS, STREAMS, LENGTH = 6, 3, 256
# So often a task publishes an array, and so often memory is looked at in the whole run.
PERIOD, SAMPLES = 100, 24
GROWS = "wrong: memory grows"
# What may be used more at the end than early on, in MiB: of noise, not of a leak.
_NOISE = 8.0


@kernel(requires=lambda a, b, out: len(a) >= len(out) and len(b) >= len(out))
def mix(scale: i32, a: Slice[i32], b: Slice[i32], out: DisjointSlice[i32]):
    """`out = a * scale + b`, which wraps."""
    i = thread.index_1d()
    if i < len(out):
        out[i] = a[i] * scale + b[i]


@kernel
def strict(a: Slice[i32], out: DisjointSlice[i32]):
    """`out = a`, where all is zero, which is checked at run time."""
    i = thread.index_1d()
    if i < len(out) and i < len(a):
        assert a[i] == 0, "only noughts"
        out[i] = a[i]


class Board:
    """What tasks publish: an operation that anybody may use, and what it will give."""

    def __init__(self, tasks: int) -> None:
        self.reached = [0] * tasks
        self._items: list[dict[int, tuple[Any, Any]]] = [{} for _ in range(tasks)]
        self._news = asyncio.Condition()

    async def publish(self, task: int, version: int, item: Any, model: Any) -> None:
        """Put up a version; those that all tasks are past are taken down."""
        async with self._news:
            self._items[task][version] = item, model
            self.reached[task] = version
            past = min(self.reached) - 2
            for items in self._items:
                items.pop(past, None)
            self._news.notify_all()

    async def read(self, task: int, version: int) -> tuple[Any, Any]:
        """A version of a task, when it is there: its task is never further behind than its reader
        may be ahead, so somebody can always go on.
        """
        async with self._news:
            await self._news.wait_for(lambda: version in self._items[task])
            return self._items[task][version]


class Task:
    """The arrays of one task on the device, and what they must hold."""

    def __init__(self, number: int, seed: int, shared: list[tuple[Any, Any]]) -> None:
        self.number = number
        self.random = Random(seed)
        numbers = np.random.default_rng(seed)
        self.model = [numbers.integers(-99, 99, LENGTH, dtype=np.int32) for _ in range(ARRAYS)]
        self.arrays = [oxide.asarray(one) for one in self.model]
        self.shared = shared
        self.streams = [oxide.stream() for _ in range(STREAMS)]
        self.launch = mix.prepare(grid=1, block=LENGTH)
        self.failing = strict.prepare(grid=1, block=LENGTH)
        self.adding: tuple[Any, Any] | None = None
        self.board: Board
        self.step = 0
        self.done: Counter[str] = Counter()

    async def run(self, count: int) -> None:
        """So many operations."""
        for _ in range(count):
            if self.step % PERIOD == 0:
                await self.publish()
            way = self.random.choice(WAYS)
            await way(self)
            self.step += 1
            self.done[way.__name__] += 1

    async def publish(self) -> None:
        """An operation that any task may begin, and what it gives."""
        scale, (a, model_a), (b, model_b), place = self.choose()
        kept = [await ops.copy(ops.empty(LENGTH, i32), one) for one in (a, b)]
        item = self.launch.op(scale, *kept, ops.empty(LENGTH, i32)).share()
        self.random.randrange(place + 1)
        value = mixed(scale, model_a, model_b)
        await self.board.publish(self.number, self.step // PERIOD, item, value)

    def choose(self) -> tuple[int, tuple[Any, Any], tuple[Any, Any], int]:
        """A scale, two arrays to read, with their models, and the place of one to write."""
        place = self.random.randrange(ARRAYS)
        readable = [
            (self.arrays[k], self.model[k]) for k in range(ARRAYS) if k != place
        ] + self.shared
        a, b = self.random.choice(readable), self.random.choice(readable)
        return self.random.randrange(-5, 6), a, b, place

    def expect(self, scale: int, a: Any, b: Any, place: int) -> None:
        """The same in the model."""
        self.model[place] = mixed(scale, a, b)

    def wrong(self) -> int:
        """How many arrays do not hold what they must."""
        pairs = zip(self.arrays, self.model, strict=True)
        return sum(not np.array_equal(array.numpy(), model) for array, model in pairs)

    def demand(self, holds: bool, what: str) -> None:
        """Count what is not as it must be."""
        if not holds:
            self.done[f"wrong: {what}"] += 1


def mixed(scale: int, a: Any, b: Any) -> Any:
    """What `mix` gives."""
    return (a * np.int32(scale) + b).astype(np.int32)


# ---------------------------------------------------------------- what a task does


async def awaited(task: Task) -> None:
    """One operation, to its end."""
    scale, (a, model_a), (b, model_b), place = task.choose()
    await task.launch.op(scale, a, b, task.arrays[place])
    task.expect(scale, model_a, model_b, place)


async def enqueued(task: Task) -> None:
    """A launch on one of the streams, which nobody waits for."""
    scale, (a, model_a), (b, model_b), place = task.choose()
    task.launch.on(task.random.choice(task.streams))(scale, a, b, task.arrays[place])
    task.expect(scale, model_a, model_b, place)


async def beside(task: Task) -> None:
    """Two that write different arrays, in one operation."""
    scale, (a, model_a), (b, model_b), place = task.choose()
    other = (place + 1) % ARRAYS
    reads = [(a, model_a), (b, model_b)]
    if any(array is task.arrays[other] for array, _ in reads):
        return
    first = task.launch.op(scale, a, b, task.arrays[place])
    second = task.launch.op(scale + 1, b, a, task.arrays[other])
    await ops.zip_ops(first, second)
    task.expect(scale, model_a, model_b, place)
    task.expect(scale + 1, model_b, model_a, other)


async def chained(task: Task) -> None:
    """A new array, made of others, in the place of one that is dropped."""
    scale, (a, model_a), (b, model_b), place = task.choose()
    made = task.launch.op(scale, a, b, ops.zeros(LENGTH, i32)).and_then(
        lambda x: task.launch.op(3, x, x, ops.empty(LENGTH, i32))
    )
    task.arrays[place] = await made
    once = mixed(scale, model_a, model_b)
    task.expect(3, once, once, place)


async def cancelled(task: Task) -> None:
    """Begun, so that it is done, and not waited for."""
    scale, (a, model_a), (b, model_b), place = task.choose()
    turns = task.random.randrange(1, 4)
    waiting = asyncio.ensure_future(_begin(task.launch.op(scale, a, b, task.arrays[place])))
    for _ in range(turns):
        await asyncio.sleep(0)
    waiting.cancel()
    try:
        await waiting
    except asyncio.CancelledError:
        task.done["ended by their cancellation"] += 1
    task.expect(scale, model_a, model_b, place)


async def timed_out(task: Task) -> None:
    """Several in a chain, for which there is little time: as many are done as were begun."""
    scale, (a, _), (b, _), _ = task.choose()
    scratch = await ops.zeros(LENGTH, i32)
    chain = task.launch.op(scale, a, b, scratch).and_then(lambda x: ops.host(_nothing, x))
    try:
        await asyncio.wait_for(_begin(chain), task.random.choice((0.0002, 0.002, 1.0)))
    except TimeoutError:
        task.done["ended by their time-out"] += 1


async def shared(task: Task) -> None:
    """One result that two take."""
    scale, (a, model_a), (b, model_b), place = task.choose()
    once = task.launch.op(scale, a, b, ops.empty(LENGTH, i32)).share()
    both = ops.zip_ops(ops.download(once), task.launch.op(1, once, a, task.arrays[place]))
    array, _ = await both
    value = mixed(scale, model_a, model_b)
    task.demand(np.array_equal(array, value), "download")
    task.expect(1, value, model_a, place)


async def read(task: Task) -> None:
    """What another task has published, which one of its readers does."""
    scale, (a, model_a), _, place = task.choose()
    version = task.step // PERIOD - 1
    whose = task.random.randrange(len(task.board.reached))
    if version < 0:
        return
    item, model = await task.board.read(whose, version)
    impatient = task.random.random() < 0.2
    if impatient:
        # Others need it all the same.
        waiting = asyncio.ensure_future(_begin(item))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    await task.launch.op(scale, item, a, task.arrays[place])
    task.expect(scale, model, model_a, place)


async def repeated(task: Task) -> None:
    """A graph of two launches, that is done several times."""
    scale, (a, model_a), (b, model_b), _ = task.choose()
    if task.adding is None:
        x, y = await ops.zeros(LENGTH, i32), await ops.zeros(LENGTH, i32)
        step = task.launch.op(2, x, x, y).and_then(lambda _: task.launch.op(1, y, y, x)).graph()
        task.adding = step, x
    step, x = task.adding
    await ops.copy(x, task.launch.op(scale, a, b, ops.empty(LENGTH, i32)))
    for _ in range(3):
        step(task.random.choice(task.streams))
    value = mixed(scale, model_a, model_b)
    for _ in range(3):
        value = mixed(1, *(mixed(2, value, value),) * 2)
    task.demand(np.array_equal(await ops.download(x), value), "graph")


async def failing(task: Task) -> None:
    """A check that fails, whose error must be that of this task and no other."""
    at = (task.number * 4 + task.step % 4) % LENGTH
    marked = np.zeros(LENGTH, np.int32)
    marked[at] = 1
    scale, (a, model_a), (b, model_b), place = task.choose()
    wrong = task.failing.op(ops.upload(marked), ops.empty(LENGTH, i32))
    right = task.launch.op(scale, a, b, task.arrays[place])
    try:
        await ops.zip_ops(right, wrong)
    except oxide.KernelAssertion as error:
        is_mine = error.thread == (at, 0, 0) and error.kernel == "strict"
        task.demand(is_mine, "error of another")
    else:
        task.demand(False, "error that nobody was told")
    task.expect(scale, model_a, model_b, place)


async def remade(task: Task) -> None:
    """An array freed or dropped while it may be in use, and a copy of another in its place."""
    place = task.random.randrange(ARRAYS)
    task.model[place] = task.random.choice(task.shared)[1].copy()
    if task.random.random() < 0.5:
        task.arrays[place].free()
        try:
            task.launch(1, task.arrays[place], task.shared[0][0], task.arrays[place - 1])
        except oxide.BufferFreedError:
            task.done["refused behind free"] += 1
        else:
            task.demand(False, "use behind free")
    task.arrays[place] = await ops.upload(task.model[place])


WAYS: tuple[Callable[[Task], Awaitable[None]], ...] = (
    awaited,
    enqueued,
    enqueued,
    beside,
    chained,
    cancelled,
    timed_out,
    shared,
    read,
    repeated,
    failing,
    remade,
)


async def _begin(operation: Any) -> Any:
    return await operation


def _nothing(_: object) -> None:
    """Waits for what it is given, as every function of results does."""


# ---------------------------------------------------------------- the whole


def main() -> int:
    """Run, compare, write."""
    parser = argparse.ArgumentParser(description="Operations against a model in order.")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--tasks", type=int, default=8)
    parser.add_argument("--count", type=int, default=200, help="operations of each task")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sanitizer", action="store_true", help="under NVIDIA's, each tool")
    parser.add_argument("--watched", action="store_true", help="a tool takes memory: do not judge")
    parser.add_argument("--name", help="of the file of results")
    parser.add_argument("--commit", help="what is measured, where git cannot say so")
    options = parser.parse_args()
    started = time.perf_counter()
    kind = options.device.partition(":")[0]
    name = options.name or f"host_stress_{kind}"
    if options.sanitizer:
        figures = sanitized(options)
        name = options.name or "host_stress_sanitizer"
    else:
        with oxide.device(options.device):
            figures = stress(options.tasks, options.count, options.seed)
        if options.watched:
            figures["wrong"].pop(GROWS, None)
    figures |= {"device": options.device, "driver": driver_version(), "seed": options.seed}
    for what, value in figures.items():
        print(f"{what:<24}{value}")
    print(write(name, figures, started, options.commit))
    return 1 if figures["wrong"] else 0


def stress(tasks: int, count: int, seed: int) -> dict[str, Any]:
    """The figures of so many tasks with so many operations each."""
    numbers = np.random.default_rng(seed)
    models = [numbers.integers(-99, 99, LENGTH, dtype=np.int32) for _ in range(3)]
    shared: list[tuple[DeviceBuffer[i32], Any]] = [(oxide.asarray(one), one) for one in models]
    all_tasks = [Task(k, seed * 100_000 + k, shared) for k in range(tasks)]
    curve: list[dict[str, float]] = []

    async def everything() -> None:
        board = Board(tasks)
        async with asyncio.TaskGroup() as group:
            for task in all_tasks:
                task.board = board
                group.create_task(task.run(count))
            group.create_task(watch(all_tasks, count, curve))

    clock, used = time.perf_counter(), time.process_time()
    asyncio.run(everything())
    oxide.synchronize()
    seconds, used = time.perf_counter() - clock, time.process_time() - used
    wrong = sum(task.wrong() for task in all_tasks)
    done: Counter[str] = sum((task.done for task in all_tasks), Counter())
    del all_tasks[:]
    curve.append(memory(tasks * count))
    # Streams, code and pools are made on the way: what grows after a quarter grows with the work.
    early, late = curve[len(curve) // 4], curve[-2]
    grown = {what: round(late[what] - early[what], 2) for what in late if "MiB" in what}
    faults = {what: number for what, number in sorted(done.items()) if what.startswith("wrong")}
    if wrong:
        faults["wrong: array"] = wrong
    if any(size > _NOISE for size in grown.values()):
        faults[GROWS] = 1
    return {
        "tasks": tasks,
        "operations": tasks * count,
        "kernels": ["mix", "strict"],
        "done": dict(sorted(done.items())),
        "operations per second": round(tasks * count / max(seconds, 1e-9)),
        "seconds": round(seconds, 1),
        "seconds of processors": round(used, 1),
        "wrong": faults,
        "grown behind the first quarter": grown,
        "memory": curve,
    }


async def watch(tasks: list[Task], count: int, curve: list[dict[str, float]]) -> None:
    """Look at memory from time to time, until all is done."""
    total, looked = count * len(tasks), -1
    while (done := sum(task.step for task in tasks)) < total:
        if done * SAMPLES // total > looked:
            looked = done * SAMPLES // total
            curve.append(memory(done))
        await asyncio.sleep(0.02)
    curve.append(memory(done))


def memory(done: int) -> dict[str, float]:
    """MiB of the process now and at most, of arrays, and of each device, after so many."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    found = {
        "operations": done,
        "process, MiB": round(pages * resource.getpagesize() / 2**20, 1),
        "process at most, MiB": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "blocks of Python": sys.getallocatedblocks(),
        "threads": threading.active_count(),
    }
    from oxide_codegen.cuda import devices_in_use

    for device in devices_in_use():
        with device.current():
            _, free, total = device.driver.cuMemGetInfo()
        found[f"{device.id}, MiB"] = round((total - free) / 2**20, 1)
        found[f"arrays on {device.id}, MiB"] = round(device.held / 2**20, 2)
    return found


def sanitized(options: argparse.Namespace) -> dict[str, Any]:
    """The same under each tool of NVIDIA's compute-sanitizer."""
    from compute_sanitizer import CLEAN, TOOLS, watched

    size = ("--tasks", str(options.tasks), "--count", str(options.count))
    run = ("--device", options.device, *size, "--seed", str(options.seed))
    said = {
        tool: watched(tool, Path(__file__), 3600, *run, "--watched", "--name", f"stress_{tool}")
        for tool in TOOLS
    }
    wrong = {
        tool: summary
        for tool, (code, summary) in said.items()
        if code or not summary.startswith(CLEAN)
    }
    return {"tools": {tool: summary for tool, (_, summary) in said.items()}, "wrong": wrong}


if __name__ == "__main__":
    raise SystemExit(main())
