"""What watching costs: kernels on the cpu device, by one thread, with and without the sanitizer.

    python benchmarks/sanitizer.py

Nanoseconds of a processor for each thread of the launch, the best of several runs, and how many
times slower the watched kernel is. Writes `benchmarks/results/sanitizer.json`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
from machine_record import ROOT, load, write

from oxide_analyzer.analysis import check
from oxide_analyzer.ir.specialise import source_values, specialise
from oxide_analyzer.launch import Contents, Launch
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile
from oxide_codegen import sanitised
from oxide_codegen.native import compile_native

if TYPE_CHECKING:
    from collections.abc import Callable

    from oxide_analyzer.launch import Extent

ROUNDS = 5
DTYPES = {"f32": np.float32, "i32": np.int32, "u32": np.uint32, "u8": np.uint8}
# Name, grid, block, and the arrays by shape.
KERNELS: tuple[tuple[str, Extent, Extent, dict[str, tuple[int, ...]]], ...] = (
    ("vecadd", (4096, 1, 1), (256, 1, 1), dict.fromkeys("abc", (1 << 20,))),
    ("block_sum", (1024, 1, 1), (256, 1, 1), {"a": (1 << 18,), "out": (1024,)}),
    ("transpose", (16, 16, 1), (32, 8, 1), {"a": (512, 512), "out": (512, 512)}),
    ("histogram", (1024, 1, 1), (256, 1, 1), {"values": (1 << 18,), "bins": (256,)}),
    ("softmax", (256, 1, 1), (256, 1, 1), {"x": (256, 1024), "y": (256, 1024)}),
)


def main() -> int:
    """Measure, print, write."""
    started = time.perf_counter()
    rows: dict[str, dict[str, float]] = {}
    print(f"{'ns per thread':<16}{'cpu':>10}{'watched':>10}{'times':>8}")
    for name, grid, block, shapes in KERNELS:
        row = measured(name, grid, block, shapes)
        if row is None:
            continue
        rows[name] = row
        print(f"{name:<16}{row['cpu']:>10.1f}{row['watched']:>10.1f}{row['times']:>8.1f}")
    print(write("sanitizer", {"load": load(), "kernels": rows}, started).relative_to(ROOT))
    return 0


def measured(
    name: str, grid: Extent, block: Extent, shapes: dict[str, tuple[int, ...]]
) -> dict[str, float] | None:
    """One kernel three times; None if the example has none of that name and these arrays."""
    path = ROOT / "examples" / f"{name}.py"
    source = SourceFile(str(path), path.read_text(encoding="utf-8"))
    report = next((r for r in check(source, NoModules()).kernels if r.checked is not None), None)
    if report is None or report.checked is None or report.kernel is None:
        return None
    kernel = specialise(report.kernel, source_values(report.kernel))
    if {array.name for array in kernel.array_parameters()} != set(shapes):
        print(f"{name}: has other arrays now", file=sys.stderr)
        return None
    arrays = {
        array.name: np.zeros(shapes[array.name], DTYPES[array.element.name])
        for array in kernel.array_parameters()
    }
    cells = [
        cell
        for array in kernel.array_parameters()
        for cell in (arrays[array.name].ctypes.data, *arrays[array.name].shape)
    ]
    threads = grid[0] * grid[1] * grid[2] * block[0] * block[1] * block[2]
    native, watching = compile_native(report.checked), sanitised.native_of(kernel)
    contents = {n: Contents(a.shape, tuple(a.ravel().tolist())) for n, a in arrays.items()}
    launch = Launch(grid, block, {}, contents)

    def watch() -> None:
        found = sanitised.watched(kernel, watching, launch, cells)
        if found:
            raise AssertionError(found[0])

    plain = best(lambda: native.run(grid, block, cells, 1)) / threads * 1e9
    watched = best(watch) / threads * 1e9
    return {
        "cpu": round(plain, 2),
        "watched": round(watched, 2),
        "times": round(watched / plain, 1),
    }


def best(work: Callable[[], object]) -> float:
    """Seconds of a processor in the fastest run: one thread does everything."""
    times: list[float] = []
    for _ in range(ROUNDS):
        begin = time.process_time()
        work()
        times.append(time.process_time() - begin)
    return min(times)


if __name__ == "__main__":
    raise SystemExit(main())
