"""What combining arrays of two devices takes, and copying between them, by size.

`python benchmarks/collectives.py` on two GPUs, `--cpu` on two devices of the cpu. Figures are the
median of `--rounds` operations, each done and waited for by itself (`ms`), and of as many enqueued
together (`ms_together`). `gb_per_s` is what crosses a link in each direction at that rate: of a sum
of two arrays the size of one. On GPUs NCCL alone, called through the same binding on one stream, is
measured beside it, so the difference is ours.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from typing import TYPE_CHECKING, Any

import machine_record

import oxide
from oxide import operations as ops

if TYPE_CHECKING:
    from collections.abc import Callable

SIZES = tuple(1 << power for power in range(12, 29, 4))


def main() -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cpu", action="store_true")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--largest", type=int, default=SIZES[-1], help="bytes")
    options = parser.parse_args()
    started = time.perf_counter()
    kind = "cpu" if options.cpu else "cuda"
    names = (f"{kind}:0", f"{kind}:1")
    rows: list[dict[str, Any]] = []
    with oxide.device(names[0]), ops.Group(*names) as both:
        for size in (one for one in SIZES if one <= options.largest):
            arrays = [oxide.zeros(size // 4, oxide.f32, device=name) for name in names]
            row: dict[str, Any] = {"bytes": size}
            made: dict[str, Callable[[], Any]] = {
                "all_reduce": lambda arrays=arrays: ops.all_reduce(both, arrays),
                "copy": lambda arrays=arrays: ops.copy(arrays[1], arrays[0]),
            }
            for name, make in made.items():
                row[name] = measured(make, options.rounds, size)
            if both.nccl is not None:
                row["nccl"] = nccl_alone(both, arrays, options.rounds, size)
            print(row, flush=True)
            rows.append(row)
    figures = {"devices": names, "load": machine_record.load(), "sizes": rows}
    name = "collectives_cpu" if options.cpu else "collectives_gpu"
    print(machine_record.write(name, figures, started))


def measured(make: Callable[[], Any], rounds: int, size: int) -> dict[str, float]:
    """One after the other, and all enqueued before the first is waited for."""
    make().sync()
    times: list[float] = []
    for _ in range(rounds):
        clock = time.perf_counter()
        make().sync()
        times.append(time.perf_counter() - clock)

    async def together() -> float:
        async def one() -> None:
            await make()

        clock = time.perf_counter()
        await asyncio.gather(*(one() for _ in range(rounds)))
        return (time.perf_counter() - clock) / rounds

    alone, beside = statistics.median(times), asyncio.run(together())
    return figures_of(alone, beside, size)


def nccl_alone(group: ops.Group, arrays: list[Any], rounds: int, size: int) -> dict[str, float]:
    """The same sum, without operations, orders and uses."""
    from oxide_codegen.collectives.calls import Call

    library = group.nccl
    assert library is not None, "a group of GPUs has NCCL"
    streams = [oxide.stream(name) for name in group.devices]
    handles = [stream.handle for stream in streams]
    addresses = [array.view().address for array in arrays]
    call = Call("all_reduce", "f32", size // 4, "sum")

    def run(count: int) -> float:
        clock = time.perf_counter()
        for _ in range(count):
            library.enqueue(call, addresses, addresses, handles)
        for stream in streams:
            stream.sync()
        return (time.perf_counter() - clock) / count

    run(1)
    return figures_of(statistics.median(run(1) for _ in range(rounds)), run(rounds), size)


def figures_of(alone: float, together: float, size: int) -> dict[str, float]:
    """Milliseconds, and what that is of a link."""
    return {
        "ms": round(1e3 * alone, 4),
        "ms_together": round(1e3 * together, 4),
        "gb_per_s": round(size / together / 1e9, 2),
    }


if __name__ == "__main__":
    main()
