"""Many tasks, each with many operations on arrays of its own and of all, against a model in order.

    python benchmarks/host_stress.py --device cpu --tasks 8 --count 200
    python benchmarks/host_stress.py --device cuda --tasks 64 --count 10000

A task has arrays that only it changes, and reads those that nobody changes. Each of its operations
reads two and writes one: awaited, launched on one of its streams, done side by side with others,
shared, cancelled once begun, with arrays dropped and made anew in between. The same in NumPy, one
after the other, says what every array must hold at the end. `--seed` and `--count` choose a slice
that is the same each time. Writes `benchmarks/results/host_stress_DEVICE.json`: what was done,
memory of the process and the device before and after, and how many arrays were wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import resource
import sys
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
    from oxide import DeviceBuffer

ARRAYS, STREAMS, LENGTH = 6, 3, 256


@kernel(requires=lambda a, b, out: len(a) >= len(out) and len(b) >= len(out))
def mix(scale: i32, a: Slice[i32], b: Slice[i32], out: DisjointSlice[i32]):
    """`out = a * scale + b`, which wraps."""
    i = thread.index_1d()
    if i < len(out):
        out[i] = a[i] * scale + b[i]


class Task:
    """The arrays of one task on the device, and what they must hold."""

    def __init__(self, seed: int, shared: list[tuple[Any, Any]]) -> None:
        self.random = Random(seed)
        numbers = np.random.default_rng(seed)
        self.model = [numbers.integers(-99, 99, LENGTH, dtype=np.int32) for _ in range(ARRAYS)]
        self.arrays = [oxide.asarray(one) for one in self.model]
        self.shared = shared
        self.streams = [oxide.stream() for _ in range(STREAMS)]
        self.launch = mix.prepare(grid=1, block=LENGTH)
        self.done: Counter[str] = Counter()

    async def run(self, count: int) -> None:
        """So many operations."""
        for _ in range(count):
            way = self.random.choice(WAYS)
            await way(self)
            self.done[way.__name__] += 1

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
        self.model[place] = (a * np.int32(scale) + b).astype(np.int32)

    def wrong(self) -> int:
        """How many arrays do not hold what they must."""
        pairs = zip(self.arrays, self.model, strict=True)
        return sum(not np.array_equal(array.numpy(), model) for array, model in pairs)


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
    task.expect(scale, model_a, model_b, place)
    once = task.model[place]
    task.expect(3, once, once, place)


async def cancelled(task: Task) -> None:
    """Begun, so that it is done, and not waited for."""
    scale, (a, model_a), (b, model_b), place = task.choose()
    waiting = asyncio.ensure_future(_begin(task.launch.op(scale, a, b, task.arrays[place])))
    await asyncio.sleep(0)
    waiting.cancel()
    try:
        await waiting
    except asyncio.CancelledError:
        task.done["ended by their cancellation"] += 1
    task.expect(scale, model_a, model_b, place)


async def shared(task: Task) -> None:
    """One result that two take."""
    scale, (a, model_a), (b, model_b), place = task.choose()
    once = task.launch.op(scale, a, b, ops.empty(LENGTH, i32)).share()
    both = ops.zip_ops(ops.download(once), task.launch.op(1, once, a, task.arrays[place]))
    array, _ = await both
    value = (model_a * np.int32(scale) + model_b).astype(np.int32)
    if not np.array_equal(array, value):
        task.done["wrong downloads"] += 1
    task.expect(1, value, model_a, place)


async def remade(task: Task) -> None:
    """An array dropped while it may be in use, and a copy of another in its place."""
    place = task.random.randrange(ARRAYS)
    task.model[place] = task.random.choice(task.shared)[1].copy()
    task.arrays[place] = await ops.upload(task.model[place])


WAYS = (awaited, enqueued, enqueued, beside, chained, cancelled, shared, remade)


async def _begin(operation: Any) -> Any:
    return await operation


def main() -> int:
    """Run, compare, write."""
    parser = argparse.ArgumentParser(description="Operations against a model in order.")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--tasks", type=int, default=8)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--commit", help="what is measured, where git cannot say so")
    options = parser.parse_args()
    started = time.perf_counter()
    with oxide.device(options.device):
        figures = stress(options.tasks, options.count, options.seed)
    kind = options.device.partition(":")[0]
    figures |= {"device": options.device, "driver": driver_version(), "seed": options.seed}
    for name, value in figures.items():
        print(f"{name:<24}{value}")
    print(write(f"host_stress_{kind}", figures, started, options.commit))
    return 1 if figures["wrong arrays"] or figures["wrong downloads"] else 0


def stress(tasks: int, count: int, seed: int) -> dict[str, Any]:
    """The figures of so many tasks with so many operations each."""
    numbers = np.random.default_rng(seed)
    models = [numbers.integers(-99, 99, LENGTH, dtype=np.int32) for _ in range(3)]
    shared: list[tuple[DeviceBuffer[i32], Any]] = [(oxide.asarray(one), one) for one in models]
    all_tasks = [Task(seed * 100_000 + k, shared) for k in range(tasks)]

    async def everything(amount: int) -> None:
        async with asyncio.TaskGroup() as group:
            for task in all_tasks:
                group.create_task(task.run(amount))

    # Code, streams and pools are made once: what grows afterwards grows with the work.
    warm = min(count, 50)
    asyncio.run(everything(warm))
    before = memory()
    clock = time.perf_counter()
    asyncio.run(everything(count - warm))
    oxide.synchronize()
    seconds = time.perf_counter() - clock
    wrong = sum(task.wrong() for task in all_tasks)
    done: Counter[str] = sum((task.done for task in all_tasks), Counter())
    return {
        "tasks": tasks,
        "operations": tasks * count,
        "done": dict(done),
        "operations per second": round(tasks * (count - warm) / max(seconds, 1e-9)),
        "wrong arrays": wrong,
        "wrong downloads": done["wrong downloads"],
        "memory before, MiB": before,
        "memory after, MiB": memory(),
    }


def memory() -> dict[str, float]:
    """MiB that the process has had at most, and that are used on each device."""
    gc.collect()
    oxide.synchronize()
    found = {"process": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)}
    from oxide_codegen.cuda import devices_in_use

    for device in devices_in_use():
        with device.current():
            _, free, total = device.driver.cuMemGetInfo()
        found[str(device.id)] = round((total - free) / 2**20, 1)
    return found


if __name__ == "__main__":
    raise SystemExit(main())
