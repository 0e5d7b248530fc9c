"""What operations cost on the host, and what they gain: overhead, graphs, overlap, bandwidth.

    python benchmarks/host.py --device cpu
    python benchmarks/host.py --device cuda

Overhead is in microseconds for each operation, of small kernels and copies, so the host is what is
measured: by the clock, and of all processors together. It stands beside what the same costs without
Oxide: on the cpu a function handed to a thread of `concurrent.futures` or `asyncio`, on a GPU the
driver called from C, and CuPy where it is installed (`host_gpu`). Graphs: a chain of launches and
branches side by side, replayed, beside launches on streams. Overlap: batches through three stages,
as a pipeline of operations on streams, beside the sum and the longest of its stages. Bandwidth: of
copies of large arrays, beside NumPy's or beside the link.

Each figure is the least of several rounds, of which all paths have some in turn. Writes
`benchmarks/results/host_DEVICE.json`.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
from machine_record import driver_version, load, write

import oxide
from oxide import DisjointSlice, Slice, f32, i32, kernel, thread
from oxide import operations as ops

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

SMALL = 256
# So many operations in one measurement, and so many measurements of each path.
COUNT, ROUNDS = 400, 9
CHAIN, BRANCHES = 16, 4
BATCHES = 8


@kernel(requires=lambda a, b, out: len(a) >= len(out) and len(b) >= len(out))
def mix(scale: i32, a: Slice[i32], b: Slice[i32], out: DisjointSlice[i32]):
    """`out = a * scale + b`."""
    i = thread.index_1d()
    if i < len(out):
        out[i] = a[i] * scale + b[i]


@kernel(requires=lambda a, out: len(a) >= len(out))
def stage(rounds: i32, a: Slice[f32], out: DisjointSlice[f32]):
    """Takes as long as it is told, one block of it on one processor."""
    i = thread.index_1d()
    if i < len(out):
        x = a[i]
        for k in range(rounds):
            x = x * 0.999 + f32(k & 7)
        out[i] = x


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description="What operations cost and gain.")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--name", help="of the file of results")
    parser.add_argument("--commit", help="what is measured, where git cannot say so")
    options = parser.parse_args()
    started = time.perf_counter()
    kind = options.device.partition(":")[0]
    with oxide.device(options.device):
        figures = {
            "device": options.device,
            "driver": driver_version(),
            "load before": load(),
            "overhead, us": overhead(kind),
            "graphs, us for each launch": graphs(kind),
            "overlap": overlap(kind),
            "bandwidth, GB/s": bandwidth(kind),
            "load after": load(),
        }
    for part, found in figures.items():
        print(part, "" if isinstance(found, dict) else found)
        if isinstance(found, dict):
            for name, figure in found.items():
                print(f"    {name:<44}{figure}")
    print(write(options.name or f"host_{kind}", figures, started, options.commit))
    return 0


# ---------------------------------------------------------------- each operation


def overhead(kind: str) -> dict[str, Any]:
    """Microseconds for each operation, by the clock and of all processors."""
    a, b, out = (oxide.zeros(SMALL, i32) for _ in range(3))
    outs = [oxide.zeros(SMALL, i32) for _ in range(BRANCHES)]
    launch = mix.prepare(grid=1, block=SMALL)
    bound, stream = launch.bind(3, a, b, out), oxide.stream()
    on_stream = launch.on(stream)

    def one() -> Any:
        return launch.op(3, a, b, out)

    def chain() -> Any:
        made = one()
        for _ in range(CHAIN - 1):
            made = made.and_then(lambda _: one())
        return made

    def branches() -> Any:
        return ops.zip_ops(*(launch.op(3, a, b, each) for each in outs))

    def copied() -> Any:
        return ops.copy(out, a)

    paths = {
        "launch, prepared": repeated(lambda: launch(3, a, b, out)),
        "launch, bound": repeated(bound),
        "launch on a stream": repeated(lambda: on_stream(3, a, b, out), stream.sync),
        "launch as operation, .sync()": repeated(lambda: one().sync()),
        "launch as operation, awaited": looped(one),
        f"launch in a chain of {CHAIN}": repeated(lambda: chain().sync(), parts=CHAIN),
        f"launch among {BRANCHES} branches": repeated(lambda: branches().sync(), parts=BRANCHES),
        f"launch of {BRANCHES} tasks at once": together(one, BRANCHES),
        "copy as operation, .sync()": repeated(lambda: copied().sync()),
        "copy as operation, awaited": looped(copied),
    }
    if kind == "cpu":
        paths |= threads_alone()
    else:
        import host_gpu

        beside = host_gpu.Beside(launch.bind(3, a, b, out), (3, a, b, out), mix)
        paths |= beside.overhead() | {"cuLaunchKernel and event, awaited": looped(beside.awaited)}
    return measured(paths)


def threads_alone() -> dict[str, Callable[[int], None]]:
    """What Python's own threads take for a function that does nothing."""
    pool = ThreadPoolExecutor(1)

    async def awaited() -> None:
        await asyncio.get_running_loop().run_in_executor(pool, int)

    return {
        "a thread of concurrent.futures, waited for": repeated(lambda: pool.submit(int).result()),
        "a thread of concurrent.futures, awaited": looped(awaited),
    }


def repeated(
    run: Callable[[], Any], end: Callable[[], Any] = oxide.synchronize, parts: int = 1
) -> Callable[[int], None]:
    """So many calls, each of several parts."""

    def several(count: int) -> None:
        for _ in range(count // parts):
            run()
        end()

    return several


def looped(make: Callable[[], Any]) -> Callable[[int], None]:
    """So many, awaited one after the other."""

    async def several(count: int) -> None:
        for _ in range(count):
            await make()

    return lambda count: asyncio.run(several(count))


def together(make: Callable[[], Any], tasks: int) -> Callable[[int], None]:
    """So many, awaited by several tasks."""

    async def one(count: int) -> None:
        for _ in range(count):
            await make()

    async def several(count: int) -> None:
        each: list[Coroutine[Any, Any, None]] = [one(count // tasks) for _ in range(tasks)]
        await asyncio.gather(*each)

    return lambda count: asyncio.run(several(count))


def measured(paths: dict[str, Callable[[int], None]]) -> dict[str, Any]:
    """The least time of each path for one operation."""
    for several in paths.values():
        several(COUNT // 4)
    clocks: dict[str, list[float]] = {name: [] for name in paths}
    used: dict[str, list[float]] = {name: [] for name in paths}
    for _ in range(ROUNDS):
        for name, several in paths.items():
            clock, busy = time.perf_counter(), time.process_time()
            several(COUNT)
            clocks[name].append((time.perf_counter() - clock) / COUNT * 1e6)
            used[name].append((time.process_time() - busy) / COUNT * 1e6)
    return {
        name: {"by the clock": round(min(clocks[name]), 1), "busy": round(min(used[name]), 1)}
        for name in paths
    }


# ---------------------------------------------------------------- graphs


def graphs(kind: str) -> dict[str, Any]:
    """Launches of a graph that is replayed, beside launches on streams."""
    x, y = oxide.zeros(SMALL, i32), oxide.zeros(SMALL, i32)
    arrays = [[oxide.zeros(SMALL, i32) for _ in range(2)] for _ in range(BRANCHES)]
    launch, stream = mix.prepare(grid=1, block=SMALL), oxide.stream()
    streams = [oxide.stream() for _ in range(BRANCHES)]

    def steps(x: Any, y: Any, count: int) -> Any:
        made = launch.op(1, x, x, y)
        for k in range(1, count):
            to, of = (y, x) if k % 2 == 0 else (x, y)
            made = made.and_then(lambda _, to=to, of=of: launch.op(1, of, of, to))
        return made

    chain = steps(x, y, CHAIN).graph()
    side = ops.zip_ops(*(steps(*pair, CHAIN // BRANCHES) for pair in arrays)).graph()

    def on_one() -> None:
        on = launch.on(stream)
        for k in range(CHAIN):
            on(1, *((x, x, y) if k % 2 == 0 else (y, y, x)))

    def on_several() -> None:
        for k in range(CHAIN // BRANCHES):
            for queue, (of, to) in zip(streams, arrays, strict=True):
                launch.on(queue)(1, *((of, of, to) if k % 2 == 0 else (to, to, of)))

    paths = {
        f"graph, a chain of {CHAIN}": repeated(chain, parts=CHAIN),
        f"stream, a chain of {CHAIN}": repeated(on_one, parts=CHAIN),
        f"graph, {BRANCHES} branches": repeated(side, parts=CHAIN),
        f"{BRANCHES} streams": repeated(on_several, parts=CHAIN),
    }
    if kind == "cuda":
        import host_gpu

        bound = launch.bind(1, x, x, y)
        paths |= host_gpu.Beside(bound, (1, x, x, y), mix).graphs(chain, CHAIN)
    return measured(paths)


# ---------------------------------------------------------------- overlap


def overlap(kind: str) -> dict[str, Any]:
    """Batches through three stages, as a pipeline and stage by stage."""
    stages = on_cpu() if kind == "cpu" else on_gpu()
    alone: list[float] = []
    for number in range(len(stages)):
        # The results of one stage are there before the next is measured.
        alone.append(best(lambda number=number: [stages[number](k).sync() for k in range(BATCHES)]))

    def pipeline() -> None:
        def batch(number: int) -> Any:
            made = stages[0](number)
            for after in stages[1:]:
                made = made.and_then(lambda _, after=after: after(number))
            return made

        ops.zip_ops(*(batch(k) for k in range(BATCHES))).sync(policy)

    policy = ops.RoundRobin(3)
    whole = best(pipeline)
    total, longest = sum(alone), max(alone)
    return {
        "stages, ms": [round(one * 1e3, 2) for one in alone],
        "sum of stages, ms": round(total * 1e3, 2),
        "longest stage, ms": round(longest * 1e3, 2),
        "pipeline, ms": round(whole * 1e3, 2),
        "overlap achieved of what is possible": round((total - whole) / (total - longest), 2),
    }


def on_cpu() -> list[Callable[[int], Any]]:
    """Three kernels of one block, so that each takes one processor."""
    arrays = [[oxide.zeros(SMALL, f32) for _ in range(BATCHES)] for _ in range(4)]
    launch = stage.prepare(grid=1, block=SMALL)
    return [
        lambda k, n=n, rounds=rounds: launch.op(rounds, arrays[n][k], arrays[n + 1][k])
        for n, rounds in enumerate((4000, 8000, 4000))
    ]


def on_gpu() -> list[Callable[[int], Any]]:
    """To the device, a kernel, and back, of memory that copies reach by themselves."""
    size = 1 << 22
    sources, results = ([oxide.pinned(size, f32) for _ in range(BATCHES)] for _ in range(2))
    for source in sources:
        source[...] = 1.0
    there = [[oxide.zeros(size, f32) for _ in range(BATCHES)] for _ in range(2)]
    launch = stage.prepare(grid=size // 256, block=256)

    def back(k: int) -> Any:
        return ops.with_context(
            lambda context: there[1][k].copy_to(results[k], stream=context.stream)
        )

    return [
        lambda k: ops.copy(there[0][k], sources[k]),
        lambda k: launch.op(600, there[0][k], there[1][k]),
        back,
    ]


def best(run: Callable[[], Any]) -> float:
    """The least time of several, in seconds."""
    found = []
    run()
    for _ in range(ROUNDS):
        oxide.synchronize()
        clock = time.perf_counter()
        run()
        oxide.synchronize()
        found.append(time.perf_counter() - clock)
    return min(found)


# ---------------------------------------------------------------- bandwidth


def bandwidth(kind: str) -> dict[str, Any]:
    """Copies of large arrays, beside what else copies them."""
    size = 1 << (24 if kind == "cpu" else 26)
    x, y = oxide.zeros(size, f32), oxide.zeros(size, f32)
    # Pages that nobody has written are all the same one.
    host = np.ones(size, np.float32)
    paths: dict[str, tuple[Callable[[], Any], int]] = {
        "ops.copy on the device, moved": (lambda: ops.copy(y, x).sync(), 2),
        "ops.copy from NumPy": (lambda: ops.copy(x, host).sync(), 1),
        "ops.download": (lambda: ops.download(x).sync(), 1),
    }
    if kind == "cpu":
        other = np.ones(size, np.float32)
        paths["numpy.copyto, moved"] = (lambda: np.copyto(other, host), 2)
    else:
        import host_gpu

        pinned = oxide.pinned(size, f32)
        paths["ops.copy from pinned memory"] = (lambda: ops.copy(x, pinned).sync(), 1)
        paths |= {name: (run, 1) for name, run in host_gpu.copies(x, pinned).items()}
    moved = 4.0 * size
    found: dict[str, Any] = {
        name: round(times * moved / best(run) / 1e9, 2) for name, (run, times) in paths.items()
    }
    if kind == "cuda":
        import host_gpu

        found["the link"] = host_gpu.link()
    return found


if __name__ == "__main__":
    raise SystemExit(main())
