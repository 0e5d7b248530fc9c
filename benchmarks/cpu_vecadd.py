"""The cpu device against numpy: vecadd; and what a barrier costs.

    python benchmarks/cpu_vecadd.py

vecadd in GB/s, the best of several runs, for arrays that do and do not fit the caches; block sum
in nanoseconds per thread on one worker (nine barriers for 256 threads). Writes
`benchmarks/results/cpu_vecadd.json`.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
from machine_record import ROOT, write

from oxide_analyzer.analysis import check
from oxide_analyzer.modules import NoModules
from oxide_analyzer.source import SourceFile
from oxide_codegen.native import Native, compile_native

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCK = 256
ROUNDS = 15
LENGTHS = (1 << 15, 1 << 20, 1 << 24)


def main() -> int:
    """Measure, print, write."""
    started = time.perf_counter()
    figures: dict[str, object] = {}
    vecadd, block_sum = compiled("vecadd"), compiled("block_sum")
    print(f"{'vecadd, GB/s':<16}{'cpu device':>12}{'numpy':>12}")
    rows: dict[str, dict[str, float]] = {}
    for length in LENGTHS:
        a, b, c = (np.ones(length, np.float32) for _ in range(3))
        arguments = [v for x in (a, b, c) for v in (x.ctypes.data, length)]
        grid = (length // BLOCK, 1, 1)
        size = 12 * length / 1e9
        ours = size / best(lambda: vecadd.run(grid, (BLOCK, 1, 1), arguments))  # noqa: B023
        numpy = size / best(lambda: np.add(a, b, out=c))  # noqa: B023
        rows[str(length)] = {"cpu": round(ours, 1), "numpy": round(numpy, 1)}
        print(f"{length:<16}{ours:>12.1f}{numpy:>12.1f}")
    figures["vecadd_gb_per_s"] = rows
    blocks = 4096
    a, out = np.ones(blocks * BLOCK, np.float32), np.zeros(blocks, np.float32)
    arguments = [a.ctypes.data, a.size, out.ctypes.data, out.size]
    seconds = best(lambda: block_sum.run((blocks, 1, 1), (BLOCK, 1, 1), arguments, 1))
    if not np.all(out == BLOCK):
        raise ArithmeticError("block_sum is wrong")
    figures["block_sum_ns_per_thread"] = nanoseconds = round(seconds / a.size * 1e9, 1)
    print(f"block sum: {nanoseconds} ns per thread, nine barriers")
    print(write("cpu_vecadd", figures, started).relative_to(ROOT))
    return 0


def compiled(name: str) -> Native:
    """The example of that name, as native code."""
    path = ROOT / "examples" / f"{name}.py"
    source = SourceFile(str(path), path.read_text(encoding="utf-8"))
    (report,) = (r for r in check(source, NoModules()).kernels if r.name == name)
    if report.checked is None:
        raise SystemExit(f"{name} is {report.verdict}: nothing to compile")
    return compile_native(report.checked)


def best(work: Callable[[], object]) -> float:
    """Seconds of the fastest run."""
    times: list[float] = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return min(times)


if __name__ == "__main__":
    raise SystemExit(main())
